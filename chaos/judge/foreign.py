"""Messages that were taken while the worker was dead or paused: a foreign worker took them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.faults import KINDS as FAULTS
from chaos.judge.record import self_check
from chaos.model.evidence import EndState
from chaos.model.verdict import FaultRecord, Finding

# The broker may record, this much later, the delivery of a message that the worker had asked for before.
ON_ITS_WAY_S = 0.2


def foreign_worker(faults: Sequence[FaultRecord], state: EndState | None, t0_unix_s: float | None) -> Iterator[Finding]:
    """A finding when the worker was killed or paused, from the broker's own record of deliveries."""
    spans = [span for fault in faults if (span := _away(fault)) is not None]
    if not spans:
        return
    problem = ""
    if state is None or t0_unix_s is None or "broker_messages" in state.missing:
        problem = "nobody recorded who took messages while the worker was away"
    else:
        taken = [
            f"{message.task} at {at_s:.2f} s"
            for message in state.broker_messages
            if message.delivered_unix_s is not None
            and any(start < (at_s := message.delivered_unix_s - t0_unix_s) < end for start, end in spans)
        ]
        if taken:
            problem = f"{len(taken)} message(s) were taken while the worker was away, by somebody else: {taken[0]}"
    yield self_check("no_foreign_worker", "while the worker is away, nobody takes its messages", problem)


def _away(fault: FaultRecord) -> tuple[float, float] | None:
    """When the worker can't have taken a message; None for other faults, and for one that was never injected."""
    if fault.on != "worker" or fault.injected_s is None:
        return None
    span = FAULTS[fault.kind].away(fault.injected_s, fault.lifted_s)
    return None if span is None else (span[0] + ON_ITS_WAY_S, span[1])
