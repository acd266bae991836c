"""Looks up what the counterexamples of a judgement point at. Offline: reads nothing but the evidence folder.

Source of each moment: the client's history, the end state, PostgreSQL's log, the shop's log. The last two explain only.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_uppercase

import msgspec

from chaos.checks import InvariantCheck, Judged, SloCheck
from chaos.evidence.exchanged import read_exchanged, second_0
from chaos.evidence.files import explaining_lines, is_regular
from chaos.evidence.history import History
from chaos.evidence.journal import read_events
from chaos.judge import explain_exchanges
from chaos.judge.forced import schedules_of, steps
from chaos.judge.judge import Judgement
from chaos.model.counterexamples import Counterexamples, Explained, Moment, Shown
from chaos.model.disguise import request_id
from chaos.model.evidence import EndState, Order
from chaos.model.folder import File
from chaos.model.history import Operation
from chaos.model.interleaving import Schedule
from chaos.model.operations import WATCHING
from chaos.model.trace import LogLine, Statement
from chaos.model.verdict import Counterexample, Finding, FindingKind, Verdict

MOST_MOMENTS = 60
MOST_OPERATIONS, ENOUGH = 6, 3
WORST = 2
MOST_SCHEDULES = 5
MOST_FOUND = 200
"""Operations that are looked at for one finding; a few of them are shown."""
_QUALIFIED, _NAME = re.compile(r'"\w+"\.("\w+")'), re.compile(r'"(\w+)"')
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "ROLLBACK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What explains the run; None when the folder has no such file."""

    statements: Sequence[Statement] | None
    lines: Sequence[LogLine] | None


def read_trace(folder: Path) -> Trace:
    """The folder's statements and log lines."""
    statements, log = folder / File.STATEMENTS, folder / File.LOG
    return Trace(
        statements=explaining_lines(statements, Statement) if is_regular(statements) else None,
        lines=explaining_lines(log, LogLine) if is_regular(log) else None,
    )


def explain(folder: Path, scenario: Judged, judgement: Judgement, state: EndState | None) -> Counterexamples:
    """Every violated check about the API, with what shows it. Empty when nothing is violated."""
    exchanged = _of_exchanges(folder, scenario, judgement)
    ours = {one.check for one in exchanged}
    asked = [
        _Asked(finding=finding, pointers=_pointers(finding), slo=_slo_of(finding, scenario))
        for finding in judgement.findings
        if finding.verdict is Verdict.VIOLATED and finding.check not in ours
    ]
    if not asked:
        return Counterexamples(counterexamples=exchanged)
    history = History.of_run(folder)
    world = _World(state or EndState())
    schedules = explaining_lines(folder / File.SCHEDULES, Schedule) if is_regular(folder / File.SCHEDULES) else []
    for one in asked:
        one.orders |= world.pointed_at(one)
        one.show(schedules_of(one.finding, schedules))
    for op in history:
        for one in asked:
            one.look(op)
    trace, t0_unix_s = read_trace(folder), history.t0_unix_s or 0.0
    shown = [op for one in asked for op in one.operations()]
    trace = _by_operation(trace, {request_id(history.salt, op.id): op.id for op in shown})
    found = tuple(_explained(one, world, trace, t0_unix_s) for one in asked)
    return Counterexamples(counterexamples=(*exchanged, *found))


def _of_exchanges(folder: Path, scenario: Judged, judgement: Judgement) -> tuple[Explained, ...]:
    """Violated checks of an exchange run that judge exchanges, not the history."""
    checks = {c.id for c in scenario.checks if isinstance(c, InvariantCheck) and c.invariant.sources}
    violated = [f for f in judgement.findings if f.verdict is Verdict.VIOLATED and f.check in checks]
    if not scenario.sections or not violated:
        return ()
    exchanged = read_exchanged(folder, t0_unix_s=second_0(list(read_events(folder / File.JOURNAL))))
    lines = read_trace(folder).lines
    return tuple(explain_exchanges.explained(finding, exchanged, lines) for finding in violated)


def _by_operation(trace: Trace, operations: Mapping[str, str]) -> Trace:
    """*trace* with operations' ids in place of the request ids that were sent for them (request id → operation)."""
    statements = [
        msgspec.structs.replace(statement, request=operations.get(statement.request, statement.request))
        for statement in trace.statements or ()
    ]
    lines = [
        msgspec.structs.replace(line, acting_for=operations.get(line.acting_for, line.acting_for))
        for line in trace.lines or ()
    ]
    return Trace(
        statements=None if trace.statements is None else statements, lines=None if trace.lines is None else lines
    )


