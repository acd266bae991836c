"""A run over time: requests, latency and backlog, with its faults, phases and limits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

from chaos.evidence.course import Fault
from chaos.evidence.growing import Run
from chaos.evidence.limits import span_s
from dashboard.charts.bands import labels_px, marks
from dashboard.charts.look import FOOT_PX, HEAD_PX, PANEL_PX, TOP_PX, Colours, colours_of
from dashboard.timeline import Line, Timeline

_TITLES = {"rate": "Requests per second", "latency": "Latency from the intended start, ms", "backlog": "Backlog, count"}
_FORMATS = {"rate": "%.1f/s", "latency": "%.0f ms", "backlog": "%.0f"}


def timeline_option(
    timeline: Timeline, run: Run, *, dark: bool, window: tuple[float, float] | None = None
) -> dict[str, Any]:
    """One chart with a grid for each panel, fault bands through all of them, phases and latency limits.

    Args:
        window: Seconds to show instead of the whole run.
    """
    colours = colours_of(dark=dark)
    panels = [panel for panel in _TITLES if any(line.panel == panel for line in timeline.lines)] or ["rate"]
    start_s, end_s = (0.0, horizon_s(timeline, run)) if window is None else window
    if window is not None:
        run = _within(run, start_s, end_s)
    top_px = labels_px(run.faults, end_s - start_s)
    option: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "line", "animation": False}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "title": [], "legend": [], "grid": [], "xAxis": [], "yAxis": [], "series": [],
    }  # fmt: skip
    for index, panel in enumerate(panels):
        lines = [line for line in timeline.lines if line.panel == panel]
        first, last = index == 0, index == len(panels) - 1
        head_px = TOP_PX + index * (PANEL_PX + HEAD_PX) + (0 if first else top_px)
        grid_px = head_px + HEAD_PX + (top_px if first else 0)
        option["title"].append(
            {"text": _TITLES[panel], "left": 0, "top": head_px, "textStyle": {"fontSize": 13, "color": colours.text}}
        )
        option["legend"].append({
            "data": [line.name for line in lines], "left": 0, "top": head_px + 20, "selectedMode": False,
            "itemWidth": 26, "itemHeight": 8, "itemGap": 10, "padding": 0, "textStyle": {"color": colours.text},
            "itemStyle": {"opacity": 0},  # no dot: it would hide whether the line is dashed
        })  # fmt: skip
        option["grid"].append({"left": 46, "right": 14, "top": grid_px, "height": PANEL_PX - 10, "containLabel": False})
        option["xAxis"].append({
            "type": "value", "gridIndex": index, "min": start_s, "max": end_s, "splitLine": {"show": False},
            "axisLabel": {"show": last, "formatter": "{value} s", "color": colours.quiet},
            "axisTick": {"show": last}, "axisLine": {"lineStyle": {"color": colours.quiet}},
        })  # fmt: skip
        option["yAxis"].append({
            "type": "value", "gridIndex": index, "min": 0, "minInterval": 1 if panel == "backlog" else 0,
            "splitNumber": 3, "axisLabel": {"color": colours.quiet},
        })  # fmt: skip
        behind = marks(panel, index, run, colours=colours, start_s=start_s, end_s=end_s, labels=first)
        if panel == "latency":
            behind["markArea"]["data"].extend(_unanswered(timeline.unanswered_s, start_s, end_s, colours))
            limits = _limit_lines(run, {line.name for line in lines}, start_s, end_s, colours)
            behind["markLine"]["data"].extend(limits)
            # Invisible points, so that the axis reaches up to the limits.
            behind["data"] = [pair[0]["coord"] for pair in limits]
        option["series"].append(behind)
        option["series"].extend(_series(_cut(line, start_s, end_s), index, colours) for line in lines)
    return option


def height_px(timeline: Timeline, run: Run, *, window: tuple[float, float] | None = None) -> int:
    """What the option of `timeline_option` needs."""
    panels = len({line.panel for line in timeline.lines}) or 1
    if window is None:
        rows_px = labels_px(run.faults, horizon_s(timeline, run))
    else:
        rows_px = labels_px(_within(run, *window).faults, window[1] - window[0])
    return TOP_PX + panels * (PANEL_PX + HEAD_PX) + rows_px + FOOT_PX


def horizon_s(timeline: Timeline, run: Run) -> float:
    """Where the time axis ends: the whole plan from the start, so that it doesn't creep while the load goes on."""
    seen = [line.times_s[-1] for line in timeline.lines if line.times_s]
    lifted = [fault.lifted_s or fault.injected_s for fault in run.faults]
    return float(max(10, math.ceil(max([*seen, *lifted, run.load_end_s or 0.0]))))


