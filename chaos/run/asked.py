"""The client's own history of an exchange run: when it asked, and whether it was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Asking:
    """One request: when it was sent, when it ended, and whether an answer came. In seconds of the run's clock."""

    def __init__(self, sent_unix_s: float) -> None:
        self.sent_unix_s, self.ended_unix_s, self.answered = sent_unix_s, float("inf"), False


class Asked:
    """The client's own history, for the exposure of faults: see `chaos.ports.ClientWitness`."""

    def __init__(self) -> None:
        self._all: list[Asking] = []

    @contextmanager
    def asking(self, now_unix_s: Callable[[], float]) -> Iterator[Asking]:
        """The block sends one request, and says whether it was answered."""
        asking = Asking(now_unix_s())
        self._all.append(asking)
        try:
            yield asking
        finally:
            asking.ended_unix_s = now_unix_s()

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Requests sent in that time that got no answer."""
        return sum(since_unix_s <= one.sent_unix_s < until_unix_s and not one.answered for one in self._all)

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """Requests that waited for their answer at its end, or that got none in it."""
        return sum(
            one.sent_unix_s < until_unix_s
            and (one.ended_unix_s >= until_unix_s or (one.ended_unix_s >= since_unix_s and not one.answered))
            for one in self._all
        )
