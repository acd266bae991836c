"""The judge: a pure function from the record of a run to its findings and verdict.

Order of things: journal first (which faults, when lifted), then one pass over the history that feeds every check at
once, then the end state. Last, what spoils the run takes its toll: a fault that was not proven, a driver that fell
behind or a world that was not watched make every finding inconclusive except the violation of an exact invariant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from chaos.judge.driver import HistogramCounts, driver_findings
from chaos.judge.history import History
from chaos.judge.host import HostSample, host_in
from chaos.judge.passes import CellKey, InvariantPass, Pass, ProbePass, RecoveryPass, pass_for, read
from chaos.judge.record import FaultRecord, fault_findings, fault_records, run_findings, self_check
from chaos.judge.tables import OperationCell, Second, Timeline
from chaos.judge.witnessed import with_witnessed_times
from chaos.model.checks import Context, Judged, RecoveryCheck, SloCheck, Span, Unit
from chaos.model.evidence import EndState, QueueSample
from chaos.model.journal import Event
from chaos.model.loadplan import DriverReport
from chaos.model.verdict import Finding, Verdict, overall

RUN_KINDS = frozenset({"fault", "self_check", "witness", "steady_state"})
"""Findings about the run rather than the API."""

SLO, STEADY_STATE, STEADY_STATE_AFTER = "slo", "steady_state", "steady_state_after"
"""What a probe is used as; the first part of its finding's id."""

ROOTS = frozenset({"self_check:not_aborted"})
"""Findings about the run that explain the others."""

COMPARES_CLOCKS = frozenset({
    "attempts_are_limited", "no_accepted_after_revocation", "no_expired_accepted", "no_false_refusal", "sells_out",
    "status_is_current",
})  # fmt: skip
"""Invariants that ask which of two moments was first, of different load workers or of one and the database."""

KIND_OF = {SLO: "slo", STEADY_STATE: "steady_state", STEADY_STATE_AFTER: "recovery"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is known of a run. None: the file is missing or can't be read."""

    events: Sequence[Event]
    history: History
    state: EndState | None
    driver: DriverReport | None
    host: Sequence[HostSample]
    histograms: HistogramCounts | None
    queue: Sequence[QueueSample] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came out.

    Attributes:
        findings: Checks of the scenario in its order, then steady state, faults, self-checks.
        operations: Phase → operation → counts and latencies, main operations; second tries as `<op>_again`.
    """

    verdict: Verdict
    summary: str
    findings: tuple[Finding, ...]
    phases: tuple[Span, ...]
    faults: tuple[FaultRecord, ...]
    operations: dict[str, dict[str, dict[str, Any]]]
    timeline: tuple[Second, ...]


def judge(scenario: Judged, record: Record) -> Judgement:
    """Findings and verdict. Never raises for what the record holds; a check that crashes is inconclusive."""
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
    timeline = Timeline()
    crashed = read(record.history, [*checks, *before, *after], cells, timeline)

    state = record.state or EndState(missing=dict.fromkeys(EndState.__struct_fields__, "state.json is missing"))
    context = Context(
        state=with_witnessed_times(state),
        t0_unix_s=record.history.t0_unix_s or 0.0,
        phases=scenario.phases,
        history_complete=not record.history.problems and record.history.t0_unix_s is not None,
        lifted_s=lifted_s,
        queue=tuple(record.queue),
    )
    windows = {phase.name: phase for phase in scenario.phases}
    after_lift = Span(name="the time after the last lift", start_s=lifted_s or 0.0, end_s=end_s)
    finish = _Finish(context, windows, after_lift, record.host, crashed)

    steady = [finish.check(probe, STEADY_STATE) for probe in before]
    not_met = [_no_ground(found) for found in steady if found.verdict is Verdict.VIOLATED]
    killed = frozenset(fault.on for fault in scenario.faults if fault.kind == "kill")
    about_run = [
        *fault_findings(faults),
        *run_findings(record.events, scenario.phases, killed),
        *driver_findings(
            record.driver,
            record.history,
            {(phase, op): cell for (phase, op, main), cell in cells.items() if main},
            record.histograms,
            tightest_slo_s=_tightest_slo_s(scenario),
        ),
        _settled(record.state),
        *_witnesses(record.state),
    ]
    spoilers = _roots_first(not_met + [found for found in about_run if found.verdict is not Verdict.HELD])
    judged = [finish.check(check) for check in checks] + [finish.check(probe, STEADY_STATE_AFTER) for probe in after]
    if not scenario.checks:
        judged.append(self_check("checks", "the scenario checks something", "the scenario has no checks"))
    met = [found for found in steady if found.verdict is not Verdict.VIOLATED]
    findings = (*_after_spoiling(judged, spoilers), *not_met, *met, *about_run)
    verdict = overall(findings)
    return Judgement(
        verdict=verdict,
        summary=_summary(verdict, findings, len(faults)),
        findings=findings,
        phases=scenario.phases,
        faults=faults,
        operations=_operations(scenario.phases, cells),
        timeline=timeline.seconds(),
    )


def _back_at(scenario: Judged, lifted_s: float | None) -> float | None:
    """From when on the steady state is judged again; None when `recovers_within` does so, or there was no fault.

    A lift that came later than planned may have missed the start of the last phase: then from the lift on. What is too
    short to be measured is inconclusive, not unasked.
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
    host: Sequence[HostSample]
    crashed: dict[int, str]

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
                id_, kind, expected = invariant.name, "invariant", invariant.expected
            case ProbePass():
                use = check.use
                id_, kind, expected = f"{probe_kind}:{use.label}", KIND_OF[probe_kind], use.limit.show(use.probe.unit)
            case _:
                id_, kind, expected = "recovers_within", "recovery", "the steady state again"
        exact = kind == "invariant"
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
        """An invariant is exact on any machine, unless it is about time; time and success are not."""
        if found.exact or found.verdict is Verdict.INCONCLUSIVE:
            return found
        phase = check.phase if isinstance(check, ProbePass) else None
        window = self.after_lift if phase is None else self.phases[phase]
        spoiled = host_in(window, self.host).spoiled
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason=_and(spoiled, found.reason)) if spoiled else found


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


