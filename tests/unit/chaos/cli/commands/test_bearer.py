"""`firedrill token`: whose, and that nothing else is on stdout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.cli.commands import bearer
from tests.unit.chaos.cli.shell import Shell


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Variants that were started, each with a world of its own."""
    found: list[str] = []

    def prepare(variant: str, file: Path) -> None:
        found.append(variant)
        file.write_text(json.dumps({"cast": {"support": {"access": f"of {variant}"}}}))

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield SimpleNamespace(stack=SimpleNamespace(url=lambda _: "http://127.0.0.1:21000"), prepare=prepare)

    monkeypatch.setattr(bearer, "session", session)
    return found


@pytest.mark.parametrize("who", ["anonymous", "root"])
def test_somebody_without_a_token_is_refused_before_anything_is_started(
    shell: Shell, prepared: list[str], who: str
) -> None:
    said = shell("token", who)
    assert (said.code, said.out, prepared) == (2, "", [])
    assert f"identity: got '{who}', expected one of customer, other, support, admin" in said.err


def test_the_token_alone_is_printed(shell: Shell, prepared: list[str]) -> None:
    said = shell("token", "support", "--variant", "naive")
    assert (said.code, said.out, prepared) == (0, "of naive\n", ["naive"])
    document = json.loads(shell("token", "support", "--variant", "hardened", "--json").out)
    assert document["token"] == "of hardened"
    assert document["api"] == "http://127.0.0.1:21000"
