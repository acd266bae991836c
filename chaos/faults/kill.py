"""`kill`: SIGKILL to the whole process group of a part of the shop, which its supervisor starts again."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from chaos.errors import LabBroken
from chaos.model.faults import InstantFault
from chaos.ports import FaultKind, Held, Lab, Proof

# SIGKILL is immediate; a group outlives it only while the kernel ends a system call.
DEATH_S = 5.0
# Supervisor notices within a second; Django and Celery need a few to start on a busy machine.
RESTART_S = 20.0
POLL_S = 0.05
RESETS_S = 1.0


class Kill(InstantFault):
    """Kill a process and its children at once; killing only a master would leave its workers serving."""

    # Not the relay: no witness sees what it had in hand, so its death could never be shown to have been felt.
    targets: ClassVar[tuple[str, ...]] = ("api", "worker")

    inject: Literal["kill"]
    when: Literal["charge_in_flight"] | None = Field(None, description="Wait until a charge is at the gateway.")


class KillKind(FaultKind):
    """See `Kill`."""

    name = "kill"
    params = Kill

    def arm(self, held: Held, lab: Lab) -> None:
        held.memory["group_before"] = lab.processes.group_of(held.params.on)

    def inject(self, held: Held, lab: Lab) -> None:
        held.injected_unix_s = lab.clock.now_unix_s()
        killed = lab.processes.kill_group(held.params.on)
        held.memory["killed"] = killed
        held.effective_unix_s = killed.at_unix_s

    def prove(self, held: Held, lab: Lab) -> Proof:
        killed = held.memory["killed"]
        give_up = lab.clock.now_unix_s() + DEATH_S
        while (alive := lab.processes.survivors(held.params.on, killed.pgid)) and lab.clock.now_unix_s() < give_up:
            lab.clock.sleep(POLL_S)
        if not killed.pids:
            reason = f"process group {killed.pgid}: got nobody to kill, expected the processes of {held.params.on}"
        elif alive:
            reason = f"process group {killed.pgid}: got {list(alive)} alive, expected none"
        else:
            reason = ""
        return Proof(
            proven=not reason,
            read_back={"pgid": killed.pgid, "killed_pids": list(killed.pids), "alive": list(alive)},
            reason=reason,
        )

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        killed = held.memory["killed"]
        if held.params.on == "api":
            # Whom the API was serving sees a reset; the driver needs a moment to write it down.
            lab.clock.sleep(RESETS_S)
            cut = lab.client.unanswered_between(killed.at_unix_s - RESETS_S, lab.clock.now_unix_s())
            return cut, "client's history: operations without an answer"
        # Calls that had reached the gateway and were answered only after the caller was dead.
        return lab.gateway.calls_between(killed.at_unix_s, killed.at_unix_s), "gateway's record of calls in flight"

    def lift(self, held: Held, lab: Lab) -> None:
        give_up = lab.clock.now_unix_s() + RESTART_S
        killed = held.memory.get("killed")
        while True:
            group = lab.processes.group_of(held.params.on)
            if group is not None and (killed is None or group != killed.pgid):
                return
            if lab.clock.now_unix_s() >= give_up:
                raise LabBroken(f"{held.params.on}: got no new process {RESTART_S:g} s after the kill, expected one")
            lab.clock.sleep(POLL_S)

    def gone(self, held: Held, lab: Lab) -> Proof:
        group = lab.processes.group_of(held.params.on)
        return Proof(
            proven=group is not None,
            read_back={"pgid": group},
            reason="" if group else f"{held.params.on}: not running",
        )


KIND = KillKind()
