"""Every cell of the access matrix has the right answer in every phase: allowed requests succeed, others are refused.

The cells come from `scenarios/auth/access-matrix.md`, and from the addresses that the API serves according to Django's
own resolver: an address without a row is a violation whatever it answers, and so is a successful method without a row.
Cells that allow count as much as cells that refuse. 503 and no answer are unknown, neither right nor wrong; any other
5xx is wrong. Inconclusive when a cell had no definite answer in a phase in which it was asked.
"""

from __future__ import annotations

from collections import defaultdict

from chaos.invariants._common import MAX_EXAMPLES, OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Counterexample, Finding

SAY = Say("access_matrix", "every cell of the access matrix has a right answer in every phase")
UNAVAILABLE, SERVER_ERROR = 503, 500


class _AccessMatrix:
    def __init__(self, _: NoParams) -> None:
        self.total = 0
        self.right: dict[str, set[str]] = defaultdict(set)
        self.wrong: dict[str, str] = {}
        self.first_wrong: dict[str, str] = {}
        self.counts = {"let_in": 0, "turned_away": 0, "without_row": 0, "failed": 0}
        self.allowed_right = 0

    def feed(self, op: Operation) -> None:
        place, _, cell = op.key.partition(" ")
        number, _, total = place.partition("/")
        if op.sent is None or not total.isdigit():
            return
        self.total = max(self.total, int(total))
        phase = self.right[op.phase]  # also creates the phase: one in which cells were asked must have answers
        expects = {int(word) for word in op.expects.split()}
        if not expects:
            self._mark(op, cell, "without_row", "served, but the matrix has no row for it")
        elif op.status in expects:
            phase.add(number)
            self.allowed_right += op.outcome is OK
        elif op.status and op.status != UNAVAILABLE:
            how = "let_in" if op.outcome is OK else "failed" if op.status >= SERVER_ERROR else "turned_away"
            self._mark(op, cell, how, f"got {op.status}, expected {op.expects}")

    def _mark(self, op: Operation, cell: str, how: str, what: str) -> None:
        if cell not in self.wrong:
            self.wrong[cell] = f"{cell}: {what}"
            self.first_wrong[cell] = op.id
            self.counts[how] += 1

    def finish(self, context: Context) -> Finding:
        figures = {"cells": self.total, "phases": len(self.right), "wrong": len(self.wrong), **self.counts}
        measured = f"{self.total} cells in {len(self.right)} phases, {len(self.wrong)} wrong"
        if self.wrong:
            told = [f"{times} {how.replace('_', ' ')}" for how, times in self.counts.items() if times]
            few = "; ".join(list(self.wrong.values())[:3])
            return SAY.violated(
                f"{len(self.wrong)} cells are wrong ({', '.join(told)}): {few}",
                measured,
                examples=list(self.first_wrong.values())[:MAX_EXAMPLES],
                figures=figures,
                counterexample=Counterexample(says=few, operations=tuple(self.first_wrong.values())),
            )
        if not self.total:
            return SAY.inconclusive("no cell was asked", figures=figures)
        for phase, numbers in self.right.items():
            if missing := self.total - len(numbers):
                reason = f"{missing} of {self.total} cells had no definite answer in {phase}"
                return SAY.inconclusive(reason, measured, figures=figures)
        if not self.allowed_right:
            return SAY.inconclusive("no cell that allows was asked", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="access_matrix",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"matrix", "matrix_more"}),
    requires_ops=frozenset({"matrix"}),
    witnesses=frozenset(),
    reducer=_AccessMatrix,
    by_the_clock=True,
)
