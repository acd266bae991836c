"""A bulkhead and a circuit breaker for each dependency: one that fails is called seldom, and by few callers at once."""

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
# These errors are quick answers of the server, and so no failures of the dependency.
ANSWERS = (sql.LockNotAvailable, sql.DeadlockDetected, sql.SerializationFailure)


class Refused(Exception):
    """A dependency was not called, because too many callers wait for it or it has failed too often."""


class CacheRefused(Refused, redis.ConnectionError):
    """A refusal that is also a `RedisError`, so that callers treat it like any other error of the cache."""


class Guard:
    """Lets calls to one dependency through, makes them wait, or refuses them.

    Args:
        at_once: Calls that may run at a time; others wait up to *wait_s* for one of them to end.
        fail_max: After so many failures in a row no call is let through for *reset_s*; then one caller tries.
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
        """Put the breaker's state into the metrics, as is done at each change of the state."""
        show_breaker(self.name, self._breaker.current_state)

    def enter(self) -> None:
        """Take a slot; give it back with `leave`.

        Raises:
            Refused: No slot became free in time.
        """
        if not self._slots.acquire(timeout=self._wait_s):
            dependency_refused(self.name)
            raise self._refused(f"{self.name}: too many wait for it")

    def leave(self) -> None:
        """Give the slot back."""
        self._slots.release()

    def admit(self) -> None:
        """Look at the breaker, without taking a slot.

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
        """The block is a call, counted as success or failure.

        Raises:
            Refused: The breaker is open, or another caller is trying whether it can close.
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


# One thread of the process stays free for answers that need no database: copies, and /live.
POSTGRES = Guard(
    "postgres",
    at_once=API_THREADS - 1,
    wait_s=0.5,  # long enough for a busy machine with a healthy database
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
