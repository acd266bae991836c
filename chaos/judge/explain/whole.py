"""Looks up what the counterexamples of a judgement point at. Offline: reads nothing but the evidence folder.

Source of each moment: the client's history, the end state, PostgreSQL's log, the shop's log. The last two explain only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from chaos.checks import InvariantCheck, Judged
from chaos.evidence.exchanged import read_exchanged, second_0
from chaos.evidence.files import explaining_lines, is_regular
from chaos.evidence.history import History
from chaos.evidence.journal import read_events
from chaos.judge.explain import exchanges
from chaos.judge.explain.asked import Asked, World, pointers, slo_of
from chaos.judge.explain.clients import Labels, operation_moment, shown
from chaos.judge.explain.moments import fewer, log_moments, statement_moments, statements_about, world_moments
from chaos.judge.explain.race import Races
from chaos.judge.explain.trace import Trace, by_operation, read_trace
from chaos.judge.forced import schedules_of, steps
from chaos.judge.judge import Judgement
from chaos.model.counterexamples import Counterexamples, Explained
from chaos.model.disguise import request_id
from chaos.model.evidence import EndState
from chaos.model.folder import File
from chaos.model.history import Operation
from chaos.model.interleaving import Schedule
from chaos.model.verdict import Verdict


def explain(folder: Path, scenario: Judged, judgement: Judgement, state: EndState | None) -> Counterexamples:
    """Every violated check about the API, with what shows it. Empty when nothing is violated."""
    exchanged = _of_exchanges(folder, scenario, judgement)
    ours = {one.check for one in exchanged}
    asked = [
        Asked(finding=finding, pointers=pointers(finding), slo=slo_of(finding, scenario))
        for finding in judgement.findings
        if finding.verdict is Verdict.VIOLATED and finding.check not in ours
    ]
    if not asked:
        return Counterexamples(counterexamples=exchanged)
    history = History.of_run(folder)
    world = World(state or EndState())
    schedules = explaining_lines(folder / File.SCHEDULES, Schedule) if is_regular(folder / File.SCHEDULES) else []
    for one in asked:
        one.orders |= world.pointed_at(one)
        one.show(schedules_of(one.finding, schedules))
    for op in history:
        for one in asked:
            one.look(op)
    trace, t0_unix_s = read_trace(folder), history.t0_unix_s or 0.0
    pointed_at = [op for one in asked for op in one.operations()]
    races = Races(folder, list(trace.statements or ()), asked)
    trace = by_operation(trace, {request_id(history.salt, op.id): op.id for op in pointed_at})
    found = tuple(_explained(one, world, trace, races, t0_unix_s) for one in asked)
    return Counterexamples(counterexamples=(*exchanged, *found))


def _of_exchanges(folder: Path, scenario: Judged, judgement: Judgement) -> tuple[Explained, ...]:
    """Violated checks of an exchange run that judge exchanges, not the history."""
    checks = {c.id for c in scenario.checks if isinstance(c, InvariantCheck) and c.invariant.sources}
    violated = [f for f in judgement.findings if f.verdict is Verdict.VIOLATED and f.check in checks]
    if not scenario.sections or not violated:
        return ()
    exchanged = read_exchanged(folder, t0_unix_s=second_0(list(read_events(folder / File.JOURNAL))))
    lines = read_trace(folder).lines
    return tuple(exchanges.explained(finding, exchanged, lines) for finding in violated)


def _explained(asked: Asked, world: World, trace: Trace, races: Races, t0_unix_s: float) -> Explained:
    operations, pointed = asked.operations(), asked.pointers
    orders = set(asked.orders) | {op.order for op in operations if op.order}
    orders |= {charge.order_id for charge in world.state.charges if charge.charge_id in pointed.charges}
    labels = Labels(operations, world)
    statements = statements_about(trace.statements or (), {op.id for op in operations}, orders, labels)
    routes = {s.request: s.route for s in statements if s.request and s.route}
    who = {op.id for op in operations} | {s.task_id for s in statements if s.task_id}
    moments = [
        *(operation_moment(op) for op in operations),
        *world_moments(world.state, orders, set(pointed.charges), t0_unix_s),
        *statement_moments(statements, t0_unix_s),
        *log_moments(trace.lines or (), who, t0_unix_s),
        *(moment for schedule in asked.schedules[:1] for moment in steps(schedule)),
    ]
    kept, left_out = fewer(moments)
    return Explained(
        check=asked.finding.check,
        says=pointed.says
        if not asked.worst
        else f"the worst operations of phase {operations[0].phase}: {pointed.says}",
        expected=asked.finding.expected,
        measured=asked.finding.measured,
        where=asked.finding.where,
        operations=tuple(shown(op, labels, routes.get(op.id, "")) for op in operations),
        moments=tuple(msgspec.structs.replace(moment, label=labels.of.get(moment.who, "")) for moment in kept),
        left_out=left_out,
        unknown=tuple(_unknown(asked, operations, world, trace)),
        schedules=asked.schedules,
        race=races.race(asked, world, labels, t0_unix_s),
    )


def _unknown(asked: Asked, operations: Sequence[Operation], world: World, trace: Trace) -> Iterator[str]:
    if asked.finding.counterexample is not None:
        known = {op.id for op in operations}
        yield from (f"operation {id_}: not in the history" for id_ in asked.pointers.operations if id_ not in known)
        yield from (f"order {id_}: not in the database" for id_ in asked.pointers.orders if id_ not in world.orders)
    if not operations and not asked.orders and not asked.pointers.charges:
        yield "nothing in the record is behind this finding alone"
    if trace.statements is None:
        yield "the run kept no statements of the database's log"
    if trace.lines is None:
        yield "the run kept no lines of the shop's log"
