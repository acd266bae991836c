"""Run, Compare, Progress, Drill, and starting runs on Live: what the reader sees and what it does."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chaos.evidence import labels
from dashboard.scorecard import Brief, Hint


def said(app: AppTest) -> str:
    """All text of the page, tags included."""
    parts = [element.proto.body for element in app.get("html")]
    for kind in ("title", "header", "markdown", "info", "error", "success", "warning", "metric", "text"):
        parts += [str(element.value) for element in app.get(kind)]
    return "\n".join(parts)


def charts_of(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in app.get("echarts_chart")]


def press(app: AppTest, label: str) -> AppTest:
    return next(each for each in app.button if each.label == label).click().run()


def box(app: AppTest, label: str) -> Any:
    return next(each for each in app.selectbox if each.label == label)


# Run


def test_run_leads_with_the_verdict_then_each_check(lab: Any) -> None:
    run_id = lab.run(variant="naive", verdict="violated", broken=("no_oversell",))
    app = lab.page("run", run=run_id)
    text = said(app)
    assert text.index("■ violated") < text.index("1 of 4 checks violated.") < text.index("Checks, worst first")
    assert "1 violated, 3 held of 4 checks" in text
    assert "positive control" in text
    assert [each.value for each in app.header] == [
        "Checks", "Timeline", "Counterexamples", "Operations", "Sampled requests and answers", "Event log",
        "Take it away",
    ]  # fmt: skip


@pytest.mark.parametrize(("learner", "told"), [("<b>Ada", " · by &lt;b&gt;Ada</span>"), ("", "</span>")])
def test_run_names_the_learner_whose_it_was(lab: Any, learner: str, told: str) -> None:
    run_id = lab.run(variant="attempt", verdict="held")
    path = lab.evidence / run_id / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "learner": learner}))
    assert f"{run_id}{told}" in said(lab.page("run", run=run_id))


WRITTEN_BEFORE = Path(__file__).parents[1] / "chaos" / "evidence" / "data" / "flash-sale-naive.verdict.json"


def test_run_and_compare_show_a_verdict_that_was_written_before_it_had_a_type(lab: Any) -> None:
    a, b = lab.run(ago_s=900, variant="naive"), lab.run(ago_s=800, variant="hardened")
    told = json.loads(WRITTEN_BEFORE.read_text())
    for run_id in (a, b):
        (lab.evidence / run_id / "verdict.json").write_text(json.dumps({**told, "run_id": run_id}))
    text = said(lab.page("run", run=a))
    assert told["summary"] in html.unescape(text)
    assert all(finding["check"] in text.replace("<wbr>", "") for finding in told["findings"])
    app = lab.page("compare", a=a, b=b)
    assert (list(app.error), list(app.exception)) == ([], [])
    assert "Checks of both runs" in said(app)


@pytest.mark.parametrize(
    ("content", "why"), [("{", "verdict.json: got "), ('{"verdict": "held"}', "missing required field `run_id`")]
)
def test_a_verdict_that_cannot_be_read_is_told_as_that_and_not_as_none(lab: Any, content: str, why: str) -> None:
    a, b = lab.run(ago_s=900, variant="naive"), lab.run(ago_s=800, variant="hardened")
    (lab.evidence / b / "verdict.json").write_text(content)
    app = lab.page("run", run=b)
    assert "verdict unreadable" in said(app)
    assert why in said(app)
    assert list(app.exception) == []
    assert "verdict can't be read" in lab.page("compare", a=a, b=b).error[0].value.replace("\\", "")
    assert "verdict unreadable" in said(lab.page("overview"))


def test_run_zooms_on_the_failing_window_and_back(lab: Any) -> None:
    run_id = lab.run(variant="naive", verdict="violated", broken=("no_oversell",))
    app = lab.page("run", run=run_id)
    assert {axis["min"] for axis in charts_of(app)[0]["xAxis"]} == {7.0}
    app.get("pills")[0].set_value("Whole run").run()
    assert {axis["min"] for axis in charts_of(app)[0]["xAxis"]} == {0.0}


def test_run_without_an_address_shows_the_newest_and_puts_it_into_the_address(lab: Any) -> None:
    lab.run(ago_s=900, variant="naive", verdict="violated")
    newest = lab.run(variant="hardened")
    app = lab.page("run")
    assert newest in said(app)
    assert newest in app.query_params["run"]


@pytest.mark.parametrize(("by", "headline"), [("user", "inconclusive, aborted"), ("", "inconclusive")])
def test_run_that_is_inconclusive_says_what_to_do_next_and_whether_it_was_aborted(
    lab: Any, by: str, headline: str
) -> None:
    run_id = lab.run(verdict="inconclusive")
    document = json.loads((lab.evidence / run_id / "verdict.json").read_text())
    document |= {"advice": "Let the next run end by itself.", "aborted": by}
    (lab.evidence / run_id / "verdict.json").write_text(json.dumps(document))
    text = said(lab.page("run", run=run_id))
    assert "What to do next" in text
    assert "Let the next run end by itself." in text
    assert f"{headline}<" in text


def test_run_that_is_going_on_leads_to_live(lab: Any) -> None:
    run_id = lab.run(ago_s=10, until_s=10.0)
    app = lab.page("run", run=run_id)
    assert "▶ running" in said(app)
    assert [each.proto.query_string for each in app.get("page_link")][-1] == f"run={run_id}"


def test_run_that_the_lab_does_not_have_but_the_scorecard_knows(lab: Any, scorecard: Any) -> None:
    lab.run()
    gone = "20260101-000000-flash-sale-naive-s1"
    scorecard.runs.append(lab.samples.index_entry(gone, "naive", 1_700_000_000, "violated"))
    lab.stack(scorecard=scorecard.url)
    app = lab.page("run", run=gone)
    assert "its evidence is not here" in app.info[0].value
    assert "Copy its folder" in app.info[0].value


def test_run_shows_a_counterexample_with_its_sql_on_one_time_line(lab: Any) -> None:
    run_id = lab.run(variant="naive", verdict="violated", broken=("no_oversell",))
    text = said(lab.page("run", run=run_id))
    assert "No counterexample was kept" in text
    shown = {"phase": "spike", "op": "buy", "answer": "202 order pending", "route": "/api/orders/"}
    explained = {
        "check": "no_oversell", "says": "Two orders hold one seat.", "expected": "e", "measured": "m", "left_out": 3,
        "operations": [
            {**shown, "label": "A", "id": "0-1", "sent_s": 10.0, "ended_s": 10.012, "key": "k1"},
            {**shown, "label": "B", "id": "0-2", "sent_s": 10.004},
        ],
        "moments": [
            {"at_s": 10.0, "lane": "client", "kind": "operation", "who": "0-1", "label": "A", "text": "buy <1> seat"},
            {"at_s": 10.002, "until_s": 10.003, "lane": "database", "kind": "statement", "who": "0-1", "label": "A",
             "text": "SELECT sold", "where": "/api/orders/", "session": 17},
            {"at_s": 10.011, "lane": "api", "kind": "log", "who": "0-1", "label": "A", "text": "INFO shop: POST"},
        ],
        "unknown": ["operation 0-3: not in the history"],
        "race": {
            "says": "both read <tier> 1 before either wrote it", "row": "shop_tickettier 1", "count": 36,
            "lines": ["C and D: read at views.py:79"],
            "operations": [{**shown, "label": "C", "id": "0-7", "sent_s": 1.0}],
            "moments": [{"at_s": 1.0, "lane": "database", "kind": "statement", "who": "0-7", "label": "C",
                         "text": "UPDATE tier SET sold = 1"}],
        },
    }  # fmt: skip
    file = lab.evidence / run_id / "counterexamples.json"
    file.write_text(json.dumps({"version": 1, "counterexamples": [explained]}))
    text = said(lab.page("run", run=run_id))
    for part in (
        "Two orders hold one seat.", "Operations that show no_oversell", "request 0-1, key k1, through /api/orders/",
        "Time line of no_oversell", "buy &lt;1&gt; seat", "+2.0 ms", "<code>SELECT sold</code>", "session 17",
        "1.0 ms, /api/orders/", "API log", "3 more moments were left out", "Not known: operation 0-3",
        "36 lost updates of shop_tickettier 1 in this run; this is the first.", "both read &lt;tier&gt; 1 before",
        "In the code, C and D: read at views.py:79.", "request 0-7", "<code>UPDATE tier SET sold = 1</code>",
    ):  # fmt: skip
        assert part in text, part


def test_run_shows_samples_and_says_so_when_there_are_none(lab: Any) -> None:
    run_id = lab.run()
    assert "kept no samples" in said(lab.page("run", run=run_id))
    sample = {
        "id": "0-1", "op": "buy", "phase": "spike", "outcome": "info", "method": "POST", "path": "/api/orders/",
        "sent": 10.0, "ended": 10.5, "status": 503, "headers": {"Retry-After": "1"}, "body": "<b>busy</b>",
    }  # fmt: skip
    (lab.evidence / run_id / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    app = lab.page("run", run=run_id)
    assert box(app, "Phase, operation and outcome").value == "spike · buy · info"
    assert "POST /api/orders/" in app.code[0].value
    assert "HTTP 503   after 500 ms, at 10.50 s\nRetry-After: 1" in app.code[0].value


# Compare


def test_compare_puts_two_runs_on_one_axis(lab: Any) -> None:
    a = lab.run(ago_s=900, variant="naive", verdict="violated", broken=("no_oversell",))
    b = lab.run(ago_s=800, variant="hardened")
    app = lab.page("compare", a=a, b=b)
    text = said(app)
    assert "hardened held what naive violated: no_oversell." in text
    assert min(axis["min"] for axis in charts_of(app)[0]["xAxis"]) < 0
    assert "Checks of both runs" in text
    assert not app.warning


def test_compare_finds_a_pair_by_itself(lab: Any) -> None:
    lab.run(ago_s=900, variant="naive", verdict="violated", broken=("no_oversell",))
    lab.run(ago_s=800, variant="hardened")
    app = lab.page("compare")
    assert "naive" in box(app, "Run A").value
    assert "hardened" in box(app, "Run B").value


def test_compare_finds_before_and_after_of_the_same_code(lab: Any) -> None:
    before = lab.run(ago_s=900, variant="attempt", verdict="violated", broken=("no_oversell",))
    after = lab.run(ago_s=800, variant="attempt")
    newest = lab.run(ago_s=700, variant="attempt")
    changed(lab, newest, scenario="failure/database-down")
    app = lab.page("compare")
    assert not app.error
    assert (box(app, "Run A").value, box(app, "Run B").value) == (before, after)


def test_compare_opens_on_runs_that_went_to_their_end(lab: Any) -> None:
    a = lab.run(variant="naive", verdict="violated", ago_s=900)
    b = lab.run(variant="hardened", verdict="held", ago_s=600)
    for ago_s, variant in ((400, "naive"), (300, "hardened")):
        path = lab.evidence / lab.run(variant=variant, verdict="inconclusive", ago_s=ago_s) / "verdict.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "aborted": "stopped by you"}))
    app = lab.page("compare")
    assert [box(app, f"Run {letter}").value for letter in "AB"] == [a, b]


def test_compare_refuses_different_scenarios_with_a_reason(lab: Any) -> None:
    a, b = lab.run(ago_s=900, variant="naive"), lab.run(ago_s=800, variant="hardened")
    document = json.loads((lab.evidence / b / "verdict.json").read_text())
    (lab.evidence / b / "verdict.json").write_text(json.dumps({**document, "scenario": "failure/database-down"}))
    app = lab.page("compare", a=a, b=b)
    assert "scenario: got" in app.error[0].value.replace("\\", "")
    assert charts_of(app) == []


def test_compare_needs_two_runs(lab: Any) -> None:
    assert "there are none" in lab.page("compare").info[0].value
    lab.run()
    assert "there is one" in lab.page("compare").info[0].value


def changed(lab: Any, run_id: str, **more: Any) -> None:
    path = lab.evidence / run_id / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


@pytest.mark.parametrize(
    ("more", "words"), [({"seed": 8}, "seed: got 7"), ({"scale": 0.5}, "scale: got 1.0"), ({"phases": []}, "phases")]
)
def test_compare_refuses_what_the_command_refuses(lab: Any, more: dict[str, Any], words: str) -> None:
    a, b = lab.run(ago_s=900, variant="naive"), lab.run(ago_s=800, variant="hardened")
    changed(lab, b, **more)
    app = lab.page("compare", a=a, b=b)
    assert words in app.error[0].value.replace("\\", "")
    assert charts_of(app) == []


def test_compare_says_so_when_a_fault_never_took_effect(lab: Any) -> None:
    a, b = lab.run(ago_s=900, variant="naive"), lab.run(ago_s=800, variant="hardened")
    faults = json.loads((lab.evidence / b / "verdict.json").read_text())["faults"]
    changed(lab, b, faults=[{**faults[0], "injected_s": None}, faults[1]])
    app = lab.page("compare", a=a, b=b)
    assert "never took effect in" in app.warning[0].value
    assert {axis["min"] for axis in charts_of(app)[0]["xAxis"]} == {0}


# Progress


def test_progress_of_an_empty_scorecard_asks_for_a_score_and_a_name(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    text = said(app)
    assert "Nothing is scored yet" in text
    assert "No level yet" in text
    assert "no data" in text
    assert next(each for each in app.expander).label == "Whose drill map is this?"
    assert all("radar" not in chart for chart in charts_of(app))


def test_progress_has_a_radar_with_its_table(lab: Any, scorecard: Any) -> None:
    scorecard.scores["auth"] = {"value": 2, "notes": "", "version": 1, "updated_at": "2026-01-01T00:00:00Z"}
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    (radar,) = [chart for chart in charts_of(app) if "radar" in chart]
    assert radar["series"][0]["data"][0]["value"] == [2, 2]
    text = said(app)
    assert "Mean score of each dimension" in text
    assert "drill 3 (Async): not scored, needs 2" in text
    assert "Weakest dimensions" in text


def test_the_name_is_saved(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    next(each for each in app.text_input if "Your name" in each.label).set_value("  Ada *L.*  ")
    app = press(app, "Save name")
    assert scorecard.learner["name"] == "Ada *L.*"
    assert app.success[0].value == "Saved."


def test_a_stale_name_is_not_saved(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    next(each for each in app.text_input if "Your name" in each.label).set_value("Eve")
    scorecard.learner = {"name": "Ada", "version": 1, "updated_at": None}
    app = press(app, "Save name")
    assert scorecard.learner["name"] == "Ada"
    assert "changed elsewhere to “Ada”" in app.error[0].value
    app = press(app, "Save name")
    assert scorecard.learner["name"] == "Ada", "the form starts from what is stored now"


def test_stale_notes_on_a_month_are_not_saved_and_not_lost(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    next(each for each in app.text_area if each.label == "Notes on 2026-10").set_value("mine")
    scorecard.months["2026-10"] = {"notes": "theirs", "version": 1, "updated_at": None}
    app = press(app, "Save notes")
    assert scorecard.months["2026-10"]["notes"] == "theirs"
    assert "Not saved." in app.error[0].value
    assert "“theirs”" in app.warning[0].value
    assert next(each for each in app.text_area if each.label == "Notes on 2026-10").value == "mine"
    app = press(app, "Show what is stored")
    assert next(each for each in app.text_area if each.label == "Notes on 2026-10").value == "theirs"


def test_notes_on_a_month_are_saved_with_their_version(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    assert box(app, "Month").value == "2026-10"
    next(each for each in app.text_area if each.label == "Notes on 2026-10").set_value("slow month")
    app = press(app, "Save notes")
    assert scorecard.months["2026-10"]["notes"] == "slow month"
    assert "slow month" in said(app)


def test_an_import_says_what_came_of_it(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("progress")
    app.get("file_uploader")[0].set_value(("map.json", b'{"damaged": true}', "application/json"))
    app = press(app, "Import")
    assert "Nothing was imported." in app.error[0].value
    assert scorecard.imports == []
    app.get("file_uploader")[0].set_value(("map.json", b'{"format": "x"}', "application/json"))
    app = press(app, "Import")
    assert "Imported: 2 scores." in app.success[0].value


# Drill


def test_drill_shows_brief_steps_and_last_results(lab: Any, scorecard: Any) -> None:
    run_id = lab.run(variant="attempt", verdict="violated", broken=("no_oversell",))
    scorecard.runs.append(lab.samples.index_entry(run_id, "attempt", 1_700_000_000, "violated", ("no_oversell",)))
    lab.stack(scorecard=scorecard.url)
    text = said(lab.page("drill", drill="concurrency"))
    assert "What concurrency is about." in text
    assert "1. Look.\n2. Mend." in text
    assert f"run={run_id}" in text
    assert "not run yet" in text
    assert "Ceiling" in text


def test_a_hint_is_opened_by_a_press_and_not_before(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("drill", drill="auth")
    assert "The text of" not in said(app)
    assert scorecard.opened == {}
    next(each for each in app.button if each.key == "open:auth:reference").click()
    app.run()
    assert list(scorecard.opened) == ["reference"]
    assert "The text of reference." in said(app)


def test_hints_for_failing_checks_come_first_with_their_files(lab: Any, scorecard: Any) -> None:
    run_id = lab.run(variant="attempt", verdict="violated", broken=("no_oversell",))
    scorecard.runs.append(lab.samples.index_entry(run_id, "attempt", 1_700_000_000, "violated", ("no_oversell",)))
    lab.stack(scorecard=scorecard.url)
    app = lab.page("drill", drill="concurrency")
    text = said(app)
    assert "services/shop/attempt/: services.py, models.py" in text
    assert "tasks.py" not in text
    (others,) = app.expander
    assert others.label == "1 other hint, for checks that do not fail now"
    assert [each.key for each in others.button] == ["open:concurrency:reference"]
    assert sum(each.key == "open:concurrency:first-look" for each in app.button) == 1


def test_a_check_is_found_without_its_brackets() -> None:
    one = Hint(key="a", checks=["slo:success_ratio"])
    brief = Brief(files={"slo:success_ratio": ["views.py"]}, hints=[one, Hint(key="b", checks=["no_oversell"])])
    assert brief.ladder("slo:success_ratio[spike,buy]") == [one]
    assert brief.files_of("slo:success_ratio[spike,buy]") == ["views.py"]
    assert (brief.ladder("told_once"), brief.files_of("told_once")) == ([], [])


def test_without_a_failing_check_all_hints_are_listed(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("drill", drill="concurrency")
    assert not app.expander
    assert {each.key for each in app.button if each.key} >= {
        "open:concurrency:first-look",
        "open:concurrency:reference",
    }


def test_an_unknown_drill_says_so_and_shows_the_first(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("drill", drill="no-such")
    assert "There is no drill “no\\-such”" in app.info[0].value
    assert app.header[0].value == "1 · API contract audit"


# Scores: ceiling and confirmation


def test_scores_show_gap_and_regression(lab: Any, scorecard: Any) -> None:
    scorecard.scores["auth"] = {"value": 3, "notes": "", "version": 1, "updated_at": "2026-01-01T00:00:00Z"}
    scorecard.standings["auth"] = {
        "ceiling": 0, "reason": "Core not passed.", "gap": 3, "overclaim": True, "regressed": ["auth/access-matrix"],
        "self_attested": True,
    }  # fmt: skip
    lab.stack(scorecard=scorecard.url)
    text = said(lab.page("scores", drill="auth"))
    assert "▲ 3 above what the evidence supports" in text
    assert "■ auth/access-matrix held before, violated now" in text
    assert "self-attested, until a mentor confirms it" in text


def test_a_confirmation_that_is_refused_says_why(lab: Any, scorecard: Any, samples: Any) -> None:
    scorecard.scores["auth"] = {"value": 3, "notes": "", "version": 1, "updated_at": "2026-01-01T00:00:00Z"}
    scorecard.standings["auth"] = {**samples.STANDING, "self_attested": True}
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores", drill="auth")
    for label, value in (("Mentor of drill 4", "Grace"), ("Run that confirms drill 4", "r")):
        next(each for each in app.text_input if each.label == label).set_value(value)
    app = press(app, "Confirm drill 4")
    assert "Not confirmed. run\\_id" in app.error[0].value


def test_scores_show_who_confirmed_when_and_what_they_wrote(lab: Any, scorecard: Any) -> None:
    scorecard.confirmations["auth"] = [{
        "mentor": "Grace <b>", "run_id": "r", "seed": 4711, "confirmed_at": "2026-11-29T11:00:00Z",
        "notes": "Explain <i>rotation</i>.",
    }]  # fmt: skip
    lab.stack(scorecard=scorecard.url)
    text = said(lab.page("scores", drill="auth"))
    assert "by Grace &lt;b&gt; on 2026-11-29, seed 4711" in text
    assert "Explain &lt;i&gt;rotation&lt;/i&gt;." in text


# Live: starting and stopping


class FakeAgent:
    """The agent's contract, in memory, over real HTTP."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"running": None, "ended": None}
        self.asked: list[tuple[str, Any, str]] = []
        self.refuse = False

    def handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command != "GET":
                    token = self.headers.get("X-Lab-Token", "")
                    fake.asked.append((self.command, json.loads(raw) if raw else None, token))
                status, body = fake.answer(self.command, self.path)
                payload = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_DELETE = _answer

            def log_message(self, *_: Any) -> None:
                return

        return Handler

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        if path == "/scenarios":
            one = {"name": "concurrency/flash-sale", "title": "Flash sale", "drill": 3, "seed": 7, "lasts_s": 28.0}
            return 200, {"scenarios": [one], "variants": ["naive", "hardened"]}
        if method == "PUT":
            return (404, {"detail": "run: got none"}) if self.refuse else (200, {"run_id": path, "label": ""})
        if method != "GET" and self.refuse:
            return 409, {"detail": "run: got a lab with a run going on, expected a free one"}
        run = {"scenario": "concurrency/flash-sale", "variant": "hardened", "seed": 7, "started_unix_s": 1.0}
        if method == "POST":
            self.state = {"running": {**run, "stopping": False}, "ended": None}
        elif method == "DELETE":
            self.state = {"running": {**run, "stopping": True}, "ended": None}
        return 200, self.state


