"""Moments of the time line: orders, calls, charges and mails of the end state, statements, and log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from chaos.judge.explain.clients import Labels
from chaos.model.counterexamples import Moment
from chaos.model.evidence import EndState
from chaos.model.trace import LogLine, Statement

MOST_MOMENTS = 60
_QUALIFIED, _NAME = re.compile(r'"\w+"\.("\w+")'), re.compile(r'"(\w+)"')
_WRITES = ("INSERT", "UPDATE", "DELETE", "COMMIT", "ROLLBACK")


def world_moments(state: EndState, orders: set[str], charges: set[str], t0_unix_s: float) -> Iterator[Moment]:
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


def statements_about(
    all_: Sequence[Statement], requests: set[str], orders: set[str], labels: Labels
) -> list[Statement]:
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


def statement_moments(statements: Sequence[Statement], t0_unix_s: float) -> Iterator[Moment]:
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


def log_moments(lines: Sequence[LogLine], who: set[str], t0_unix_s: float) -> Iterator[Moment]:
    for line in lines:
        if line.acting_for and line.acting_for in who:
            yield Moment(
                at_s=round(line.at_unix_s - t0_unix_s, 6),
                lane=line.part,
                kind="log",
                who=line.acting_for,
                text=f"{line.level} {line.text}",
            )


def fewer(moments: Sequence[Moment]) -> tuple[list[Moment], int]:
    """*moments* by time, and how many were left out: reads first, then the latest."""
    ordered = sorted(moments, key=lambda moment: (moment.at_s, _ORDER.get(moment.kind, 9)))
    if len(ordered) <= MOST_MOMENTS:
        return ordered, 0
    kept = [m for m in ordered if m.kind != "statement" or m.text.upper().startswith(_WRITES) or "FOR UPDATE" in m.text]
    return kept[:MOST_MOMENTS], len(ordered) - min(len(kept), MOST_MOMENTS)


_ORDER: Mapping[str, int] = {"operation": 0, "statement": 1, "order": 2, "call": 3, "charge": 4, "log": 5}
