"""Scores: saved with a version check, every change kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from services.scorecard.models import Score, ScoreChange

URL = "/api/drills/auth/score/"
HISTORY = "/api/drills/auth/scores/"


def put(client: Client, body: Any, url: str = URL) -> Any:
    return client.put(url, body, content_type="application/json")


def assert_problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["detail"]
    assert body["title"]


def test_an_unscored_drill(reader: Client) -> None:
    assert reader.get(URL).json() == {
        "value": None,
        "level": None,
        "status": None,
        "notes": "",
        "version": 0,
        "updated_at": None,
    }
    assert reader.get(HISTORY).json()["results"] == []


def test_saving_and_its_history(writer: Client) -> None:
    first = put(writer, {"value": 1, "notes": "with hints", "version": 0})
    assert first.status_code == 200
    second = put(writer, {"value": 3, "notes": "alone, twice", "version": 1})
    saved = second.json()
    assert saved.pop("updated_at")
    assert saved == {
        "value": 3,
        "level": "Owner",
        "status": {"sign": "🟢", "word": "Owner"},
        "notes": "alone, twice",
        "version": 2,
    }
    history = writer.get(HISTORY).json()["results"]
    assert [(change["version"], change["value"], change["notes"]) for change in history] == [
        (2, 3, "alone, twice"),
        (1, 1, "with hints"),
    ]
    assert history[1]["status"] == {"sign": "🟡", "word": "Needs guided practice"}
    assert writer.get("/api/drills/auth/").json()["score"]["version"] == 2


def test_a_score_can_be_taken_back(writer: Client) -> None:
    put(writer, {"value": 2, "notes": "", "version": 0})
    assert put(writer, {"value": None, "notes": "", "version": 1}).status_code == 200
    assert [change["value"] for change in writer.get(HISTORY).json()["results"]] == [None, 2]


def test_the_history_comes_in_pages(writer: Client) -> None:
    for version in range(7):
        put(writer, {"value": version % 4, "notes": "", "version": version})
    page = writer.get(f"{HISTORY}?page_size=3").json()
    assert (page["count"], [change["version"] for change in page["results"]]) == (7, [7, 6, 5])
    assert [change["version"] for change in writer.get(page["next"]).json()["results"]] == [4, 3, 2]


def test_a_stale_page_can_not_overwrite(writer: Client) -> None:
    put(writer, {"value": 2, "notes": "mine", "version": 0})
    stale = put(writer, {"value": 0, "notes": "older page", "version": 0})
    assert_problem(stale, 409, "stale_version")
    assert stale.json()["current"]["notes"] == "mine"
    assert Score.objects.get(drill_id="auth").notes == "mine"
    assert ScoreChange.objects.count() == 1


def test_a_version_from_the_future_is_refused_too(writer: Client) -> None:
    assert_problem(put(writer, {"value": 2, "notes": "", "version": 5}), 409, "stale_version")


def test_saving_what_is_there_is_no_change(writer: Client) -> None:
    put(writer, {"value": 2, "notes": "same", "version": 0})
    again = put(writer, {"value": 2, "notes": "same", "version": 1})
    assert again.json()["version"] == 1
    assert ScoreChange.objects.count() == 1


def test_notes_are_kept_as_typed(writer: Client) -> None:
    notes = "  ünïcode 🟢\n\n<script>alert(1)</script>\t"
    put(writer, {"value": None, "notes": notes, "version": 0})
    assert writer.get(URL).json()["notes"] == notes


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"value": 4}, "/value"),
        ({"value": -1}, "/value"),
        ({"value": "two"}, "/value"),
        ({"value": 1.5}, "/value"),
        ({"value": True}, "/value"),
        ({"value": [2]}, "/value"),
        ({"value": 10**400}, "/value"),
        ({"notes": None}, "/notes"),
        ({"notes": {"text": "an object"}}, "/notes"),
        ({"notes": "x" * 10_001}, "/notes"),
        ({"notes": "a\0b"}, "/notes"),
        ({"version": -1}, "/version"),
        ({"version": None}, "/version"),
        ({"version": 2**63}, "/version"),
    ],
)
def test_bad_fields(writer: Client, change: dict[str, Any], pointer: str) -> None:
    answer = put(writer, {"value": 2, "notes": "", "version": 0} | change)
    assert_problem(answer, 400, "invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert ScoreChange.objects.count() == 0


@pytest.mark.parametrize("missing", ["value", "notes", "version"])
def test_nothing_may_be_left_out(writer: Client, missing: str) -> None:
    body = {"value": 2, "notes": "", "version": 0}
    del body[missing]
    assert_problem(put(writer, body), 400, "invalid")


@pytest.mark.parametrize("body", ["", "{", '{"value": NaN, "notes": "", "version": 0}', "\ud800"])
def test_broken_json(writer: Client, body: str) -> None:
    answer = writer.put(URL, body.encode("utf-8", "surrogatepass"), content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null"])
def test_json_that_is_no_object(writer: Client, body: str) -> None:
    assert_problem(put(writer, body), 400, "invalid")


def test_a_form_is_not_accepted(writer: Client) -> None:
    answer = writer.put(URL, "value=2", content_type="application/x-www-form-urlencoded")
    assert_problem(answer, 415, "unsupported_media_type")


def test_an_unknown_drill(writer: Client) -> None:
    assert_problem(put(writer, {"value": 2, "notes": "", "version": 0}, "/api/drills/nope/score/"), 404, "not_found")
    for url in ("/api/drills/nope/", "/api/drills/nope/score/", "/api/drills/nope/scores/"):
        assert_problem(writer.get(url), 404, "not_found")


@pytest.mark.parametrize("header", [None, "Token guess", "Token", "Token ", "Bearer the lab's token", "Token é"])
def test_writing_needs_the_token(reader: Client, settings: Settings, header: str | None) -> None:
    settings.SCORECARD_TOKEN = "the lab's token"
    headers = {} if header is None else {"Authorization": header}
    answer = reader.put(URL, {"value": 2, "notes": "", "version": 0}, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"] == "Token"
    assert ScoreChange.objects.count() == 0


def test_without_a_configured_token_nobody_writes(reader: Client, settings: Settings) -> None:
    settings.SCORECARD_TOKEN = ""
    body = {"value": 2, "notes": "", "version": 0}
    answer = reader.put(URL, body, content_type="application/json", headers={"Authorization": "Token "})
    assert answer.status_code == 401


def test_the_method_is_checked(writer: Client) -> None:
    assert_problem(writer.delete(URL), 405, "method_not_allowed")
    assert_problem(writer.post(HISTORY, {}, content_type="application/json"), 405, "method_not_allowed")


@pytest.mark.parametrize("value", [4, 255])
def test_the_database_refuses_what_the_code_would_miss(drills: None, value: int) -> None:
    with pytest.raises(IntegrityError, match="score_value"), transaction.atomic():
        Score.objects.filter(drill_id="auth").update(value=value)
