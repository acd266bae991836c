"""Progress, months, the learner, hints and confirmations over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services.scorecard import services
from services.scorecard.briefs import brief_of
from services.scorecard.models import Confirmation, Drill, HintUse, Learner, Month, Run

AddRuns = Callable[..., None]


def put(client: Client, url: str, body: Any = None) -> Any:
    return client.put(url, body if body is not None else {}, content_type="application/json")


def post(client: Client, url: str, body: Any) -> Any:
    return client.post(url, body, content_type="application/json")


def test_progress_of_an_empty_scorecard(reader: Client) -> None:
    body = reader.get("/api/progress/").json()
    assert (body["average"], body["scored"], body["reached"]) == (None, 0, None)
    assert body["next_level"] == "bridge-engineer"
    assert [axis["name"] for axis in body["radar"]][-1] == "Performance"
    assert len(body["radar"]) == 7
    assert all(axis["mean"] is None for axis in body["radar"])
    assert [month["has_data"] for month in body["months"]] == [False]


def test_progress_after_some_scores(reader: Client) -> None:
    for key, value in (("api-contract", 2), ("orm-queries", 2), ("concurrency", 2), ("auth", 3), ("ai-review", 0)):
        services.record_score(drill_key=key, value=value, notes="", version=0)
    body = reader.get("/api/progress/").json()
    assert body["reached"] == "bridge-engineer"
    assert body["next_level"] == "system-owner"
    assert body["self_attested"] == [4]
    assert body["red_flags"] == [{"kind": "critical_gap", "drill": 6, "text": "critical gap: scored 0"}]
    means = {axis["key"]: axis["mean"] for axis in body["radar"]}
    assert means["backend-systems"] == 1.8
    assert means["incidents"] is None
    assert [axis["key"] for axis in body["weakest"]] == ["incidents", "ai-oversight", "backend-systems"]


def test_a_level_needs_the_ones_below_it(reader: Client) -> None:
    for drill in Drill.objects.all():
        services.record_score(drill_key=drill.key, value=3, notes="", version=0)
    body = reader.get("/api/progress/").json()
    assert (body["reached"], body["next_level"]) == ("system-owner", "senior-architect")
    assert [missing["drill"] for missing in body["levels"][2]["missing"]] == [None]


def test_an_own_scenario_that_proves_itself_completes_the_last_level(writer: Client, run_body: dict[str, Any]) -> None:
    for drill in Drill.objects.all():
        services.record_score(drill_key=drill.key, value=3, notes="", version=0)
    own = {"scenario": "own/mine", "proves": {"must": ["no_oversell"], "may": []}}
    assert put(writer, "/api/runs/n/", run_body | own | {"run_id": "n"}).status_code == 201
    assert writer.get("/api/progress/").json()["next_level"] == "senior-architect"
    held = {"run_id": "h", "variant": "hardened", "verdict": "held", "findings": []}
    assert put(writer, "/api/runs/h/", run_body | own | held).status_code == 201
    assert writer.get("/api/progress/").json()["next_level"] is None


@pytest.mark.parametrize("variant", ["naive", "hardened"])
def test_an_own_scenario_proves_nothing_with_too_little_load(
    writer: Client, run_body: dict[str, Any], variant: str
) -> None:
    for drill in Drill.objects.all():
        services.record_score(drill_key=drill.key, value=3, notes="", version=0)
    own = {"scenario": "own/mine", "proves": {"must": ["no_oversell"], "may": []}}
    put(writer, "/api/runs/naive/", run_body | own | {"run_id": "naive"})
    held = {"run_id": "hardened", "variant": "hardened", "verdict": "held", "findings": []}
    put(writer, "/api/runs/hardened/", run_body | own | held)
    Run.objects.filter(run_id=variant).update(scale=0.5)
    assert writer.get("/api/progress/").json()["next_level"] == "senior-architect"


def test_a_drill_shows_ceiling_gap_and_regression(reader: Client, add_runs: AddRuns) -> None:
    add_runs(2, variants=("attempt",))
    services.record_score(drill_key="concurrency", value=3, notes="", version=0)
    drill = reader.get("/api/drills/concurrency/").json()
    assert (drill["standing"]["ceiling"], drill["standing"]["reason"]) == (
        None,
        "No evidence yet for the whole core: concurrency/flash-sale held on 2 of 3 seeds in a row, "
        "interleaving/last-seats, interleaving/same-key, interleaving/message-before-commit, interleaving/redelivery, "
        "interleaving/double-cancel, interleaving/cancel-and-charge, concurrency/double-submit still to be run on your "
        "own code.",
    )
    Drill.objects.filter(key="concurrency").update(core=["concurrency/flash-sale"], holds=2)
    assert reader.get("/api/drills/concurrency/").json()["standing"] == {
        "ceiling": 2,
        "reason": "Core passed. Stretch: concurrency/worker-crash, concurrency/commit-race, "
        "concurrency/last-seat-stampede, concurrency/cancel-while-charging still to hold on a fresh seed "
        "without hints.",
        "gap": 1,
        "overclaim": True,
        "regressed": [],
        "self_attested": True,
    }
    services.index_run(run_id="concurrency-00001", fields={"verdict": "violated"})
    standing = reader.get("/api/drills/concurrency/").json()["standing"]
    assert (standing["ceiling"], standing["gap"], standing["regressed"]) == (0, 3, ["concurrency/flash-sale"])


# Months


def test_a_month_is_noted_and_shown_in_the_trend(writer: Client) -> None:
    url = "/api/months/2020-05/"
    assert writer.get(url).json() == {"month": "2020-05", "notes": "", "version": 0, "updated_at": None}
    assert Month.objects.count() == 0
    saved = put(writer, url, {"notes": "first steps\n", "version": 0})
    assert (saved.status_code, saved.json()["version"]) == (200, 1)
    services.record_month(month="2026-01", notes="later", version=0)
    months = {month["month"]: month for month in writer.get("/api/progress/").json()["months"]}
    assert months["2026-01"]["notes"] == "later"
    assert months["2026-01"]["has_data"] is False


def test_a_stale_month_is_refused(writer: Client) -> None:
    url = "/api/months/2026-05/"
    put(writer, url, {"notes": "mine", "version": 0})
    stale = put(writer, url, {"notes": "older page", "version": 0})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert stale.json()["current"]["notes"] == "mine"
    assert put(writer, url, {"notes": "mine", "version": 1}).json()["version"] == 1


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-01", "2026-1", "x", "2026-01%0A"])
def test_a_month_that_is_none(writer: Client, month: str) -> None:
    assert put(writer, f"/api/months/{month}/", {"notes": "", "version": 0}).status_code == 404
    assert writer.get(f"/api/months/{month}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"notes": "", "version": -1}, "/version"),
        ({"notes": None, "version": 0}, "/notes"),
        ({"notes": ""}, "/version"),
    ],
)
def test_bad_months(writer: Client, body: dict[str, Any], pointer: str) -> None:
    answer = put(writer, "/api/months/2026-05/", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


# The learner


def test_the_learner_gets_a_name_and_may_change_it(writer: Client) -> None:
    assert writer.get("/api/learner/").json() == {"name": "", "version": 0, "updated_at": None}
    assert put(writer, "/api/learner/", {"name": "Ada", "version": 0}).json()["name"] == "Ada"
    assert put(writer, "/api/learner/", {"name": "Ada L.", "version": 1}).json()["version"] == 2
    stale = put(writer, "/api/learner/", {"name": "Eve", "version": 1})
    assert (stale.status_code, stale.json()["current"]["name"]) == (409, "Ada L.")
    assert Learner.objects.count() == 1


@pytest.mark.parametrize("name", ["x" * 101, None, ["list"], "a\0b"])
def test_names_that_are_none(writer: Client, name: Any) -> None:
    assert put(writer, "/api/learner/", {"name": name, "version": 0}).status_code == 400


# Briefs and hints


def test_every_drill_has_a_brief_with_hints_up_to_a_solution(drills: None) -> None:
    for drill in Drill.objects.all():
        brief = brief_of(drill.key)
        assert brief is not None
        assert len(brief.steps) >= 3
        assert brief.deliverable
        assert brief.checked
        assert {hint.level for hint in brief.hints} == {"nudge", "direction", "solution"}
        assert len({hint.key for hint in brief.hints}) == len(brief.hints)


def test_a_brief_names_the_files_that_a_check_is_about(writer: Client) -> None:
    brief = writer.get("/api/drills/concurrency/brief/").json()
    assert brief["files"]["no_oversell"] == ["services.py", "models.py"]
    assert {check for hint in brief["hints"] for check in hint["checks"]} <= brief["files"].keys()


def test_a_hint_keeps_its_text_until_it_is_opened_and_logged_once(writer: Client) -> None:
    hints = writer.get("/api/drills/auth/brief/").json()["hints"]
    assert {hint["text"] for hint in hints} == {None}
    first = put(writer, "/api/drills/auth/hints/rotation/")
    assert first.status_code == 201
    assert "refresh token" in first.json()["text"]
    again = put(writer, "/api/drills/auth/hints/rotation/")
    assert (again.status_code, again.json()) == (200, first.json())
    (use,) = HintUse.objects.all()
    assert (use.drill_id, use.hint, use.solution) == ("auth", "rotation", False)
    shown = {hint["key"]: hint["text"] for hint in writer.get("/api/drills/auth/brief/").json()["hints"]}
    assert shown["rotation"] == first.json()["text"]
    assert shown["reference"] is None


def test_a_solution_sets_the_ceiling(writer: Client, add_runs: AddRuns) -> None:
    Drill.objects.filter(key="concurrency").update(core=["concurrency/flash-sale"])
    put(writer, "/api/drills/concurrency/hints/reference/")
    HintUse.objects.update(used_at="2026-01-01T00:00:00Z")
    add_runs(3, variants=("attempt",))
    assert writer.get("/api/drills/concurrency/").json()["standing"]["ceiling"] == 1


@pytest.mark.parametrize("url", ["/api/drills/auth/hints/nope/", "/api/drills/nope/hints/rotation/"])
def test_unknown_hints(writer: Client, url: str) -> None:
    answer = put(writer, url)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert HintUse.objects.count() == 0


# Confirmations


URL = "/api/drills/concurrency/confirmations/"


def test_a_mentors_rerun_confirms_a_three(writer: Client, add_runs: AddRuns) -> None:
    add_runs(3, variants=("attempt",))
    services.record_score(drill_key="concurrency", value=3, notes="", version=0)
    assert writer.get("/api/drills/concurrency/").json()["standing"]["self_attested"]
    body = {"mentor": "Grace", "run_id": "concurrency-00002"}
    first = post(writer, URL, body)
    assert (first.status_code, first.json()["seed"]) == (201, 2)
    assert post(writer, URL, body).status_code == 200
    assert [each["mentor"] for each in writer.get(URL).json()] == ["Grace"]
    assert not writer.get("/api/drills/concurrency/").json()["standing"]["self_attested"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"variant": "hardened"}, "a run of hardened"),
        ({"drill_id": "auth"}, "in drill auth"),
        ({"verdict": "violated"}, "is violated"),
        ({"verdict": "inconclusive"}, "is inconclusive"),
        ({"scale": 0.5}, "a run at scale 0.5, expected at least 0.75"),
        ({"seed": 0}, "seed 0, which the learner had run before"),
    ],
)
def test_a_run_that_confirms_nothing(writer: Client, add_runs: AddRuns, change: dict[str, Any], detail: str) -> None:
    add_runs(2, variants=("attempt",))
    Run.objects.filter(run_id="concurrency-00001").update(**change)
    answer = post(writer, URL, {"mentor": "Grace", "run_id": "concurrency-00001"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_confirmed")
    assert detail in answer.json()["detail"]
    assert Confirmation.objects.count() == 0


MINE, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("learners", "mentors", "status"),
    [
        ((MINE, MINE), MINE, 201),
        ((OTHER, MINE), MINE, 201),  # what was mended since is not what is claimed now
        ((MINE, MINE), OTHER, 409),
        ((MINE, OTHER), MINE, 409),
        ((MINE, ""), OTHER, 201),  # runs of before don't say what ran
        ((MINE, MINE), "", 201),
        ((), MINE, 201),
    ],
)
def test_a_rerun_is_of_the_learners_code(
    writer: Client, add_runs: AddRuns, learners: tuple[str, ...], mentors: str, status: int
) -> None:
    add_runs(len(learners) + 1, variants=("attempt",))
    for number, code in enumerate((*learners, mentors)):
        Run.objects.filter(run_id=f"concurrency-{number:05}").update(code=code)
    answer = post(writer, URL, {"mentor": "Grace", "run_id": f"concurrency-{len(learners):05}"})
    assert answer.status_code == status
    if status == 409:
        assert answer.json()["detail"] == (
            "run_id: got a run of other code than the learner's newest held run concurrency-00001, expected the same "
            "attempt.patch of the same base (firedrill deliver hands both over)"
        )


@pytest.mark.parametrize(
    "change",
    [
        {"variant": "hardened"},
        {"drill_id": "auth"},
        {"verdict": "violated"},
        {"scale": 0.5},
        {"started_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_only_the_newest_run_that_held_says_what_the_learners_code_is(
    writer: Client, add_runs: AddRuns, change: dict[str, Any]
) -> None:
    add_runs(3, variants=("attempt",))
    Run.objects.update(code=MINE)
    Run.objects.filter(run_id="concurrency-00001").update(code=OTHER, **change)
    assert post(writer, URL, {"mentor": "Grace", "run_id": "concurrency-00002"}).status_code == 201


def test_code_that_came_after_the_rerun_is_not_confirmed_by_it(writer: Client, add_runs: AddRuns) -> None:
    add_runs(3, variants=("attempt",))
    Run.objects.update(code=MINE)
    Run.objects.filter(run_id="concurrency-00002").update(code=OTHER)
    assert post(writer, URL, {"mentor": "Grace", "run_id": "concurrency-00001"}).status_code == 409


def test_a_confirmation_by_nobody_or_of_nothing(writer: Client) -> None:
    assert post(writer, URL, {"mentor": " ", "run_id": "r"}).status_code == 400
    assert post(writer, URL, {"mentor": "Grace", "run_id": "r"}).status_code == 409
    assert post(writer, "/api/drills/nope/confirmations/", {"mentor": "G", "run_id": "r"}).status_code == 404


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("put", "/api/months/2026-01/"),
        ("put", "/api/learner/"),
        ("put", "/api/drills/auth/hints/rotation/"),
        ("post", URL),
        ("post", "/api/drill-map/"),
    ],
)
def test_writing_needs_the_token(reader: Client, method: str, url: str) -> None:
    answer = getattr(reader, method)(url, {}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
