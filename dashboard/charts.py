"""ECharts options. Pure: a timeline and a run in, a JSON-compatible option out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dashboard.evidence import Fault, Limit, Phase, Run
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


def timeline_option(timeline: Timeline, run: Run, *, dark: bool) -> dict[str, Any]:
    """One chart with a grid for each panel, fault bands through all of them, phases and latency limits."""
    colours = DARK if dark else LIGHT
    panels = [panel for panel in _TITLES if any(line.panel == panel for line in timeline.lines)] or ["rate"]
    end_s = horizon_s(timeline, run)
    top_px = _labels_px(run.faults, end_s)
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
            "itemWidth": 18, "itemHeight": 8, "itemGap": 10, "padding": 0, "textStyle": {"color": colours.text},
        })  # fmt: skip
        option["grid"].append(
            {"left": 46, "right": 14, "top": grid_px, "height": _PANEL_PX - 10, "containLabel": False}
        )
        option["xAxis"].append({
            "type": "value", "gridIndex": index, "min": 0, "max": end_s, "splitLine": {"show": False},
            "axisLabel": {"show": last, "formatter": "{value} s", "color": colours.quiet},
            "axisTick": {"show": last}, "axisLine": {"lineStyle": {"color": colours.quiet}},
        })  # fmt: skip
        option["yAxis"].append({
            "type": "value", "gridIndex": index, "min": 0, "minInterval": 1 if panel == "backlog" else 0,
            "splitNumber": 3, "axisLabel": {"color": colours.quiet},
        })  # fmt: skip
        option["series"].append(_marks(panel, index, run, colours=colours, end_s=end_s, labels=first))
        option["series"].extend(_series(line, index, colours) for line in lines)
    return option


def height_px(timeline: Timeline, run: Run) -> int:
    """What the option of `timeline_option` needs."""
    panels = len({line.panel for line in timeline.lines}) or 1
    labels_px = _labels_px(run.faults, horizon_s(timeline, run))
    return _TOP_PX + panels * (_PANEL_PX + _HEAD_PX) + labels_px + _FOOT_PX


def horizon_s(timeline: Timeline, run: Run) -> float:
    """Where the time axis ends: the whole plan from the start, so that it doesn't creep while the load goes on."""
    seen = [line.times_s[-1] for line in timeline.lines if line.times_s]
    lifted = [fault.lifted_s or fault.injected_s for fault in run.faults]
    return float(max(10, math.ceil(max([*seen, *lifted, run.load_end_s or 0.0]))))


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
        "queued": {"width": 2.2, "color": colours.served},
        "unacked": {"width": 1.8, "type": "dotted", "color": colours.third},
        "at the gateway": {"width": 1.8, "type": "dashed", "color": colours.fourth},
        "outbox": {"width": 1.5, "color": colours.offered},
    }
    style = styles.get(line.name, {"width": 1.5, "color": colours.quiet})
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


def _marks(panel: str, grid: int, run: Run, *, colours: Colours, end_s: float, labels: bool) -> dict[str, Any]:
    """An empty series that carries the bands, the phase borders and the limits, so that they stand without any data."""
    lines = [_phase_line(phase, colours, end_s=end_s, labels=labels) for phase in run.phases]
    bands: list[list[dict[str, Any]]] = []
    for index, (fault, row) in enumerate(zip(run.faults, _label_rows(run.faults, end_s), strict=True)):
        stop_s = fault.lifted_s if fault.lifted_s is not None else min(max(run.last_s, fault.injected_s), end_s)
        # The phases' names stand on the row just above the panel, the faults' above that.
        label = {
            "show": labels, "formatter": f"{fault_tag(index)} {fault.kind}", "color": colours.text, "fontSize": 11,
            "distance": 4 + (row + 1) * _LABEL_ROW_PX,
        }  # fmt: skip
        if stop_s - fault.injected_s < _INSTANT_S:
            line = {"color": colours.errors, "type": "solid", "width": 1.5}
            lines.append({"xAxis": fault.injected_s, "lineStyle": line, "label": {**label, "position": "end"}})
        else:
            start = {"itemStyle": {"color": colours.fault}, "label": {**label, "position": "top"}}
            bands.append([{"xAxis": fault.injected_s, **start}, {"xAxis": stop_s}])
    if panel == "latency":
        lines.extend(_limit_line(limit, colours) for limit in run.limits)
    return {
        "type": "line", "name": f"marks {panel}", "xAxisIndex": grid, "yAxisIndex": grid, "data": [], "silent": True,
        "tooltip": {"show": False},
        "markArea": {"silent": True, "data": bands},
        "markLine": {"silent": True, "symbol": "none", "animation": False, "data": lines},
    }  # fmt: skip


def _phase_line(phase: Phase, colours: Colours, *, end_s: float, labels: bool) -> dict[str, Any]:
    """Where a phase starts. A phase that is short on this axis has no room for its name."""
    room = phase.end_s is None or phase.end_s - phase.start_s >= 0.1 * end_s
    return {
        "xAxis": phase.start_s,
        "lineStyle": {"color": colours.quiet, "type": "dotted", "width": 1},
        "label": {
            "show": labels and room, "formatter": phase.name, "position": "end", "align": "left", "distance": 4,
            "color": colours.quiet, "fontSize": 11,
        },
    }  # fmt: skip


def _limit_line(limit: Limit, colours: Colours) -> dict[str, Any]:
    return {
        "yAxis": limit.at_most_s * 1000,
        "lineStyle": {"color": colours.limit, "type": "dashed", "width": 1},
        "label": {"formatter": limit.text, "position": "insideEndTop", "color": colours.limit, "fontSize": 11},
    }


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
