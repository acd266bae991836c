"""Figures for people: operations per phase, and the run second by second. They explain; findings decide."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.model.history import Operation, Outcome

OK = Outcome.OK  # an enum's member looked up once, not once per operation


def quantile(ordered: Sequence[float], unanswered: int, q: float) -> float | None:
    """Nearest rank; operations without a promised answer rank last. None at such a rank, and without operations."""
    total = len(ordered) + unanswered
    rank = math.ceil(round(q * total, 6))
    return ordered[rank - 1] if 0 < rank <= len(ordered) else None


class OperationCell:
    """Outcomes and latencies of one operation in one phase."""

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(Outcome, 0)
        self.refused = 0
        self.latencies_s = array("d")

    def add(self, op: Operation) -> None:
        if op.refused:
            self.refused += 1
        else:
            self.outcomes[op.outcome] += 1
            if op.outcome is not OK:
                return
        if op.ended is not None:
            self.latencies_s.append(op.ended - op.intended)

    @property
    def counts(self) -> dict[str, int]:
        """Operations by outcome; documented refusals apart from failures."""
        outcomes = self.outcomes
        return {
            "ok": outcomes[OK],
            "refused": self.refused,
            "fail": outcomes[Outcome.FAIL],
            "info": outcomes[Outcome.INFO],
            "dropped": outcomes[Outcome.DROPPED],
        }

    def row(self) -> dict[str, int | float | None]:
        """For verdict.json. A quantile is None where the operation at that rank had no promised answer."""
        ordered = sorted(self.latencies_s)
        unanswered = sum(self.counts.values()) - len(ordered)
        quantiles = {f"p{q * 100:g}_ms": quantile(ordered, unanswered, q) for q in (0.5, 0.95, 0.99)}
        return {**self.counts, **{name: None if s is None else round(s * 1000, 2) for name, s in quantiles.items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """One second of the run, main operations.

    Attributes:
        offered: Wanted by the schedule in this second.
        served, errors: Ended in this second with a promised answer, or without (at the intended second when they never
            ended).
        p95_ms: From intended, over what was offered in this second; None without offers or when the operation at that
            rank had no promised answer.
    """

    at_s: int
    offered: int
    served: int
    errors: int
    p95_ms: float | None


class _Tally:
    """What is counted for one second."""

    __slots__ = ("errors", "latencies_s", "offered", "served")

    def __init__(self) -> None:
        self.offered = self.served = self.errors = 0
        self.latencies_s = array("d")


class Timeline:
    """Makes the seconds of a run."""

    def __init__(self) -> None:
        self.tallies: defaultdict[int, _Tally] = defaultdict(_Tally)

    def add(self, op: Operation) -> None:
        tally = self.tallies[int(op.intended)]
        tally.offered += 1
        ended = op.ended
        if ended is None:
            tally.errors += 1
        elif op.refused or op.outcome is OK:
            self.tallies[int(ended)].served += 1
            tally.latencies_s.append(ended - op.intended)
        else:
            self.tallies[int(ended)].errors += 1

    def seconds(self) -> tuple[Second, ...]:
        """Every second from 0 to the last with anything in it."""
        return tuple(self._second(at_s) for at_s in range(max(self.tallies, default=-1) + 1))

    def _second(self, at_s: int) -> Second:
        tally = self.tallies[at_s]
        p95_s = quantile(sorted(tally.latencies_s), tally.offered - len(tally.latencies_s), 0.95)
        return Second(
            at_s=at_s,
            offered=tally.offered,
            served=tally.served,
            errors=tally.errors,
            p95_ms=None if p95_s is None else round(p95_s * 1000, 2),
        )
