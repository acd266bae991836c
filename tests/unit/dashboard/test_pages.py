"""Every page in every state that its sources can be in, as the reader gets it. Never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

UNKNOWN = "20260101-000000-no-such-s1"
PAGES = ("overview", "live", "run", "compare", "scores", "progress", "drill", "review")


def said(app: AppTest) -> str:
    """All text of the page, tags included."""
    parts = [element.proto.body for element in app.get("html")]
    for kind in ("title", "header", "info", "error", "success", "warning", "metric"):
        parts += [str(element.value) for element in app.get(kind)]
    return "\n".join(parts)


def chart(app: AppTest) -> dict[str, Any] | None:
    """The option of the page's chart."""
    found = app.get("echarts_chart")
    return json.loads(found[0].proto.spec) if found else None


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def fake_prometheus(value: str) -> type[BaseHTTPRequestHandler]:
    """Answers every query with one series of *value*; `le` is there for the bucket bounds."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            labels = {"le": "10", "proxy": "shop_to_gateway", "queue": "celery"}
            start = float(dict(part.split("=") for part in self.path.split("?")[1].split("&")).get("start", 0))
            points = [[start + at, value] for at in range(5)]
            kind = "values" if "query_range" in self.path else "value"
            result = [{"metric": labels, kind: points if kind == "values" else points[0]}]
            payload = json.dumps({"status": "success", "data": {"result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


@pytest.fixture
def serve_prometheus(samples: Any) -> Iterator[Callable[[str], str]]:
    """Starts a fake Prometheus whose every value is the given text; returns its URL."""
    from contextlib import ExitStack  # noqa: PLC0415

    with ExitStack() as held:
        yield lambda value: f"http://127.0.0.1:{held.enter_context(samples.serving(fake_prometheus(value)))}"


State = Callable[[Any, Any, Callable[[str], str]], None]


def normal(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    run_id = lab.run(variant="naive", verdict="violated", broken=("no_oversell",))
    scorecard.runs.append(lab.samples.index_entry(run_id, "naive", 1_700_000_000, "violated", ("no_oversell",)))
    lab.stack(scorecard=scorecard.url, prometheus=serve("2"))


def no_runs(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    lab.stack(scorecard=scorecard.url, prometheus=serve("2"))


def prometheus_down(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    lab.run()
    lab.stack(scorecard=scorecard.url, prometheus=f"http://127.0.0.1:{lab.samples.free_port()}")


def not_a_number(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    lab.run(ago_s=10, until_s=10.0)
    lab.stack(scorecard=scorecard.url, prometheus=serve("NaN"))


def scorecard_down(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    lab.run()
    lab.stack(scorecard=f"http://127.0.0.1:{lab.samples.free_port()}", prometheus=serve("2"))


def scorecard_odd(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    scorecard.odd = b"<html>"
    lab.stack(scorecard=scorecard.url, prometheus=serve("2"))


def stack_down(lab: Any, scorecard: Any, serve: Callable[[str], str]) -> None:
    lab.run()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "state", [normal, no_runs, prometheus_down, not_a_number, scorecard_down, scorecard_odd, stack_down]
)
@pytest.mark.parametrize(
    "query",
    [{}, {"run": UNKNOWN, "a": UNKNOWN, "b": UNKNOWN, "drill": "no-such"}],
    ids=["plain", "unknown"],
)
def test_no_page_ever_shows_a_traceback(
    lab: Any, scorecard: Any, serve_prometheus: Callable[[str], str], page: str, state: State, query: dict[str, str]
) -> None:
    state(lab, scorecard, serve_prometheus)
    app = lab.page(page, **query)
    assert not app.exception
    assert app.title[0].value == page.title()
    text = said(app)
    assert "could not be drawn" not in text
    assert "nan" not in text.lower().replace("unavailable", "")
    assert lab.samples.TOKEN not in text


def test_a_page_that_fails_says_so_and_keeps_the_details_to_itself(
    lab: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dashboard import sources  # noqa: PLC0415

    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(sources, "scores", broken)
    app = lab.page("scores")
    assert not app.exception
    assert "Scores could not be drawn" in app.error[0].value
    assert "secret detail" not in said(app)
    assert "secret detail" in caplog.text


# Overview


def test_overview_has_six_drills_with_result_status_and_score(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    normal(lab, scorecard, serve_prometheus)
    scorecard.scores["concurrency"] = {"value": 1, "notes": "", "version": 1, "updated_at": "2026-01-01T00:00:00Z"}
    text = said(lab.page("overview"))
    assert text.count('class="fd-card"') == 6
    assert text.count("no evidence yet") == 5
    assert "1 · Assisted" in text
    assert "🟡" in text
    assert "Needs guided practice" in text
    assert "■ violated" in text
    assert "positive control" in text


def test_overview_lists_runs_once_even_when_index_and_folder_both_know_them(
    lab: Any, scorecard: Any, serve_prometheus: Any
) -> None:
    normal(lab, scorecard, serve_prometheus)
    lab.run(ago_s=300.0, variant="hardened")
    text = said(lab.page("overview"))
    assert text.count("<tr>") == 1 + 2


def test_overview_shows_runs_from_their_folders_when_the_scorecard_is_away(
    lab: Any, scorecard: Any, serve_prometheus: Any
) -> None:
    scorecard_down(lab, scorecard, serve_prometheus)
    app = lab.page("overview")
    assert "scorecard can't be reached" in app.info[0].value
    assert "● held" in said(app)


def test_overview_links_to_the_run_that_is_going_on(lab: Any) -> None:
    run_id = lab.run(ago_s=10, until_s=10.0)
    text = said(lab.page("overview"))
    assert f'<a href="live?run={run_id}"' in text
    assert "▶ running" in text


def test_overview_asks_every_part_of_the_stack(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    normal(lab, scorecard, serve_prometheus)
    text = said(lab.page("overview"))
    for name, sign in (
        ("Scorecard", "● ready"),
        ("Prometheus", "● ready"),
        ("API", "▲ absent"),
        ("Redis", "■ no answer"),
    ):
        assert f"<b>{name}</b>" in text
        assert sign in text


# Live


def test_live_finds_the_running_run_and_names_phase_and_faults(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    lab.run(ago_s=12.2, until_s=12.2, variant="naive")
    lab.stack(scorecard=scorecard.url, prometheus=serve_prometheus("0.5"))
    app = lab.page("live")
    text = said(app)
    assert "running: <b>Flash sale</b> on <b>naive</b>, seed 7 · phase spike" in text
    assert "■ latency on shop_to_gateway" in text
    assert "■ kill on worker" in text
    assert metrics(app) == {"Offered": "0.5/s", "Served": "0.5/s", "Errors": "0.5/s", "p95": "500 ms"}
    drawn = chart(app)
    assert drawn is not None
    assert len(drawn["grid"]) == 3
    assert "Lines from Prometheus" in text


def test_live_shows_a_quantile_in_the_top_bucket_as_a_lower_bound(
    lab: Any, scorecard: Any, serve_prometheus: Any
) -> None:
    lab.run(ago_s=10, until_s=10.0)
    lab.stack(prometheus=serve_prometheus("10"))
    assert metrics(lab.page("live"))["p95"] == "no answer"


def test_live_without_prometheus_draws_the_history_and_says_so(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    lab.run(ago_s=10, until_s=10.0)
    lab.stack(scorecard=scorecard.url, prometheus=f"http://127.0.0.1:{lab.samples.free_port()}")
    app = lab.page("live")
    (away,) = [each.value for each in app.info if "Prometheus can't be reached" in each.value]
    assert "make doctor" in away
    assert "own operation history" in said(app)
    drawn = chart(app)
    assert drawn is not None
    assert len(drawn["grid"]) == 2
    assert metrics(app)["Offered"] != "–"


def test_live_with_no_data_at_all_shows_dashes(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    lab.run(ago_s=10, until_s=10.0, history=False)
    lab.stack(prometheus=serve_prometheus("NaN"))
    app = lab.page("live")
    assert set(metrics(app).values()) == {"–"}


def test_live_shows_the_last_run_with_its_verdict_when_none_is_going_on(lab: Any) -> None:
    lab.run(verdict="violated", broken=("no_oversell",))
    text = said(lab.page("live"))
    assert "■ violated" in text
    assert "1 of 4 checks violated." in text
    assert "No run is going on" in text


def test_live_follows_the_address_and_leads_back_to_the_running_run(lab: Any) -> None:
    old = lab.run(ago_s=900, variant="naive", verdict="violated")
    running = lab.run(ago_s=10, until_s=10.0)
    app = lab.page("live", run=old)
    assert old in said(app)
    assert running not in said(app)
    links = [element.proto.query_string for element in app.get("page_link")]
    assert f"run={running}" in links


def test_live_says_when_a_run_is_unknown(lab: Any) -> None:
    app = lab.page("live", run="![x](http://evil/)")
    (unknown,) = [each.value for each in app.info if "There is no run" in each.value]
    assert "![x]" not in unknown


def test_live_before_the_load_has_nothing_to_draw_yet(lab: Any) -> None:
    run_id = lab.run(ago_s=-3, until_s=-1.0, history=False)
    (lab.evidence / run_id / "load-plan.json").unlink()
    app = lab.page("live")
    assert "starting the load" in said(app)
    assert chart(app) is None


def test_live_shows_proxies_and_queues(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    normal(lab, scorecard, serve_prometheus)
    text = said(lab.page("live"))
    assert "<b>shop_to_gateway</b>" in text
    assert "▲ 2 toxics" in text
    assert "<b>tasks waiting in celery</b>" in text
    assert "unacked" not in text
    assert "■ open: calls are refused" in text
    assert "● open" not in text, "the sign of a proxy beside that of a breaker"


# Scores


def radio(app: AppTest, number: int) -> Any:
    return next(each for each in app.radio if each.label == f"Score of drill {number}")


def notes(app: AppTest, number: int) -> Any:
    return next(each for each in app.text_area if each.label == f"Notes and lessons learned of drill {number}")


def save(app: AppTest, number: int) -> AppTest:
    button = next(each for each in app.button if each.label == f"Save drill {number}")
    return button.click().run()


def test_scores_are_saved_with_their_version_and_become_history(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores")
    radio(app, 4).set_value("2 Independent")
    notes(app, 4).set_value("tokens *live* too long")
    app = save(app, 4)
    assert scorecard.scores["auth"]["value"] == 2
    assert scorecard.scores["auth"]["notes"] == "tokens *live* too long"
    assert "Saved: 2 · Independent." in app.success[0].value
    assert radio(app, 4).value == "2 Independent"
    assert "Competent" in said(app)
    radio(app, 4).set_value("Not scored")
    app = save(app, 4)
    assert scorecard.scores["auth"]["value"] is None
    assert scorecard.scores["auth"]["version"] == 2
    assert any(each.label == "History of drill 4 (2)" for each in app.expander)


def test_what_was_typed_and_not_saved_survives_a_visit_to_another_page(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores")
    radio(app, 4).set_value("1 Assisted")
    app = notes(app, 4).set_value("half a thought").run()
    assert "Not saved yet." in said(app)
    app.switch_page("app_pages/live.py").run()
    app = app.switch_page("app_pages/scores.py").run()
    assert (radio(app, 4).value, notes(app, 4).value) == ("1 Assisted", "half a thought")
    app = save(app, 4)
    assert scorecard.scores["auth"]["notes"] == "half a thought"
    assert "Not saved yet." not in said(app)


def test_notes_are_read_as_markdown_without_pictures(lab: Any, scorecard: Any) -> None:
    text = "**locks** first ![x](http://elsewhere.example/x.png)"
    scorecard.scores["auth"] = {"value": 1, "notes": text, "version": 1, "updated_at": "2026-01-01T00:00:00Z"}
    lab.stack(scorecard=scorecard.url)
    shown = [each.value for each in lab.page("scores").markdown]
    assert "**locks** first !\\[x](http://elsewhere.example/x.png)" in shown


def test_a_long_history_shows_its_newest_and_says_where_the_rest_is(lab: Any, scorecard: Any, samples: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    for version in range(25):
        scorecard.save("auth", {"value": 1, "notes": "", "version": version}, f"Token {samples.TOKEN}")
    app = lab.page("scores")
    assert any(each.label == "History of drill 4 (25)" for each in app.expander)
    assert "The newest 20 of 25; the export on Progress has them all." in said(app)


def test_a_stale_page_cannot_overwrite_and_shows_what_is_stored(lab: Any, scorecard: Any, samples: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores")
    other = {"value": 3, "notes": "from another tab", "version": 0}
    scorecard.save("auth", other, f"Token {samples.TOKEN}")
    radio(app, 4).set_value("1 Assisted")
    app = save(app, 4)
    assert scorecard.scores["auth"]["value"] == 3
    assert "Not saved" in app.error[0].value
    assert "3 · Owner" in app.error[0].value.replace("\\", "")
    assert radio(app, 4).value == "1 Assisted", "what was typed is not thrown away"
    app = save(app, 4)
    assert scorecard.scores["auth"]["value"] == 3, "asking again is no way around it"
    app = next(each for each in app.button if each.label == "Keep mine, to save again").click().run()
    assert not app.error
    app = save(app, 4)
    assert scorecard.scores["auth"]["value"] == 1


def test_a_stale_page_can_take_what_is_stored(lab: Any, scorecard: Any, samples: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores")
    scorecard.save("auth", {"value": 3, "notes": "other", "version": 0}, f"Token {samples.TOKEN}")
    radio(app, 4).set_value("1 Assisted")
    app = save(app, 4)
    app = next(each for each in app.button if each.label == "Show what is stored").click().run()
    assert radio(app, 4).value == "3 Owner"
    assert notes(app, 4).value == "other"
    assert not app.error


def test_a_save_that_fails_keeps_what_was_typed(lab: Any, scorecard: Any, samples: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores")
    lab.stack_file.write_text(lab.stack_file.read_text().replace(samples.TOKEN, "old"))
    notes(app, 1).set_value("kept")
    app = save(app, 1)
    assert "refused the write token" in app.error[0].value
    assert notes(app, 1).value == "kept"


def test_one_drill_by_its_address(lab: Any, scorecard: Any) -> None:
    lab.stack(scorecard=scorecard.url)
    app = lab.page("scores", drill="auth")
    assert [each.value for each in app.header] == ["4 · Authentication and authorization"]


def test_scores_show_the_latest_evidence_beside_the_form(lab: Any, scorecard: Any, serve_prometheus: Any) -> None:
    normal(lab, scorecard, serve_prometheus)
    text = said(lab.page("scores", drill="concurrency"))
    assert "■ violated" in text
    assert "no_oversell" in text
