"""The course of a run, from its journal and its plan, also while it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from chaos.model.bounds import MOST_UNIX_S, second
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import LoadPlan


class RunState(StrEnum):
    """Whether a run is still going on."""

    RUNNING = "running"
    ENDED = "ended"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of load, in seconds since its start; `end_s` is None while it lasts and the plan is not known.

    `cases`: How many requests a section of an exchange run has; 0 for a phase of load.
    """

    name: str
    start_s: float
    end_s: float | None
    cases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was broken and when, as the journal says. `lifted_s` is None while it is active."""

    id: str
    kind: str
    on: str
    injected_s: float
    lifted_s: float | None

    @property
    def text(self) -> str:
        return f"{self.kind} on {self.on}" if self.on else self.kind


_STAGES = {
    EventKind.RUN_STARTED: "preparing the variant",
    EventKind.PREPARED: "starting the load",
    EventKind.LOAD_STARTED: "starting the load",
    EventKind.LOAD_ENDED: "lifting what is left",
    EventKind.HEALED: "settling",
    EventKind.HEAL_FAILED: "healing failed",
    EventKind.SETTLED: "collecting the evidence",
    EventKind.COLLECTED: "collecting the evidence",
    EventKind.ABORTED: "aborted, healing",
}


def stage_of(events: list[Event], state: RunState, *, judged: bool) -> str:
    if state is not RunState.RUNNING:
        return "judging" if state is RunState.ENDED and not judged else state.value
    for event in reversed(events):
        if event.event is EventKind.PHASE_STARTED:
            return f"phase {event.data.get('phase', '?')}"
        if event.event in _STAGES:
            return _STAGES[event.event]
    return "preparing the variant"


def second_0_unix_s(events: list[Event], plan: LoadPlan | None) -> float | None:
    if plan is not None:
        return plan.t0_unix_s
    for event in events:
        told = event.data.get("t0_unix_s")
        if event.event is EventKind.LOAD_STARTED and isinstance(told, int | float) and 0 <= told <= MOST_UNIX_S:
            return float(told)
    return next((event.at_unix_s - event.at_s for event in events if event.at_s is not None), None)


def phases_of(events: list[Event], plan: LoadPlan | None) -> tuple[Phase, ...]:
    """As planned; without a plan, as the journal says."""
    if plan is not None:
        return tuple(Phase(name=p.name, start_s=p.start_s, end_s=p.start_s + p.duration_s) for p in plan.phases)
    ended = {str(e.data.get("phase")): e.data.get("end_s") for e in events if e.event is EventKind.PHASE_ENDED}
    return tuple(
        Phase(
            name=(name := str(event.data.get("phase") or "?")),
            start_s=_number(event.data.get("start_s"), event.at_s or 0.0),
            end_s=second(event.data.get("end_s", ended.get(name))),  # that of a section is known when it has ended
            cases=_count(event.data.get("cases")),
        )
        for event in events
        if event.event is EventKind.PHASE_STARTED
    )


def sections_of(events: list[Event]) -> tuple[str, ...]:
    """The sections of an exchange run in their order; none for a run with load, and before they are known."""
    told = next((event.data.get("sections") for event in events if event.event is EventKind.LOAD_STARTED), None)
    return tuple(map(str, told)) if isinstance(told, list) else ()


def faults_of(events: list[Event], last_s: float) -> tuple[Fault, ...]:
    """One for each injection, by the time that it took effect; a heal lifts all that are still active."""
    faults: dict[str, Fault] = {}
    for event in events:
        at_s = event.at_s if event.at_s is not None else last_s
        data = event.data
        key = str(data.get("fault") or event.seq)
        if event.event is EventKind.FAULT_INJECTED:
            faults[key] = Fault(
                id=key,
                kind=str(data.get("kind") or "fault"),
                on=str(data.get("on") or ""),
                injected_s=_number(data.get("effective_s"), at_s),
                lifted_s=None,
            )
        elif event.event is EventKind.FAULT_LIFTED and key in faults:
            faults[key] = _lifted(faults[key], _number(data.get("lifted_s"), at_s))
        elif event.event in (EventKind.HEALED, EventKind.RUN_ENDED):
            faults = {each: _lifted(fault, at_s) for each, fault in faults.items()}
    return tuple(sorted(faults.values(), key=lambda fault: fault.injected_s))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _number(value: Any, otherwise: float) -> float:
    found = second(value)
    return otherwise if found is None else found


def _lifted(fault: Fault, at_s: float) -> Fault:
    if fault.lifted_s is not None:
        return fault
    return replace(fault, lifted_s=max(at_s, fault.injected_s))
