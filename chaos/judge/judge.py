"""The judge: a pure function from the record of a run to its findings and verdict.

It reads the journal first (which faults, when lifted), then the history in one pass that feeds every check at once,
then the end state. Last, it applies what spoils the run: a fault that was not proven, a driver that fell behind or a
world that was not watched make every finding inconclusive except the violation of an exact invariant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from math import inf, isnan

import msgspec

from chaos.checks import InvariantCheck, Judged, RecoveryCheck, SloCheck
from chaos.evidence.exchanged import as_operation
from chaos.evidence.figures import CellKey, OperationCell, Second, Table, Timelines, operation_table
from chaos.evidence.record import Record
from chaos.faults import KINDS as FAULTS
from chaos.invariants import NO_CONTRACT, NO_WORLD, Context
from chaos.judge.clocks import AWAKE, WALL_CLOCK, clock_findings
from chaos.judge.driver import driver_findings
from chaos.judge.exchanged import missing_witnesses, player_findings, with_sections
from chaos.judge.foreign import foreign_worker
from chaos.judge.host import both_processes, host_in
from chaos.judge.looked import gate_findings
from chaos.judge.passes import InvariantPass, Pass, ProbePass, RecoveryPass, pass_for, read
from chaos.judge.record import fault_findings, fault_records, run_findings, self_check
from chaos.judge.roots import ABORTED, HOST, advice_for, roots_first
from chaos.judge.witnessed import with_witnessed_times
from chaos.model.evidence import EndState, HostSample
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.model.span import Span
from chaos.model.verdict import FaultRecord, Finding, FindingKind, Verdict, overall
from chaos.probes import Unit

SLO, STEADY_STATE, STEADY_STATE_AFTER = "slo", "steady_state", "steady_state_after"
"""What a probe is used as; the first part of its finding's id."""

CLOCKS_APART = frozenset({WALL_CLOCK, AWAKE, "self_check:clocks"})
"""When one of these is not held, moments that two clocks recorded can't be ordered."""

