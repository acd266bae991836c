"""What every invariant is: a *reducer* over the history, and what it needs for its finding.

Operations are fed one at a time, in no particular order, in a single pass over the history, and at the end the reducer
says what it found. It keeps only what it needs: a history may hold millions of operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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
    """What a reducer may look at when the history has passed.

    Attributes:
        state: The end state; a witness named in `state.missing` must not be read.
        t0_unix_s: Wall clock of the history's second 0.
        history_complete: False when a file of the history has no end or doesn't add up: then absence proves nothing.
        lifted_s: When the last fault was lifted; None without a fault, or when one was not lifted.
        queue: The broker's queues second by second, as far as they could be read.
        world: What was seeded, by the lab's own plan; empty when the witness `world` is missing.
        pages: Digest → what pages of events showed.
        faults: What was broken and when, by the journal, named by its target; one that was never lifted has no end.
        exchanges: What an exchange run has on record, its cases and statements with it; empty for a run with load.
        contract: That the run is judged by, as it was then; empty when the witness `contract` is missing.
        schedules: Forced interleavings as they went, first runs included.
        review: What the learner noted on a sample of code; None when the witness `review` is missing.
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


class Reducer(Protocol):
    """One check on its way through the history."""

    def feed(self, op: Operation) -> None: ...

    def finish(self, context: Context) -> Finding: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class InvariantKind:
    """An exact truth over the whole history and the end state.

    Attributes:
        doc: One paragraph for the scenario reference; says what is decided.
        expected: What has to be true, in words: what its findings say.
        params: Its own keys in a scenario.
        ops: Operations that it wants to be fed, second tries included; None for all.
        requires_ops: Operations that the mix must hold, else the check is refused at load.
        witnesses: Fields of `EndState` that it reads, `world`, or of an exchange run `cases`, `exchanges`, `queries`,
            `plans`, `contract`, `review`; when one is missing the finding is inconclusive.
        reducer: Makes a reducer from params.
        by_the_clock: Whether it rests on what time it was, on this machine or for the shop: which of two moments was
            first, by two clocks, or how old a token may be. Its violation then stands only as long as no clock was
            set.
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
