"""How far a run has come, as a bar: its stages with their names, the phases as long as they last."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.evidence.growing import Run
from dashboard import markup

BEFORE, AFTER = "prepare", "settle and judge"
_BESIDES = 0.16
"""What is not load has no planned end: it takes this share of the load's length on the bar."""
_UNCOUNTED = 0.5
"""Shown of what has begun and can't be counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the bar. `length` is relative to the others', `done` from 0 to 1."""

    name: str
    length: float
    done: float


def stages(run: Run) -> list[Stage]:
    """Phases as planned, or sections as far as they have come; none where neither is known."""
    if run.t0_unix_s is None:
        return []
    if run.load_end_s is None:
        middle, over = _sections(run), run.stage != "starting the load" and not run.stage.startswith("phase ")
    else:
        middle, over = _phases(run), run.last_s >= run.load_end_s
    if not middle:
        return []
    besides = _BESIDES * sum(stage.length for stage in middle)
    begun = run.last_s >= 0 and not run.stage.startswith("preparing")
    return [
        Stage(name=BEFORE, length=besides, done=1.0 if begun else _UNCOUNTED),
        *middle,
        Stage(name=AFTER, length=besides, done=_UNCOUNTED if begun and over else 0.0),
    ]


def _phases(run: Run) -> list[Stage]:
    return [
        Stage(name=phase.name, length=max(end_s - phase.start_s, 0.1), done=_share(run.last_s, phase.start_s, end_s))
        for phase in run.phases
        if (end_s := phase.end_s) is not None
    ]


def _sections(run: Run) -> list[Stage]:
    """Of the same length each: how long one takes is not known. The one that goes on is as far as its requests are."""
    begun = {phase.name: phase for phase in run.phases}
    before = 0
    found = []
    for name in run.sections:
        phase = begun.get(name)
        if phase is None:
            done = 0.0
        elif phase.end_s is not None:
            done = 1.0
        else:
            done = _share(run.answered, before, before + phase.cases) if phase.cases else _UNCOUNTED
        before += 0 if phase is None else phase.cases
        found.append(Stage(name=name, length=1.0, done=done))
    return found


def _share(now: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (now - start) / max(end - start, 1e-6)))


def said(run: Run) -> str:
    """How far the load has come, in words; empty where that is not known."""
    if run.load_end_s is not None:
        return f"{min(max(run.last_s, 0.0), run.load_end_s):.0f} of {run.load_end_s:.0f} s of load"
    cases = sum(phase.cases for phase in run.phases)
    return f"{min(run.answered, cases)} of {cases} requests" if cases else ""


def bar(run: Run) -> str:
    """As HTML; empty when nobody knows how long the run will take."""
    listed = stages(run)
    if not listed:
        return ""
    parts = "".join(
        f"<li style='flex:{stage.length:.2f} 1 0'><span class='fd-done'><i style='width:{stage.done * 100:.0f}%'></i>"
        f"</span><span class='fd-stage'>{markup.text(stage.name)}</span></li>"
        for stage in listed
    )
    far = sum(stage.length * stage.done for stage in listed) / sum(stage.length for stage in listed)
    words = ": ".join(filter(None, (run.stage, said(run))))
    return (
        "<div class='fd-progress' role='progressbar' aria-valuemin='0' aria-valuemax='100' "
        f"aria-valuenow='{far * 100:.0f}' aria-valuetext='{markup.text(words)}' aria-label='Progress of the run'>"
        f"<ul aria-hidden='true'>{parts}</ul></div>"
    )