def _within(run: Run, start_s: float, end_s: float) -> Run:
    """The run with what lies in a window; bands and phases are cut at its edges."""
    phases = tuple(
        replace(
            phase, start_s=max(phase.start_s, start_s), end_s=None if phase.end_s is None else min(phase.end_s, end_s)
        )
        for phase in run.phases
        if phase.start_s < end_s and (phase.end_s is None or phase.end_s > start_s)
    )
    faults = tuple(
        replace(fault, injected_s=max(fault.injected_s, start_s), lifted_s=min(_stop(fault, run), end_s))
        for fault in run.faults
        if fault.injected_s < end_s and _stop(fault, run) >= start_s
    )
    return replace(run, phases=phases, faults=faults, all_faults=run.faults)


def _stop(fault: Fault, run: Run) -> float:
    return fault.lifted_s if fault.lifted_s is not None else max(run.last_s, fault.injected_s)


def _cut(line: Line, start_s: float, end_s: float) -> Line:
    """The points of a window, and one beyond each edge, so that the line reaches the edges."""
    inside = [index for index, at in enumerate(line.times_s) if start_s <= at <= end_s]
    if not inside or len(inside) == len(line.times_s):
        return line
    part = slice(max(0, inside[0] - 1), inside[-1] + 2)
    return replace(line, times_s=line.times_s[part], values=line.values[part])


def _series(line: Line, grid: int, colours: Colours) -> dict[str, Any]:
    """Lines differ by dashes too, never by colour alone."""
    styles: dict[str, dict[str, Any]] = {
        "offered": {"width": 2, "type": "dashed", "color": colours.offered},
        "served": {"width": 2, "color": colours.served},
        "errors": {"width": 2, "color": colours.errors},
        "API 5xx": {"width": 1.8, "type": "dotted", "color": colours.fourth},
        "p50": {"width": 1.5, "type": "dashed", "color": colours.served},
        "p95": {"width": 2.2, "color": colours.served},
        "API p95": {"width": 1.8, "type": "dotted", "color": colours.third},
        "tasks waiting": {"width": 2.2, "color": colours.served},
        "tasks in hand": {"width": 1.8, "type": "dotted", "color": colours.third},
        "calls at the gateway": {"width": 1.8, "type": "dashed", "color": colours.fourth},
        "unsent messages": {"width": 1.5, "color": colours.offered},
    }
    # What has a limit of its own is drawn in the limit's colour.
    other = colours.limit if line.panel == "latency" else colours.quiet
    style = styles.get(line.name, {"width": 1.5, "color": other})
    factor = 1000.0 if line.panel == "latency" else 1.0
    series: dict[str, Any] = {
        "type": "line", "name": line.name, "xAxisIndex": grid, "yAxisIndex": grid, "symbol": "none",
        "lineStyle": style, "itemStyle": {"color": style["color"]}, "emphasis": {"disabled": True},
        "tooltip": {"valueFormatter": _FORMATS[line.panel]},
        "data": [
            [at, None if value is None or not math.isfinite(value) else round(value * factor, 2)]
            for at, value in zip(line.times_s, line.values, strict=True) if at >= 0
        ],
    }  # fmt: skip
    if line.name == "errors":
        series["areaStyle"] = {"color": colours.errors, "opacity": 0.18}
    return series


def _limit_lines(
    run: Run, drawn: Set[str], start_s: float, end_s: float, colours: Colours
) -> list[list[dict[str, Any]]]:
    """Each limit over the phase in which it holds; only beside the curve that it limits."""
    found: list[list[dict[str, Any]]] = []
    for limit in run.limits:
        span = span_s(limit, run.phases)
        if span is None or limit.curve.name not in drawn:
            continue
        stop_s, height_ms = end_s if span[1] is None else span[1], limit.at_most_s * 1000
        right = (span[0] + stop_s) / 2 > (start_s + end_s) / 2  # its words would end beyond the chart
        label = {
            "formatter": limit.text, "position": "insideEndTop" if right else "insideStartTop",
            "color": colours.limit, "fontSize": 11,
        }  # fmt: skip
        line = {"color": colours.limit, "type": "dashed", "width": 1.5}
        start = {"coord": [span[0], height_ms], "lineStyle": line, "label": label, "symbol": "none"}
        found.append([start, {"coord": [stop_s, height_ms], "symbol": "none"}])
    return found


def _unanswered(
    seconds: Sequence[float], start_s: float, end_s: float, colours: Colours
) -> Iterator[list[dict[str, Any]]]:
    """A band over each stretch of seconds without a p95."""
    stretches: list[list[float]] = []
    for at_s in seconds:
        if not start_s <= at_s < end_s:
            continue
        if stretches and stretches[-1][1] == at_s:
            stretches[-1][1] = at_s + 1
        else:
            stretches.append([at_s, at_s + 1])
    for from_s, until_s in stretches:
        yield [{"xAxis": from_s, "itemStyle": {"color": colours.errors, "opacity": 0.18}}, {"xAxis": until_s}]