def _pointers(finding: Finding) -> Counterexample:
    """The finding's own pointers, else its first examples, tried as ids of every kind."""
    if finding.counterexample is not None:
        return finding.counterexample
    first = finding.examples[:WORST]
    return Counterexample(says=finding.reason, operations=first, orders=first, keys=first, charges=first)


def _slo_of(finding: Finding, scenario: Judged) -> SloCheck | None:
    """The SLO behind *finding* where its worst operations say something."""
    if finding.kind is not FindingKind.SLO or finding.counterexample is not None:
        return None
    return next((c for c in scenario.checks if isinstance(c, SloCheck) and c.id == finding.check), None)


@dataclass(slots=True, kw_only=True)
class _Asked:
    """One finding, and what the pass over the history collects for it."""

    finding: Finding
    pointers: Counterexample
    slo: SloCheck | None
    orders: set[str] = field(default_factory=set)
    found: dict[str, Operation] = field(default_factory=dict)
    last_poll: dict[str, Operation] = field(default_factory=dict)
    worst: list[tuple[float, str, Operation]] = field(default_factory=list)
    schedules: tuple[Schedule, ...] = ()

    def show(self, schedules: Sequence[Schedule]) -> None:
        """Point at the first of *schedules*, where the finding is about forced ones: the time line is that one's."""
        self.schedules = tuple(schedules[:MOST_SCHEDULES])
        if schedules:
            first = schedules[0]
            self.pointers = Counterexample(
                says=self.pointers.says, operations=first.operations, orders=first.orders, tiers=self.pointers.tiers
            )
            self.orders = set(first.orders)

    def look(self, op: Operation) -> None:
        if len(self.found) >= MOST_FOUND or len(self.last_poll) >= MOST_FOUND:
            return
        if self._is_pointed_at(op):
            self.found[op.id] = op
            if op.order:
                self.orders.add(op.order)
        elif op.order and op.order in self.orders:
            if op.key or op.main or op.op != WATCHING:
                self.found[op.id] = op
            elif (before := self.last_poll.get(op.order)) is None or before.intended < op.intended:
                self.last_poll[op.order] = op
        elif self.slo is not None and op.main and self._is_judged(self.slo, op):
            self._rank(op)

    def _is_pointed_at(self, op: Operation) -> bool:
        return op.id in self.pointers.operations or bool(op.key and op.key in self.pointers.keys)

    @staticmethod
    def _is_judged(slo: SloCheck, op: Operation) -> bool:
        return op.phase == slo.use.phase and slo.use.params.op in (None, op.op)

    def _rank(self, op: Operation) -> None:
        """Keep the worst operations; one without an answer is worse than any delay."""
        badness = float("inf") if not op.answered else (op.latency_s or 0.0)
        heapq.heappush(self.worst, (badness, op.id, op))
        if len(self.worst) > WORST:
            heapq.heappop(self.worst)

    def operations(self) -> list[Operation]:
        """The few that show the violation, by time of sending: those pointed at, then others about their orders."""
        pointed = [op for op in self.found.values() if self._is_pointed_at(op)] + [op for _, _, op in self.worst]
        others = [op for op in self.found.values() if not self._is_pointed_at(op)] + list(self.last_poll.values())
        kept = sorted(pointed, key=_by_time)[:MOST_OPERATIONS]
        kept += sorted(others, key=_by_time)[: max(0, ENOUGH - len(kept))]
        return sorted(kept, key=_by_time)


class _World:
    """The end state by order."""

    def __init__(self, state: EndState) -> None:
        self.state = state
        self.orders: dict[str, Order] = {order.order_id: order for order in state.orders}

    def pointed_at(self, asked: _Asked) -> set[str]:
        """Orders that the finding points at. Of examples, which may be ids of any kind, only the orders count."""
        pointers = asked.pointers
        named, keys = set(pointers.orders), set(pointers.keys)
        if asked.finding.counterexample is None:
            named &= self.orders.keys()
        return named | ({order.order_id for order in self.state.orders if order.client_key in keys} if keys else set())


