"""Redis past its proxies: who is connected, and what waits in the broker."""

from __future__ import annotations

import redis

from chaos.config import Redis
from chaos.errors import LabBroken

OURS = "firedrill"
TIMEOUT_S = 3.0


class RedisWitness:
    """Cache and broker are two databases of one server."""

    def __init__(self, address: Redis) -> None:
        self._address = address
        self._client = redis.Redis(
            host=address.host,
            port=address.port,
            db=address.broker_db,
            client_name=OURS,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            decode_responses=True,
        )

    def clients(self, database: int) -> dict[str, float]:
        """Connection id → seconds since its last command, of the shop's connections to *database*."""
        try:
            listed = self._client.client_list()
        except redis.RedisError as error:
            raise LabBroken(f"redis: got {error}, expected its list of clients") from None
        return {
            str(client["id"]): float(client["idle"])
            for client in listed
            if int(client["db"]) == database and client["name"] != OURS
        }

    def broker_depth(self) -> tuple[int, int]:
        """Messages that wait in queues, and messages that were delivered but not acknowledged."""
        try:
            queued = sum(
                int(self._client.llen(key))
                for key in self._client.scan_iter(count=1000, _type="list")
                if "pidbox" not in key
            )
            return queued, int(self._client.hlen("unacked"))
        except redis.RedisError as error:
            raise LabBroken(f"redis: got {error}, expected the depth of the broker's queues") from None
