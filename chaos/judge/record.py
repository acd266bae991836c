"""What the journal says about the run: its faults, and whether it went from start to end as it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos.model.checks import ExpectedFault, Span
from chaos.model.journal import Event, EventKind
from chaos.model.verdict import Finding, Verdict

_CODE = "code"
"""Among the identities: the variant's files instead of a process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRecord:
    """A fault as it went.

    Attributes:
        injected_s: When it had taken effect; None when it never did.
        lifted_s: None while it is not known to be lifted.
        exposure: Calls or tasks that met it; None when nobody counted.
        problem: Why findings can't rely on it; empty when it was proven, felt and lifted.
    """

    id: str
    kind: str
    on: str
    injected_s: float | None
    lifted_s: float | None
    exposure: int | None
    exposed_at_least: int
    proven: bool
    problem: str


def fault_records(faults: Sequence[ExpectedFault], events: Sequence[Event]) -> tuple[FaultRecord, ...]:
    """One record per fault that the scenario wanted, in its order."""
    by_fault: dict[tuple[str, EventKind], Mapping[str, Any]] = {
        (str(event.data.get("fault", "")), event.event): event.data for event in events if "fault" in event.data
    }
    return tuple(_fault_record(fault, by_fault) for fault in faults)


def _fault_record(fault: ExpectedFault, by_fault: Mapping[tuple[str, EventKind], Mapping[str, Any]]) -> FaultRecord:
    injected = by_fault.get((fault.id, EventKind.FAULT_INJECTED))
    lifted = by_fault.get((fault.id, EventKind.FAULT_LIFTED))
    exposure = by_fault.get((fault.id, EventKind.EXPOSURE), {}).get("count")
    failed = by_fault.get((fault.id, EventKind.FAULT_FAILED))
    proven = injected is not None and injected.get("proven") is True
    if failed is not None:
        problem = f"it failed: {failed.get('reason') or 'no reason was given'}"
    elif injected is None:
        problem = "it was never injected"
    elif not proven:
        problem = f"it was not proven: {injected.get('reason') or 'read-back and canary did not both show it'}"
    elif not isinstance(exposure, int):
        problem = "nobody counted what met it"
    elif exposure < fault.exposed_at_least:
        problem = f"{exposure} calls or tasks met it, expected at least {fault.exposed_at_least}"
    elif lifted is None:
        problem = "it was not seen to be lifted"
    elif lifted.get("pristine") is not True:
        problem = "something of it was left after the lift"
    else:
        problem = ""
    return FaultRecord(
        id=fault.id,
        kind=fault.kind,
        on=fault.on,
        injected_s=_number(injected, "effective_s"),
        lifted_s=_number(lifted, "lifted_s"),
        exposure=exposure if isinstance(exposure, int) else None,
        exposed_at_least=fault.exposed_at_least,
        proven=proven,
        problem=problem,
    )


def fault_findings(records: Sequence[FaultRecord]) -> Iterator[Finding]:
    """A finding per fault: proven, felt and lifted, or the run can't tell."""
    for record in records:
        met = "" if record.exposure is None else f"proven, met by {record.exposure}"
        yield Finding(
            check=f"fault:{record.id}",
            kind="fault",
            verdict=Verdict.INCONCLUSIVE if record.problem else Verdict.HELD,
            expected=f"{record.kind} on {record.on} is proven, met by at least {record.exposed_at_least}, and lifted",
            measured=met if record.proven else "",
            where=f"{_at(record.injected_s)} to {_at(record.lifted_s)}",
            reason=f"fault {record.id}: {record.problem}" if record.problem else "",
            figures={"exposure": record.exposure, "injected_s": record.injected_s, "lifted_s": record.lifted_s},
        )


