from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence.course import Fault, Phase, RunState
from chaos.evidence.growing import Run
from chaos.evidence.limits import Curve as LimitCurve
from chaos.evidence.limits import Limit
from chaos.evidence.safety import Curve, Picture
from dashboard import charts
from dashboard.timeline import Line, Timeline

LATENCY = Fault(id="1", kind="latency", on="shop_to_gateway", injected_s=10.0, lifted_s=16.0)
KILL = Fault(id="2", kind="kill", on="worker", injected_s=12.0, lifted_s=12.1)
RUN = Run(
    run_id="r", folder=Path(), state=RunState.RUNNING, stage="phase spike", title="Flash sale", variant="naive",
    last_s=14.0, load_end_s=28.0,
    phases=(Phase(name="baseline", start_s=0.0, end_s=8.0), Phase(name="spike", start_s=8.0, end_s=28.0)),
    faults=(LATENCY, KILL), limits=(Limit(curve=LimitCurve(), at_most_s=0.3),),
)  # fmt: skip


def line(name: str, panel: str, *values: float | None) -> Line:
    return Line(name=name, panel=panel, times_s=tuple(float(at) for at in range(len(values))), values=values)


FULL = Timeline(
    source="Prometheus",
    lines=(line("offered", "rate", 1, 2), line("p95", "latency", 0.25, None), line("tasks waiting", "backlog", 3, 4)),
)


def marks(option: dict[str, list[dict[str, dict[str, list[object]]]]], kind: str) -> list[list[object]]:
    return [series[kind]["data"] for series in option["series"] if kind in series]


@pytest.mark.parametrize("dark", [True, False])
def test_three_panels_one_chart_and_it_is_json(dark: bool) -> None:
    option = charts.timeline_option(FULL, RUN, dark=dark)
    assert len(option["grid"]) == len(option["xAxis"]) == len(option["yAxis"]) == 3
    json.dumps(option, allow_nan=False)
    assert all(legend["selectedMode"] is False for legend in option["legend"])
    assert {axis["max"] for axis in option["xAxis"]} == {28.0}


def test_panels_do_not_overlap_and_fit_the_height() -> None:
    option = charts.timeline_option(FULL, RUN, dark=False)
    ends = [grid["top"] + grid["height"] for grid in option["grid"]]
    assert all(end <= title["top"] for end, title in zip(ends, option["title"][1:], strict=False))
    assert all(legend["top"] + 14 <= grid["top"] for legend, grid in zip(option["legend"], option["grid"], strict=True))
    assert ends[-1] + 20 <= charts.height_px(FULL, RUN)


def test_a_fault_is_a_band_through_every_panel_with_its_label_on_the_top_one() -> None:
    option = charts.timeline_option(FULL, RUN, dark=False)
    bands = marks(option, "markArea")
    assert [(band[0][0]["xAxis"], band[0][1]["xAxis"]) for band in bands] == [(10.0, 16.0)] * 3  # type: ignore[index]
    assert [band[0][0]["label"]["show"] for band in bands] == [True, False, False]  # type: ignore[index]
    assert bands[0][0][0]["label"]["formatter"] == "A latency"  # type: ignore[index]


def test_a_short_fault_is_a_line_because_a_band_of_it_could_not_be_seen() -> None:
    drawn = marks(charts.timeline_option(FULL, RUN, dark=False), "markLine")[0]
    assert [each["label"]["formatter"] for each in drawn if each.get("xAxis") == 12.0] == ["B kill"]  # type: ignore[attr-defined, index]


def test_labels_of_faults_close_together_stand_above_one_another() -> None:
    far = replace(KILL, id="3", injected_s=25.0, lifted_s=26.0)
    option = charts.timeline_option(FULL, replace(RUN, faults=(LATENCY, replace(KILL, lifted_s=14.0), far)), dark=False)
    distances = [band[0]["label"]["distance"] for band in marks(option, "markArea")[0]]  # type: ignore[index]
    assert distances[0] < distances[1]
    assert distances[2] == distances[0]


def test_an_active_fault_reaches_to_now() -> None:
    option = charts.timeline_option(FULL, replace(RUN, faults=(replace(LATENCY, lifted_s=None),)), dark=False)
    assert marks(option, "markArea")[0][0][1]["xAxis"] == 14.0  # type: ignore[index]


def limit_lines(run: Run, *drawn: Line) -> list[list[tuple[str, list[float], list[float]]]]:
    """Words, start and end of the limits in each panel."""
    option = charts.timeline_option(replace(FULL, lines=(*FULL.lines, *drawn)), run, dark=False)
    pairs = [[each for each in lines if isinstance(each, list)] for lines in marks(option, "markLine")]
    return [[(a["label"]["formatter"], a["coord"], b["coord"]) for a, b in panel] for panel in pairs]


def test_limits_are_lines_of_the_latency_panel_only() -> None:
    """The steady state's is one of the first phase; until now it went through the whole run."""
    assert limit_lines(RUN) == [[], [("p95 ≤ 300 ms", [0.0, 300.0], [8.0, 300.0])], []]


