"""Answers that are available without the database: a fresh copy, else the database, else an old copy with its age.

A copy stays in the cache long after it has stopped being fresh. While one request asks the database for a new one, the
others get the old copy, and so do all requests when the database can't answer. Without the cache the database answers,
and without both the copy that this process remembers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
import stamina
from django.core.cache import cache
from django.db import DatabaseError, close_old_connections
from psycopg import OperationalError as ConnectionLost
from psycopg.errors import AdminShutdown
from rest_framework.response import Response

from ..core.metrics import dependency_call
from .errors import DEPENDENCY_DOWN

FRESH_S = 1.0
KEPT_S = 900
REMEMBERED = 200
STALE_HEADER = "X-Stale"
logger = logging.getLogger("shop.fallback")


@dataclass(frozen=True, slots=True)
class Copy:
    """A body, and when the database was asked for it (seconds since the epoch)."""

    at_unix_s: float
    body: Any

    @property
    def age_s(self) -> float:
        """Seconds since the database was asked."""
        return max(0.0, time.time() - self.at_unix_s)


class _Memory:
    """The last copies of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._asking: set[str] = set()

    def remember(self, key: str, copy: Copy) -> None:
        with self._lock:
            self._copies[key] = copy
            self._copies.move_to_end(key)
            while len(self._copies) > REMEMBERED:
                self._copies.popitem(last=False)

    def recall(self, key: str) -> Copy | None:
        with self._lock:
            copy = self._copies.get(key)
        return copy if copy is not None and copy.age_s <= KEPT_S else None

    def begin(self, key: str) -> bool:
        """False: another request is asking already."""
        with self._lock:
            if key in self._asking:
                return False
            self._asking.add(key)
            return True

    def end(self, key: str) -> None:
        with self._lock:
            self._asking.discard(key)


_memory = _Memory()


def read(key: str, load: Callable[[], Any]) -> Copy:
    """The body under *key*, from *load* when there is no fresh copy.

    Raises:
        Exception: What *load* raised, when there is no copy at all.
    """
    copy = _cached(key)
    if copy is not None and copy.age_s <= FRESH_S:
        return copy
    mine = _memory.begin(key)
    if copy is not None and not mine:
        return copy
    try:
        asked_unix_s = time.time()
        fresh = Copy(asked_unix_s, _loaded(load))
    except DEPENDENCY_DOWN as error:
        old = copy or _memory.recall(key)
        if old is None:
            raise
        logger.warning("%s: %.0f s old: %s: %s", key, old.age_s, type(error).__name__, str(error).strip())
        return old
    finally:
        if mine:
            _memory.end(key)
    _memory.remember(key, fresh)
    _cache(key, fresh)
    return fresh


def answer(copy: Copy) -> Response:
    """200 with `Age`, and a marker when the copy is no longer fresh."""
    age_s = copy.age_s
    headers = {"Age": str(int(age_s))}
    if age_s > FRESH_S:
        headers[STALE_HEADER] = "true"
    return Response(copy.body, headers=headers)


def _loaded(load: Callable[[], Any]) -> Any:
    """Try a read a second time, since a connection that was cut while it lay in the pool fails only once."""
    for attempt in stamina.retry_context(on=_was_cut, attempts=2, wait_initial=0.02, wait_jitter=0.02, timeout=1.0):
        with attempt:
            if attempt.num > 1:
                close_old_connections()
            return load()
    raise AssertionError("stamina raises what the last attempt raised")


def _was_cut(error: Exception) -> bool:
    return isinstance(error, DatabaseError) and type(error.__cause__) in (ConnectionLost, AdminShutdown)


def _cached(key: str) -> Copy | None:
    """A cache that does not answer has nothing."""
    try:
        with dependency_call("cache"):
            found = cache.get(key)
    except redis.RedisError:
        return None
    return None if found is None else Copy(*found)


def _cache(key: str, copy: Copy) -> None:
    try:
        with dependency_call("cache"):
            cache.set(key, (copy.at_unix_s, copy.body), KEPT_S)
    except redis.RedisError as error:
        logger.info("%s: not cached: %s", key, type(error).__name__)