def run_findings(events: Sequence[Event], phases: Sequence[Span], killed: frozenset[str]) -> Iterator[Finding]:
    """Whether the run went through all *phases* to its end, was healed, and nothing but *killed* restarted."""
    of_kind: dict[EventKind, list[Event]] = {}
    for event in events:
        of_kind.setdefault(event.event, []).append(event)
    gaps = [event.seq for position, event in enumerate(events) if event.seq != position]
    yield self_check("journal", "events without gaps", f"the journal has a gap before event {gaps[0]}" if gaps else "")
    begun = {event.data.get("phase") for event in of_kind.get(EventKind.PHASE_STARTED, [])}
    unseen = ", ".join(phase.name for phase in phases if phase.name not in begun)
    yield self_check("phases", "every phase of the load began", f"never began: {unseen}" if unseen else "")
    yield self_check("run_ended", "the run ended by itself", _ended(of_kind))
    yield self_check("not_aborted", "no guardrail, no abort", _aborted(of_kind))
    yield self_check("healed", "everything is pristine afterwards", _healed(of_kind))
    started_with = next((str(event.data.get("code", "")) for event in of_kind.get(EventKind.PREPARED, [])), "")
    problem = _restarted(of_kind.get(EventKind.IDENTITY, []), killed, started_with)
    yield self_check("no_restart", "no part restarted unasked", problem)


def _ended(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    if EventKind.LOAD_ENDED not in of_kind:
        return "the load never ended: the journal has no load_ended"
    how = of_kind[EventKind.LOAD_ENDED][-1].data.get("ended")
    if how != "finished":
        return f"the load driver ended as {how!r}, not finished"
    return "" if EventKind.RUN_ENDED in of_kind else "the runner died: the journal has no run_ended; run it again"


def _aborted(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    for event in of_kind.get(EventKind.ABORTED, []):
        return f"aborted by {event.data.get('by', 'somebody')}: {event.data.get('reason') or 'no reason was given'}"
    for event in of_kind.get(EventKind.GUARDRAIL, []):
        data = event.data
        return f"guardrail {data.get('probe')} tripped: {data.get('reason') or data.get('measured')}"
    for event in of_kind.get(EventKind.WATCHDOG, []):
        if event.data.get("action") == "healed":
            return "the runner's lease ran out and the agent healed the lab in its place"
    return ""


def _healed(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    for event in of_kind.get(EventKind.HEAL_FAILED, []):
        return f"healing failed, left: {event.data.get('left')}; run `firedrill heal`"
    healed = of_kind.get(EventKind.HEALED, [])
    if not healed:
        return "nobody healed: the journal has no healed; run `firedrill heal`"
    return "" if healed[-1].data.get("pristine") is True else "the lab was not pristine after healing"


def _restarted(identities: Sequence[Event], killed: frozenset[str], started_with: str) -> str:
    at = {event.data.get("when"): event.data for event in identities}
    if "before" not in at or "after" not in at:
        return "identities were not read before and after the load"
    before, after = at["before"].get("parts") or {}, at["after"].get("parts") or {}
    if not before:
        return "identities were not read before the load"
    meant = killed | set(at["before"].get("expected_restarts") or ()) | set(at["after"].get("expected_restarts") or ())
    changed = sorted(part for part in before.keys() | after.keys() if before.get(part) != after.get(part))
    if _CODE in changed or (started_with and before.get(_CODE) != started_with):
        return "the variant's files changed during the run: which of them ran is not known; run it again"
    unasked = [part for part in changed if part not in meant]
    return f"restarted or vanished unasked: {', '.join(unasked)}; see their logs" if unasked else ""


def self_check(
    name: str, expected: str, problem: str, *, measured: str = "", figures: Mapping[str, Any] | None = None
) -> Finding:
    """A finding about the run itself: held without a problem, else inconclusive."""
    return Finding(
        check=f"self_check:{name}",
        kind="self_check",
        verdict=Verdict.INCONCLUSIVE if problem else Verdict.HELD,
        expected=expected,
        measured=measured,
        reason=problem,
        figures=dict(figures or {}),
    )


def _number(data: Mapping[str, Any] | None, key: str) -> float | None:
    value = (data or {}).get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _at(at_s: float | None) -> str:
    return "?" if at_s is None else f"{at_s:.1f} s"
