"""ECharts options. Pure: a timeline and a run in, a JSON-compatible option out."""

from __future__ import annotations

from dashboard.charts.bands import fault_tag
from dashboard.charts.comparison import COMPARISON_PX, comparison_option
from dashboard.charts.look import DARK, LIGHT
from dashboard.charts.run import height_px, horizon_s, timeline_option
from dashboard.charts.safety import safety_height_px, safety_option
from dashboard.charts.scores import radar_option, trend_option

__all__ = [
    "COMPARISON_PX",
    "DARK",
    "LIGHT",
    "comparison_option",
    "fault_tag",
    "height_px",
    "horizon_s",
    "radar_option",
    "safety_height_px",
    "safety_option",
    "timeline_option",
    "trend_option",
]
