"""ECharts options. Pure: a timeline and a run in, a JSON-compatible option out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from chaos.evidence.course import Fault, Phase
from chaos.evidence.growing import Run
from chaos.evidence.limits import span_s
from dashboard.timeline import Line, Timeline

_TOP_PX, _PANEL_PX, _HEAD_PX, _FOOT_PX, _LABEL_ROW_PX = 6, 128, 50, 20, 16
_INSTANT_S = 0.25
"""A fault shorter than this is drawn as a moment: a band of it could not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """One theme's colours; every pair of line and background has a contrast of 3:1 or more."""

    text: str
    quiet: str
    offered: str
    served: str
    errors: str
    third: str
    fourth: str
    fault: str
    limit: str


LIGHT = Colours(
    text="#31333f", quiet="#6b6f7d", offered="#6b6f7d", served="#1d5fc4", errors="#c22f25", third="#0b7a75",
    fourth="#8a4b00", fault="rgba(194, 84, 20, 0.14)", limit="#8a4b00",
)  # fmt: skip
DARK = Colours(
    text="#fafafa", quiet="#a3a8b8", offered="#a3a8b8", served="#7fb2ff", errors="#ff8a80", third="#4fd1c5",
    fourth="#ffc26b", fault="rgba(255, 150, 70, 0.20)", limit="#ffc26b",
)  # fmt: skip

_TITLES = {"rate": "Requests per second", "latency": "Latency from the intended start, ms", "backlog": "Backlog, count"}
_FORMATS = {"rate": "%.1f/s", "latency": "%.0f ms", "backlog": "%.0f"}


def fault_tag(index: int) -> str:
    """A, B, …, Z, then numbers: what joins a band to its line in the list below the chart."""
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def timeline_option(
    timeline: Timeline, run: Run, *, dark: bool, window: tuple[float, float] | None = None
) -> dict[str, Any]:
    """One chart with a grid for each panel, fault bands through all of them, phases and latency limits.

    Args:
        window: Seconds to show instead of the whole run.
    """
    colours = DARK if dark else LIGHT
    panels = [panel for panel in _TITLES if any(line.panel == panel for line in timeline.lines)] or ["rate"]
    start_s, end_s = (0.0, horizon_s(timeline, run)) if window is None else window
    if window is not None:
        run = _within(run, start_s, end_s)
    top_px = _labels_px(run.faults, end_s - start_s)
    option: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "line", "animation": False}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "title": [], "legend": [], "grid": [], "xAxis": [], "yAxis": [], "series": [],
    }  # fmt: skip
    for index, panel in enumerate(panels):
        lines = [line for line in timeline.lines if line.panel == panel]
        first, last = index == 0, index == len(panels) - 1
        head_px = _TOP_PX + index * (_PANEL_PX + _HEAD_PX) + (0 if first else top_px)
        grid_px = head_px + _HEAD_PX + (top_px if first else 0)
        option["title"].append(
            {"text": _TITLES[panel], "left": 0, "top": head_px, "textStyle": {"fontSize": 13, "color": colours.text}}
        )
        option["legend"].append({
            "data": [line.name for line in lines], "left": 0, "top": head_px + 20, "selectedMode": False,
            "itemWidth": 26, "itemHeight": 8, "itemGap": 10, "padding": 0, "textStyle": {"color": colours.text},
            "itemStyle": {"opacity": 0},  # no dot: it would hide whether the line is dashed
        })  # fmt: skip
        option["grid"].append(
            {"left": 46, "right": 14, "top": grid_px, "height": _PANEL_PX - 10, "containLabel": False}
        )
        option["xAxis"].append({
            "type": "value", "gridIndex": index, "min": start_s, "max": end_s, "splitLine": {"show": False},
            "axisLabel": {"show": last, "formatter": "{value} s", "color": colours.quiet},
            "axisTick": {"show": last}, "axisLine": {"lineStyle": {"color": colours.quiet}},
        })  # fmt: skip
        option["yAxis"].append({
            "type": "value", "gridIndex": index, "min": 0, "minInterval": 1 if panel == "backlog" else 0,
            "splitNumber": 3, "axisLabel": {"color": colours.quiet},
        })  # fmt: skip
        marks = _marks(panel, index, run, colours=colours, start_s=start_s, end_s=end_s, labels=first)
        if panel == "latency":
            marks["markArea"]["data"].extend(_unanswered(timeline.unanswered_s, start_s, end_s, colours))
            limits = _limit_lines(run, {line.name for line in lines}, start_s, end_s, colours)
            marks["markLine"]["data"].extend(limits)
            marks["data"] = [pair[0]["coord"] for pair in limits]  # points without a symbol: the axis has room for them
        option["series"].append(marks)
        option["series"].extend(_series(_cut(line, start_s, end_s), index, colours) for line in lines)
    return option


