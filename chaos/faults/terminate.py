"""`terminate`: SIGTERM to a part of the shop, as in every deployment; its supervisor starts it again."""

from __future__ import annotations

from typing import Literal

from chaos.faults._ending import EndingFault, EndingKind
from chaos.ports import Lab, Signalled


class Terminate(EndingFault):
    """Ask a process to end; it may finish its work in hand. The fault is not proven if it does not end in time.

    Source: POSIX, `kill`; Celery, "Warm shutdown".
    """

    inject: Literal["terminate"]


class TerminateKind(EndingKind):
    """See `Terminate`."""

    name = "terminate"
    params = Terminate
    ends_within_s = 15.0  # a task may wait for the gateway; orchestrators kill after 10 s (Docker) to 30 s

    def end(self, process: str, lab: Lab) -> Signalled:
        return lab.processes.terminate(process)

    def clients_met(self, signalled: Signalled, lab: Lab) -> tuple[int, str]:
        at = signalled.at_unix_s
        return lab.client.waiting_between(at, at), "client's history: operations under way"


KIND = TerminateKind()
