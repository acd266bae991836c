"""`firedrill try`: what is refused before anything is started, and what is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.cli.commands import try_out
from chaos.model.exchange import Exchange
from tests.unit.chaos.cli.shell import Shell

API = "http://127.0.0.1:21000"
ME = {"id": "1", "username": "a\x1b[31m", "email": "a@example.org", "role": "customer"}


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Every request gets this answer; the lab is not asked."""
    told: dict[str, Any] = {"status": 200, "body": json.dumps(ME), "headers": {"content-type": "application/json"}}

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield SimpleNamespace(stack=SimpleNamespace(url=lambda _: API))

    def sent(asked: Any, *_: Any) -> Exchange:
        return Exchange(
            id="try-1", case="try-1", section="try", operation="getMe", identity=asked.identity, method="GET",
            path="/api/me/", intended=0.0, **told,
        )  # fmt: skip

    monkeypatch.setattr(try_out, "session", session)
    monkeypatch.setattr(try_out, "_sent", sent)
    return told


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("buy",), "operation: got 'buy', expected METHOD /path/ of the API or one of"),
        (("getMe", "--as", "root"), "--as: got 'root', expected one of anonymous"),
        (("getMe", "--expect", "418"), "--expect: got 418, expected one that the contract has there"),
        (("getMe", "--header", "odd"), "--header: got 'odd', expected 'Name: value'"),
        (("placeOrder", "--body", "<<seat>>"), "--body: got <<seat>>, expected one of <<slug>>"),
        (("getMe", "--variant", "nobody"), "variant: got 'nobody', expected one of"),
    ],
)
def test_bad_input(shell: Shell, answered: dict[str, Any], words: tuple[str, ...], expected: str) -> None:
    said = shell("try", *words)
    assert (said.code, said.out) == (2, "")
    assert expected in said.err


def test_an_answer_that_differs_is_exit_1(shell: Shell, answered: dict[str, Any]) -> None:
    said = shell("try", "getMe", "--as", "customer", "--variant", "naive")
    assert said.code == 1
    assert "naive is started on fresh data first" in said.out
    assert f"request\n  API={API}\n  curl" in said.out
    assert "curl -i -H 'Authorization: Bearer <access token of customer>' \"$API\"'/api/me/'" in said.out
    assert "differs from what is promised with 200\n  response id · type: '1' is not of type 'integer'" in said.out
    assert "\x1b" not in said.out


def test_one_that_is_as_promised_is_exit_0_and_none_is_exit_3(shell: Shell, answered: dict[str, Any]) -> None:
    answered["body"] = json.dumps(ME | {"id": 1})
    assert shell("try", "getMe", "--variant", "naive").code == 0
    answered.update(status=0, body="", error="ReadTimeout")
    said = shell("try", "getMe", "--variant", "naive", "--json")
    assert (said.code, said.json["status"], said.json["error"], said.json["api"]) == (3, 0, "ReadTimeout", API)
