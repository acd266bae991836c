"""ECharts options. Pure: a timeline and a run in, a JSON-compatible option out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.evidence import Fault, Limit, Run
from dashboard.timeline import Line, Timeline

_PANEL_PX, _HEAD_PX, _FOOT_PX, _LABEL_ROW_PX = 128, 46, 34, 16
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
    rows = _label_rows(run.faults)
    top_px = (max(rows, default=-1) + 1) * _LABEL_ROW_PX
    end_s = horizon_s(timeline, run)
    option: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "line", "animation": False}},
        "axisPointer": {"link": [{"xAxisIndex": "all"}]},
        "title": [], "legend": [], "grid": [], "xAxis": [], "yAxis": [], "series": [],
    }  # fmt: skip
    for index, panel in enumerate(panels):
        lines = [line for line in timeline.lines if line.panel == panel]
        first, last = index == 0, index == len(panels) - 1
        head_px = index * (_PANEL_PX + _HEAD_PX) + (0 if first else top_px)
        grid_px = head_px + _HEAD_PX + (top_px if first else 0)
        option["title"].append(
            {"text": _TITLES[panel], "left": 0, "top": head_px, "textStyle": {"fontSize": 13, "color": colours.text}}
        )
        option["legend"].append({
            "data": [line.name for line in lines], "left": 0, "top": head_px + 20, "selectedMode": False,
            "itemWidth": 22, "itemHeight": 8, "itemGap": 14, "padding": 0, "textStyle": {"color": colours.text},
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
        option["series"].append(_marks(panel, index, run, rows, colours, end_s, labels=first))
        option["series"].extend(_series(line, index, number, colours) for number, line in enumerate(lines))
    return option


def height_px(timeline: Timeline, run: Run) -> int:
    """What the option of `timeline_option` needs."""
    panels = len({line.panel for line in timeline.lines}) or 1
    return panels * (_PANEL_PX + _HEAD_PX) + (max(_label_rows(run.faults), default=-1) + 1) * _LABEL_ROW_PX + _FOOT_PX


def horizon_s(timeline: Timeline, run: Run) -> float:
    """Where the time axis ends: the whole plan from the start, so that it doesn't creep while the load goes on."""
    seen = [line.times_s[-1] for line in timeline.lines if line.times_s]
    return float(
        max(10, round(max([*seen, run.load_end_s or 0.0, *(fault.lifted_s or 0.0 for fault in run.faults)]) + 0.49))
    )


def _series(line: Line, grid: int, number: int, colours: Colours) -> dict[str, Any]:
    factor = 1000.0 if line.panel == "latency" else 1.0
    style: dict[str, Any] = {
        "width": 2,
        "color": (colours.served, colours.third, colours.fourth, colours.quiet)[number % 4],
    }
    if line.name == "offered":
        style = {"width": 2, "type": "dashed", "color": colours.offered}
    elif line.name == "served":
        style["color"] = colours.served
    elif line.name == "errors":
        style["color"] = colours.errors
    elif line.name == "p50":
        style = {"width": 1.5, "type": "dashed", "color": colours.served}
    elif line.name == "p95":
        style = {"width": 2.2, "color": colours.served}
    elif line.name.startswith("API"):
        style = {"width": 1.6, "type": "dotted", "color": colours.third}
    series: dict[str, Any] = {
        "type": "line", "name": line.name, "xAxisIndex": grid, "yAxisIndex": grid, "showSymbol": False,
        "lineStyle": style, "itemStyle": {"color": style["color"]}, "emphasis": {"disabled": True},
        "tooltip": {"valueFormatter": _FORMATS[line.panel]},
        "data": [
            [at, None if value is None else round(value * factor, 2)]
            for at, value in zip(line.times_s, line.values, strict=True) if at >= 0
        ],
    }  # fmt: skip
    if line.name == "errors":
        series["areaStyle"] = {"color": colours.errors, "opacity": 0.18}
    return series


def _marks(
    panel: str, grid: int, run: Run, rows: list[int], colours: Colours, end_s: float, *, labels: bool
) -> dict[str, Any]:
    """An empty series that carries the bands, the phase borders and the limits, so that they stand without any data."""
    lines: list[dict[str, Any]] = [
        {"xAxis": phase.start_s, "lineStyle": {"color": colours.quiet, "type": "dotted", "width": 1},
         "label": {"show": labels, "formatter": phase.name, "position": "insideEndTop", "rotate": 0, "align": "left",
                   "distance": [4, 2], "color": colours.quiet, "fontSize": 11}}
        for phase in run.phases
    ]  # fmt: skip
    bands: list[list[dict[str, Any]]] = []
    for index, (fault, row) in enumerate(zip(run.faults, rows, strict=True)):
        stop_s = fault.lifted_s if fault.lifted_s is not None else min(max(run.last_s, fault.injected_s), end_s)
        label = {"show": labels, "formatter": f"{fault_tag(index)} {fault.kind}", "color": colours.text, "fontSize": 11}
        if stop_s - fault.injected_s < _INSTANT_S:
            lines.append({
                "xAxis": fault.injected_s, "lineStyle": {"color": colours.errors, "type": "solid", "width": 1.5},
                "label": {**label, "position": "end", "distance": 3 + row * _LABEL_ROW_PX},
            })  # fmt: skip
        else:
            start = {"xAxis": fault.injected_s, "itemStyle": {"color": colours.fault},
                     "label": {**label, "position": "top", "distance": 3 + row * _LABEL_ROW_PX}}  # fmt: skip
            bands.append([start, {"xAxis": stop_s}])
    if panel == "latency":
        lines.extend(_limit_line(limit, colours) for limit in run.limits)
    return {
        "type": "line", "name": f"marks {panel}", "xAxisIndex": grid, "yAxisIndex": grid, "data": [], "silent": True,
        "tooltip": {"show": False},
        "markArea": {"silent": True, "data": bands},
        "markLine": {"silent": True, "symbol": "none", "animation": False, "data": lines},
    }  # fmt: skip


def _limit_line(limit: Limit, colours: Colours) -> dict[str, Any]:
    return {
        "yAxis": limit.at_most_s * 1000,
        "lineStyle": {"color": colours.limit, "type": "dashed", "width": 1},
        "label": {"formatter": limit.text, "position": "insideEndTop", "color": colours.limit, "fontSize": 11},
    }


def _label_rows(faults: tuple[Fault, ...], *, apart_s: float = 4.0) -> list[int]:
    """A row for each fault's label, from the lowest: labels that start close to each other stand above one another."""
    rows: list[int] = []
    taken: list[float] = []
    for fault in faults:
        centre = (fault.injected_s + (fault.lifted_s if fault.lifted_s is not None else fault.injected_s)) / 2
        row = next((row for row, at in enumerate(taken) if abs(centre - at) >= apart_s), len(taken))
        taken[row : row + 1] = [centre]
        rows.append(row)
    return rows