@pytest.fixture
def agent(lab: Any, samples: Any) -> Iterator[FakeAgent]:
    fake = FakeAgent()
    with samples.serving(fake.handler()) as port:
        lab.stack(agent=f"http://127.0.0.1:{port}")
        yield fake


def test_a_run_is_started_from_the_page_and_stopped(lab: Any, agent: FakeAgent, samples: Any) -> None:
    app = lab.page("live")
    box(app, "Variant").set_value("hardened")
    app = press(app, "Start")
    body = {"scenario": "concurrency/flash-sale", "variant": "hardened", "seed": 7}
    assert agent.asked == [("POST", body, samples.TOKEN)]
    assert "Started." in app.toast[0].value
    assert "Preparing concurrency/flash-sale" in said(app) or app.button(key="stop")
    app = press(app, "Stop this run")
    assert agent.asked[-1] == ("DELETE", None, samples.TOKEN)
    assert "Stopping: faults are lifted" in said(app)


def test_a_start_that_is_refused_says_why(lab: Any, agent: FakeAgent) -> None:
    agent.refuse = True
    app = press(lab.page("live"), "Start")
    assert "Not started. run\\: got a lab with a run going on" in app.error[0].value


def test_while_a_run_goes_on_no_other_can_be_started(lab: Any, agent: FakeAgent) -> None:
    assert not lab.page("live").button(key="start").disabled
    lab.run(ago_s=12.0, variant="attempt", until_s=12.0)  # started in a terminal: the agent knows nothing of it
    st.cache_data.clear()
    app = lab.page("live")
    assert app.button(key="start").disabled
    assert "The next one can be started when it has ended." in said(app)


