"""The learner's scores: a radar, and a trend by month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.charts.look import colours_of


def radar_option(names: Sequence[str], means: Sequence[float | None], *, dark: bool) -> dict[str, Any]:
    """Means from 0 to 3 on one axis per dimension; a dimension without a score is drawn at 0 and named as unscored."""
    colours = colours_of(dark=dark)
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
    colours = colours_of(dark=dark)
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
