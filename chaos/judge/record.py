"""What the journal says about the run: its faults, and whether it went from start to end as it should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos.model.bounds import MOST_UNIX_S, second
from chaos.model.evidence import EndState
from chaos.model.faults import ExpectedFault
from chaos.model.journal import Event, EventKind
from chaos.model.span import Span
from chaos.model.verdict import FaultRecord, Finding, FindingKind, Verdict

_CODE = "code"
"""The identity of the variant's files, among those of the processes."""


def fault_records(faults: Sequence[ExpectedFault], events: Sequence[Event]) -> tuple[FaultRecord, ...]:
    """One record per fault that the scenario wanted, in its order."""
    by_fault: dict[tuple[str, EventKind], Mapping[str, Any]] = {
        (str(event.data.get("fault", "")), event.event): event.data for event in events if "fault" in event.data
    }
    return tuple(_fault_record(fault, by_fault) for fault in faults)


def _fault_record(fault: ExpectedFault, by_fault: Mapping[tuple[str, EventKind], Mapping[str, Any]]) -> FaultRecord:
    injected = by_fault.get((fault.id, EventKind.FAULT_INJECTED))
    lifted = by_fault.get((fault.id, EventKind.FAULT_LIFTED))
    counted = by_fault.get((fault.id, EventKind.EXPOSURE), {}).get("count")
    exposure = counted if isinstance(counted, int) and not isinstance(counted, bool) else None
    failed = by_fault.get((fault.id, EventKind.FAULT_FAILED))
    proven = injected is not None and injected.get("proven") is True
    missing = by_fault.get((fault.id, EventKind.FAULT_MISSING))
    if failed is not None:
        problem = f"it failed: {failed.get('reason') or 'no reason was given'}"
    elif injected is None:
        problem = "it was never injected"
    elif not proven:
        problem = f"it was not proven: {injected.get('reason') or 'read-back and canary did not both show it'}"
    elif missing is not None:
        seen = _at(_second(missing, "seen_s"))
        problem = f"it was gone at {seen}, before its lift: {missing.get('reason') or 'no reason was given'}"
    elif exposure is None:
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
        injected_s=_second(injected, "effective_s"),
        lifted_s=_second(lifted, "lifted_s"),
        exposure=exposure,
        exposed_at_least=fault.exposed_at_least,
        proven=proven,
        problem=problem,
    )


def fault_findings(records: Sequence[FaultRecord]) -> Iterator[Finding]:
    """A finding per fault: proven, felt and lifted, or the run is inconclusive."""
    for record in records:
        met = "" if record.exposure is None else f"proven, met by {record.exposure}"
        yield Finding(
            check=f"fault:{record.id}",
            kind=FindingKind.FAULT,
            verdict=Verdict.INCONCLUSIVE if record.problem else Verdict.HELD,
            expected=f"{record.kind} on {record.on} is proven, met by at least {record.exposed_at_least}, and lifted",
            measured=met if record.proven else "",
            where=f"{_at(record.injected_s)} to {_at(record.lifted_s)}",
            reason=f"fault {record.id}: {record.problem}" if record.problem else "",
            figures={"exposure": record.exposure, "injected_s": record.injected_s, "lifted_s": record.lifted_s},
        )


def run_findings(
    events: Sequence[Event],
    phases: Sequence[Span],
    restarted: frozenset[str],
    state: EndState | None,
    digests: Mapping[str, str],
) -> Iterator[Finding]:
    """Whether the run went through all *phases* to its end, was healed, and only *restarted* have a new identity."""
    of_kind: dict[EventKind, list[Event]] = {}
    for event in events:
        of_kind.setdefault(event.event, []).append(event)
    gaps = [event.seq for position, event in enumerate(events) if event.seq != position]
    yield self_check("journal", "events without gaps", f"the journal has a gap before event {gaps[0]}" if gaps else "")
    begun = {str(event.data.get("phase")) for event in of_kind.get(EventKind.PHASE_STARTED, [])}
    unseen = ", ".join(phase.name for phase in phases if phase.name not in begun)
    yield self_check("phases", "every phase of the load began", f"never began: {unseen}" if unseen else "")
    yield self_check("run_ended", "the run ended by itself", _ended(of_kind))
    aborted, by = _aborted(of_kind)
    yield self_check("not_aborted", "no guardrail, no abort", aborted, figures={"by": by} if by else {})
    yield self_check("scenario", "it is on record which scenario ran", _scenario(of_kind))
    yield self_check(
        "collected", "the witnesses' files are as they were collected", _collected(of_kind, state, digests)
    )
    yield self_check("healed", "everything is pristine afterwards", _healed(of_kind))
    started_with = next((str(event.data.get("code") or "") for event in of_kind.get(EventKind.PREPARED, [])), "")
    problem = _restarted(of_kind.get(EventKind.IDENTITY, []), restarted, started_with)
    yield self_check("no_restart", "no part restarted unasked", problem)
    if (strangers := _strangers(of_kind)) is not None:
        yield self_check("no_strangers", "only the shop, through its proxies, and the lab took part", strangers)


