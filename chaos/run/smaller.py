"""After a section of drawn requests: for each deviation that they show, the smallest request that shows it.

Hypothesis proposes, the shop answers. Every request that is sent on the way is a case and an exchange like the others,
so the check has nothing to do but take the smallest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from chaos.exchanges._source import Ground, Source
from chaos.invariants._drawn import shown
from chaos.model.conform import Contract
from chaos.model.drawn import Drawn
from chaos.model.exchange import Case, Exchange
from chaos.run.request import Smaller

MOST_OF_ONE: Final = 60
MOST: Final = 400
"""Requests for one deviation, and for all: at about 40 ms each they take some seconds."""
NOT_AGAIN: Final = frozenset({"login"})
"""Attempts to log in are limited: more of them would be answered 429, whatever they are."""

_Wire: TypeAlias = tuple[str, str, tuple[tuple[str, str], ...], str | None]


def _wire(case: Case) -> _Wire:
    return case.operation, case.path, tuple(sorted(case.headers.items())), case.body


class Shrinking:
    """One section's."""

    def __init__(self, source: Source, contract: Contract, ground: Ground, send: Callable[[Case], Exchange]) -> None:
        self._source, self._contract, self._ground, self._send = source, contract, ground, send
        self._known: dict[_Wire, frozenset[str]] = {}
        self.sent = 0

    def play(self, asked: Sequence[tuple[Case, Exchange]], smaller: Callable[[], Smaller]) -> None:
        """Look for smaller requests than those of *asked*. Raises: LabBroken."""
        by: dict[str, Case] = {}
        for case, exchange in asked:
            self._known[_wire(case)] = shows = shown(self._contract, case, exchange)
            for deviation in sorted(shows) if case.operation not in NOT_AGAIN else ():
                by.setdefault(deviation, case)
        if not by:
            return
        self._asked, finding = len(asked), smaller()
        try:
            for deviation, case in by.items():
                self._find(deviation, case, finding)
        finally:
            finding.close()

    def _find(self, deviation: str, case: Case, finding: Smaller) -> None:
        until = min(MOST, self.sent + MOST_OF_ONE)

        def shows(one: Drawn) -> bool:
            again = self._source.like(case, one, f"{case.section}-{self._asked + self.sent + 1}", self._ground)
            wire = _wire(again)
            if wire not in self._known:
                if self.sent >= until:
                    return False
                self.sent += 1
                self._known[wire] = shown(self._contract, again, self._send(again))
            return deviation in self._known[wire]

        operation = self._ground.operations[case.operation]
        finding.find(operation, valid=case.about["drawn"] == "valid", shows=shows)
