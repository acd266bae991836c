"""Export and import of the drill map: complete, refused as a whole when damaged, and never at the cost of history."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from services.scorecard import drill_map, services
from services.scorecard.catalogue import load_catalogue, read_catalogue
from services.scorecard.models import Confirmation, Drill, HintUse, Learner, Month, Run, Score, ScoreChange

URL = "/api/drill-map/"
AddRuns = Callable[..., None]


def filled(add_runs: AddRuns) -> dict[str, Any]:
    """A scorecard with something of everything; its document."""
    services.record_score(drill_key="auth", value=1, notes="with | hints", version=0)
    services.record_score(drill_key="auth", value=3, notes="alone\n\ntwice ünïcode 🟢", version=1)
    services.record_score(drill_key="ai-review", value=0, notes="", version=0)
    services.record_month(month="2026-05", notes="busy", version=0)
    services.name_learner(name='Ada "L." <b>', version=0)
    services.open_hint(drill_key="auth", hint_key="rotation")
    add_runs(3, variants=("attempt", "naive"))
    services.confirm(drill_key="concurrency", mentor="Grace", run_id="concurrency-00002")
    return json.loads(json.dumps(drill_map.export_document()))  # type: ignore[no-any-return]


def emptied() -> None:
    for model in (Confirmation, HintUse, ScoreChange, Score, Run, Month, Learner):
        model.objects.all().delete()
    load_catalogue(read_catalogue())


def post(client: Client, document: Any) -> Any:
    return client.post(URL, document, content_type="application/json")


def resealed(document: dict[str, Any]) -> dict[str, Any]:
    document["digest"] = drill_map.digest_of(document["content"])
    return document


def state() -> dict[str, Any]:
    document = drill_map.export_document()
    return document["content"]  # type: ignore[no-any-return]


def test_an_import_restores_everything_in_an_empty_lab(writer: Client, add_runs: AddRuns) -> None:
    document = filled(add_runs)
    before = state()
    emptied()
    assert state() != before
    answer = post(writer, document)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"scores": 3, "hints": 1, "confirmations": 1, "months": 1, "runs": 2, "names": 1}
    assert state() == before
    score = Score.objects.get(drill_id="auth")
    assert (score.value, score.notes, score.version) == (3, "alone\n\ntwice ünïcode 🟢", 2)
    assert services.learner().name == 'Ada "L." <b>'


def test_importing_twice_is_once(writer: Client, add_runs: AddRuns) -> None:
    document = filled(add_runs)
    before = state()
    assert set(post(writer, document).json().values()) == {0}
    assert state() == before


def test_indentation_and_order_of_keys_are_no_damage(writer: Client, add_runs: AddRuns) -> None:
    document = filled(add_runs)
    text = json.dumps(dict(reversed(document.items())), indent=4, ensure_ascii=False)
    assert writer.post(URL, text, content_type="application/json").status_code == 200


def test_histories_are_joined_and_the_newest_counts(writer: Client, add_runs: AddRuns) -> None:
    document = filled(add_runs)
    emptied()
    services.record_score(drill_key="auth", value=2, notes="made here, later", version=0)
    services.record_month(month="2026-05", notes="written here", version=0)
    services.name_learner(name="Bob", version=0)
    assert post(writer, document).json()["scores"] == 3
    history = list(ScoreChange.objects.filter(drill_id="auth").values_list("value", "notes"))
    assert history == [(2, "made here, later"), (3, "alone\n\ntwice ünïcode 🟢"), (1, "with | hints")]
    score = Score.objects.get(drill_id="auth")
    assert (score.value, score.notes) == (2, "made here, later")
    assert score.version == 3, "a page drawn before the import is stale now"
    assert Month.objects.get().notes == "written here"
    assert services.learner().name == "Bob"


def test_a_newer_score_in_the_document_becomes_the_score(writer: Client, add_runs: AddRuns) -> None:
    services.record_score(drill_key="auth", value=0, notes="old", version=0)
    ScoreChange.objects.update(changed_at="2020-01-01T00:00:00Z")
    here = ScoreChange.objects.get().pk
    document = json.loads(json.dumps(drill_map.export_document()))
    document["content"]["drills"][3]["history"] = [
        {"version": 1, "value": 2, "notes": "new", "changed_at": "2021-01-01T00:00:00+00:00"}
    ]
    assert post(writer, resealed(document)).status_code == 200
    assert Score.objects.get(drill_id="auth").value == 2
    assert ScoreChange.objects.filter(pk=here).exists()


def level(client: Client) -> str | None:
    return client.get("/api/progress/").json()["reached"]  # type: ignore[no-any-return]


def own_scenario(*more: dict[str, Any]) -> None:
    """All six drills at 3, and the last runs of a scenario in scenarios/own/; *more* findings on naive."""
    for drill in Drill.objects.all():
        services.record_score(drill_key=drill.key, value=3, notes="", version=0)
    broken = {"check": "no_oversell", "kind": "invariant", "verdict": "violated"}
    for variant, verdict, findings in (("naive", "violated", [broken, *more]), ("hardened", "held", [])):
        fields = {
            "scenario": "own/mine", "variant": variant, "seed": 1, "verdict": verdict, "duration_s": 1, "exit_code": 0,
            "started_at": "2026-01-02T00:00:00Z", "findings": findings,
            "proves": {"must": ["no_oversell"], "may": []},
        }  # fmt: skip
        services.index_run(run_id=variant, fields=fields)


def test_an_own_scenario_still_proves_itself_in_an_empty_lab(writer: Client) -> None:
    own_scenario()
    document = json.loads(json.dumps(drill_map.export_document()))
    assert level(writer) == "senior-architect"
    emptied()
    assert post(writer, document).status_code == 200
    assert level(writer) == "senior-architect"


def test_what_an_own_scenario_left_open_is_carried_too(writer: Client) -> None:
    own_scenario({"check": "fault:1-latency", "kind": "fault", "verdict": "inconclusive"})
    document = json.loads(json.dumps(drill_map.export_document()))
    assert level(writer) == "system-owner"
    emptied()
    assert post(writer, document).status_code == 200
    assert level(writer) == "system-owner"


def test_scale_and_code_of_a_run_are_carried(writer: Client, add_runs: AddRuns) -> None:
    add_runs(1, variants=("attempt",))
    Run.objects.update(scale=0.5, code="ab" * 32)
    document = json.loads(json.dumps(drill_map.export_document()))
    emptied()
    post(writer, document)
    run = Run.objects.get()
    assert (run.scale, run.code) == (0.5, "ab" * 32)


def test_a_file_of_before_is_still_taken(writer: Client, add_runs: AddRuns) -> None:
    document = filled(add_runs)
    emptied()
    for run in document["content"]["runs"]:
        for name in ("proves", "open", "scale", "code"):
            del run[name]
    assert post(writer, resealed(document)).json()["runs"] == 2


@pytest.mark.parametrize(("here", "there", "added"), [("03", "01", 1), ("01", "03", 0), ("01", "01", 0)])
def test_a_hint_opened_on_both_sides_was_opened_the_first_time(
    writer: Client, add_runs: AddRuns, here: str, there: str, added: int
) -> None:
    Drill.objects.filter(key="concurrency").update(core=["concurrency/flash-sale"])
    add_runs(3, variants=("attempt",))
    Run.objects.update(started_at="2026-02-02T00:00:00Z")
    services.open_hint(drill_key="concurrency", hint_key="reference")
    HintUse.objects.update(used_at=f"2026-{there}-02T00:00:00Z")
    document = json.loads(json.dumps(drill_map.export_document()))
    HintUse.objects.update(used_at=f"2026-{here}-02T00:00:00Z")
    assert post(writer, document).json()["hints"] == added
    use = HintUse.objects.get()
    assert (use.used_at.month, use.solution) == (1, True)
    assert writer.get("/api/drills/concurrency/").json()["standing"]["ceiling"] == 1
    assert post(writer, document).json()["hints"] == 0


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        at: Any = document
        for part in parents:
            at = at[part]
        at[last] = value

    return apply


AUTH = "content/drills/3"


@pytest.mark.parametrize(
    ("damage", "seal", "detail"),
    [
        (change("format", "other"), False, "format"),
        (change("version", 2), False, "version"),
        (change(f"{AUTH}/history/1/value", 2), False, "digest"),
        (change("content/months/0/notes", "busier"), False, "digest"),
        (change("digest", ""), False, "digest"),
        (change("content", None), False, "digest"),
        (change("content", None), True, "content"),
        (change(f"{AUTH}/history/1/value", 4), True, "history"),
        (change(f"{AUTH}/history/1/value", "3"), True, "history"),
        (change(f"{AUTH}/history/1/changed_at", "2026-01-01T00:00:00"), True, "timezone"),
        (change(f"{AUTH}/history/1/version", 1), True, "version of auth's score twice"),
        (change(f"{AUTH}/history/0/notes", "x" * 10_001), True, "notes"),
        (change(f"{AUTH}/history/0/notes", "a\0b"), True, "NUL"),
        (change(f"{AUTH}/key", "nope"), True, "drill 'nope'"),
        (change(f"{AUTH}/key", "concurrency"), True, "a drill twice"),
        (change(f"{AUTH}/surprise", 1), True, "surprise"),
        (change("content/months/0/month", "2026-13"), True, "month"),
        (change("content/runs/0/verdict", "passed"), True, "verdict 'passed'"),
        (change("content/runs/0/run_id", "../etc"), True, "run_id"),
        (change("content/runs/0/seed", 2**70), True, "seed"),
        (change("content/runs/1/drill", "nope"), True, "drill 'nope'"),
        (change("content/runs/0/scale", 0), True, "scale"),
        (change("content/runs/0/code", "abc"), True, "code"),
        (change("content/runs/0/proves", {"must": "no_oversell", "may": []}), True, "proves"),
        (change("content/learner", "x" * 101), True, "learner"),
    ],
)
def test_a_damaged_document_changes_nothing(
    writer: Client, add_runs: AddRuns, damage: Callable[[dict[str, Any]], None], seal: bool, detail: str
) -> None:
    document = filled(add_runs)
    emptied()
    before = state()
    damage(document)
    answer = post(writer, resealed(document) if seal else document)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert detail in answer.json()["detail"]
    assert state() == before


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "{}", "{"])
def test_something_else_than_a_document(writer: Client, body: str) -> None:
    assert writer.post(URL, body, content_type="application/json").status_code == 400


def test_the_markdown_has_the_five_sections(reader: Client, add_runs: AddRuns) -> None:
    filled(add_runs)
    answer = reader.get("/api/drill-map.md")
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    text = answer.content.decode()
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        '# Backend drill map of Ada "L." \\<b\\>',
        "## 1. Drills and competencies",
        "## 2. Progress",
        "## 3. Radar",
        "## 4. Monthly trend",
        "## 5. Completion levels",
    ]
    assert (
        "| Drill 4: Authentication and authorization | 3 Owner (self-attested) | 🟢 Owner "
        "| alone twice ünïcode 🟢 | no evidence |" in text
    )
    assert "| Drill 6: AI code review | 0 Unfamiliar | 🔴 Critical gap |  | no evidence |" in text
    assert "| Drill 1: API contract audit | – | – |  | no evidence |" in text
    assert "| 2026-05 | no data | no data | busy |" in text
    assert "drill 1 (API contract audit): not scored, needs 2" in text


def test_the_radar_is_a_radar_beta(reader: Client) -> None:
    services.record_score(drill_key="auth", value=3, notes="", version=0)
    text = reader.get("/api/drill-map.md").content.decode()
    start = text.index("```mermaid")
    assert text[start : text.index("```", start + 5)] == (
        "```mermaid\n"
        "---\nconfig:\n  radar:\n    width: 500\n    height: 500\n    marginLeft: 220\n    marginRight: 220\n---\n"
        "radar-beta\n"
        "  title Backend competency radar\n"
        '  axis backend_systems["Backend Systems"]\n'
        '  axis integration["Integration & Data Flow"]\n'
        '  axis operations["Operational & Deployment Mastery"]\n'
        '  axis security["Security & Zero Trust"]\n'
        '  axis incidents["Failure & Incident Management"]\n'
        '  axis ai_oversight["AI Orchestration & Oversight"]\n'
        '  axis performance["Performance"]\n'
        '  curve learner["Self-score"]{3, 0, 0, 3, 0, 0, 0}\n'
        "  max 3\n"
        "  min 0\n"
        "  ticks 3\n"
        "  graticule polygon\n"
    )


def test_every_row_of_every_table_has_as_many_cells_as_its_head(reader: Client) -> None:
    nasty = "a | b\n| c |\n```\n# heading <script>"
    for drill in Drill.objects.all():
        services.record_score(drill_key=drill.key, value=1, notes=nasty, version=0)
    services.record_month(month="2026-05", notes=nasty, version=0)
    width = 0
    for line in reader.get("/api/drill-map.md").content.decode().splitlines():
        if not line.startswith("|"):
            width = 0
            continue
        cells = line.replace("\\|", "").count("|")
        width = width or cells
        assert cells == width, line