def height_px(timeline: Timeline, run: Run, *, window: tuple[float, float] | None = None) -> int:
    """What the option of `timeline_option` needs."""
    panels = len({line.panel for line in timeline.lines}) or 1
    if window is None:
        labels_px = _labels_px(run.faults, horizon_s(timeline, run))
    else:
        labels_px = _labels_px(_within(run, *window).faults, window[1] - window[0])
    return _TOP_PX + panels * (_PANEL_PX + _HEAD_PX) + labels_px + _FOOT_PX


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


def _tag_of(fault: Fault, run: Run, index: int) -> str:
    """The tag that a fault has in the whole run, also where the chart shows only some of them."""
    ids = [each.id for each in run.all_faults]
    return fault_tag(ids.index(fault.id) if fault.id in ids else index)


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


def _marks(
    panel: str, grid: int, run: Run, *, colours: Colours, start_s: float, end_s: float, labels: bool
) -> dict[str, Any]:
    """An empty series that carries the bands, the phase borders and the limits, so that they stand without any data."""
    span_s = end_s - start_s
    lines = [_phase_line(phase, colours, span_s=span_s, labels=labels) for phase in run.phases]
    bands: list[list[dict[str, Any]]] = []
    for index, (fault, row) in enumerate(zip(run.faults, _label_rows(run.faults, span_s), strict=True)):
        stop_s = fault.lifted_s if fault.lifted_s is not None else min(max(run.last_s, fault.injected_s), end_s)
        # The phases' names stand on the row just above the panel, the faults' above that.
        label = {
            "show": labels, "formatter": f"{_tag_of(fault, run, index)} {fault.kind}",
            "color": colours.text, "fontSize": 11, "distance": 4 + (row + 1) * _LABEL_ROW_PX,
        }  # fmt: skip
        if stop_s - fault.injected_s < _INSTANT_S:
            line = {"color": colours.errors, "type": "solid", "width": 1.5}
            lines.append({"xAxis": fault.injected_s, "lineStyle": line, "label": {**label, "position": "end"}})
        else:
            start = {"itemStyle": {"color": colours.fault}, "label": {**label, "position": "top"}}
            bands.append([{"xAxis": fault.injected_s, **start}, {"xAxis": stop_s}])
    return {
        "type": "line", "name": f"marks {panel}", "xAxisIndex": grid, "yAxisIndex": grid, "data": [], "silent": True,
        "symbol": "none", "lineStyle": {"width": 0}, "tooltip": {"show": False},
        "markArea": {"silent": True, "data": bands},
        "markLine": {"silent": True, "symbol": "none", "animation": False, "data": lines},
    }  # fmt: skip


def _phase_line(phase: Phase, colours: Colours, *, span_s: float, labels: bool) -> dict[str, Any]:
    """Where a phase starts. A phase that is short on this axis has no room for its name."""
    room = phase.end_s is None or phase.end_s - phase.start_s >= 0.1 * span_s
    return {
        "xAxis": phase.start_s,
        "lineStyle": {"color": colours.quiet, "type": "dotted", "width": 1},
        "label": {
            "show": labels and room, "formatter": phase.name, "position": "end", "align": "left", "distance": 4,
            "color": colours.quiet, "fontSize": 11,
        },
    }  # fmt: skip


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


