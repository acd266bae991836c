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
            mark["commands"] = self._redis.watch(self._redis_databases[proxy])
        return mark

    def met(self, proxy: str, since: Mapping[str, Any], *, cut: bool) -> tuple[int, str]:
        if proxy == "shop_to_postgres":
            if cut:
                return len(since["sessions"] - self._postgres.sessions()), "PostgreSQL's sessions: cut"
            # A transaction counts when it ends; one whose answers are lost may be open for as long as the fault lasts.
            begun = self._postgres.asked_since(since["at_unix_s"])
            ended = self._postgres.transactions() - since["transactions"]
            return max((ended, "PostgreSQL's statistics: transactions"), (begun, "PostgreSQL's sessions: asked"))
        if proxy in self._redis_databases:
            if cut:
                clients = self._redis.clients(self._redis_databases[proxy])
                return len(since["clients"] - clients.keys()), "Redis' clients: cut"
            return since["commands"].count(), "Redis' own record of its commands"
        if proxy == "worker":
            return sum(self._redis.broker_depth()), "the broker: tasks that wait or are in hand"
        if cut:
            return self._postgres.pending()[0], "lab_orders: orders that wait for their charge"
        return self._gateway.arrived_since(since["at_unix_s"]), "gateway's record of calls"