KIND_OF = {
    SLO: FindingKind.SLO,
    STEADY_STATE: FindingKind.STEADY_STATE,
    STEADY_STATE_AFTER: FindingKind.RECOVERY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The result of judging.

    Attributes:
        findings: Checks of the scenario in its order, then steady state, faults, self-checks.
        operations: Phase → operation → counts and latencies, main operations; second tries as `<op>_again`.
        advice: For an inconclusive run: what to do about its root cause; else empty.
        aborted: By whom, as in the journal; empty for a run that went to its end.
    """

    verdict: Verdict
    summary: str
    advice: str
    aborted: str
    findings: tuple[Finding, ...]
    phases: tuple[Span, ...]
    faults: tuple[FaultRecord, ...]
    operations: Table
    timelines: Timelines

    @property
    def timeline(self) -> tuple[Second, ...]:
        """Every second of the run, over all main operations."""
        return self.timelines.all.seconds()


def judge(scenario: Judged, record: Record) -> Judgement:
    """Findings and verdict. Never raises for what the record holds; a check that crashes is inconclusive."""
    if scenario.sections:
        scenario = with_sections(scenario, record.events)
    faults = fault_records(scenario.faults, record.events)
    lifts = [fault.lifted_s for fault in faults if fault.lifted_s is not None]
    lifted_s = max(lifts) if lifts and len(lifts) == len(faults) else None
    end_s = scenario.phases[-1].end_s if scenario.phases else 0.0

    checks: list[Pass] = [pass_for(check, scenario, lifted_s, end_s) for check in scenario.checks]
    first = scenario.phases[0].name if scenario.phases else ""
    before: list[Pass] = [ProbePass(use, phase=first) for use in scenario.steady_state]
    back_s = _back_at(scenario, lifted_s)
    after: list[Pass] = [ProbePass(use, from_s=back_s) for use in scenario.steady_state if back_s is not None]

    cells: dict[CellKey, OperationCell] = {}
    timelines = Timelines()
    if scenario.sections:
        crashed = read(record.history, checks, {}, Timelines())
        read(map(as_operation, record.exchanged.exchanges), [], cells, timelines)
    else:
        crashed = read(record.history, [*checks, *before, *after], cells, timelines)

    no_state = record.unread.get(File.STATE, f"{File.STATE} is missing")
    state = record.state or EndState(missing=dict.fromkeys(EndState.__struct_fields__, no_state))
    if record.world is None:
        no_world = record.unread.get(File.WORLD, f"{File.WORLD} is missing")
        state = msgspec.structs.replace(state, missing={**state.missing, "world": no_world})
    if scenario.sections:
        missing = missing_witnesses({**record.unread, **record.exchanged.unread})
        state = msgspec.structs.replace(state, missing={**state.missing, **missing})
    windows = {phase.name: phase for phase in scenario.phases}
    after_lift = Span(name="the time after the last lift", start_s=lifted_s or 0.0, end_s=end_s)
    starved = _starved(record, after_lift)
    context = Context(
        state=with_witnessed_times(state),
        t0_unix_s=record.history.t0_unix_s or 0.0,
        phases=scenario.phases,
        history_complete=not record.history.problems and record.history.t0_unix_s is not None,
        lifted_s=lifted_s,
        queue=tuple(record.queue),
        world=record.world or NO_WORLD,
        pages=record.history.pages,
        faults=tuple(_held(fault) for fault in faults if fault.injected_s is not None),
        schedules=tuple(record.schedules),
        exchanges=record.exchanged,
        review=record.review,
        audit=record.audit,
        contract=record.contract or NO_CONTRACT,
        starved=starved,
        busy={} if scenario.sections else dict(_busy(record, scenario.phases)),
    )
    # No limit is asked of single requests, so none can be missed for want of CPU.
    finish = _Finish(context, windows, after_lift, None if scenario.sections else record.host, crashed)

    steady = [finish.check(probe, STEADY_STATE) for probe in before]
    not_met = [_no_ground(found) for found in steady if found.verdict is Verdict.VIOLATED]
    restarted = frozenset(fault.on for fault in scenario.faults if FAULTS[fault.kind].restarts)
    about_run = [
        *fault_findings(faults),
        *clock_findings(record.clocks, record.events, scenario.phases),
        *run_findings(record.events, scenario.phases, restarted, record.state, record.digests),
        *foreign_worker(faults, record.state, record.history.t0_unix_s),
        *_traffic_findings(scenario, record, cells),
        _settled(record.state, starved),
        *_witnesses(record.state, no_state),
    ]
    spoilers = roots_first(not_met + [found for found in about_run if found.verdict is not Verdict.HELD])
    judged = [finish.check(check) for check in checks] + [finish.check(probe, STEADY_STATE_AFTER) for probe in after]
    if not scenario.checks:
        judged.append(self_check("checks", "the scenario checks something", "the scenario has no checks"))
    met = [found for found in steady if found.verdict is not Verdict.VIOLATED]
    timed = {c.id for c in scenario.checks if isinstance(c, InvariantCheck) and c.invariant.by_the_clock}
    on_host = () if scenario.sections else (finish.host_finding(record.host),)
    findings = (*_after_spoiling(judged, spoilers, timed), *not_met, *met, *about_run, *on_host)
    verdict = overall(findings)
    aborted = next((f for f in about_run if f.check == ABORTED and f.verdict is not Verdict.HELD), None)
    return Judgement(
        verdict=verdict,
        summary=_summary(verdict, findings, len(faults)) + _aborted_too(verdict, findings, aborted),
        advice=_advice(verdict, findings),
        aborted=str(aborted.figures.get("by", "")) if aborted else "",
        findings=findings,
        phases=scenario.phases,
        faults=faults,
        operations=operation_table((phase.name for phase in scenario.phases), cells),
        timelines=timelines,
    )


def _traffic_findings(scenario: Judged, record: Record, cells: Mapping[CellKey, OperationCell]) -> Iterator[Finding]:
    """Whether the program that made the traffic accounts for it: the player of exchanges, or the load driver."""
    if scenario.sections:
        yield from player_findings(record.exchanged, record.events)
        yield from gate_findings(record.exchanged, record.events)
        return
    yield from driver_findings(
        record.driver,
        record.history,
        cells,
        record.histograms,
        unread=record.unread,
        tightest_slo_s=_tightest_slo_s(scenario),
    )
    yield both_processes(record.host)


def _held(fault: FaultRecord) -> Span:
    return Span(name=fault.on, start_s=fault.injected_s or 0.0, end_s=inf if fault.lifted_s is None else fault.lifted_s)


def _back_at(scenario: Judged, lifted_s: float | None) -> float | None:
    """From when on the steady state is judged again; None when `recovers_within` judges it, or not all was lifted.

    From the first phase that starts after the last lift. When a late lift came after the start of the last phase, from
    the lift on: a time too short to be measured gives an inconclusive finding, not none.
    """
    if lifted_s is None or any(isinstance(check, RecoveryCheck) for check in scenario.checks):
        return None
    return min((phase.start_s for phase in scenario.phases if phase.start_s >= lifted_s), default=lifted_s)


def _tightest_slo_s(scenario: Judged) -> float | None:
    uses = [check.use for check in scenario.checks if isinstance(check, SloCheck)] + list(scenario.steady_state)
    return min((use.limit.value for use in uses if use.probe.unit is Unit.SECONDS), default=None)


@dataclass(slots=True)
class _Finish:
    """Turns what the passes saw into findings."""

    context: Context
    phases: Mapping[str, Span]
    after_lift: Span
    host: Sequence[HostSample] | None
    """None where the machine decides nothing."""
    crashed: dict[int, str]
    excused: dict[str, str] = field(default_factory=dict)
    """Check → what on the machine may have made it miss its limit, or meet it."""

    def check(self, check: Pass, probe_kind: str = SLO) -> Finding:
        """*probe_kind*: what a probe is used as."""
        missing = self._missing_witnesses(check)
        reason = missing or self.crashed.get(id(check), "")
        if not reason:
            try:
                return self._on_fit_host(check, self._finding(check, probe_kind))
            except Exception as error:  # as in the pass: a crashed checker is unknown
                reason = f"the check itself crashed: {error!r}"
        return self._unknown(check, probe_kind, reason)

    def _finding(self, check: Pass, probe_kind: str) -> Finding:
        match check:
            case InvariantPass():
                return check.reducer.finish(self.context)
            case RecoveryPass():
                return check.recovery.finish()
            case ProbePass():
                return _probe_finding(check, probe_kind)
        raise TypeError(f"got {check!r}, expected one of the passes")

    def _unknown(self, check: Pass, probe_kind: str, reason: str) -> Finding:
        match check:
            case InvariantPass():
                invariant = check.check.invariant
                id_, kind, expected = invariant.name, FindingKind.INVARIANT, invariant.expected
            case ProbePass():
                use = check.use
                id_, kind, expected = f"{probe_kind}:{use.label}", KIND_OF[probe_kind], use.limit.show(use.probe.unit)
            case _:
                id_, kind, expected = "recovers_within", FindingKind.RECOVERY, "the steady state again"
        exact = kind is FindingKind.INVARIANT
        return Finding(
            check=id_, kind=kind, verdict=Verdict.INCONCLUSIVE, expected=expected, reason=reason, exact=exact
        )

    def _missing_witnesses(self, check: Pass) -> str:
        if not isinstance(check, InvariantPass):
            return ""
        missing = self.context.state.missing
        needed = sorted(check.check.invariant.witnesses & missing.keys())
        return "; ".join(f"witness {name} is missing: {missing[name]}" for name in needed)

    def _on_fit_host(self, check: Pass, found: Finding) -> Finding:
        """Make *found* inconclusive when a busy machine may have caused it.

        An invariant is exact on any machine, unless it is about time. A limit that was met stays met when a busy
        machine can only make its figure worse, not when it can make the figure better.
        """
        if self.host is None or found.exact or found.verdict is Verdict.INCONCLUSIVE or _stands(check, found):
            return found
        phase = check.phase if isinstance(check, ProbePass) else None
        window = self.after_lift if phase is None else self.phases[phase]
        spoiled = host_in(window, self.host).spoiled
        if not spoiled:
            return found
        self.excused[found.check] = spoiled
        would_be = "violated" if found.verdict is Verdict.VIOLATED else "held"
        reason = _and(spoiled, found.reason or found.measured, would_be)
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=reason)

    def host_finding(self, host: Sequence[HostSample]) -> Finding:
        """Whether the machine affected any finding; called after all checks."""
        spoiled = "; ".join(dict.fromkeys(self.excused.values()))
        if not host:
            spoiled = f"nobody watched the machine: {File.HOST} is missing or unreadable"
        busy = [host_in(phase, host) for phase in self.phases.values()]
        seconds = ", ".join(f"{one.busy_s} of {one.watched_s} s of {one.phase}" for one in busy if one.busy_s)
        return self_check(
            HOST.partition(":")[2],
            "no figure was missed, or met, because the machine was busy",
            f"{spoiled} ({', '.join(self.excused)})" if self.excused else spoiled,
            measured=f"busy in {seconds}" if seconds else "never busy",
            figures={"busy_s": sum(one.busy_s for one in busy), "watched_s": sum(one.watched_s for one in busy)},
        )


def _stands(check: Pass, found: Finding) -> bool:
    """Whether an idle machine would have given the same verdict."""
    match check:
        case ProbePass():
            measured = check.seen.measure()
            if found.verdict is Verdict.HELD:
                return check.use.met_anyway(measured)
            return not check.use.may_be_worse  # a busy machine could only have helped
        case RecoveryPass():
            return found.verdict is Verdict.HELD and all(use.only_worse for use in check.recovery.steady_state)
        case _:
            return found.verdict is Verdict.HELD


def _probe_finding(check: ProbePass, probe_kind: str) -> Finding:
    use, measurement = check.use, check.seen.measure()
    unit = use.probe.unit
    expected = f"{use.probe.name.replace('_', ' ')} {' '.join((*use.params.parts(), use.limit.show(unit)))}"
    if measurement.value is None:
        verdict, measured, reason = Verdict.INCONCLUSIVE, "", measurement.reason
    elif isnan(measurement.value):
        verdict, measured, reason = Verdict.INCONCLUSIVE, "not a number", "the measurement is not a number"
    else:
        measured = f"{unit.show(measurement.value)} over {measurement.samples} operations"
        met = use.limit.true_of(measurement.value)
        verdict = Verdict.HELD if met else Verdict.VIOLATED
        reason = "" if met else f"{unit.show(measurement.value)}, expected {use.limit.show(unit)}"
    return Finding(
        check=f"{probe_kind}:{use.label}",
        kind=KIND_OF[probe_kind],
        verdict=verdict,
        expected=expected,
        measured=measured,
        where=f"phase {check.phase}" if check.phase is not None else f"from {check.from_s or 0.0:.1f} s on",
        reason=reason,
        figures={**measurement.figures, "limit": {"word": use.limit.word, "value": use.limit.value, "unit": unit}},
    )


def _starved(record: Record, after_lift: Span) -> str:
    """Why orders may not have become final in time although nothing lost them; empty where that can't be.

    Messages that still wait for somebody when the promised time is over are late; whether that is the shop's doing
    can't be told on a machine that had no CPU left.
    """
    settled = next((event.data for event in record.events if event.event is EventKind.SETTLED), {})
    pending = settled.get("pending")
    waiting = [pending.get(where) for where in ("outbox", "queued")] if isinstance(pending, dict) else []
    count = sum(number for number in waiting if isinstance(number, int))
    spoiled = host_in(after_lift, record.host).spoiled
    return f"{count} messages still waited for a worker or the relay, and {spoiled}" if count and spoiled else ""


def _busy(record: Record, phases: Sequence[Span]) -> Iterator[tuple[str, str]]:
    """Phases in which nobody may have been served without the shop's doing, each with the reason."""
    aborted = any(event.event is EventKind.ABORTED for event in record.events)
    for phase in phases:
        if aborted:
            yield phase.name, "the run was aborted"
        elif spoiled := host_in(phase, record.host).spoiled:
            yield phase.name, spoiled


def _settled(state: EndState | None, starved: str) -> Finding:
    """Whether the world settled: where the stack or the machine kept it from that, no promise can be judged."""
    problem = ""
    if state is None:
        problem = "nobody waited for the world to settle"
    elif state.cut:
        problem = f"the settling was ended by hand after {state.settle_s:g} s"
    elif not state.settled and not state.healthy:
        problem = f"the world had not settled after {state.settle_s:g} s and the stack was not healthy"
    elif not state.settled and starved:
        problem = f"the world had not settled after {state.settle_s:g} s: {starved}"
    return self_check("settled", "the world came to rest on a healthy stack", problem)


def _witnesses(state: EndState | None, reason: str) -> Iterator[Finding]:
    if state is None:
        yield Finding(
            check="witness:state",
            kind=FindingKind.WITNESS,
            verdict=Verdict.INCONCLUSIVE,
            expected="the end state was collected",
            reason=reason,
        )


def _no_ground(steady: Finding) -> Finding:
    """A steady state that was not met before any fault: inconclusive, since the run can't show what the fault did."""
    reason = f"the steady state was not met before any fault: {steady.reason}"
    return replace(steady, verdict=Verdict.INCONCLUSIVE, reason=reason)


_ENDED_EARLY = frozenset(
    {
        ABORTED,
        "self_check:settled",
        "self_check:run_ended",
        "self_check:phases",
        "self_check:host",
        "self_check:send_lag",
        "self_check:driver_cpu",
    }
)
"""Findings about the run that leave what it recorded as it is. After an abort the driver ended early, too."""


def _after_spoiling(judged: Sequence[Finding], spoilers: Sequence[Finding], timed: Set[str]) -> Iterator[Finding]:
    """A spoiled run makes all findings inconclusive, except the violation of an exact invariant.

    When clocks differed or were set, the violation of one of *timed*, which compare times, is inconclusive, too.
    """
    clocks_apart = any(finding.check in CLOCKS_APART for finding in spoilers)
    record_stands = _record_stands(spoilers)
    for finding in judged:
        stands = finding.verdict is Verdict.VIOLATED and finding.exact and not (clocks_apart and finding.check in timed)
        if not spoilers or stands:
            yield finding
        elif finding.verdict is Verdict.INCONCLUSIVE:
            reason = f"{spoilers[0].reason} (besides: {finding.reason})"
            yield replace(finding, reason=reason, so_far=finding.so_far if record_stands else "")
        else:
            would_be = "violated" if finding.verdict is Verdict.VIOLATED else ""
            reason = _and(spoilers[0].reason, finding.reason, would_be)
            clean = finding.exact and finding.verdict is Verdict.HELD and record_stands
            yield replace(
                finding, verdict=Verdict.INCONCLUSIVE, reason=reason, so_far=finding.measured if clean else ""
            )


def _record_stands(spoilers: Sequence[Finding]) -> bool:
    """Whether the run only ended early, or went otherwise than planned: what it recorded until then is right."""
    planned = (f for f in spoilers if f.kind is not FindingKind.FAULT and f.kind is not FindingKind.STEADY_STATE)
    checks = {finding.check for finding in planned}
    return checks <= (_ENDED_EARLY | {"self_check:driver"} if ABORTED in checks else _ENDED_EARLY)


def _and(spoiled: str, reason: str, would_be: str) -> str:
    return f"{spoiled} (it would be {would_be}: {reason})" if reason and would_be else spoiled


def _summary(verdict: Verdict, findings: Sequence[Finding], faults: int) -> str:
    """The verdict in one sentence."""
    about_run = [f for f in findings if f.kind.about_run]
    checks = [f for f in findings if not f.kind.about_run]
    worst = [f for f in [*checks, *about_run] if f.verdict is verdict]
    match verdict:
        case Verdict.HELD:
            felt = f", with {faults} fault(s) proven and felt" if faults else ", without any fault"
            return f"Held: all {len(checks)} checks were met{felt}."
        case Verdict.VIOLATED:
            more = f", and {len(worst) - 1} more: {', '.join(f.check for f in worst[1:])}" if len(worst) > 1 else ""
            return f"Violated: {worst[0].check} ({worst[0].measured or worst[0].reason}){more}."
        case Verdict.INCONCLUSIVE:
            cause = _root(findings)
            return f"Inconclusive: {cause.reason if cause else 'nothing was checked'}."


def _aborted_too(verdict: Verdict, findings: Sequence[Finding], aborted: Finding | None) -> str:
    """A sentence that the run was aborted, where the summary is about something else; else empty."""
    if aborted is None or (verdict is Verdict.INCONCLUSIVE and _root(findings) is aborted):
        return ""
    return (
        f" The run was {aborted.reason}."
        if aborted.reason.startswith("aborted")
        else f" {aborted.reason.capitalize()}."
    )


def _root(findings: Sequence[Finding]) -> Finding | None:
    """The inconclusive finding that explains the others; None without any."""
    return next(iter(roots_first(f for f in findings if f.verdict is Verdict.INCONCLUSIVE)), None)


def _advice(verdict: Verdict, findings: Sequence[Finding]) -> str:
    root = _root(findings)
    return advice_for(root) if verdict is Verdict.INCONCLUSIVE and root is not None else ""
