"""Which faults are felt together: what is on the way of one canary."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

# A ping to the worker goes through its broker; everything else is asked past the others.
_ALSO = {"worker": ("shop_to_broker",)}


class Paths:
    """One fault at a time comes to, or leaves, a target; who measures there knows who else is held."""

    def __init__(self) -> None:
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._held: dict[str, set[str]] = defaultdict(set)
        self._mine = threading.Lock()

    @contextmanager
    def turn(self, target: str) -> Iterator[None]:
        """Hold *target* for the block: a canary that compares before with after must not meet somebody else between."""
        with self._mine:
            turn = self._turns[target]
        with turn:
            yield

    def enter(self, target: str, fault: str) -> None:
        """*fault* is held, or may be, from now on."""
        with self._mine:
            self._held[target].add(fault)

    def leave(self, target: str, fault: str) -> None:
        """*fault* is lifted."""
        with self._mine:
            self._held[target].discard(fault)

    def beside(self, target: str, fault: str) -> tuple[str, ...]:
        """The others whose effect a canary to *target* meets, sorted."""
        with self._mine:
            on_the_way = (target, *_ALSO.get(target, ()))
            return tuple(sorted({other for place in on_the_way for other in self._held[place]} - {fault}))