def test_a_run_that_could_not_be_run_says_why(lab: Any, agent: FakeAgent) -> None:
    ended = {"scenario": "concurrency/flash-sale", "variant": "attempt", "exit_code": 2, "said": "line 3: SyntaxError"}
    agent.state = {"running": None, "ended": ended}
    assert "SyntaxError" in lab.page("live").error[0].value


def test_a_verdict_is_no_error_of_the_page(lab: Any, agent: FakeAgent) -> None:
    agent.state = {"running": None, "ended": {"scenario": "s", "variant": "naive", "exit_code": 1, "said": ""}}
    assert not lab.page("live").error


def test_without_an_agent_the_page_says_how_else(lab: Any) -> None:
    lab.stack()
    assert any("has no agent" in each.value for each in lab.page("live").info)


# Safety figures, progress


def test_run_shows_the_safety_figures_as_its_checks_measured_them(lab: Any, samples: Any) -> None:
    run_id = lab.run(variant="naive", verdict="violated", broken=("no_oversell",))
    t0 = json.loads((lab.evidence / run_id / "load-plan.json").read_text())["t0_unix_s"]
    samples.write_sale(lab.evidence / run_id, t0, orders=20, capacity=15, twice=2)
    app = lab.page("run", run=run_id)
    text = said(app)
    assert "What must stay true" in [header.value for header in app.header]
    assert '<h3>Seats taken in tier 3 (night-of-drums)</h3><p><span class="fd-sign fd-bad">■ violated</span>' in text
    specs = [json.loads(element.proto.spec) for element in app.get("echarts_chart")]
    assert [spec["series"][1]["name"] for spec in specs[:2]] == ["seats taken", "orders accepted"]
    assert [series["name"] for series in specs[1]["series"][1:]] == ["orders accepted", "charges", "charged again"]


