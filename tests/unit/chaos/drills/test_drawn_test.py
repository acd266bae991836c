"""What drawn requests showed, as a pytest: red on the answers of then, green on those that the contract has."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import msgspec
import pytest

from chaos.drills.drawn_test import test_of as source_of
from chaos.errors import InvalidInput
from chaos.model.folder import File
from tests.unit.chaos.invariants.exchanged import world
from tests.unit.chaos.invariants.test_drawn_answers_conform import answered

JSON, HTML = {"content-type": "application/json"}, {"content-type": "text/html"}
PROBLEM = {"content-type": "application/problem+json"}
REFUSAL = {"type": "/problems/invalid", "title": "No", "status": 400, "detail": "No.", "code": "invalid"}
ME = {"id": 1, "username": "ada", "email": "ada@example.org", "role": "customer"}
SHOWN = (
    answered(500, "", {}, number=1, asked="{}", operation="placeOrder"),
    answered(200, json.dumps(ME), JSON, number=2, asked='{"email": 5}'),
    answered(400, "<html>", HTML, number=3, asked='{"email": "x"}'),
    answered(400, json.dumps(REFUSAL), PROBLEM, number=4, asked='{"email": ""}'),
)


def run(folder: Path, *pairs: Any) -> Path:
    folder.mkdir()
    (folder / File.WORLD).write_bytes(msgspec.json.encode(world()))
    (folder / File.CASES).write_bytes(b"".join(msgspec.json.encode(case) + b"\n" for case, _ in pairs))
    lines = b"".join(msgspec.json.encode(exchange) + b"\n" for _, exchange in pairs)
    (folder / File.EXCHANGES).write_bytes(gzip.compress(lines))
    return folder


def functions_of(source: str) -> dict[str, Callable[[Any], None]]:
    names: dict[str, Any] = {}
    exec(compile(source, "test_drawn.py", "exec"), names)  # this is the file that a learner keeps
    return {name: each for name, each in names.items() if name.startswith("test_")}


def answering(status: int, text: str, headers: dict[str, str]) -> Callable[..., httpx.Response]:
    return lambda *_: httpx.Response(status, text=text, headers=headers)


def test_each_is_red_on_the_answer_of_then_and_green_on_a_promised_one(tmp_path: Path) -> None:
    found = functions_of(source_of(run(tmp_path / "run", *SHOWN)))
    assert sorted(found) == [
        "test_change_me_error_400_error", "test_change_me_request_limit", "test_place_order_status_500_status",
    ]  # fmt: skip
    then = {"request": SHOWN[1], "error": SHOWN[2], "status": SHOWN[0]}
    good = answering(400, json.dumps(REFUSAL), PROBLEM)
    for name, test in found.items():
        _, exchange = then[name.split("_")[3]]
        with pytest.raises(AssertionError):
            test(answering(exchange.status, exchange.body, exchange.headers))
        test(good)


def test_a_body_of_another_shape_is_red_too(tmp_path: Path) -> None:
    wrong = json.dumps(ME | {"id": "1"})
    found = functions_of(source_of(run(tmp_path / "run", answered(200, wrong, JSON, drawn="valid"))))
    ((_, test),) = found.items()
    with pytest.raises(jsonschema.ValidationError, match="is not of type 'integer'"):
        test(answering(200, wrong, JSON))
    test(answering(200, json.dumps(ME), JSON))


def test_what_the_lab_put_in_is_of_the_world_that_is_there_then(tmp_path: Path) -> None:
    case, exchange = answered(500, "", {}, asked=None, operation="getEvent")
    slug = world().tiers[0].event_slug
    case = msgspec.structs.replace(case, about={**case.about, "exists": True}, identity="anonymous", method="GET")
    exchange = msgspec.structs.replace(exchange, path=f"/api/events/{slug}/")
    assert "ask('anonymous', 'GET', '/api/events/<<slug>>/', {}, None)" in source_of(
        run(tmp_path / "run", (case, exchange))
    )


def test_a_run_that_shows_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got no drawn request that was answered otherwise"):
        source_of(run(tmp_path / "run", SHOWN[3]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="got no requests on record"):
        source_of(tmp_path / "empty")
