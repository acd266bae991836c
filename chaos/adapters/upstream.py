"""Exposure: what the upstream of each proxy has seen of the shop while a fault lasted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from chaos.adapters.gateway import Gateway
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.redis import RedisWitness


class Upstreams:
    """One witness per proxy."""

    def __init__(
        self, *, gateway: Gateway, postgres: PostgresWitness, redis: RedisWitness, redis_databases: Mapping[str, int]
    ) -> None:
        self._gateway, self._postgres, self._redis = gateway, postgres, redis
        self._redis_databases = redis_databases

    def mark(self, proxy: str) -> Mapping[str, Any]:
        mark: dict[str, Any] = {"at_unix_s": time.time()}
        if proxy == "shop_to_postgres":
            mark |= {"transactions": self._postgres.transactions(), "sessions": self._postgres.sessions()}
        elif proxy in self._redis_databases:
            mark["clients"] = frozenset(self._redis.clients(self._redis_databases[proxy]))
        return mark

    def met(self, proxy: str, since: Mapping[str, Any], *, cut: bool) -> tuple[int, str]:
        if proxy == "shop_to_postgres":
            if cut:
                return len(since["sessions"] - self._postgres.sessions()), "PostgreSQL's sessions: cut"
            return self._postgres.transactions() - since["transactions"], "PostgreSQL's statistics: transactions"
        if proxy in self._redis_databases:
            clients = self._redis.clients(self._redis_databases[proxy])
            if cut:
                return len(since["clients"] - clients.keys()), "Redis' clients: cut"
            lasted_s = time.time() - since["at_unix_s"]
            return sum(idle <= lasted_s for idle in clients.values()), "Redis' clients: active connections"
        if cut:
            return self._postgres.pending()[0], "lab_orders: orders that wait for their charge"
        return self._gateway.arrived_since(since["at_unix_s"]), "gateway's record of calls"