def _label_rows(faults: tuple[Fault, ...], end_s: float) -> list[int]:
    """A row for each fault's label, from the lowest: labels too close to each other stand above one another."""
    rows: list[int] = []
    taken: list[float] = []
    for fault in faults:
        centre = (fault.injected_s + (fault.lifted_s if fault.lifted_s is not None else fault.injected_s)) / 2
        row = next((row for row, at in enumerate(taken) if abs(centre - at) >= 0.2 * end_s), len(taken))
        taken[row : row + 1] = [centre]
        rows.append(row)
    return rows


def _labels_px(faults: tuple[Fault, ...], end_s: float) -> int:
    """Height of the label rows above the top panel: the phases' names, then the faults'."""
    return (max(_label_rows(faults, end_s), default=-1) + 1) * _LABEL_ROW_PX


_COMPARED = {"served": "Served per second", "errors": "Errors per second", "p95": "p95 from the intended start, ms"}


def comparison_option(
    lines: Sequence[Line], *, names: tuple[str, str], faults: Sequence[tuple[float, float]], dark: bool
) -> dict[str, Any]:
    """Two runs on one axis, seconds since the fault's start; *faults* are bands on that axis."""
    colours = DARK if dark else LIGHT
    styles = {
        names[0]: {"width": 2, "type": "dashed", "color": colours.fourth},
        names[1]: {"width": 2, "type": "solid", "color": colours.served},
    }
    ats = [at for line in lines if line.times_s for at in (line.times_s[0], line.times_s[-1])]
    start_s, end_s = (math.floor(min(ats)), math.ceil(max(ats))) if ats else (0, 10)
    option: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "line", "animation": False}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "title": [], "legend": [], "grid": [], "xAxis": [], "yAxis": [], "series": [],
    }  # fmt: skip
    for index, (panel, title) in enumerate(_COMPARED.items()):
        head_px = _TOP_PX + index * (_PANEL_PX + _HEAD_PX)
        last = index == len(_COMPARED) - 1
        option["title"].append(
            {"text": title, "left": 0, "top": head_px, "textStyle": {"fontSize": 13, "color": colours.text}}
        )
        option["legend"].append({
            "data": list(names), "left": 0, "top": head_px + 20, "selectedMode": False, "itemWidth": 26,
            "itemHeight": 8, "padding": 0, "textStyle": {"color": colours.text}, "itemStyle": {"opacity": 0},
        })  # fmt: skip
        option["grid"].append({"left": 46, "right": 14, "top": head_px + _HEAD_PX, "height": _PANEL_PX - 10})
        option["xAxis"].append({
            "type": "value", "gridIndex": index, "min": start_s, "max": end_s, "splitLine": {"show": False},
            "axisLabel": {"show": last, "formatter": "{value} s", "color": colours.quiet},
            "axisTick": {"show": last}, "axisLine": {"onZero": False, "lineStyle": {"color": colours.quiet}},
        })  # fmt: skip
        option["yAxis"].append({
            "type": "value", "gridIndex": index, "min": 0, "splitNumber": 3, "axisLabel": {"color": colours.quiet},
            "axisLine": {"onZero": False},
        })  # fmt: skip
        bands = [[{"xAxis": start, "itemStyle": {"color": colours.fault}}, {"xAxis": stop}] for start, stop in faults]
        option["series"].append({
            "type": "line", "name": f"marks {panel}", "xAxisIndex": index, "yAxisIndex": index, "data": [],
            "silent": True, "tooltip": {"show": False}, "markArea": {"silent": True, "data": bands},
            "markLine": {
                "silent": True, "symbol": "none", "animation": False, "label": {"show": False},
                "data": [{"xAxis": 0, "lineStyle": {"color": colours.errors, "type": "solid", "width": 1}}],
            },
        })  # fmt: skip
        factor = 1000.0 if panel == "p95" else 1.0
        for line in lines:
            if line.panel == panel:
                option["series"].append({
                    "type": "line", "name": line.name, "xAxisIndex": index, "yAxisIndex": index, "symbol": "none",
                    "lineStyle": styles[line.name], "itemStyle": {"color": styles[line.name]["color"]},
                    "emphasis": {"disabled": True},
                    "data": [
                        [at, None if value is None or not math.isfinite(value) else round(value * factor, 2)]
                        for at, value in zip(line.times_s, line.values, strict=True)
                    ],
                })  # fmt: skip
    return option


