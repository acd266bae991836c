"""Draws requests from an OpenAPI document, the same for the same seed. A program of the environment `.lab/fuzz`.

It reads a line `{"document": …, "seed": …, "cases": …}` and writes a request a line, as `chaos.model.drawn.Drawn` has
it. With `"smaller": true` in that line it waits for lines `{"operation": …, "valid": …}` instead. For each it writes
requests, reads after every one of them whether it shows what is looked for (`true` or `false`), and ends with `null`
once Hypothesis knows none that is smaller.

It sends nothing, and imports nothing of Firedrill: schemathesis is not installed where the rest runs.
"""

from __future__ import annotations

import contextlib
import json
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from schemathesis import GenerationMode

NOBODY = "http://127.0.0.1"
EVERYBODYS = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-length", "cookie", "host", "user-agent",
     "x-schemathesis-testcaseid"}
)  # fmt: skip
"""Headers that the client adds itself."""


def main() -> None:
    """Every operation in the document's order, valid requests first."""
    asked = json.loads(sys.stdin.readline())
    schema = schemathesis.openapi.from_dict(asked["document"])
    operations = [result.ok() for result in schema.get_all_operations()]
    if asked.get("smaller"):
        _smaller({one.label: one for one in operations}, asked["seed"], asked["cases"])
        return
    for operation in operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            _drawn(operation, mode, asked["seed"], asked["cases"], lambda: False)


def _smaller(operations: Mapping[str, Any], seed: int, cases: int) -> None:
    for line in sys.stdin:
        wanted = json.loads(line)
        mode = GenerationMode.POSITIVE if wanted["valid"] else GenerationMode.NEGATIVE
        # What fails is what shows it; Hypothesis gives up, too, when the same request once shows it and once doesn't.
        with contextlib.suppress(_ShownError, hypothesis.errors.HypothesisException):
            _drawn(operations[wanted["operation"]], mode, seed, cases, _told)
        _write(None)


def _told() -> bool:
    return bool(json.loads(sys.stdin.readline()))


class _ShownError(Exception):
    """A request shows what is looked for."""


def _write(row: dict[str, Any] | None) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _drawn(operation: Any, mode: GenerationMode, seed: int, cases: int, shows: Callable[[], bool]) -> None:
    """Write at most *cases*, none where nothing could be wrong; more once one *shows* what is looked for, each smaller.

    Raises: _ShownError, with the last of those.
    """
    seen: dict[str, bool] = {}

    @hypothesis.seed(zlib.crc32(f"{seed} {operation.label} {mode}".encode()))
    @hypothesis.settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        row = _row(case, operation.label, valid=mode is GenerationMode.POSITIVE)
        if row is None:
            return
        text = json.dumps(row)
        if text not in seen:
            _write(row)
            seen[text] = shows()
        if seen[text]:
            raise _ShownError

    with contextlib.suppress(hypothesis.errors.Unsatisfiable, schemathesis.errors.SchemathesisError):
        collect()


def _row(case: Any, label: str, *, valid: bool) -> dict[str, Any] | None:
    """None for what no HTTP client would send."""
    try:
        asked = case.as_transport_kwargs(base_url=NOBODY)
        names = ("method", "url", "headers", "params", "json", "data", "files")
        request = requests.Request(**{name: asked[name] for name in names if name in asked}).prepare()
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        headers = {name: str(value) for name, value in request.headers.items() if name.lower() not in EVERYBODYS}
        if not (body is None or isinstance(body, str)) or not all(value.isascii() for value in headers.values()):
            return None
        path = str(request.url).removeprefix(NOBODY)
    except (ValueError, TypeError, requests.RequestException):
        return None
    return {"operation": label, "valid": valid, "path": path, "headers": headers, "body": body}


if __name__ == "__main__":
    main()