def _explained(asked: _Asked, world: _World, trace: Trace, t0_unix_s: float) -> Explained:
    operations, pointed = asked.operations(), asked.pointers
    orders = set(asked.orders) | {op.order for op in operations if op.order}
    orders |= {charge.order_id for charge in world.state.charges if charge.charge_id in pointed.charges}
    labels = _Labels(operations, world)
    statements = _statements(trace.statements or (), {op.id for op in operations}, orders, labels)
    routes = {s.request: s.route for s in statements if s.request and s.route}
    who = {op.id for op in operations} | {s.task_id for s in statements if s.task_id}
    moments = [
        *(_operation_moment(op) for op in operations),
        *_world_moments(world.state, orders, set(pointed.charges), t0_unix_s),
        *_statement_moments(statements, t0_unix_s),
        *_log_moments(trace.lines or (), who, t0_unix_s),
        *(moment for schedule in asked.schedules[:1] for moment in steps(schedule)),
    ]
    kept, left_out = _fewer(moments)
    return Explained(
        check=asked.finding.check,
        says=pointed.says
        if not asked.worst
        else f"the worst operations of phase {operations[0].phase}: {pointed.says}",
        expected=asked.finding.expected,
        measured=asked.finding.measured,
        where=asked.finding.where,
        operations=tuple(_shown(op, labels, routes.get(op.id, "")) for op in operations),
        moments=tuple(msgspec.structs.replace(moment, label=labels.of.get(moment.who, "")) for moment in kept),
        left_out=left_out,
        unknown=tuple(_unknown(asked, operations, world, trace)),
        schedules=asked.schedules,
    )


class _Labels:
    """A letter for each operation; an order and its tasks have the letter of the first operation about that order."""

    def __init__(self, operations: Sequence[Operation], world: _World) -> None:
        self.of: dict[str, str] = {}
        by_key: dict[str, str] = {}
        for letter, op in zip(ascii_uppercase, operations, strict=False):
            self.of[op.id] = letter
            if op.order:
                self.of.setdefault(op.order, letter)
            if op.key:
                by_key.setdefault(op.key, letter)
        for order in world.state.orders:  # orders of operations that never got an answer
            if order.client_key in by_key:
                self.of.setdefault(order.order_id, by_key[order.client_key])

    def task(self, task_id: str, order: str) -> None:
        """Give the task the letter of *order*, for which it did something."""
        if order in self.of:
            self.of.setdefault(task_id, self.of[order])


def _unknown(asked: _Asked, operations: Sequence[Operation], world: _World, trace: Trace) -> Iterator[str]:
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


def _sent(op: Operation) -> float:
    return op.intended if op.sent is None else op.sent


def _by_time(op: Operation) -> tuple[float, str]:
    return _sent(op), op.id


def _answer(op: Operation) -> str:
    """`202 order pending`, `409 sold_out (a documented refusal)`, `no answer: timeout`."""
    if op.outcome == "dropped":
        return "never sent: too many were under way"
    if not op.status:
        return f"no answer: {op.reason or 'the record ends before it'}"
    words = [str(op.status)]
    words += [op.reason] if op.reason else []
    words += [f"order {op.order_status}"] if op.order_status else []
    words += ["(a documented refusal)"] if op.refused else []
    return " ".join(words)


def _shown(op: Operation, labels: _Labels, route: str) -> Shown:
    return Shown(
        label=labels.of.get(op.id, ""),
        id=op.id,
        op=op.op if op.attempt == 1 else f"{op.op}, try {op.attempt}",
        phase=op.phase,
        sent_s=_sent(op),
        ended_s=op.ended,
        answer=_answer(op),
        key=op.key,
        order=op.order,
        route=route,
        customer=op.customer,
        quantity=op.quantity,
    )


def _operation_moment(op: Operation) -> Moment:
    seats = f" {op.quantity} seat{'s' if op.quantity > 1 else ''} of tier {op.tier}" if op.tier is not None else ""
    return Moment(
        at_s=_sent(op),
        until_s=op.ended,
        lane="client",
        kind="operation",
        who=op.id,
        text=f"{op.op}{seats}: {_answer(op)}",
    )


