"""Django's PostgreSQL backend with a guard, over connections that have a deadline for each wait for the server.

Behind a proxy that swallows packets, neither `statement_timeout` nor TCP keepalives free a connection: the server never
sees the statement, and the proxy acknowledges every packet. Only a deadline of the client does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from ...core.metrics import pool_wait
from .. import deadline
from ..guards import POSTGRES

DEADLINE_S = 2.0
LEAST_S = 0.1  # for a rollback when the time is up
Result = TypeVar("Result")


class ServerSilent(psycopg.OperationalError):
    """No answer within the deadline."""


class DeadlineConnection(psycopg.Connection[Any]):
    """Every wait for the server ends after `deadline_s` seconds; a connection that had to wait that long is closed."""

    deadline_s = DEADLINE_S

    def wait(self, gen: Generator[Any, Any, Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Like psycopg's, within the deadline.

        Raises:
            psycopg.OperationalError: The server did not answer in time, or the connection is lost.
        """
        left_s = deadline.left_s()
        limits = [self.deadline_s] if left_s is None else [self.deadline_s, max(left_s, LEAST_S)]
        try:
            return super().wait(gen, interval, min(limits if timeout is None else [*limits, timeout]))
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # The answer may still come, and would be read by the next statement, so the connection is closed.
                self.pgconn.finish()
                raise ServerSilent(str(error)) from error
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Uses `DeadlineConnection`, pooled or not. Each pooled connection in use holds a slot of the guard."""

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool["connection_class"] = DeadlineConnection
        super().__init__(settings_dict, *args, **kwargs)
        self._has_slot = False
        if pool:
            self.execute_wrappers.append(_guarded)

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """A connection, from the pool if there is one."""
        if self.pool:
            return self._pooled(conn_params)
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        return DeadlineConnection.connect(**conn_params)

    def _pooled(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        POSTGRES.admit()
        POSTGRES.enter()
        try:
            with pool_wait():
                pooled: psycopg.Connection[Any] = super().get_new_connection(conn_params)
        except BaseException as error:
            POSTGRES.leave()
            POSTGRES.failed(error)
            raise
        self._has_slot = True
        return pooled

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if self._has_slot:
                self._has_slot = False
                POSTGRES.leave()


def _guarded(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    with POSTGRES.calling():
        return execute(sql, params, many, context)
