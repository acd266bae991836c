"""The end state, from its witnesses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.gateway import Gateway
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.redis import RedisWitness
from chaos.model.evidence import BrokerMessage, Charge, GatewayCall, Order, Refund, SideEffect, Ticket, Tier
from chaos.ports import Pending


class World:
    """Joins PostgreSQL, the gateway and the broker into what collecting and settling ask for."""

    def __init__(
        self, *, gateway: Gateway, postgres: PostgresWitness, redis: RedisWitness, broker: BrokerRecorder
    ) -> None:
        self._gateway, self._postgres, self._redis, self._broker = gateway, postgres, redis, broker

    def at_one_moment(self) -> AbstractContextManager[None]:
        return self._postgres.at_one_moment()

    def tiers(self) -> list[Tier]:
        return self._postgres.tiers()

    def orders(self) -> list[Order]:
        return self._postgres.orders()

    def tickets(self) -> list[Ticket]:
        return self._postgres.tickets()

    def side_effects(self) -> list[SideEffect]:
        return self._postgres.side_effects()

    def charges(self) -> list[Charge]:
        return self._gateway.charges()

    def refunds(self) -> list[Refund]:
        return self._gateway.refunds()

    def gateway_calls(self) -> list[GatewayCall]:
        return self._gateway.calls()

    def broker_messages(self) -> list[BrokerMessage]:
        return self._broker.messages()

    def postgres_errors(self) -> list[dict[str, Any]]:
        return self._postgres.errors()

    def pending(self) -> Pending:
        orders, outbox = self._postgres.pending()
        queued, unacked = self._redis.broker_depth()
        return Pending(orders=orders, outbox=outbox, queued=queued, unacked=unacked)