def _world_moments(state: EndState, orders: set[str], charges: set[str], t0_unix_s: float) -> Iterator[Moment]:
    for order in state.orders:
        if order.order_id in orders:
            at_s, changed_s = order.created_unix_s - t0_unix_s, order.updated_unix_s - t0_unix_s
            text = f"order of {order.quantity} in tier {order.tier_id} created; {order.status} in the end"
            yield Moment(at_s=round(at_s, 6), lane="database", kind="order", who=order.order_id, text=text)
            if changed_s > at_s:
                text = f"order last changed: {order.status}"
                yield Moment(at_s=round(changed_s, 6), lane="database", kind="order", who=order.order_id, text=text)
    for call in state.gateway_calls:
        if call.order_id in orders:
            key = f"key {call.idempotency_key}" if call.idempotency_key else "no idempotency key"
            answered = call.answered_unix_s
            yield Moment(
                at_s=round(call.arrived_unix_s - t0_unix_s, 6),
                until_s=None if answered is None else round(answered - t0_unix_s, 6),
                lane="gateway",
                kind="call",
                who=call.order_id,
                text=f"charge asked for ({key}): "
                + ("nobody was left to answer" if answered is None else str(call.status)),
            )
    for charge in state.charges:
        if charge.order_id in orders or charge.charge_id in charges:
            yield Moment(
                at_s=round(charge.captured_unix_s - t0_unix_s, 6),
                lane="gateway",
                kind="charge",
                who=charge.order_id,
                text=f"charge {charge.charge_id} captured: {charge.amount_cents} cents",
            )
    for mail in state.mails:
        if mail.order_id in orders:
            read = "" if mail.acknowledged else "; the connection ended before anybody showed to have read the 250"
            yield Moment(
                at_s=round(mail.received_unix_s - t0_unix_s, 6),
                lane="mail",
                kind="mail",
                who=mail.order_id,
                text=f"mail to {', '.join(mail.rcpt_tos)} taken ({mail.message_id or 'no Message-ID'}){read}",
            )


def _statements(all_: Sequence[Statement], requests: set[str], orders: set[str], labels: _Labels) -> list[Statement]:
    """The statements of the requests, and of every task whose SQL names one of the orders."""
    needles = {order.replace("-", ""): order for order in orders if order}
    tasks = set()
    for statement in all_:
        if statement.task_id:
            plain = statement.sql.replace("-", "")
            for needle, order in needles.items():
                if needle in plain:
                    tasks.add(statement.task_id)
                    labels.task(statement.task_id, order)
    return [s for s in all_ if s.request in requests or (s.task_id and s.task_id in tasks)]


def _statement_moments(statements: Sequence[Statement], t0_unix_s: float) -> Iterator[Moment]:
    """Within a session, in the log's order: its times, in whole milliseconds, are too coarse to sort by."""
    before_s: dict[int, float] = {}
    for statement in statements:
        at_s = max(round(statement.at_unix_s - t0_unix_s, 6), before_s.get(statement.pid, float("-inf")))
        before_s[statement.pid] = at_s
        failed = f" [{statement.error}]" if statement.error else ""
        yield Moment(
            at_s=at_s,
            until_s=round(at_s + statement.took_ms / 1000, 6),
            lane="database",
            kind="statement",
            who=statement.request or statement.task_id,
            text=f"{readable(statement.sql)}{failed}",
            where=statement.route or statement.task,
            line=statement.line,
            session=statement.pid,
        )


def readable(sql: str) -> str:
    """*sql* without the quotes and table names that an ORM puts around every column."""
    return _NAME.sub(r"\1", _QUALIFIED.sub(r"\1", sql))


def _log_moments(lines: Sequence[LogLine], who: set[str], t0_unix_s: float) -> Iterator[Moment]:
    for line in lines:
        if line.acting_for and line.acting_for in who:
            yield Moment(
                at_s=round(line.at_unix_s - t0_unix_s, 6),
                lane=line.part,
                kind="log",
                who=line.acting_for,
                text=f"{line.level} {line.text}",
            )


def _fewer(moments: Sequence[Moment]) -> tuple[list[Moment], int]:
    """*moments* by time, and how many were left out: reads first, then the latest."""
    ordered = sorted(moments, key=lambda moment: (moment.at_s, _ORDER.get(moment.kind, 9)))
    if len(ordered) <= MOST_MOMENTS:
        return ordered, 0
    kept = [m for m in ordered if m.kind != "statement" or m.text.upper().startswith(_WRITES) or "FOR UPDATE" in m.text]
    return kept[:MOST_MOMENTS], len(ordered) - min(len(kept), MOST_MOMENTS)


_ORDER: Mapping[str, int] = {"operation": 0, "statement": 1, "order": 2, "call": 3, "charge": 4, "log": 5}
