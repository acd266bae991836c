"""What forced interleavings need: the gate in a database, and the workers' messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chaos.model.evidence import BrokerMessage
from chaos.model.interleaving import Stop, Wait


class Gate(Protocol):
    """The gate in one variant's database, from `install` to `close`. Every method raises LabBroken when it fails.

    An actor is named by the id that its statements carry: a request's id, or a task's.
    """

    def install(self) -> int:
        """Put the gate onto every table. Returns how many tables there are."""

    def lookouts(self) -> Sequence[str]:
        """What of the variant's database looks for the gate by its own text: `view …`, `function …`."""

    def unnamed(self) -> int:
        """Statements so far that wrote and named neither a request nor a task; those of the relay are not counted."""

    def close(self) -> None:
        """Release every actor and remove the gate. Idempotent."""

    def hold(self, actor: str, numbers: Sequence[int]) -> None:
        """Hold *actor* at each of these stops from now on, until it is released there."""

    def hold_everywhere(self, actor: str) -> None:
        """Hold *actor* at every stop."""

    def let_go(self, actor: str, number: int) -> None:
        """Release *actor* at this stop, which it passes from now on."""

    def let_all_go(self) -> None:
        """Release every actor at every stop."""

    def stopped(self, actor: str) -> Stop | None:
        """The stop at which *actor* is held right now; None when it is not held."""

    def waiting_for(self, pid: int, actor: str = "") -> Wait | None:
        """A wait for a lock of the server's process *pid*, by *actor* if it waits; None when no session waits."""


class TaskDesk(Protocol):
    """The workers' messages, while interleavings are forced."""

    def messages(self) -> Sequence[BrokerMessage]:
        """All messages so far, in the order in which they were queued."""

    def put_again(self, message: BrokerMessage) -> None:
        """Queue the same message again, as a broker does without an acknowledgement. Raises: LabBroken."""

    def under_way(self, task_id: str) -> int:
        """How many messages of this task wait in the queue or are at a worker. Raises: LabBroken."""
