"""Django's Redis cache behind its guard, so that an outage of the cache delays few requests and not all of them."""

from __future__ import annotations

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

from .guards import CACHE


class GuardedRedis(redis.Redis):
    """Raises `redis.RedisError` like its base class, and at once while the breaker is open."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """One command, one call."""
        with CACHE.call():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


class GuardedClient(RedisCacheClient):
    """Uses `GuardedRedis` as its client."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client = GuardedRedis


class GuardedRedisCache(RedisCache):
    """The backend for CACHES."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = GuardedClient
