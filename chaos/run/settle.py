"""After the load: wait until every accepted order is final, nothing can move any more, or the promise runs out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos.errors import FiredrillError
from chaos.ports import Clock, Pending, WorldWitness

POLL_S = 0.5
# Longer than any variant's reconciliation interval: with empty queues and no change for this long, nothing moves.
UNMOVED_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How settling ended.

    Attributes:
        settled: Everything final, or provably at rest.
        pending: What was left; None when it could not be read.
        cut: Somebody asked to end before the promise ran out.
    """

    settled: bool
    pending: Pending | None
    settle_s: float
    reason: str
    cut: bool = False


def settle(world: WorldWitness, clock: Clock, *, until_unix_s: float, stopped: Callable[[], bool]) -> Settled:
    """Poll until one of the three. *stopped*: somebody asked to end; then at once."""
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
        if at_rest and now - unmoved_since >= UNMOVED_S:
            return Settled(settled=True, pending=pending, settle_s=now - start, reason="nothing can move any more")
        if stopped() or now >= until_unix_s:
            reason = trouble or ("stopped" if stopped() else "the promise ran out")
            cut = stopped() and now < until_unix_s
            return Settled(settled=False, pending=pending, settle_s=now - start, reason=reason, cut=cut)
        clock.sleep(POLL_S)
