"""The scorecard's index of runs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Literal

import httpx

from chaos.errors import InvalidInput

TIMEOUT_S = 5.0
EXPORT_TIMEOUT_S = 30.0
NAME_TIMEOUT_S = 1.0
"""Short, since a run does not depend on the learner's name."""
NOT_IMPORTED = (400, 413)
"""Answers to a drill map that is wrong, or too large."""


class Scorecard:
    """Indexes runs, notes hints, and exports and imports the drill map. Indexing a run again changes nothing."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def put_run(self, run: Mapping[str, Any]) -> None:
        """Raises: OSError with a sentence when the scorecard is away or refuses."""
        self._ask("PUT", f"/api/runs/{run['run_id']}/", "it to take the run", json=dict(run))

    def learner(self) -> str:
        """The learner's name; empty when none is set. Raises: OSError with a sentence when the scorecard is away."""
        try:
            answer = self._client.get("/api/learner/", timeout=NAME_TIMEOUT_S)
            return str(answer.raise_for_status().json()["name"])
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise OSError(f"scorecard: got {type(error).__name__}, expected the learner's name") from None

    def open_hint(self, *, drill: str, hint: str) -> None:
        """Record that *hint* was opened. Raises: OSError with a sentence when it can't be recorded."""
        self._ask("PUT", f"/api/drills/{drill}/hints/{hint}/", "it to note a hint")

    def standing(self, drill: str) -> dict[str, Any]:
        """A drill with its score and what its evidence supports. Raises: OSError with a sentence."""
        try:
            answer = self._client.get(f"/api/drills/{drill}/").raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise OSError(f"scorecard: got {type(error).__name__}, expected the standing of a drill") from None
        if not isinstance(answer, dict):
            raise OSError("scorecard: got no object, expected the standing of a drill")
        return answer

    def drill_map(self, format: Literal["markdown", "json"]) -> bytes:
        """The whole drill map. Raises: OSError with a sentence when the scorecard is away."""
        path = "/api/drill-map.md" if format == "markdown" else "/api/drill-map/"
        answer = self._ask("GET", path, "its drill map", away=" (make status)", timeout=EXPORT_TIMEOUT_S)
        return answer.content

    def put_drill_map(self, document: bytes) -> dict[str, int]:
        """Add the document's entries. Returns kind → number of entries that were added.

        Raises: InvalidInput when the scorecard refuses it. OSError with a sentence when it is away.
        """
        answer = self._ask(
            "POST",
            "/api/drill-map/",
            "it to take the drill map",
            accept=NOT_IMPORTED,
            content=document,
            headers={"Content-Type": "application/json"},
            timeout=EXPORT_TIMEOUT_S,
        )
        if answer.status_code in NOT_IMPORTED:
            raise InvalidInput(f"drill map: nothing was imported: {_detail(answer)}")
        return {str(name): int(count) for name, count in answer.json().items()}

    def _ask(
        self, method: str, path: str, expected: str, *, accept: Container[int] = (), away: str = "", **more: Any
    ) -> httpx.Response:
        """One request. Raises: OSError when nobody answers (*away*: a hint for then), or an error not in *accept*."""
        try:
            answer = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise OSError(f"scorecard: got {type(error).__name__}, expected {expected}{away}") from None
        if answer.is_error and answer.status_code not in accept:
            raise OSError(f"scorecard: got {answer.status_code} {answer.text[:200]}, expected {expected}")
        return answer


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"]).removeprefix("/document: ").removeprefix("/document/0: ")
    except (ValueError, KeyError, TypeError):
        return f"got {answer.status_code}, expected it to be taken"