def test_live_shows_seats_beyond_the_capacity_while_the_run_goes_on(lab: Any, samples: Any) -> None:
    run_id = lab.run(ago_s=12.0, variant="naive", until_s=12.0)
    t0 = json.loads((lab.evidence / run_id / "load-plan.json").read_text())["t0_unix_s"]
    samples.write_sale(lab.evidence / run_id, t0, orders=20, capacity=15, ended=False)
    text = said(lab.page("live"))
    assert "▲ 20 of 15 seats taken so far" in text
    assert "■ violated" not in text, "a picture does not judge"
    assert "role='progressbar'" in text
    assert "of 28 s of load' aria-label='Progress of the run'" in text


def test_live_keeps_the_verdict_of_the_run_before_in_sight(lab: Any) -> None:
    lab.run(ago_s=900.0, variant="naive", verdict="violated", broken=("no_oversell",))
    lab.run(ago_s=12.0, variant="attempt", until_s=12.0)
    text = said(lab.page("live"))
    assert 'The run before: <span class="fd-sign fd-bad">■ violated</span>' in text


def test_a_run_whose_checks_cannot_be_drawn_has_no_such_part(lab: Any) -> None:
    run_id = lab.run()
    assert "What must stay true" not in [header.value for header in lab.page("run", run=run_id).header]


