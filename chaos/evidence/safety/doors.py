"""What was let in though it must be refused, against what was refused: the checks about tokens and rights.

Each check asks of an operation whether it had to be refused. A 2xx is then one too many; a 401, 403, 404 or 429 is as
promised; anything else says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from math import inf

from chaos.evidence.safety.picture import Curve, Known, Picture, summed
from chaos.model import accounts
from chaos.model.history import Operation, Outcome

OK = Outcome.OK
_NO = frozenset({accounts.UNAUTHENTICATED, accounts.FORBIDDEN, accounts.NOT_FOUND, accounts.TOO_MANY})
EXPIRED_LEEWAY_S = 1.0
REFUSED = "refused"


def refused(op: Operation) -> bool:
    return op.outcome is Outcome.FAIL and op.status in _NO


class Doors:
    """Counts by a rule that looks at one operation."""

    def __init__(self, check: str, title: str, let_in: str, must_be_refused: Callable[[Operation], bool]) -> None:
        self._check, self._title, self._let_in, self._rule = check, title, let_in, must_be_refused
        self._wrong: list[float] = []
        self._right: list[float] = []

    def feed(self, op: Operation) -> None:
        if op.sent is None or not self._rule(op):
            return
        if op.outcome is OK:
            self._wrong.append(op.sent)
        elif refused(op):
            self._right.append(op.sent)

    def picture(self, known: Known) -> Picture | None:
        return drawn(self._check, self._title, self._let_in, self._wrong, self._right)


class AfterRevocation:
    """Tokens of a session that is known to have ended. What was sent before the ending was known may pass."""

    def __init__(self) -> None:
        self._ended_s: dict[str, float] = {}
        self._wrong: defaultdict[str, list[float]] = defaultdict(list)
        self._right: defaultdict[str, list[float]] = defaultdict(list)

    def feed(self, op: Operation) -> None:
        if op.sent is None or not op.token:
            return
        ends = (op.state == accounts.ENDS_SESSION and op.outcome is OK) or (
            op.state == accounts.USED_UP and refused(op)
        )
        if ends and op.ended is not None:
            self._ended_s[op.token] = min(op.ended, self._ended_s.get(op.token, inf))
        if op.state == accounts.REVOKED:
            if op.outcome is OK:
                self._wrong[op.token].append(op.sent)
            elif refused(op):
                self._right[op.token].append(op.sent)

    def picture(self, known: Known) -> Picture | None:
        return drawn(
            "no_accepted_after_revocation", "Tokens of sessions that have ended", "accepted after revocation",
            list(self._after(self._wrong)), list(self._after(self._right)),
        )  # fmt: skip

    def _after(self, uses: dict[str, list[float]]) -> Iterator[float]:
        for token, sent in uses.items():
            yield from (at_s for at_s in sent if at_s > self._ended_s.get(token, -inf))


def drawn(check: str, title: str, let_in: str, wrong: list[float], right: list[float]) -> Picture | None:
    if not wrong and not right:
        return None
    bad = Curve(name=let_in, points=summed((at_s, 1) for at_s in wrong), bad=True)
    good = Curve(name=REFUSED, points=summed((at_s, 1) for at_s in right))
    return Picture(
        check=check,
        title=title,
        said=f"{bad.last} {let_in}, {good.last} refused",
        curves=tuple(curve for curve in (bad, good) if curve.points),
        beyond=bool(wrong),
    )


def after_lifetime(op: Operation) -> bool:
    late = op.expires is not None and op.sent is not None and op.sent > op.expires + EXPIRED_LEEWAY_S
    return op.state == accounts.EXPIRED and late


def somebody_elses(op: Operation) -> bool:
    """Asked for another's object, or was shown one. Whose an order was that nobody named, only the judge looks up."""
    shown = op.outcome is OK and op.shown is not None and op.shown != op.customer
    return op.customer is not None and (op.state == accounts.FOREIGN or shown)
