"""What all toxics have in common: added with their fault's id as name, looked for by a canary, removed by that name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import inf
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from chaos.faults._chance import tries
from chaos.model.faults import FaultParams, ToxicFault
from chaos.ports import CanaryReading, Exchange, FaultKind, Held, Lab, Proof, ToxicSpec

# What nobody disturbs takes a millisecond; a canary waits so much longer, on a busy machine too.
PATIENCE_S = 2.0
# The quickest of some readings: one of them may have met a busy moment.
READINGS_BEFORE = 3
# From here on a canary tells a delay from a machine that is busy.
FELT_S = 0.04
# Beside a fault that jitters, one comparison may come out wrong.
LOOKS_BESIDE = 4


class DirectedToxic(ToxicFault):
    """A toxic that works in one direction."""

    stream: Literal["downstream", "upstream"] = Field("downstream", description="downstream: towards the shop.")


P = TypeVar("P", bound=DirectedToxic)
R = TypeVar("R")


class ToxicKind(FaultKind, Generic[P, R]):
    """A kind says what its toxic is like, what its canary reads, and what a reading must show.

    `R` is what its canary reads: a `CanaryReading` or an `Exchange`.
    """

    params: type[P]

    @abstractmethod
    def attributes(self, params: P) -> dict[str, int]:
        """Of the toxic, as Toxiproxy counts them."""

    @abstractmethod
    def read(self, params: P, lab: Lab) -> R:
        """One look over a fresh connection; the same before and during the fault."""

    @abstractmethod
    def cost_s(self, reading: R) -> float:
        """Which of several readings before the fault is the best: the least; `inf` for one without an answer."""

    @abstractmethod
    def why_not(self, before: R, during: R, params: P, *, alone: bool) -> str:
        """Why *during* does not show the fault; empty when it does. Not *alone*: others are on the same path."""

    @abstractmethod
    def words(self, before: R, during: R, params: P) -> Mapping[str, Any]:
        """For the journal: what the canary measured."""

    def looks(self, params: P) -> int:
        """How many fresh connections may be needed to meet it."""
        return tries(params.toxicity)

    def arm(self, held: Held, lab: Lab) -> None:
        params = self._of(held)
        held.memory["before"] = min((self.read(params, lab) for _ in range(READINGS_BEFORE)), key=self.cost_s)

    def inject(self, held: Held, lab: Lab) -> None:
        params = self._of(held)
        held.memory["mark"] = lab.upstream.mark(params.on)
        toxic = ToxicSpec(
            name=held.id,
            type=self.name,
            stream=params.stream,
            toxicity=params.toxicity,
            attributes=self.attributes(params),
        )
        held.injected_unix_s = lab.clock.now_unix_s()
        held.memory["read_back"] = dict(lab.proxies.add_toxic(params.on, toxic))
        held.effective_unix_s = lab.clock.now_unix_s()

    def prove(self, held: Held, lab: Lab) -> Proof:
        params, before, alone = self._of(held), held.memory["before"], not held.beside
        for _ in range(self.looks(params) * (1 if alone else LOOKS_BESIDE)):
            during = self.read(params, lab)
            reason = self.why_not(before, during, params, alone=alone)
            if not reason:
                break
        return Proof(
            proven=not reason,
            read_back=held.memory["read_back"],
            canary=self.words(before, during, params),
            reason=reason,
        )

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        params = self._of(held)
        if not self.severs:
            return passed(held, lab, params.toxicity)
        reaches_upstream = params.toxicity if params.stream == "downstream" else 0.0
        return met_a_cut(held, lab, reaches_upstream=reaches_upstream)

    def lift(self, held: Held, lab: Lab) -> None:
        lab.proxies.remove_toxic(held.params.on, held.id)

    def gone(self, held: Held, lab: Lab) -> Proof:
        return answers_again(held, lab, patience_s=self.slowest_s(self._of(held)) + PATIENCE_S)

    def slowest_s(self, params: P) -> float:
        """How long an answer to the canary takes while the toxic is there."""
        return 0.0

    def proof_s(self, params: FaultParams) -> float:
        assert isinstance(params, self.params)
        return self.slowest_s(params)

    def _of(self, held: Held) -> P:
        assert isinstance(held.params, self.params)
        return held.params


def passed(held: Held, lab: Lab, toxicity: float) -> tuple[int, str]:
    """Calls that arrived upstream; below full toxicity their share, since nobody sees which connections were drawn."""
    count, by = lab.upstream.met(held.params.on, held.memory["mark"], cut=False)
    return (count, by) if toxicity >= 1 else (int(count * toxicity), f"{by}, of which {toxicity * 100:g} %")


def met_a_cut(held: Held, lab: Lab, *, reaches_upstream: float) -> tuple[int, str]:
    """The best witness of a fault that lets no answer through: connections that were cut, operations without an
    answer, and, for the share of connections on which it drops answers only, what the upstream saw of questions."""
    on, mark = held.params.on, held.memory["mark"]
    cut, by = lab.upstream.met(on, mark, cut=True)
    found = [(cut, by)]
    if reaches_upstream:
        found.append(passed(held, lab, reaches_upstream))
    # A client without a pool has nothing open that could be cut: its failures show in our own history.
    unanswered = lab.client.unanswered_between(held.effective_unix_s, lab.clock.now_unix_s())
    found.append((unanswered, "client's history: operations without an answer"))
    return max(found, key=lambda witness: witness[0])


def answers_again(held: Held, lab: Lab, *, patience_s: float) -> Proof:
    """A canary gets its answer, unless another fault is still held on the way: then whoever is lifted last shows it.

    Called after a lift that has read back that the fault is no longer there.
    """
    if held.beside:
        return Proof(proven=True, canary={"left_to": list(held.beside)})
    reading = lab.canary.read(held.params.on, timeout_s=patience_s)
    answered = reading.round_trip_s is not None
    return Proof(
        proven=answered,
        canary={"after_s": reading.round_trip_s},
        reason="" if answered else f"after lifting the canary got no answer: {reading.error}",
    )


def took_s(exchange: Exchange) -> float:
    """From the question to the answer's last byte; `inf` for one that was not whole."""
    return exchange.last_s if exchange.whole and exchange.last_s is not None else inf


def broken(before: Exchange) -> str:
    """Why *before* is nothing to compare with; empty when it is."""
    if before.whole:
        return ""
    return f"the canary's echo was not whole before the fault ({before.error}), so nothing can be compared"


def not_slower(before: Exchange, during: Exchange, least_s: float, size: int) -> str:
    """Why *during* does not take *least_s* longer than *before*; empty when it does."""
    if not during.whole:
        got = f"{during.received} of {size} bytes ({during.error})"
        return f"the canary got {got}, expected all of them, {least_s:.3f} s later than before"
    more_s = took_s(during) - took_s(before)
    if more_s < least_s:
        return f"the canary's {size} bytes took {more_s:.3f} s longer than before, expected at least {least_s:.3f} s"
    return ""


def silent(before: CanaryReading) -> str:
    """Why *before* is nothing to compare with; empty when it is."""
    if before.round_trip_s is not None:
        return ""
    return f"the canary got no answer before the fault ({before.error}), so nothing can be compared"
