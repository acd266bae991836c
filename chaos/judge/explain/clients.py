"""Operations of the client in words, their letters, and their bars on the time line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from chaos.judge.explain.asked import World, sent
from chaos.model.counterexamples import Moment, Shown
from chaos.model.evidence import EndState
from chaos.model.history import Operation


class Labels:
    """A letter for each operation; an order and its tasks have the letter of the first operation about that order."""

    def __init__(self, operations: Sequence[Operation], world: World) -> None:
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

    @classmethod
    def of_letters(cls, letters: Mapping[str, str]) -> Labels:
        """Those of the operations whose letters are known."""
        labels = cls((), World(EndState()))
        labels.of = dict(letters)
        return labels

    def task(self, task_id: str, order: str) -> None:
        """Give the task the letter of *order*, for which it did something."""
        if order in self.of:
            self.of.setdefault(task_id, self.of[order])


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


def shown(op: Operation, labels: Labels, route: str) -> Shown:
    return Shown(
        label=labels.of.get(op.id, ""),
        id=op.id,
        op=op.op if op.attempt == 1 else f"{op.op}, try {op.attempt}",
        phase=op.phase,
        sent_s=sent(op),
        ended_s=op.ended,
        answer=_answer(op),
        key=op.key,
        order=op.order,
        route=route,
        customer=op.customer,
        quantity=op.quantity,
    )


def operation_moment(op: Operation) -> Moment:
    seats = f" {op.quantity} seat{'s' if op.quantity > 1 else ''} of tier {op.tier}" if op.tier is not None else ""
    return Moment(
        at_s=sent(op),
        until_s=op.ended,
        lane="client",
        kind="operation",
        who=op.id,
        text=f"{op.op}{seats}: {_answer(op)}",
    )