def _settled(state: EndState | None) -> Finding:
    """A world that could not come to rest because the stack was ill is no ground for any promise."""
    problem = ""
    if state is None:
        problem = "nobody waited for the world to settle"
    elif state.cut:
        problem = f"the settling was ended by hand after {state.settle_s:g} s; let the run end by itself"
    elif not state.settled and not state.healthy:
        problem = f"the world had not settled after {state.settle_s:g} s and the stack was not healthy; see `doctor`"
    return self_check("settled", "the world came to rest on a healthy stack", problem)


def _witnesses(state: EndState | None) -> Iterator[Finding]:
    if state is None:
        yield Finding(
            check="witness:state",
            kind="witness",
            verdict=Verdict.INCONCLUSIVE,
            expected="the end state was collected",
            reason="state.json is missing or unreadable",
        )


def _no_ground(steady: Finding) -> Finding:
    """Nothing was broken yet and the steady state was not met: that is no verdict about what came later."""
    reason = f"the steady state was not met before any fault: {steady.reason}"
    return replace(steady, verdict=Verdict.INCONCLUSIVE, reason=reason)


def _after_spoiling(judged: Sequence[Finding], spoilers: Sequence[Finding]) -> Iterator[Finding]:
    """What spoils the run makes all inconclusive but the violation of an exact invariant.

    With clocks that differ it is exact no longer when it holds moments of several clocks against each other.
    """
    clocks_differ = any(finding.check == "self_check:clocks" for finding in spoilers)
    for finding in judged:
        stands = finding.verdict is Verdict.VIOLATED and finding.exact
        stands = stands and not (clocks_differ and finding.check in COMPARES_CLOCKS)
        if spoilers and not stands and finding.verdict is not Verdict.INCONCLUSIVE:
            yield replace(finding, verdict=Verdict.INCONCLUSIVE, reason=_and(spoilers[0].reason, finding.reason))
        else:
            yield finding


def _roots_first(spoilers: Sequence[Finding]) -> list[Finding]:
    """A run that was stopped, or whose runner died, has many gaps: they all come from that."""
    return sorted(spoilers, key=lambda finding: finding.check not in ROOTS)


def _and(spoiled: str, reason: str) -> str:
    return f"{spoiled} (it would be violated: {reason})" if reason else spoiled


def _summary(verdict: Verdict, findings: Sequence[Finding], faults: int) -> str:
    """The verdict in one sentence."""
    about_run = [f for f in findings if f.kind in RUN_KINDS]
    checks = [f for f in findings if f.kind not in RUN_KINDS]
    worst = [f for f in [*checks, *about_run] if f.verdict is verdict]
    match verdict:
        case Verdict.HELD:
            felt = f", with {faults} fault(s) proven and felt" if faults else ", without any fault"
            return f"Held: all {len(checks)} checks were met{felt}."
        case Verdict.VIOLATED:
            more = f", and {len(worst) - 1} more: {', '.join(f.check for f in worst[1:])}" if len(worst) > 1 else ""
            return f"Violated: {worst[0].check} ({worst[0].measured or worst[0].reason}){more}."
        case Verdict.INCONCLUSIVE:
            cause = next(iter(_roots_first([f for f in about_run if f.verdict is verdict]) or worst), None)
            return f"Inconclusive: {cause.reason if cause else 'nothing was checked'}."


def _operations(phases: Sequence[Span], cells: dict[CellKey, OperationCell]) -> dict[str, dict[str, dict[str, Any]]]:
    order = {phase.name: position for position, phase in enumerate(phases)}
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for phase, op, main in sorted(cells, key=lambda key: (order.get(key[0], len(order)), key[1], not key[2])):
        again = not main and (phase, op, True) in cells
        table.setdefault(phase, {})[f"{op}_again" if again else op] = cells[phase, op, main].row()
    return table
