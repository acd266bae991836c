"""Two runs on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dashboard.charts.look import FOOT_PX, HEAD_PX, PANEL_PX, TOP_PX, colours_of
from dashboard.timeline import Line

_COMPARED = {"served": "Served per second", "errors": "Errors per second", "p95": "p95 from the intended start, ms"}


def comparison_option(
    lines: Sequence[Line], *, names: tuple[str, str], faults: Sequence[tuple[float, float]], dark: bool
) -> dict[str, Any]:
    """Two runs on one axis, seconds since the fault's start; *faults* are bands on that axis."""
    colours = colours_of(dark=dark)
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
        head_px = TOP_PX + index * (PANEL_PX + HEAD_PX)
        last = index == len(_COMPARED) - 1
        option["title"].append(
            {"text": title, "left": 0, "top": head_px, "textStyle": {"fontSize": 13, "color": colours.text}}
        )
        option["legend"].append({
            "data": list(names), "left": 0, "top": head_px + 20, "selectedMode": False, "itemWidth": 26,
            "itemHeight": 8, "padding": 0, "textStyle": {"color": colours.text}, "itemStyle": {"opacity": 0},
        })  # fmt: skip
        option["grid"].append({"left": 46, "right": 14, "top": head_px + HEAD_PX, "height": PANEL_PX - 10})
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


COMPARISON_PX = TOP_PX + 3 * (PANEL_PX + HEAD_PX) + FOOT_PX
