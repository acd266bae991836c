"""`kill`: SIGKILL to the whole process group of a part of the shop, which its supervisor starts again."""

from __future__ import annotations

from typing import Literal

from chaos.faults._charges import caught_charging
from chaos.faults._ending import WRITTEN_S, EndingFault, EndingKind
from chaos.faults._kind import Held
from chaos.ports import Lab, Signalled

# The least time that a worker needs to start, import its tasks and connect.
BACK_S = 0.6


class Kill(EndingFault):
    """Kill a process and its children at once. If only the master were killed, its workers would go on serving."""

    inject: Literal["kill"]


class KillKind(EndingKind):
    """See `Kill`."""

    name = "kill"
    params = Kill
    ends_within_s = 5.0  # SIGKILL ends a process at once, except during a system call that the kernel has to finish

    def away(self, injected_s: float, lifted_s: float | None) -> tuple[float, float] | None:
        return injected_s, injected_s + BACK_S

    def catches(self, held: Held, lab: Lab) -> bool:
        # The pause lasts until the kill, so that the charge is still without an answer then.
        return held.params.on == "api" or caught_charging(held.params.on, lab) is not None

    def end(self, process: str, lab: Lab) -> Signalled:
        return lab.processes.kill_group(process)

    def clients_met(self, signalled: Signalled, lab: Lab) -> tuple[int, str]:
        cut = lab.client.unanswered_between(signalled.at_unix_s - WRITTEN_S, lab.clock.now_unix_s())
        return cut, "client's history: operations without an answer"


KIND = KillKind()