def _ended(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    if EventKind.LOAD_ENDED not in of_kind:
        return "the load never ended: the journal has no load_ended"
    how = of_kind[EventKind.LOAD_ENDED][-1].data.get("ended")
    if how != "finished":
        return f"the load driver ended as {how!r}, not finished"
    return "" if EventKind.RUN_ENDED in of_kind else "the runner died: the journal has no run_ended"


def _aborted(of_kind: Mapping[EventKind, Sequence[Event]]) -> tuple[str, str]:
    """Why, and by whom; both empty for a run that went to its end."""
    for event in of_kind.get(EventKind.ABORTED, []):
        by = str(event.data.get("by", "somebody"))
        return f"aborted by {by.replace('_', ' ')}: {event.data.get('reason') or 'no reason was given'}", by
    for event in of_kind.get(EventKind.GUARDRAIL, []):
        data = event.data
        return f"guardrail {data.get('probe')} tripped: {data.get('reason') or data.get('measured')}", "guardrail"
    for event in of_kind.get(EventKind.WATCHDOG, []):
        if event.data.get("action") != "renewed":
            return "the runner's lease ran out and the agent healed the lab in its place, or tried to", "agent"
    return "", ""


def _scenario(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    """Whether the journal has the digest of the scenario's text; the reader of the scenario compares the two."""
    started = of_kind.get(EventKind.RUN_STARTED, [])
    known = started and started[0].data.get("scenario_sha256")
    return "" if known else "the journal does not say which text of the scenario ran"


def _collected(of_kind: Mapping[EventKind, Sequence[Event]], state: EndState | None, digests: Mapping[str, str]) -> str:
    """Whether files and tables are as collected: one that lost rows since then says less than its witness did."""
    events = of_kind.get(EventKind.COLLECTED, [])
    then = events[-1].data.get("sha256") if events else None
    if state is None:
        return ""  # reported as a missing witness
    if isinstance(then, dict):
        unlike = sorted(name for name in then.keys() | digests.keys() if then.get(name) != digests.get(name))
        if unlike:
            return f"not as when it was collected: {', '.join(map(str, unlike))}"
    counts = events[-1].data.get("counts") if events else None
    if not isinstance(counts, dict) or not isinstance(then, dict):
        return "the journal does not say what was collected"
    missing = events[-1].data.get("missing")
    lost = [
        f"{name}: {len(rows)} rows in state.json, {counts.get(name, 'nothing')} counted when it was collected"
        for name in state.__struct_fields__
        if isinstance(rows := getattr(state, name), list)
        and name not in state.missing
        and counts.get(name) != len(rows)
    ]
    lost += [f"{name}: missing when it was collected" for name in missing or () if name not in state.missing]
    return "; ".join(lost[:3])


def _healed(of_kind: Mapping[EventKind, Sequence[Event]]) -> str:
    for event in of_kind.get(EventKind.HEAL_FAILED, []):
        return f"healing failed, left: {event.data.get('left')}"
    healed = of_kind.get(EventKind.HEALED, [])
    if not healed:
        return "nobody healed: the journal has no healed"
    return "" if healed[-1].data.get("pristine") is True else "the lab was not pristine after healing"


def _restarted(identities: Sequence[Event], restarted: frozenset[str], started_with: str) -> str:
    at = {str(event.data.get("when")): event.data for event in identities}
    if "before" not in at or "after" not in at:
        return "identities were not read before and after the load"
    before, after = (_parts(at[when]) for when in ("before", "after"))
    if not before:
        return "identities were not read before the load"
    if not started_with or _CODE not in before:
        return "it is not on record which code ran"
    meant = restarted.union(*(_names(at[when].get("expected_restarts")) for when in ("before", "after")))
    changed = sorted(part for part in before.keys() | after.keys() if before.get(part) != after.get(part))
    if _CODE in changed or before[_CODE] != started_with:
        return "the variant's files changed during the run: which of them ran is not known"
    unasked = [part for part in changed if part not in meant]
    return f"restarted or vanished unasked: {', '.join(unasked)}" if unasked else ""


def _parts(data: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = data.get("parts")
    return parts if isinstance(parts, dict) else {}


def _names(value: Any) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _strangers(of_kind: Mapping[EventKind, Sequence[Event]]) -> str | None:
    """The problem with strangers; empty for none, None for a run from before strangers were watched."""
    seen = [str(event.data.get("what", "")) for event in of_kind.get(EventKind.STRANGER, [])]
    if seen:
        more = f", and {len(seen) - 1} more" if len(seen) > 1 else ""
        return f"{seen[0]}{more}: what the run shows is not what the faults and the shop's programs did"
    watched = of_kind.get(EventKind.WATCHED, [])
    if watched:
        problem = watched[-1].data.get("problem")
        return f"nobody can say who else took part: {problem}" if problem else ""
    began = any(event.data.get("isolation") for event in of_kind.get(EventKind.PREPARED, []))
    return "nobody looked whether somebody else took part" if began else None


def self_check(
    name: str, expected: str, problem: str, *, measured: str = "", figures: Mapping[str, Any] | None = None
) -> Finding:
    """A finding about the run itself: held without a problem, else inconclusive."""
    return Finding(
        check=f"self_check:{name}",
        kind=FindingKind.SELF_CHECK,
        verdict=Verdict.INCONCLUSIVE if problem else Verdict.HELD,
        expected=expected,
        measured=measured,
        reason=problem,
        figures=dict(figures or {}),
    )


def _second(data: Mapping[str, Any] | None, key: str) -> float | None:
    return second((data or {}).get(key))


def number(data: Mapping[str, Any], key: str) -> float | None:
    """What *data* has under *key*; None without a finite number there."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST_UNIX_S:
        return None
    return float(value)


def _at(at_s: float | None) -> str:
    return "?" if at_s is None else f"{at_s:.1f} s"
