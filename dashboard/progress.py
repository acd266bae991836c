"""How far a run has come, as a bar: its stages with their names, the phases as long as they last."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.evidence.growing import Run
from dashboard import markup

BEFORE, AFTER = "prepare", "settle and judge"
_BESIDES = 0.16
"""What is not load has no planned end: it takes this share of the load's length on the bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the bar. `length` is relative to the others', `done` from 0 to 1."""

    name: str
    length: float
    done: float


def stages(run: Run) -> list[Stage]:
    """None without a plan of the load: nobody knows how long it will take."""
    if run.load_end_s is None or run.t0_unix_s is None or not run.phases:
        return []
    phases = [
        Stage(name=phase.name, length=max(end_s - phase.start_s, 0.1), done=_share(run.last_s, phase.start_s, end_s))
        for phase in run.phases
        if (end_s := phase.end_s) is not None
    ]
    besides = _BESIDES * sum(phase.length for phase in phases)
    begun = run.last_s >= 0 and not run.stage.startswith("preparing")
    return [
        Stage(name=BEFORE, length=besides, done=1.0 if begun else 0.5),
        *phases,
        Stage(name=AFTER, length=besides, done=0.5 if run.last_s >= run.load_end_s else 0.0),
    ]


def _share(now_s: float, start_s: float, end_s: float) -> float:
    return min(1.0, max(0.0, (now_s - start_s) / max(end_s - start_s, 1e-6)))


def bar(run: Run) -> str:
    """As HTML; empty when the run has no plan of its load."""
    listed = stages(run)
    if not listed or run.load_end_s is None:
        return ""
    now_s = min(max(run.last_s, 0.0), run.load_end_s)
    parts = "".join(
        f"<li style='flex:{stage.length:.2f} 1 0'><span class='fd-done'><i style='width:{stage.done * 100:.0f}%'></i>"
        f"</span><span class='fd-stage'>{markup.text(stage.name)}</span></li>"
        for stage in listed
    )
    said = f"{run.stage}: {now_s:.0f} of {run.load_end_s:.0f} s of load"
    return (
        f"<div class='fd-progress' role='progressbar' aria-valuemin='0' aria-valuemax='{run.load_end_s:.0f}' "
        f"aria-valuenow='{now_s:.0f}' aria-valuetext='{markup.text(said)}' aria-label='Progress of the run'>"
        f"<ul aria-hidden='true'>{parts}</ul></div>"
    )
