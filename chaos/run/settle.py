"""After the load: wait until every accepted order is final, nothing can move any more, or the promised time is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos.errors import FiredrillError
from chaos.ports import Clock, Pending, WorldWitness

POLL_S = 0.5
# Without a message anywhere and without a change for this long, orders that are left count as forgotten. The promised
# time may be longer (`settle: 30s`); a sweep that looks less often than this is not waited for.
UNMOVED_S = 15.0
# The same at the end of the promised time: a shorter rest may be the pause between two looks of a sweep.
STILL_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How settling ended.

    Attributes:
        settled: Every order is final, or nothing can move any more.
        pending: The work that was left; None when it could not be read.
        cut: The user asked to end before the promised time was over.
    """

    settled: bool
    pending: Pending | None
    settle_s: float
    reason: str
    cut: bool = False


def settle(world: WorldWitness, clock: Clock, *, until_unix_s: float, stopped: Callable[[], bool]) -> Settled:
    """Poll until one of the three is true, or until *stopped* says that the user asked to end."""
    start = unmoved_since = clock.now_unix_s()
    last: Pending | None = None
    while True:
        trouble = ""
        try:
            pending: Pending | None = world.pending()
        except FiredrillError as error:
            pending, trouble = None, str(error)
        now = clock.now_unix_s()
        if pending != last:
            last, unmoved_since = pending, now
        if pending is not None and pending.total == 0:
            return Settled(settled=True, pending=pending, settle_s=now - start, reason="every order is final")
        at_rest = pending is not None and pending.outbox + pending.queued + pending.unacked == 0
        over = now >= until_unix_s
        if at_rest and now - unmoved_since >= (STILL_S if over else UNMOVED_S):
            return Settled(settled=True, pending=pending, settle_s=now - start, reason="nothing can move any more")
        if stopped() or over:
            reason = trouble or ("stopped" if stopped() else "work is still pending")
            cut = stopped() and not over
            return Settled(settled=False, pending=pending, settle_s=now - start, reason=reason, cut=cut)
        clock.sleep(POLL_S)
