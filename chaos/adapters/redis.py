"""Redis, past its proxies: the shop's connections, its commands, and the messages in the broker."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import redis

from chaos.config import Redis
from chaos.errors import LabBroken

OURS = "firedrill"
SHOP = "shop"  # the user that the shop logs in as
TIMEOUT_S = 3.0


# Commands that set up or inspect a connection, and commands of the lab: they are not the shop's calls.
_NOT_COUNTED = frozenset(
    b"PING ECHO HELLO AUTH SELECT CLIENT INFO CONFIG COMMAND MONITOR QUIT RESET LLEN HLEN SCAN DBSIZE".split()
)
_COMMAND = re.compile(rb'\+\d+\.\d+ \[(\d+) [^\]]*\] "(\w+)"')


class CommandWatch:
    """Counts commands by Redis's MONITOR, which sends each command as it runs. Unread ones wait in the socket."""

    def __init__(self, address: Redis, database: int) -> None:
        self._database, self._count, self._rest = str(database).encode(), 0, b""
        asked = login(address) + b"MONITOR\r\n"
        answer, expected = b"", b"+OK\r\n" * asked.count(b"\r\n")
        try:
            self._socket = socket.create_connection((address.host, address.port), timeout=TIMEOUT_S)
            self._socket.sendall(asked)
            while len(answer) < len(expected) and expected.startswith(answer):
                if not (piece := self._socket.recv(len(expected) - len(answer))):
                    break
                answer += piece
        except OSError as error:
            raise LabBroken(f"redis: got {type(error).__name__}, expected it to be watched") from None
        if answer != expected:
            raise LabBroken(f"redis: MONITOR: got {answer!r}, expected +OK")
        self._socket.setblocking(False)

    def count(self) -> int:
        """Number of commands so far."""
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
    """The Redis server, of which cache and broker are two databases."""

    def __init__(self, address: Redis) -> None:
        self._address = address
        self._client = redis.Redis(
            host=address.host,
            port=address.port,
            db=address.broker_db,
            username=address.user or None,
            password=address.password or None,
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
            if int(client["db"]) == database and client["user"] == SHOP
        }

    def watch(self, database: int) -> CommandWatch:
        """Count commands on *database* from now on. Raises: LabBroken."""
        return CommandWatch(self._address, database)

    def empty_cache(self) -> None:
        """FLUSHDB of each database but the broker's. Raises: redis.RedisError."""
        settings = self._client.connection_pool.connection_kwargs
        for name in self._client.info("keyspace"):
            number = int(name.removeprefix("db"))
            if number != self._address.broker_db:
                with redis.Redis(connection_pool=redis.ConnectionPool(**{**settings, "db": number})) as cache:
                    cache.flushdb()

    def broker_depth(self) -> tuple[int, int]:
        """Numbers of messages that wait in queues, and of those that were delivered but not acknowledged."""
        try:
            queued = sum(
                int(self._client.llen(key))
                for key in self._client.scan_iter(count=1000, _type="list")
                if "pidbox" not in key
            )
            return queued, int(self._client.hlen("unacked"))
        except redis.RedisError as error:
            raise LabBroken(f"redis: got {error}, expected the depth of the broker's queues") from None


def login(address: Redis) -> bytes:
    """The login of a bare connection, empty without a user; Redis does not show it in MONITOR."""
    return f"AUTH {address.user} {address.password}\r\n".encode() if address.user else b""
