"""The broker's queues stay below a limit, and are empty again soon after the last lift.

Counted are waiting messages and messages that a worker has not acknowledged, in Redis itself, once a second and not
through the proxies; the shop's own figures are not used. Inconclusive when too few seconds could be read.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from chaos.invariants._common import Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Finding

NAME = "queue_depth"
EXPECTED = "the broker's queues stay short, and drain after the last lift"
WATCHED_SHARE = 0.5


class Params(StrictModel):
    """Own keys of the invariant.

    Attributes:
        at_most: Messages, waiting and unacknowledged.
        drained: Messages that may be in flight while the queues count as empty.
        drains_within: Seconds after the last lift until no more than *drained* are left.
    """

    at_most: int = Field(500, ge=1, description="How many messages there may be, waiting and unacknowledged.")
    drained: int = Field(8, ge=0, description="How many are on their way at any time and count as none.")
    drains_within: Seconds = Field(10.0, gt=0, description="How soon after the last lift no more than that are left.")


class _QueueDepth:
    def __init__(self, params: Params) -> None:
        self.params = params

    def feed(self, op: Operation) -> None:
        """No operation is needed, since the depths are read from Redis."""

    def finish(self, context: Context) -> Finding:
        """A measurement of time, so it is inconclusive in a run that was disturbed or on a busy machine."""
        return replace(self._finding(context), exact=False)

    def _finding(self, context: Context) -> Finding:
        params = self.params
        say = Say(
            NAME, f"at most {params.at_most} messages, drained within {params.drains_within:g} s of the last lift"
        )
        end_s = context.phases[-1].end_s if context.phases else 0.0
        samples = [sample for sample in context.queue if 0 <= sample.at_s < end_s]
        if len(samples) < max(1.0, end_s * WATCHED_SHARE):
            return say.inconclusive(f"the queues were read in {len(samples)} of {end_s:g} s")
        deepest = max(samples, key=lambda sample: sample.queued + sample.unacked)
        depth = deepest.queued + deepest.unacked
        figures = {"deepest": depth, "deepest_at_s": round(deepest.at_s), "samples": len(samples)}
        measured = f"{depth} messages at {deepest.at_s:.0f} s"
        if depth > params.at_most:
            return say.violated(
                f"{depth} messages, expected at most {params.at_most}", measured, examples=(), figures=figures
            )
        if context.lifted_s is None:
            return say.inconclusive(
                "no fault was lifted, so there was nothing to drain from", measured, figures=figures
            )
        after = [sample for sample in samples if sample.at_s >= context.lifted_s]
        full = [position for position, sample in enumerate(after) if sample.queued + sample.unacked > params.drained]
        empty = after[full[-1] + 1 :] if full else after  # from the first moment after which they stay so
        due_s = context.lifted_s + params.drains_within
        if empty and empty[0].at_s <= due_s:
            return say.held(f"{measured}, drained {empty[0].at_s - context.lifted_s:.0f} s after the lift", figures)
        if not after or after[-1].at_s < due_s:
            return say.inconclusive(f"the load ended before {due_s:.1f} s, so draining was not seen", measured)
        left = after[full[-1]]
        since_s = left.at_s - context.lifted_s
        reason = (
            f"{left.queued + left.unacked} messages were left {since_s:.0f} s after the last lift, "
            f"expected at most {params.drained} after {params.drains_within:g} s"
        )
        return say.violated(reason, measured, examples=(), figures=figures)


KIND = InvariantKind(
    name=NAME,
    doc=first_paragraph(__doc__),
    expected=EXPECTED,
    params=Params,
    ops=frozenset(),
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset(),
    reducer=_QueueDepth,
)
