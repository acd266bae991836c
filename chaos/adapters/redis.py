"""Redis past its proxies: who is connected, and what waits in the broker."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping

import redis

from chaos.config import Redis
from chaos.errors import LabBroken

OURS = "firedrill"
TIMEOUT_S = 3.0


# What a connection says of itself, and what the lab asks: no call of the shop's business.
_NOT_COUNTED = frozenset(
    b"PING ECHO HELLO AUTH SELECT CLIENT INFO CONFIG COMMAND MONITOR QUIT RESET LLEN HLEN SCAN DBSIZE".split()
)
# Last command of a canary's connection, which may be listed for a moment after it was closed: nobody of the shop's.
_CANARIES = frozenset({"ping", "echo", "monitor", "NULL"})
_CANARY_AGE_S = 1
_COMMAND = re.compile(rb'\+\d+\.\d+ \[(\d+) [^\]]*\] "(\w+)"')


class CommandWatch:
    """Redis' own MONITOR: every command that it executes, as it does. What nobody has read yet waits in the socket."""

    def __init__(self, address: tuple[str, int], database: int) -> None:
        self._database, self._count, self._rest = str(database).encode(), 0, b""
        try:
            self._socket = socket.create_connection(address, timeout=TIMEOUT_S)
            self._socket.sendall(b"MONITOR\r\n")
            answer = self._socket.recv(5)
        except OSError as error:
            raise LabBroken(f"redis: got {type(error).__name__}, expected it to be watched") from None
        if answer != b"+OK\r\n":
            raise LabBroken(f"redis: MONITOR: got {answer!r}, expected +OK")
        self._socket.setblocking(False)

    def count(self) -> int:
        """Commands so far."""
        for line in self._lines():
            found = _COMMAND.match(line)
            if found and found[1] == self._database and found[2].upper() not in _NOT_COUNTED:
                self._count += 1
        return self._count

    def _lines(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self._socket.recv(65536)
            except BlockingIOError:
                return
            except OSError as error:
                raise LabBroken(f"redis: MONITOR: got {type(error).__name__}, expected its commands") from None
            if not piece:
                raise LabBroken("redis: MONITOR: got its end, expected its commands")
            *lines, self._rest = (self._rest + piece).split(b"\r\n")
            yield from lines

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()


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
            if int(client["db"]) == database and client["name"] != OURS and not _is_canary(client)
        }

    def watch(self, database: int) -> CommandWatch:
        """Count commands on *database* from now on. Raises: LabBroken."""
        return CommandWatch((self._address.host, self._address.port), database)

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


def _is_canary(client: Mapping[str, str]) -> bool:
    """Young, and has asked nothing else: a pool's connection may have been asked for a PING last as well."""
    return client.get("cmd") in _CANARIES and int(client.get("age", 0)) <= _CANARY_AGE_S
