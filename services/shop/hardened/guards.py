"""A bulkhead and a circuit breaker for each dependency: a sick one is asked little, and never by everybody at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pybreaker
import redis
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError
from psycopg import errors as sql

from ..core.metrics import dependency_refused, show_breaker

API_THREADS = 4  # of this process; there are two
# These are the server's answers, and quick ones: it is not sick.
ANSWERS = (sql.LockNotAvailable, sql.DeadlockDetected, sql.SerializationFailure)


class Refused(Exception):
    """A dependency was not even asked: too many wait for it already, or it has failed too often."""


class CacheRefused(Refused, redis.ConnectionError):
    """So that whoever can do without the cache need not know why."""


class Guard:
    """What every call to one dependency goes through.

    Args:
        at_once: Callers that it may have; others wait up to *wait_s* for one to be done.
        fail_max: After so many failures in a row nobody calls it for *reset_s*; then one caller tries.
        failures: What counts as a failure.
        refused: What to raise instead of calling.
    """

    def __init__(
        self,
        name: str,
        *,
        at_once: int,
        wait_s: float,
        fail_max: int,
        reset_s: float,
        failures: tuple[type[BaseException], ...],
        refused: type[Refused] = Refused,
    ) -> None:
        self.name = name
        self._slots = threading.BoundedSemaphore(at_once)
        self._wait_s = wait_s
        self._trial = threading.Lock()
        self._refused = refused
        self._reset_s, self._seen = reset_s, _Seen()
        self._breaker = pybreaker.CircuitBreaker(
            name=name,
            fail_max=fail_max,
            reset_timeout=reset_s,
            exclude=[lambda error: not isinstance(error, failures) or isinstance(error.__cause__, ANSWERS)],
            listeners=[self._seen],
            throw_new_error_on_trip=False,
        )

    def show(self) -> None:
        """Put the breaker's state into the metrics, as every change of it does."""
        show_breaker(self.name, self._breaker.current_state)

    def enter(self) -> None:
        """Take a slot; give it back with `leave`.

        Raises:
            Refused: None became free in time.
        """
        if not self._slots.acquire(timeout=self._wait_s):
            dependency_refused(self.name)
            raise self._refused(f"{self.name}: too many wait for it")

    def leave(self) -> None:
        """Give the slot back."""
        self._slots.release()

    def admit(self) -> None:
        """Look before taking anything.

        Raises:
            Refused: The breaker is open.
        """
        opened_s = self._seen.opened_s
        if opened_s is not None and time.monotonic() < opened_s + self._reset_s:
            dependency_refused(self.name)
            raise self._refused(f"{self.name}: it has failed too often")

    def failed(self, error: BaseException) -> None:
        """Count a failure that happened outside of `calling`."""
        with suppress(type(error), Refused), self.calling():
            raise error

    @contextmanager
    def calling(self) -> Iterator[None]:
        """The block is a call: how it ends is counted.

        Raises:
            Refused: The breaker is open, or somebody else is finding out whether it can close.
        """
        trial = self._breaker.current_state != pybreaker.STATE_CLOSED
        if trial and not self._trial.acquire(blocking=False):
            dependency_refused(self.name)
            raise self._refused(f"{self.name}: somebody else is trying")
        try:
            with self._breaker.calling():
                yield
        except pybreaker.CircuitBreakerError as error:
            dependency_refused(self.name)
            raise self._refused(f"{self.name}: {error}") from None
        finally:
            if trial:
                self._trial.release()

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call with a slot of its own."""
        self.enter()
        try:
            with self.calling():
                yield
        finally:
            self.leave()


class _Seen(pybreaker.CircuitBreakerListener):
    """Shows the state, and remembers since when the breaker has been open."""

    opened_s: float | None = None

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        self.opened_s = time.monotonic() if new_state.name == pybreaker.STATE_OPEN else None
        show_breaker(str(cb.name), new_state.name)


# One of the process's threads is always left for what needs no database: copies, and /live.
POSTGRES = Guard(
    "postgres",
    at_once=API_THREADS - 1,
    wait_s=0.5,  # a busy machine is no sick database
    fail_max=3,  # as many as may wait: one silence of the server is enough
    reset_s=1.0,
    failures=(OperationalError, InterfaceError, psycopg.OperationalError),
)
CACHE = Guard(
    "cache",
    at_once=API_THREADS // 2,
    wait_s=0.1,
    fail_max=3,
    reset_s=1.0,
    failures=(redis.RedisError,),
    refused=CacheRefused,
)
BROKER = Guard("broker", at_once=1, wait_s=1.0, fail_max=3, reset_s=1.0, failures=(BrokerError, redis.RedisError))
