"""`down`: a dependency refuses new connections, and open ones are cut."""

from __future__ import annotations

from typing import ClassVar, Literal

from chaos.faults._kind import FaultKind, Held, Proof
from chaos.faults._toxic import answers_again, met_a_cut
from chaos.model.faults import PROXIES, TimedFault
from chaos.ports import Lab


class Down(TimedFault):
    """Disable the proxy: new connections are refused, existing ones are closed.

    Source: Toxiproxy README, "down".
    """

    targets: ClassVar[tuple[str, ...]] = PROXIES

    inject: Literal["down"]


class DownKind(FaultKind):
    """See `Down`."""

    name = "down"
    params = Down
    severs = True
    felt_when_cut = True  # a canary can tell a refused connection from one without an answer

    def arm(self, held: Held, lab: Lab) -> None:
        held.memory["before"] = lab.canary.read(held.params.on, timeout_s=2.0)

    def inject(self, held: Held, lab: Lab) -> None:
        held.memory["mark"] = lab.upstream.mark(held.params.on)
        held.injected_unix_s = lab.clock.now_unix_s()
        lab.proxies.set_enabled(held.params.on, False)
        held.effective_unix_s = lab.clock.now_unix_s()

    def prove(self, held: Held, lab: Lab) -> Proof:
        before, during = held.memory["before"], lab.canary.read(held.params.on, timeout_s=2.0)
        reason = ""
        if not before.connected:
            reason = f"the canary was refused before the fault already ({before.error}), expected a connection"
        elif during.connected:
            reason = "the canary could connect, expected a refusal"
        return Proof(
            proven=not reason,
            read_back={"enabled": False},  # `set_enabled` returns only when the server reports this state
            canary={"before": _words(before.connected, before.error), "during": _words(during.connected, during.error)},
            reason=reason,
        )

    def missing(self, held: Held, lab: Lab) -> str:
        return (
            f"proxy {held.params.on}: got it enabled, expected disabled"
            if lab.proxies.is_enabled(held.params.on)
            else ""
        )

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        return met_a_cut(held, lab, reaches_upstream=0.0)

    def lift(self, held: Held, lab: Lab) -> None:
        lab.proxies.set_enabled(held.params.on, True)

    def gone(self, held: Held, lab: Lab) -> Proof:
        return answers_again(held, lab, patience_s=5.0)


def _words(connected: bool, error: str) -> str:
    return "connected" if connected else f"refused ({error})"


KIND = DownKind()
