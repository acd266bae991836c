"""Django's PostgreSQL backend over connections that give up on a silent server.

Behind a proxy that swallows packets, neither `statement_timeout` nor TCP keepalives free a connection: the server never
sees the statement, and the proxy acknowledges every packet. Only the caller's own clock does.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

DEADLINE_S = 2.0
Result = TypeVar("Result")


class DeadlineConnection(psycopg.Connection[Any]):
    """Every wait for the server ends after `deadline_s` seconds; a connection that had to wait that long is closed."""

    deadline_s = DEADLINE_S

    def wait(self, gen: Generator[Any, Any, Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """As psycopg's, within the deadline.

        Raises:
            psycopg.OperationalError: The server stayed silent.
        """
        try:
            return super().wait(gen, interval, self.deadline_s if timeout is None else min(timeout, self.deadline_s))
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # The answer may still come, to whoever asks next: nobody may use this connection again.
                self.pgconn.finish()
            raise


class DatabaseWrapper(base.DatabaseWrapper):
    """Uses `DeadlineConnection`, pooled or not."""

    def __init__(self, settings_dict: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if pool := settings_dict["OPTIONS"].get("pool"):
            pool["connection_class"] = DeadlineConnection
        super().__init__(settings_dict, *args, **kwargs)

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        """From the pool where there is one."""
        if self.pool:
            pooled: psycopg.Connection[Any] = super().get_new_connection(conn_params)
            return pooled
        self.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        return DeadlineConnection.connect(**conn_params)
