"""What the gateway's HTTP-level faults share: they are switched at the gateway and proven by a charge of the lab."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from chaos.faults._chance import tries
from chaos.faults._kind import FaultKind, Held, Proof
from chaos.model.faults import FaultParams, GatewayFault
from chaos.ports import GatewayReading, Lab

TIMEOUT_S = 3.0
# Another fault on the gateway may hit the canary, too; this often in a row only when it hits all calls.
TRIES_BESIDE = 20

P = TypeVar("P", bound=GatewayFault)


class GatewayKind(FaultKind, Generic[P]):
    """A kind defines the settings of its switch, and what a charge looks like that was hit.

    Attributes:
        off: Settings of the switch when it is off.
        refuses: A call that it hits is not charged.
        after_charge: It hits only calls that were charged.
    """

    params: type[P]
    off: Mapping[str, Any]
    refuses: bool = False
    after_charge: bool = False

    def conflicts_with(self, params: FaultParams, other: FaultKind, its: FaultParams) -> str:
        if self.refuses and params.hit_ratio >= 1 and isinstance(other, GatewayKind) and other.after_charge:
            return f"{self.name} for less than 100%: nobody is charged"
        return super().conflicts_with(params, other, its)

    @abstractmethod
    def settings(self, params: P) -> Mapping[str, Any]:
        """Settings of the switch with the kind's name."""

    @abstractmethod
    def why_not(self, during: GatewayReading, params: P) -> str:
        """Why *during* does not show the fault; empty when it does."""

    def arm(self, held: Held, lab: Lab) -> None:
        for _ in range(TRIES_BESIDE if held.beside else 1):
            reading = lab.gateway.canary(timeout_s=TIMEOUT_S)
            held.memory["before"] = reading
            if not _trouble(reading):
                return

    def inject(self, held: Held, lab: Lab) -> None:
        held.memory["hits"] = lab.gateway.hits(self.name)
        held.injected_unix_s = lab.clock.now_unix_s()
        held.memory["read_back"] = dict(lab.gateway.switch(self.name, self.settings(self._of(held)), seed=held.seed))
        held.effective_unix_s = lab.clock.now_unix_s()

    def prove(self, held: Held, lab: Lab) -> Proof:
        params, before = self._of(held), held.memory["before"]
        during, reason = before, ""
        if trouble := _trouble(before):
            reason = f"the canary's charge failed before the fault already ({trouble}), so nothing can be compared"
        else:
            for _ in range(tries(params.share)):
                during = lab.gateway.canary(timeout_s=TIMEOUT_S)
                if not (reason := self.why_not(during, params)):
                    break
        return Proof(
            proven=not reason,
            read_back=held.memory["read_back"],
            canary={"before": words(before), "during": words(during)},
            reason=reason,
        )

    def missing(self, held: Held, lab: Lab) -> str:
        now, expected = dict(lab.gateway.settings(self.name)), held.memory["read_back"]
        return "" if now == expected else f"gateway: {self.name}: got {now}, expected {expected}"

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        return lab.gateway.hits(self.name) - held.memory["hits"], "gateway's count of calls that it hit"

    def lift(self, held: Held, lab: Lab) -> None:
        lab.gateway.switch(self.name, self.off, seed=held.seed)

    def gone(self, held: Held, lab: Lab) -> Proof:
        if held.beside:  # the switch was read back, and the canary could meet the other faults
            return Proof(proven=True, read_back=dict(self.off), canary={"left_to": list(held.beside)})
        after = lab.gateway.canary(timeout_s=TIMEOUT_S)
        trouble = _trouble(after)
        return Proof(
            proven=not trouble,
            read_back=dict(self.off),
            canary={"after": words(after)},
            reason=f"after lifting the canary's charge failed: {trouble}" if trouble else "",
        )

    def _of(self, held: Held) -> P:
        assert isinstance(held.params, self.params)
        return held.params


def _trouble(reading: GatewayReading) -> str:
    """Why *reading* is not a normal charge; empty when it is."""
    return "" if reading.captured and reading.status is not None and reading.status < 300 else words(reading)


def words(reading: GatewayReading) -> str:
    """A reading on one line."""
    answer = f"no answer ({reading.error})" if reading.status is None else f"status {reading.status}"
    return f"{answer}, {'charged' if reading.captured else 'not charged'}"
