"""The end state of a run, read from its witnesses."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.commits import CommitRecorder
from chaos.adapters.gateway import Gateway
from chaos.adapters.mail import MailCatcher, untold_orders
from chaos.adapters.postgres import PostgresWitness
from chaos.adapters.redis import RedisWitness
from chaos.model.evidence import (
    BrokerMessage,
    Charge,
    Commit,
    GatewayCall,
    Mail,
    Order,
    PendingView,
    Refund,
    SideEffect,
    StoredPassword,
    Ticket,
    Tier,
)
from chaos.ports import Pending


class World:
    """Joins PostgreSQL, gateway, mail catcher, Redis and broker for collecting and settling."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        mail: MailCatcher,
        postgres: PostgresWitness,
        redis: RedisWitness,
        broker: BrokerRecorder,
        commits: CommitRecorder,
    ) -> None:
        self._gateway, self._mail, self._postgres = gateway, mail, postgres
        self._redis, self._broker, self._commits = redis, broker, commits

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

    def passwords(self) -> list[StoredPassword]:
        return self._postgres.passwords()

    def charges(self) -> list[Charge]:
        return self._gateway.charges()

    def refunds(self) -> list[Refund]:
        return self._gateway.refunds()

    def gateway_calls(self) -> list[GatewayCall]:
        return self._gateway.calls()

    def mails(self) -> list[Mail]:
        return self._mail.mails()

    def pending_view(self) -> list[PendingView]:
        orders, outbox = self._postgres.pending()
        return [PendingView(pending_orders=orders, unsent_outbox=outbox)]

    def commits(self) -> list[Commit]:
        return self._commits.commits()

    def broker_messages(self) -> list[BrokerMessage]:
        return self._broker.messages()

    def postgres_errors(self) -> list[dict[str, Any]]:
        return self._postgres.errors()

    def pending(self) -> Pending:
        orders, outbox = self._postgres.pending()
        queued, unacked = self._redis.broker_depth()
        untold = len(untold_orders(self._gateway, self._mail))
        return Pending(orders=orders, outbox=outbox, queued=queued, unacked=unacked, untold=untold)