# Overview: what is next, and the search

HEADLINE = {"scenario": "concurrency/flash-sale"}


def test_a_first_visit_says_what_this_is_and_starts_the_headline(
    lab: Any, agent: FakeAgent, scorecard: Any, samples: Any
) -> None:
    lab.stack(agent=agent_url(lab), scorecard=scorecard.url)
    app = lab.page("overview")
    assert "What this is" in [header.value for header in app.header]
    assert any("ceiling" in each.value for each in app.markdown)
    app.button(key="next-start").click().run()
    assert agent.asked == [
        ("POST", {"scenario": "concurrency/flash-sale", "variant": "naive", "seed": None}, samples.TOKEN)
    ]


def agent_url(lab: Any) -> str:
    return str(json.loads(lab.stack_file.read_text())["urls"]["agent"])


def test_overview_finds_runs_by_what_the_boxes_say(lab: Any, scorecard: Any) -> None:
    for variant, verdict, ago_s in (("naive", "violated", 900.0), ("hardened", "held", 800.0)):
        lab.run(ago_s=ago_s, variant=variant, verdict=verdict)
    lab.stack(scorecard=scorecard.url)
    app = lab.page("overview")
    assert "-naive-" in said(app)
    assert "-hardened-" in said(app)
    app.selectbox(key="verdict").set_value("held").run()
    assert "-naive-" not in said(app)
    app.text_input(key="q").set_value("no such thing").run()
    assert "No run fits." in app.info[0].value