COMPARISON_PX = _TOP_PX + 3 * (_PANEL_PX + _HEAD_PX) + _FOOT_PX


def radar_option(names: Sequence[str], means: Sequence[float | None], *, dark: bool) -> dict[str, Any]:
    """Means from 0 to 3 on one axis per dimension; a dimension without a score is drawn at 0 and named as unscored."""
    colours = DARK if dark else LIGHT
    shown = [f"{name} (no score)" if mean is None else name for name, mean in zip(names, means, strict=True)]
    return {
        "animation": False,
        "tooltip": {"trigger": "item", "confine": True},
        "radar": {
            "indicator": [{"name": _broken(name, 14), "min": 0, "max": 3} for name in shown],
            "radius": "60%", "splitNumber": 3, "shape": "polygon",
            "axisName": {"color": colours.text, "fontSize": 11, "lineHeight": 14},
            "axisLine": {"lineStyle": {"color": colours.quiet, "opacity": 0.5}},
            "splitLine": {"lineStyle": {"color": colours.quiet, "opacity": 0.5}}, "splitArea": {"show": False},
        },
        "series": [{
            "type": "radar", "name": "Mean score", "symbolSize": 6,
            "lineStyle": {"width": 2, "color": colours.served}, "itemStyle": {"color": colours.served},
            "areaStyle": {"color": colours.served, "opacity": 0.2},
            "data": [{"name": "Mean score", "value": [mean or 0 for mean in means]}],
        }],
    }  # fmt: skip


def _broken(name: str, most: int) -> str:
    """Words on lines of about *most* characters."""
    rows: list[str] = []
    for word in name.split():
        if rows and len(rows[-1]) + 1 + len(word) <= most:
            rows[-1] += f" {word}"
        else:
            rows.append(word)
    return "\n".join(rows)


def trend_option(
    months: Sequence[str], averages: Sequence[float | None], flags: Sequence[int | None], *, dark: bool
) -> dict[str, Any]:
    """Average score as a line with gaps where there is no data, red flags as bars."""
    colours = DARK if dark else LIGHT
    axis = {"axisLabel": {"color": colours.quiet}, "splitLine": {"lineStyle": {"color": colours.quiet, "opacity": 0.2}}}
    return {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True},
        "legend": {
            "data": ["average score", "red flags"], "left": 0, "top": 0, "selectedMode": False, "padding": 0,
            "textStyle": {"color": colours.text},
        },
        "grid": {"left": 28, "right": 28, "top": 34, "bottom": 24},
        "xAxis": {"type": "category", "data": list(months), "axisLabel": {"color": colours.quiet}},
        "yAxis": [
            {"type": "value", "min": 0, "max": 3, "interval": 1, **axis},
            {"type": "value", "min": 0, "minInterval": 1, "position": "right", **axis, "splitLine": {"show": False}},
        ],
        "series": [
            {
                "type": "line", "name": "average score", "data": list(averages), "symbol": "circle", "symbolSize": 8,
                "lineStyle": {"width": 2, "color": colours.served}, "itemStyle": {"color": colours.served},
                "connectNulls": False, "z": 3,
            },
            {
                "type": "bar", "name": "red flags", "yAxisIndex": 1, "data": list(flags), "barMaxWidth": 18,
                "itemStyle": {"color": colours.errors, "opacity": 0.55},
            },
        ],
    }  # fmt: skip
