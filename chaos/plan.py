"""Scenario and seed become a timetable. Pure: the same input gives the same plan."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.checks import Judged
from chaos.model.faults import ExpectedFault, PhaseTime
from chaos.model.loadplan import PlanPhase
from chaos.model.span import Span
from chaos.scenario import FaultSpec, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFault:
    """When a fault is injected and lifted, in seconds since the load's start.

    Attributes:
        inject_s: Fixed moment; for a triggered fault the moment from which its trigger counts.
        lift_s: None for a fault that ends by itself, or whose beginning is not known beforehand.
        trigger: Name of the trigger; None for a fixed moment.
        lasts_s: How long it is held; None for a fault that ends by itself.
        seed: Of the fault's own draws.
    """

    spec: FaultSpec
    inject_s: float
    lift_s: float | None
    trigger: str | None
    lasts_s: float | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The timetable of a run.

    Attributes:
        seed: Of data, arrivals and fault jitter.
        scale: Factor on all rates.
        ends_s: When the last phase ends.
    """

    phases: tuple[PlanPhase, ...]
    faults: tuple[PlannedFault, ...]
    seed: int
    scale: float
    ends_s: float


def plan(scenario: Scenario, *, seed: int | None = None, scale: float = 1.0) -> Plan:
    """Lay phases end to end and put the faults on the same clock."""
    phases: list[PlanPhase] = []
    at_s = 0.0
    for phase in scenario.load:
        phases.append(
            PlanPhase(
                name=phase.name,
                start_s=at_s,
                duration_s=phase.duration_s,
                rate_from_per_s=phase.rate_from_per_s * scale,
                rate_to_per_s=phase.rate_to_per_s * scale,
                mix=dict(phase.mix),
            )
        )
        at_s += phase.duration_s
    starts = {phase.name: phase.start_s for phase in phases}
    chosen = scenario.seed if seed is None else seed
    timed = [fault for fault in scenario.faults if fault.params.starts.phase in starts]
    planned = (_planned(fault, starts, chosen) for fault in timed)
    faults = tuple(sorted(planned, key=lambda fault: fault.inject_s))
    return Plan(phases=tuple(phases), faults=faults, seed=chosen, scale=scale, ends_s=at_s)


def moment_s(moment: PhaseTime, starts: dict[str, float]) -> float:
    """Seconds since the load's start."""
    return starts[moment.phase] + moment.offset_s


def _planned(fault: FaultSpec, starts: dict[str, float], seed: int) -> PlannedFault:
    inject_s = moment_s(fault.params.starts, starts)
    lasts_s = fault.params.lasts_s
    trigger = fault.params.trigger
    return PlannedFault(
        spec=fault,
        inject_s=inject_s,
        lift_s=None if lasts_s is None or trigger is not None else inject_s + lasts_s,
        trigger=trigger,
        lasts_s=lasts_s,
        seed=seed,
    )


def judged(scenario: Scenario, timetable: Plan) -> Judged:
    """The part of a scenario that judging needs, with its phases on the load's clock."""
    return Judged(
        phases=tuple(
            Span(name=phase.name, start_s=phase.start_s, end_s=phase.start_s + phase.duration_s)
            for phase in timetable.phases
        ),
        sections=tuple(section.name for section in scenario.exchanges),
        checks=scenario.checks,
        steady_state=scenario.steady_state,
        guardrails=scenario.guardrails,
        faults=tuple(
            ExpectedFault(
                id=fault.id, kind=fault.kind, on=fault.params.on, exposed_at_least=fault.params.exposed_at_least
            )
            for fault in scenario.faults
        ),
    )
