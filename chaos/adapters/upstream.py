"""Exposure: the shop's calls that the upstream of each proxy saw during a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaos.adapters.gateway import Gateway
from chaos.adapters.mail import MailCatcher, untold_orders
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.redis import RedisWitness


class Upstreams:
    """Reads the witness of each proxy, and of the worker. See `chaos.ports.UpstreamWitness`."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        mail: MailCatcher,
        postgres: PostgresWitness,
        redis: RedisWitness,
        redis_databases: Mapping[str, int],
        now_unix_s: Callable[[], float],
    ) -> None:
        self._now_unix_s = now_unix_s
        self._gateway, self._mail, self._postgres, self._redis = gateway, mail, postgres, redis
        self._redis_databases = redis_databases

    def mark(self, proxy: str) -> Mapping[str, Any]:
        mark: dict[str, Any] = {"at_unix_s": self._now_unix_s()}
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
            # The statistics count a transaction when it ends; without answers it may stay open during the whole fault.
            begun = self._postgres.asked_since(since["at_unix_s"])
            ended = self._postgres.transactions() - since["transactions"]
            return max((ended, "PostgreSQL's statistics: transactions"), (begun, "PostgreSQL's sessions: asked"))
        if proxy in self._redis_databases:
            if cut:
                clients = self._redis.clients(self._redis_databases[proxy])
                return len(since["clients"] - clients.keys()), "Redis' clients: cut"
            return since["commands"].count(), "Redis' own record of its commands"
        if proxy == "shop_to_mail":
            if cut:
                untold = untold_orders(self._gateway, self._mail, since_unix_s=since["at_unix_s"])
                return len(untold), "gateway's ledger and the catcher: charged, and no mail yet"
            return self._mail.taken_since(since["at_unix_s"]), "catcher's record of mails"
        if proxy == "worker":
            return sum(self._redis.broker_depth()), "the broker: tasks that wait or are in hand"
        if cut:
            return self._postgres.pending()[0], "lab_orders: orders that wait for their charge"
        return self._gateway.arrived_since(since["at_unix_s"]), "gateway's record of calls"
