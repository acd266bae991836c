"""What the gateway's HTTP-level faults have in common: switched on and off there, felt by a charge of the lab's own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from chaos.faults._chance import tries
from chaos.model.faults import GatewayFault
from chaos.ports import FaultKind, GatewayReading, Held, Lab, Proof

TIMEOUT_S = 3.0
# Another fault on the gateway may hit the canary, too; so often in a row only if it hits all.
TRIES_BESIDE = 20

P = TypeVar("P", bound=GatewayFault)


class GatewayKind(FaultKind, Generic[P]):
    """A kind says how its switch is set, and how a charge looks that was hit."""

    params: type[P]
    off: Mapping[str, Any]

    @abstractmethod
    def settings(self, params: P) -> Mapping[str, Any]:
        """Of the switch with the kind's name."""

    @abstractmethod
    def why_not(self, during: GatewayReading, params: P) -> str:
        """Why *during* was not hit; empty when it was."""

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

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        return lab.gateway.hits(self.name) - held.memory["hits"], "gateway's count of calls that it hit"

    def lift(self, held: Held, lab: Lab) -> None:
        lab.gateway.switch(self.name, self.off, seed=held.seed)

    def gone(self, held: Held, lab: Lab) -> Proof:
        if held.beside:  # the switch was read back; the canary may meet the others
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
    """What keeps it from being a charge as it should be; empty when it is one."""
    return "" if reading.captured and reading.status is not None and reading.status < 300 else words(reading)


def words(reading: GatewayReading) -> str:
    """A reading on one line."""
    answer = f"no answer ({reading.error})" if reading.status is None else f"status {reading.status}"
    return f"{answer}, {'charged' if reading.captured else 'not charged'}"
