"""The actors of a schedule: a request, a task, and the task that a request itself sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection

from chaos.model.evidence import BrokerMessage
from chaos.model.interleaving import Said
from chaos.ports import TaskDesk
from chaos.run.interleaving.client import Answer, Ask, Client

TWICE = 2
"""Looks in a row that find the message neither in the queue nor at a worker: on its way between, one look misses it."""


class RequestActor:
    """A request, sent from a thread of its own, since it has to be under way together with the other actor."""

    def __init__(self, role: str, client: Client, ask: Ask) -> None:
        self.role, self._client, self._ask = role, client, ask
        self.id = client.new_id()
        self.tag = client.tag(self.id)
        self.answer: Answer | None = None
        self._trouble = ""
        self._lane = 0
        self._thread = threading.Thread(target=self._send, name=role, daemon=True)

    def start(self, lane: int = 0) -> None:
        self._lane = lane
        self._thread.start()

    def _send(self) -> None:
        try:
            self.answer = self._client.send(self._ask, self.id, lane=self._lane)
        except OSError as error:
            self._trouble = str(error)

    @property
    def started(self) -> bool:
        """Whether it may have been sent."""
        return self._thread.ident is not None

    def ended(self) -> bool:
        return self.started and not self._thread.is_alive()

    def said(self) -> Said:
        answer = self._trouble or ("no answer yet" if self.answer is None else str(self.answer))
        return Said(role=self.role, actor=self.tag, operation=self.id, answer=answer)


class TaskActor:
    """A task whose message is at the worker, or gets there by *go*.

    Args:
        go: Lets the worker have the message, and returns it.
        copies: Other messages with the same id, which are still under way when this one has ended.
    """

    def __init__(self, role: str, desk: TaskDesk, *, go: Callable[[], BrokerMessage], copies: int = 0) -> None:
        self.role, self._desk, self._go, self._copies = role, desk, go, copies
        self.message: BrokerMessage | None = None
        self.tag = ""
        self._started = self._done = False
        self._idle = 0

    def knows(self, message: BrokerMessage) -> None:
        """Remember its recorded message, by whose id its statements are known."""
        self.message, self.tag = message, message.task_id

    def start(self, lane: int = 0) -> None:
        self.knows(self._go())
        self._started = True

    def ended(self) -> bool:
        if self._done or not self._started or self.message is None:
            return self._done
        self._idle = self._idle + 1 if self._desk.under_way(self.message.task_id) <= self._copies else 0
        self._done = self._idle >= TWICE
        return self._done

    def said(self) -> Said:
        answer = "ended" if self._done else "not ended" if self._started else "not started"
        return Said(role=self.role, actor=self.tag, answer=answer)


class OwnTaskActor:
    """The task that the other actor's request sends: its id is unknown until its message is in the queue.

    It has ended when a new message was delivered and no worker has it any more. Without a new message it never ends,
    which is right as long as the request has not committed. A retry is no new message: it keeps its id.
    """

    def __init__(self, role: str, desk: TaskDesk, *, others: Callable[[], Collection[str]]) -> None:
        self.role, self._desk, self._others = role, desk, others
        self.tag = ""
        self._known: frozenset[str] = frozenset()
        self._orders: tuple[str, ...] = ()
        self._message: BrokerMessage | None = None
        self._idle = 0

    def from_now_on(self) -> None:
        """Messages from now on are new."""
        self._known = frozenset(message.task_id for message in self._desk.messages())
        self._orders = tuple(self._others())

    def start(self, lane: int = 0) -> None:
        """Nothing to do: the other actor's request sends the task."""

    def ended(self) -> bool:
        if self._message is None:
            self._message = next(filter(self._is_new, self._desk.messages()), None)
            self.tag = self._message.task_id if self._message is not None else ""
        if self._message is None or self._message.delivered_unix_s is None:
            return False
        self._idle = self._idle + 1 if self._desk.under_way(self.tag) == 0 else 0
        return self._idle >= TWICE

    def _is_new(self, message: BrokerMessage) -> bool:
        return message.task_id not in self._known and not any(order in message.arguments for order in self._orders)

    def said(self) -> Said:
        if self._message is None:
            return Said(role=self.role, answer="did not come")
        return Said(role=self.role, actor=self.tag, answer="ran" if self._idle >= TWICE else "came")
