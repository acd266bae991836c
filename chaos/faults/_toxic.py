"""What all toxics share: the fault's id as name, the proof by a canary, and the removal by that name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from math import inf
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from chaos.faults._chance import tries
from chaos.faults._kind import FaultKind, Held, Proof
from chaos.model.faults import FaultParams, ToxicFault
from chaos.ports import CanaryReading, Exchange, Lab, ToxicSpec

# How much longer than expected a canary waits: without a fault, an answer takes 1 ms, but more on a busy machine.
PATIENCE_S = 2.0
# The quickest of this many readings is the baseline, since a single one may have met a busy moment.
READINGS_BEFORE = 3
# The smallest delay that a canary can tell from a busy machine.
FELT_S = 0.04
# Beside a fault with jitter a single comparison may be wrong.
LOOKS_BESIDE = 4


class DirectedToxic(ToxicFault):
    """A toxic that works in one direction."""

    stream: Literal["downstream", "upstream"] = Field("downstream", description="downstream: towards the shop.")

    @property
    def part(self) -> str:
        return self.stream


P = TypeVar("P", bound=DirectedToxic)
R = TypeVar("R")


class ToxicKind(FaultKind, Generic[P, R]):
    """A kind defines its toxic's attributes, what its canary reads, and what a reading must show.

    `R` is what its canary reads: a `CanaryReading` or an `Exchange`.

    Attributes:
        paces: It spreads an answer over time; beside another such toxic, a canary can't tell which one does.
    """

    params: type[P]
    paces: bool = False

    def conflicts_with(self, params: FaultParams, other: FaultKind, its: FaultParams) -> str:
        if self is not other and self.paces and isinstance(other, ToxicKind) and other.paces:
            return "one of them: each hides the other from a canary"
        return super().conflicts_with(params, other, its)

    @abstractmethod
    def attributes(self, params: P) -> dict[str, int]:
        """The toxic's attributes, in Toxiproxy's units."""

    @abstractmethod
    def read(self, params: P, lab: Lab) -> R:
        """One look over a fresh connection; the same before and during the fault."""

    @abstractmethod
    def cost_s(self, reading: R) -> float:
        """The cost of a reading, of which the least is the baseline; `inf` for one without an answer."""

    @abstractmethod
    def why_not(self, before: R, during: R, params: P, *, alone: bool) -> str:
        """Why *during* does not show the fault; empty when it does. Not *alone*: other faults are on the same path."""

    @abstractmethod
    def words(self, before: R, during: R, params: P) -> Mapping[str, Any]:
        """What the canary measured, for the journal."""

    def looks(self, params: P) -> int:
        """How many new connections the canary may need to meet it."""
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

    def missing(self, held: Held, lab: Lab) -> str:
        now = lab.proxies.toxic(held.params.on, held.id)
        if now is None:
            return f"toxic {held.params.on}/{held.id}: got none, expected it until its lift"
        if dict(now) != held.memory["read_back"]:
            return f"toxic {held.params.on}/{held.id}: got {dict(now)}, expected {held.memory['read_back']}"
        return ""

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
    """Calls that arrived upstream; with *toxicity* below 1 that share of them, since it is not known which were hit."""
    count, by = lab.upstream.met(held.params.on, held.memory["mark"], cut=False)
    return (count, by) if toxicity >= 1 else (int(count * toxicity), f"{by}, of which {toxicity * 100:g} %")


def met_a_cut(held: Held, lab: Lab, *, reaches_upstream: float) -> tuple[int, str]:
    """Exposure to a fault that lets no answer through: the largest count of cut connections, of operations without an
    answer, and, for the share *reaches_upstream* of connections that lose only answers, of calls upstream."""
    on, mark = held.params.on, held.memory["mark"]
    cut, by = lab.upstream.met(on, mark, cut=True)
    found = [(cut, by)]
    if reaches_upstream:
        found.append(passed(held, lab, reaches_upstream))
    # A client without a pool has no open connections that could be cut; its failures show in the client's history.
    unanswered = lab.client.unanswered_between(held.effective_unix_s, lab.clock.now_unix_s())
    found.append((unanswered, "client's history: operations without an answer"))
    return max(found, key=lambda witness: witness[0])


def answers_again(held: Held, lab: Lab, *, patience_s: float) -> Proof:
    """Whether a canary gets its answer. While other faults are held on the path, the last one to be lifted proves it.

    Called after a lift that has read back that the fault is gone.
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
    """From the question to the answer's last byte; `inf` for an answer that is not whole."""
    return exchange.last_s if exchange.whole and exchange.last_s is not None else inf


def broken(before: Exchange) -> str:
    """Why *before* can't be the baseline; empty when it can."""
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
    """Why *before* can't be the baseline; empty when it can."""
    if before.round_trip_s is not None:
        return ""
    return f"the canary got no answer before the fault ({before.error}), so nothing can be compared"
