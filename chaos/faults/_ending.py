"""What faults that end a process share: the process is gone, and its supervisor starts another one."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import Field

from chaos.errors import LabBroken
from chaos.faults._charges import charges_met, questions
from chaos.faults._kind import FaultKind, Held, Proof
from chaos.model.faults import InstantFault
from chaos.ports import Lab, Signalled

# Supervisor notices within a second; Django and Celery need a few to start on a busy machine.
RESTART_S = 20.0
POLL_S = 0.05
# The API's clients see the end at once; the driver needs a moment to write it into the history.
WRITTEN_S = 1.0


class EndingFault(InstantFault):
    """Keys of a fault that ends a process."""

    # Not the relay: no witness sees the work that it has in hand, so its exposure could not be shown.
    targets: ClassVar[tuple[str, ...]] = ("api", "worker")

    when: Literal["charge_in_flight"] | None = Field(None, description="Wait until a charge is at the gateway.")


class EndingKind(FaultKind):
    """A kind defines how a process is ended, how long that may take, and which clients of the API are affected.

    Attributes:
        ends_within_s: From the signal to the end of the last process of the group.
    """

    restarts = True
    signals = True
    ends_within_s: float

    @abstractmethod
    def end(self, process: str, lab: Lab) -> Signalled:
        """Send the signal. Raises: LabBroken."""

    @abstractmethod
    def clients_met(self, signalled: Signalled, lab: Lab) -> tuple[int, str]:
        """Operations of clients that met the end of the API, and the witness that counted."""

    def arm(self, held: Held, lab: Lab) -> None:
        held.memory["group_before"] = lab.processes.group_of(held.params.on)

    def inject(self, held: Held, lab: Lab) -> None:
        held.injected_unix_s = lab.clock.now_unix_s()
        held.memory["signalled"] = self.end(held.params.on, lab)
        held.effective_unix_s = held.memory["signalled"].at_unix_s

    def prove(self, held: Held, lab: Lab) -> Proof:
        on, signalled = held.params.on, held.memory["signalled"]
        give_up = lab.clock.now_unix_s() + self.ends_within_s
        while (alive := lab.processes.survivors(on, signalled.pgid)) and lab.clock.now_unix_s() < give_up:
            lab.clock.sleep(POLL_S)
        if not signalled.pids:
            reason = f"process group {signalled.pgid}: got nobody to {self.name}, expected the processes of {on}"
        elif alive:
            late = f" {self.ends_within_s:g} s after the {self.name}"
            reason = f"process group {signalled.pgid}: got {list(alive)} alive{late}, expected none"
        else:
            reason = ""
        return Proof(
            proven=not reason,
            read_back={
                "pgid": signalled.pgid,
                "signalled_pids": list(signalled.pids),
                "alive": list(alive),
                **questions(signalled),
            },
            reason=reason,
        )

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        signalled = held.memory["signalled"]
        if held.params.on == "api":
            lab.clock.sleep(WRITTEN_S)
            return self.clients_met(signalled, lab)
        return charges_met(held.params.on, signalled, lab)

    def lift(self, held: Held, lab: Lab) -> None:
        on, signalled = held.params.on, held.memory.get("signalled")
        if signalled is None:  # `catches` may have left it paused for a signal that then failed
            lab.processes.resume(on)
        give_up = lab.clock.now_unix_s() + RESTART_S
        while True:
            group = lab.processes.group_of(on)
            if group is not None and (signalled is None or group != signalled.pgid):
                return
            if lab.clock.now_unix_s() >= give_up:
                raise LabBroken(f"{on}: got no new process {RESTART_S:g} s after the {self.name}, expected one")
            lab.clock.sleep(POLL_S)

    def gone(self, held: Held, lab: Lab) -> Proof:
        group = lab.processes.group_of(held.params.on)
        return Proof(
            proven=group is not None,
            read_back={"pgid": group},
            reason="" if group else f"{held.params.on}: not running",
        )
