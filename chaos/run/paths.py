"""Which faults act at the same time on the path of one canary."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# A ping to the worker passes the broker's proxy as well; each other canary meets only its own target.
_ALSO = {"worker": ("shop_to_broker",)}


class Paths:
    """Lets one fault at a time be injected or lifted at a target, and knows which others are held there."""

    def __init__(self) -> None:
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._held: dict[str, set[str]] = defaultdict(set)
        self._mine = threading.Lock()

    @contextmanager
    def turn(self, target: str) -> Iterator[None]:
        """Hold *target* for the block, so that no other fault starts between a canary's readings before and after."""
        with self._mine:
            turn = self._turns[target]
        with turn:
            yield

    def enter(self, target: str, fault: str) -> None:
        """From now on *fault* is held, or may be."""
        with self._mine:
            self._held[target].add(fault)

    def leave(self, target: str, fault: str) -> None:
        """*fault* is lifted."""
        with self._mine:
            self._held[target].discard(fault)

    def beside(self, target: str, fault: str) -> tuple[str, ...]:
        """The other faults that a canary to *target* meets, sorted."""
        with self._mine:
            on_the_way = (target, *_ALSO.get(target, ()))
            return tuple(sorted({other for place in on_the_way for other in self._held[place]} - {fault}))
