"""The index of runs: idempotent, strict about its fields, paged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services.scorecard.models import Run

AddRuns = Callable[..., None]


def put(client: Client, body: dict[str, Any], run_id: str | None = None) -> Any:
    return client.put(f"/api/runs/{run_id or body['run_id']}/", body, content_type="application/json")


def test_indexing_twice_is_once(writer: Client, run_body: dict[str, Any]) -> None:
    assert put(writer, run_body).status_code == 201
    again = put(writer, run_body)
    assert again.status_code == 200
    shown = writer.get(f"/api/runs/{run_body['run_id']}/").json()
    assert shown.pop("indexed_at")
    assert shown == run_body
    assert writer.get("/api/runs/").json()["count"] == 1


def test_a_changed_folder_replaces_the_entry(writer: Client, run_body: dict[str, Any]) -> None:
    put(writer, run_body)
    put(writer, run_body | {"verdict": "inconclusive", "findings": [], "exit_code": 3})
    shown = writer.get(f"/api/runs/{run_body['run_id']}/").json()
    assert (shown["verdict"], shown["findings"], shown["exit_code"]) == ("inconclusive", [], 3)


def test_a_run_of_no_drill(writer: Client, run_body: dict[str, Any]) -> None:
    assert put(writer, run_body | {"drill": None}).json()["drill"] is None


def test_a_lab_of_before_says_neither_scale_nor_code(writer: Client, run_body: dict[str, Any]) -> None:
    del run_body["scale"], run_body["code"]
    answer = put(writer, run_body).json()
    assert (answer["scale"], answer["code"]) == (None, "")


def test_indexing_needs_the_token(reader: Client, run_body: dict[str, Any]) -> None:
    assert put(reader, run_body).status_code == 401
    assert Run.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"run_id": "another"}, "/run_id"),
        ({"scenario": "../../etc passwd"}, "/scenario"),
        ({"scenario": ""}, "/scenario"),
        ({"drill": 7}, "/drill"),
        ({"drill": "three"}, "/drill"),
        ({"drill": 10**30}, "/drill"),
        ({"drill": {}}, "/drill"),
        ({"variant": "<b>"}, "/variant"),
        ({"seed": "x"}, "/seed"),
        ({"seed": 2**63}, "/seed"),
        ({"verdict": "passed"}, "/verdict"),
        ({"started_at": "yesterday"}, "/started_at"),
        ({"duration_s": -1}, "/duration_s"),
        ({"duration_s": "nan"}, "/duration_s"),
        ({"duration_s": "inf"}, "/duration_s"),
        ({"findings": {}}, "/findings"),
        ({"findings": ["no_oversell"]}, "/findings/0"),
        ({"findings": [{"check": "a", "verdict": "held"}, {"check": "b"}]}, "/findings/1/verdict"),
        ({"findings": [{"check": "a", "verdict": "held"}] * 501}, "/findings"),
        ({"scale": 0}, "/scale"),
        ({"scale": "nan"}, "/scale"),
        ({"code": "A" * 64}, "/code"),
        ({"code": "a" * 63}, "/code"),
        ({"exit_code": 256}, "/exit_code"),
        ({"exit_code": -1}, "/exit_code"),
        ({"evidence_path": "x" * 1001}, "/evidence_path"),
    ],
)
def test_bad_fields(writer: Client, run_body: dict[str, Any], change: dict[str, Any], pointer: str) -> None:
    answer = put(writer, run_body | change, run_body["run_id"])
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert Run.objects.count() == 0


@pytest.mark.parametrize("missing", ["run_id", "scenario", "drill", "variant", "verdict", "started_at", "findings"])
def test_nothing_that_matters_may_be_left_out(writer: Client, run_body: dict[str, Any], missing: str) -> None:
    run_id = run_body["run_id"]
    del run_body[missing]
    answer = put(writer, run_body, run_id)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{missing}"


def test_a_body_that_is_too_large(writer: Client) -> None:
    answer = writer.put("/api/runs/big/", b" " * (4 * 1024 * 1024 + 1), content_type="application/json")
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"


def test_an_unknown_run(reader: Client) -> None:
    answer = reader.get("/api/runs/nope/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_filters(writer: Client, run_body: dict[str, Any]) -> None:
    put(writer, run_body)
    put(writer, run_body | {"run_id": "b", "variant": "hardened", "verdict": "held"})
    put(writer, run_body | {"run_id": "c", "scenario": "failure/database-down", "drill": 5})

    def found(query: str) -> set[str]:
        return {run["run_id"] for run in writer.get(f"/api/runs/?{query}").json()["results"]}

    first = run_body["run_id"]
    assert found("") == {first, "b", "c"}
    assert found("drill=3") == found("drill=concurrency") == {first, "b"}
    assert found("scenario=failure/database-down") == {"c"}
    assert found("variant=hardened") == {"b"}
    assert found("verdict=violated&drill=3") == {first}
    assert found("drill=99") == found("drill=nope") == found("variant=%F0%9F") == set()
    assert found("drill=" + "9" * 40) == set()
    assert writer.get("/api/runs/?variant=a%00b").status_code == 400


def test_a_text_is_looked_for_in_title_scenario_and_id(writer: Client, run_body: dict[str, Any]) -> None:
    put(writer, run_body | {"title": "Flash sale", "scenario": "concurrency/flash-sale"})
    other = run_body | {
        "run_id": "20260102-000000-brownout-naive-s7",
        "title": "100% slow",
        "scenario": "failure/brownout",
    }
    put(writer, other)

    def found(text: str) -> list[str]:
        return [run["title"] for run in writer.get("/api/runs/", {"q": text}).json()["results"]]

    assert found("SALE") == ["Flash sale"]
    assert found("failure/") == found("brownout-naive") == found("100%") == ["100% slow"]
    assert found("_") == [], "no wildcard"
    assert writer.get("/api/runs/", {"q": "\0"}).status_code == 400


def test_pages_are_newest_first_and_capped(reader: Client, add_runs: AddRuns) -> None:
    add_runs(230)
    page = reader.get("/api/runs/?page_size=100000").json()
    assert (page["count"], len(page["results"])) == (230, 100)
    assert page["results"][0]["run_id"] == "concurrency-00229"
    assert len(reader.get("/api/runs/").json()["results"]) == 50
    assert len(reader.get("/api/runs/?page_size=100&page=3").json()["results"]) == 30


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 30])
def test_a_page_that_is_not_there(reader: Client, page: str) -> None:
    answer = reader.get(f"/api/runs/?page={page}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("size", ["0", "-5", "x"])
def test_a_senseless_page_size_is_the_usual_one(reader: Client, size: str, add_runs: AddRuns) -> None:
    add_runs(60)
    assert len(reader.get(f"/api/runs/?page_size={size}").json()["results"]) == 50


def test_a_drill_shows_the_newest_run_of_each_variant(reader: Client, add_runs: AddRuns) -> None:
    add_runs(9, variants=("naive", "hardened", "attempt"))
    add_runs(2, drill="auth", variants=("naive",))
    shown = {drill["key"]: drill["latest_runs"] for drill in reader.get("/api/drills/").json()}
    assert [(run["variant"], run["run_id"]) for run in shown["concurrency"]] == [
        ("attempt", "concurrency-00008"),
        ("hardened", "concurrency-00007"),
        ("naive", "concurrency-00006"),
    ]
    assert [run["run_id"] for run in shown["auth"]] == ["auth-00001"]
    assert shown["api-contract"] == []
    assert shown["concurrency"][0]["findings"] == [{"check": "no_oversell", "verdict": "held"}]


def test_mutants_and_drafts_are_about_the_lab_and_on_no_drills_card(reader: Client, add_runs: AddRuns) -> None:
    add_runs(6, variants=("naive", "mutant_early_ack", "draft_2_4"))
    shown = {drill["key"]: drill["latest_runs"] for drill in reader.get("/api/drills/").json()}
    assert [run["variant"] for run in shown["concurrency"]] == ["naive"]


def test_the_newest_run_of_each_scenario_and_variant(writer: Client, run_body: dict[str, Any]) -> None:
    """However many came after it: a page that shows the newest hundred would call it not run."""
    for number in range(3):
        at = {"run_id": f"r{number}", "started_at": f"2026-11-23T10:15:0{number}Z"}
        put(writer, run_body | at)
    put(writer, run_body | {"run_id": "h", "variant": "hardened", "started_at": "2026-11-22T10:15:00Z"})
    put(writer, run_body | {"run_id": "c", "scenario": "concurrency/commit-race"})
    found = [run["run_id"] for run in writer.get("/api/runs/?drill=3&newest=true").json()["results"]]
    assert sorted(found) == ["c", "h", "r2"]
    assert found[-1] == "h", "newest first"
    assert writer.get("/api/runs/?newest=false").json()["count"] == 5
    answer = writer.get("/api/runs/?newest=1")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_of_two_runs_at_one_moment_one_is_newest(reader: Client, add_runs: AddRuns) -> None:
    add_runs(2, variants=("naive",))
    Run.objects.update(started_at="2026-11-23T10:15:02Z")
    (drill,) = (drill for drill in reader.get("/api/drills/").json() if drill["number"] == 3)
    assert [run["run_id"] for run in drill["latest_runs"]] == ["concurrency-00001"]