def test_overview_shows_labels_and_finds_runs_by_them_however_old(lab: Any, scorecard: Any) -> None:
    old = lab.run(ago_s=90_000.0, variant="naive", verdict="violated")
    labels.put(lab.evidence / old, "before <b>")
    for number in range(13):
        lab.run(ago_s=900.0 - number, variant="hardened", verdict="held")
    lab.stack(scorecard=scorecard.url)
    app = lab.page("overview")
    assert "before &lt;b&gt;" not in said(app), "it is not among the newest"
    assert "before <b>" in app.selectbox(key="label").options
    app.text_input(key="q").set_value("BEFORE").run()
    assert "before &lt;b&gt;" in said(app)
    assert "-hardened-" not in said(app)
    app = lab.page("overview", label="before <b>")
    assert old in said(app)
    assert "-hardened-" not in said(app)


def test_overview_with_a_label_that_no_run_has_any_more(lab: Any, scorecard: Any) -> None:
    lab.run(variant="naive", verdict="violated")
    lab.stack(scorecard=scorecard.url)
    app = lab.page("overview", label="gone")
    assert not app.exception
    assert "-naive-" in said(app)


def test_a_run_is_labelled_on_its_page(lab: Any, agent: FakeAgent, samples: Any) -> None:
    run_id = lab.run(variant="naive", verdict="violated")
    labels.put(lab.evidence / run_id, "as it was")
    app = lab.page("run", run=run_id)
    assert app.text_input(key=f"label:{run_id}").value == "as it was"
    assert app.button(key="save-label").disabled
    app.text_input(key=f"label:{run_id}").set_value("with a lock").run()
    app = press(app, "Save label")
    assert agent.asked == [("PUT", {"text": "with a lock"}, samples.TOKEN)]
    assert not app.exception
    agent.refuse = True
    app = lab.page("run", run=run_id)
    app.text_input(key=f"label:{run_id}").set_value("another").run()
    assert "Not saved. run\\: got none" in press(app, "Save label").error[0].value


def test_without_an_agent_a_label_is_not_saved_and_the_page_says_how_else(lab: Any) -> None:
    run_id = lab.run()
    app = lab.page("run", run=run_id)
    app.text_input(key=f"label:{run_id}").set_value("x").run()
    assert "firedrill label" in press(app, "Save label").error[0].value


def test_a_scenario_of_the_drill_starts_from_its_page(lab: Any, agent: FakeAgent, scorecard: Any, samples: Any) -> None:
    lab.stack(agent=agent_url(lab), scorecard=scorecard.url)
    app = lab.page("drill", drill="concurrency")
    app.button(key="run:concurrency").click().run()
    assert agent.asked == [
        ("POST", {"scenario": "concurrency/flash-sale", "variant": "naive", "seed": None}, samples.TOKEN)
    ]


def test_run_shows_how_a_check_went_over_the_runs(lab: Any) -> None:
    lab.run(ago_s=3000, variant="attempt", verdict="violated", broken=("no_oversell",))
    run_id = lab.run(ago_s=2000, variant="attempt", verdict="held")
    app = lab.page("run", run=run_id)
    assert "Over your runs" in [header.value for header in app.header]
    assert "20" in said(app)
