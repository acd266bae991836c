"""What all charts share: the colours of a theme, and the measures of a panel."""

from __future__ import annotations

from dataclasses import dataclass

TOP_PX, PANEL_PX, HEAD_PX, FOOT_PX, LABEL_ROW_PX = 6, 128, 50, 20, 16


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


def colours_of(*, dark: bool) -> Colours:
    return DARK if dark else LIGHT
