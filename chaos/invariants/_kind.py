"""The base of every invariant: a *reducer* over the history, and the description of what it needs for its finding.

Operations are fed one at a time, in no particular order, in a single pass over the history. At the end the reducer
makes its finding. It keeps only what it needs, since a history may hold millions of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chaos.model.audit import Audited
from chaos.model.conform import Contract
from chaos.model.evidence import EndState, QueueSample
from chaos.model.exchange import Exchanged
from chaos.model.grading import Reviewed
from chaos.model.history import Operation
from chaos.model.interleaving import Schedule
from chaos.model.span import Span
from chaos.model.strict import StrictModel
from chaos.model.verdict import Finding
from chaos.model.world import Page, SeededWorld

NO_WORLD = SeededWorld(events=(), tiers=())
NOTHING_EXCHANGED = Exchanged()
NO_CONTRACT = Contract({"paths": {}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a reducer may read after the last operation of the history.

    Attributes:
        state: The end state; a witness named in `state.missing` must not be read.
        t0_unix_s: Wall clock of the history's second 0.
        history_complete: False when a file of the history has no end or doesn't add up: then absence proves nothing.
        lifted_s: When the last fault was lifted; None without a fault, or when one was not lifted.
        queue: The broker's queues second by second, as far as they could be read.
        world: What was seeded, from the lab's own plan; empty when the witness `world` is missing.
        pages: Digest of a page of events → what the page showed.
        faults: When each target was broken, from the journal; a fault that was never lifted has no end.
        exchanges: The exchanges of an exchange run with their cases and statements; empty for a run with load.
        contract: The contract of the run, as it was at that time; empty when the witness `contract` is missing.
        schedules: The forced interleavings and how they went, first runs included.
        review: What the learner noted on a sample of code; None when the witness `review` is missing.
        audit: The learner's list and contract of drill 1; None when the witness `audit` is missing.
        starved: Why the machine may have kept orders from becoming final in time; empty when it did not.
        busy: Phase → why its answers may have failed or come too late without the shop's doing: a machine without CPU,
            or a run that was aborted. Empty for an exchange run, which waits for each answer.
    """

    state: EndState
    t0_unix_s: float
    phases: tuple[Span, ...]
    history_complete: bool
    lifted_s: float | None = None
    queue: tuple[QueueSample, ...] = ()
    world: SeededWorld = NO_WORLD
    pages: Mapping[str, Page] = field(default_factory=dict)
    faults: tuple[Span, ...] = ()
    exchanges: Exchanged = NOTHING_EXCHANGED
    contract: Contract = NO_CONTRACT
    schedules: tuple[Schedule, ...] = ()
    review: Reviewed | None = None
    audit: Audited | None = None
    starved: str = ""
    busy: Mapping[str, str] = field(default_factory=dict)

    @property
    def overdue(self) -> bool:
        """Whether an order that is not final breaks the promise: it had its time, on a healthy stack that had CPU."""
        return self.state.overdue and not self.starved


class Reducer(Protocol):
    """One check while it passes through the history."""

    def feed(self, op: Operation) -> None: ...

    def finish(self, context: Context) -> Finding: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantKind:
    """An exact truth over the whole history and the end state.

    Attributes:
        doc: One paragraph for the scenario reference: what the invariant decides.
        expected: What has to be true, in the words that its findings use.
        params: Its own keys in a scenario.
        ops: Operations that it is fed, second tries included; None for all.
        requires_ops: Operations that the mix must have, else the check is refused when the scenario is loaded.
        witnesses: Fields of `EndState` that it reads, `world`, or of an exchange run `cases`, `exchanges`, `queries`,
            `plans`, `contract`, `review`, `audit`; when one is missing the finding is inconclusive.
        reducer: Makes a reducer from params.
        by_the_clock: Whether it depends on clock times, of this machine or of the shop: on the order of two moments by
            two clocks, or on the age of a token. Its violation then counts only if no clock was set during the run.
        standing_for: Checked in every run whose mix holds one of these operations, listed or not.
        sources: Sources of exchanges, one of which has to be sent for it to judge; empty for a check of the history.
    """

    name: str
    doc: str
    expected: str
    params: type[StrictModel]
    ops: frozenset[str] | None
    requires_ops: frozenset[str]
    witnesses: frozenset[str]
    reducer: Callable[[Any], Reducer]
    by_the_clock: bool = False
    standing_for: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
