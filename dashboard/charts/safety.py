"""A safety figure over time: what was counted, what it must not exceed, and where it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chaos.evidence.growing import Run
from chaos.evidence.safety import Curve, Picture
from dashboard.charts.bands import labels_px, marks
from dashboard.charts.look import FOOT_PX, HEAD_PX, PANEL_PX, TOP_PX, Colours, colours_of

_STYLES: tuple[dict[str, Any], ...] = ({"width": 2.2}, {"width": 2, "type": "dashed"})
"""Of the curves that are not bad, in their order: lines differ by dashes too, never by colour alone."""


def safety_option(picture: Picture, run: Run, *, until_s: float, dark: bool) -> dict[str, Any]:
    """One panel with the faults behind it.

    Args:
        until_s: Where the time axis ends, and the curves with it.
    """
    colours = colours_of(dark=dark)
    drawn_until_s = min(until_s, max([run.last_s, *(curve.points[-1][0] for curve in picture.curves)]))
    names = [curve.name for curve in picture.curves]
    behind = marks("safety", 0, run, colours=colours, start_s=0.0, end_s=until_s, labels=True)
    if picture.limit is not None:
        limit = {"color": colours.limit, "type": "dashed", "width": 1.5}
        label = {
            "formatter": picture.limit_name,
            "position": "insideStartBottom",
            "color": colours.limit,
            "fontSize": 11,
        }
        behind["markLine"]["data"].append({"yAxis": picture.limit, "lineStyle": limit, "label": label})
        behind["data"] = [[0, picture.limit]]  # a point without a symbol: the axis has room for the limit
    top_px = TOP_PX + 22 + labels_px(run.faults, until_s) + 16
    return {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "axisPointer": {"type": "line", "animation": False}},
        "legend": [{
            "data": names, "left": 0, "top": TOP_PX, "selectedMode": False, "itemWidth": 26, "itemHeight": 8,
            "itemGap": 10, "padding": 0, "textStyle": {"color": colours.text}, "itemStyle": {"opacity": 0},
        }],
        "grid": [{"left": 46, "right": 14, "top": top_px, "height": PANEL_PX - 10}],
        "xAxis": [{
            "type": "value", "min": 0, "max": until_s, "splitLine": {"show": False},
            "axisLabel": {"formatter": "{value} s", "color": colours.quiet},
            "axisLine": {"lineStyle": {"color": colours.quiet}},
        }],
        "yAxis": [{
            "type": "value", "min": 0, "minInterval": 1, "splitNumber": 3, "axisLabel": {"color": colours.quiet},
        }],
        "series": [behind, *_series(picture.curves, colours, until_s=drawn_until_s), *_beyond(picture, colours,
                   until_s=drawn_until_s)],
    }  # fmt: skip


def safety_height_px(run: Run, *, until_s: float) -> int:
    """What the option of `safety_option` needs."""
    return TOP_PX + HEAD_PX + labels_px(run.faults, until_s) + PANEL_PX + FOOT_PX


def _series(curves: Sequence[Curve], colours: Colours, *, until_s: float) -> list[dict[str, Any]]:
    found = []
    calm = iter(zip(_STYLES, (colours.served, colours.third), strict=True))
    for curve in curves:
        style: dict[str, Any]
        style, colour = ({"width": 2.2}, colours.errors) if curve.bad else next(calm)
        series: dict[str, Any] = {
            "type": "line", "name": curve.name, "step": "end", "symbol": "none", "emphasis": {"disabled": True},
            "lineStyle": {**style, "color": colour}, "itemStyle": {"color": colour},
            "data": _points(curve.points, until_s),
        }  # fmt: skip
        if curve.bad:
            series["areaStyle"] = {"color": colour, "opacity": 0.18}
        found.append(series)
    return found


def _beyond(picture: Picture, colours: Colours, *, until_s: float) -> list[dict[str, Any]]:
    """The part of the first curve that is above its limit, filled down to the limit."""
    if picture.limit is None or not picture.beyond:
        return []
    above = [(at_s, max(count, picture.limit)) for at_s, count in picture.curves[0].points]
    return [{
        "type": "line", "name": "beyond", "step": "end", "symbol": "none", "silent": True, "tooltip": {"show": False},
        "lineStyle": {"width": 0}, "itemStyle": {"color": colours.errors},
        "areaStyle": {"origin": picture.limit, "color": colours.errors, "opacity": 0.3},
        "data": _points(above, until_s, from_=picture.limit),
    }]  # fmt: skip


def _points(points: Sequence[tuple[float, int]], until_s: float, *, from_: int = 0) -> list[list[float]]:
    """From second 0 to the end of what is known; at most one point for each moment."""
    inside = [[at_s, count] for at_s, count in points if at_s <= until_s]
    start = [] if inside and inside[0][0] == 0 else [[0.0, from_]]
    last = inside[-1][1] if inside else from_
    return [*start, *inside, [until_s, last]]
