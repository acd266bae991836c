"""What stands behind the lines of a run: bands of its faults with their tags, and where its phases begin."""

from __future__ import annotations

from typing import Any

from chaos.evidence.course import Fault, Phase
from chaos.evidence.growing import Run
from dashboard.charts.look import LABEL_ROW_PX, Colours

_INSTANT_S = 0.25
"""A fault shorter than this is drawn as a moment: a band of it could not be seen."""


def fault_tag(index: int) -> str:
    """A, B, …, Z, then numbers: what joins a band to its line in the list below the chart."""
    return chr(ord("A") + index) if index < 26 else str(index + 1)


def _tag_of(fault: Fault, run: Run, index: int) -> str:
    """The tag that a fault has in the whole run, also where the chart shows only some of them."""
    ids = [each.id for each in run.all_faults]
    return fault_tag(ids.index(fault.id) if fault.id in ids else index)


def marks(
    panel: str, grid: int, run: Run, *, colours: Colours, start_s: float, end_s: float, labels: bool
) -> dict[str, Any]:
    """An empty series that carries the bands, the phase borders and the limits, so that they stand without any data."""
    span_s = end_s - start_s
    lines = [_phase_line(phase, colours, span_s=span_s, labels=labels) for phase in run.phases]
    bands: list[list[dict[str, Any]]] = []
    for index, (fault, row) in enumerate(zip(run.faults, label_rows(run.faults, span_s), strict=True)):
        stop_s = fault.lifted_s if fault.lifted_s is not None else min(max(run.last_s, fault.injected_s), end_s)
        # The phases' names stand on the row just above the panel, the faults' above that.
        label = {
            "show": labels, "formatter": f"{_tag_of(fault, run, index)} {fault.kind}",
            "color": colours.text, "fontSize": 11, "distance": 4 + (row + 1) * LABEL_ROW_PX,
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


def label_rows(faults: tuple[Fault, ...], end_s: float) -> list[int]:
    """A row for each fault's label, from the lowest: labels too close to each other stand above one another."""
    rows: list[int] = []
    taken: list[float] = []
    for fault in faults:
        centre = (fault.injected_s + (fault.lifted_s if fault.lifted_s is not None else fault.injected_s)) / 2
        row = next((row for row, at in enumerate(taken) if abs(centre - at) >= 0.2 * end_s), len(taken))
        taken[row : row + 1] = [centre]
        rows.append(row)
    return rows


def labels_px(faults: tuple[Fault, ...], end_s: float) -> int:
    """Height of the label rows above the top panel: the phases' names, then the faults'."""
    return (max(label_rows(faults, end_s), default=-1) + 1) * LABEL_ROW_PX