def test_a_limit_is_drawn_for_the_operation_the_phase_and_the_curve_that_it_limits() -> None:
    buy = Limit(curve=LimitCurve("buy", 0.99), at_most_s=2.0, phase="spike")
    elsewhere = Limit(curve=LimitCurve(), at_most_s=2.0, phase="gone")
    run = replace(RUN, limits=(buy, elsewhere))
    assert limit_lines(run)[1] == []
    assert limit_lines(run, line("buy p99", "latency", 0.1, 0.2))[1] == [
        ("buy p99 ≤ 2 s", [8.0, 2000.0], [28.0, 2000.0])
    ]


def test_seconds_without_a_promised_answer_are_bands_of_the_latency_panel() -> None:
    option = charts.timeline_option(replace(FULL, unanswered_s=(3.0, 4.0, 9.0)), replace(RUN, faults=()), dark=False)
    panels: Any = marks(option, "markArea")
    bands = [[(pair[0]["xAxis"], pair[1]["xAxis"]) for pair in panel] for panel in panels]
    assert bands == [[], [(3.0, 5.0), (9.0, 10.0)], []]


def test_latency_is_drawn_in_milliseconds_and_no_value_is_a_gap() -> None:
    timeline = Timeline(source="x", lines=(line("p95", "latency", 0.25, None, math.inf, math.nan),))
    series = next(s for s in charts.timeline_option(timeline, RUN, dark=False)["series"] if s["name"] == "p95")
    assert series["data"] == [[0.0, 250.0], [1.0, None], [2.0, None], [3.0, None]]


def test_bands_and_phases_stand_without_any_data() -> None:
    option = charts.timeline_option(Timeline(source="", lines=()), RUN, dark=False)
    assert len(option["grid"]) == 1
    assert marks(option, "markArea")[0]


def test_a_window_cuts_bands_and_lines_and_keeps_the_faults_letters() -> None:
    long = replace(FULL, lines=(line("offered", "rate", *range(30)),))
    option = charts.timeline_option(long, RUN, dark=False, window=(11.0, 14.0))
    assert {(axis["min"], axis["max"]) for axis in option["xAxis"]} == {(11.0, 14.0)}
    (offered,) = [series for series in option["series"] if series["name"] == "offered"]
    assert [point[0] for point in offered["data"]] == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    bands = marks(option, "markArea")
    assert (bands[0][0][0]["xAxis"], bands[0][0][1]["xAxis"]) == (11.0, 14.0)  # type: ignore[index]
    late = charts.timeline_option(long, RUN, dark=False, window=(12.0, 12.05))
    assert "B kill" in json.dumps(late)


def test_a_radar_names_what_has_no_score() -> None:
    option = charts.radar_option(["Security & Zero Trust", "Performance"], [2.5, None], dark=True)
    names = [axis["name"].replace("\n", " ") for axis in option["radar"]["indicator"]]
    assert names == ["Security & Zero Trust", "Performance (no score)"]
    assert option["series"][0]["data"][0]["value"] == [2.5, 0]
    json.dumps(option, allow_nan=False)


def test_a_trend_has_gaps_where_there_is_no_data() -> None:
    option = charts.trend_option(["2026-01", "2026-02"], [1.5, None], [0, None], dark=False)
    average, flags = option["series"]
    assert (average["data"], average["connectNulls"], flags["data"]) == ([1.5, None], False, [0, None])


SEATS = Picture(
    check="no_oversell", title="Seats taken in tier 3", said="17 of 15 seats taken",
    curves=(Curve(name="seats taken", points=((1.0, 9), (5.0, 17))),), limit=15, limit_name="capacity: 15", beyond=True,
)  # fmt: skip


@pytest.mark.parametrize("dark", [True, False])
def test_a_safety_figure_is_a_staircase_with_its_limit_and_what_is_beyond_it(dark: bool) -> None:
    option = charts.safety_option(SEATS, RUN, until_s=28.0, dark=dark)
    json.dumps(option, allow_nan=False)
    behind, seats, beyond = option["series"]
    assert (seats["step"], seats["data"]) == ("end", [[0.0, 0], [1.0, 9], [5.0, 17], [14.0, 17]])
    assert behind["markLine"]["data"][-1]["yAxis"] == 15
    assert behind["markArea"]["data"], "the faults stand behind it"
    assert [count for _, count in beyond["data"]] == [15, 15, 17, 17]
    assert beyond["areaStyle"]["origin"] == 15
    assert option["grid"][0]["top"] + option["grid"][0]["height"] + 20 <= charts.safety_height_px(RUN, until_s=28.0)


def test_what_is_forbidden_is_drawn_red_whatever_its_count() -> None:
    bad = Curve(name="accepted", points=((2.0, 1),), bad=True)
    doors = replace(SEATS, curves=(bad, Curve(name="refused", points=((1.0, 3),))), limit=None)
    _, wrong, right = charts.safety_option(doors, RUN, until_s=28.0, dark=False)["series"]
    assert wrong["lineStyle"]["color"] == charts.LIGHT.errors
    assert right["lineStyle"]["color"] != charts.LIGHT.errors
