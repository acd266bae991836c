"""Connections to Redis that bypass its proxies, found by MONITOR: each command comes with its client's port.

The lab's connections set a client name, which Redis forbids to the shop's user. The owner of any other port is looked
up at once. Connections that closed before that are only counted: no more than the proxies accepted may exist.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from typing import Any, cast

from services.stack.layout import Lab, Ports
from services.stack.readiness import direct_redis
from services.stack.redis_users import CLIENT_NAME
from services.stack.supervisor_client import Unreachable
from services.stack.watch.accounts import LogFiles, accepted_in
from services.stack.watch.connections import Connections, Found
from services.stack.watch.people import named

_LINE = re.compile(rb"^\+\d+\.\d+ \[\d+ [^\]]*:(\d+)\] (.*)$", re.MULTILINE)
_OURS = f'"client" "setname" "{CLIENT_NAME}"'.encode()
_PATIENCE_S = 3.0
LOOK_S = 0.2


class RedisAccount(threading.Thread):
    """Reads MONITOR until it is closed."""

    def __init__(self, lab: Lab, ports: Ports, connections: Connections, proxy_log: LogFiles) -> None:
        super().__init__(name="redis-account", daemon=True)
        self._client, self._connections, self._proxy_log = direct_redis(lab, ports), connections, proxy_log
        self._stop_event = threading.Event()
        self._before = set(connections.of_proxy["redis"])
        self._through: set[int] = set()
        self._known: set[int] = set(self._before)
        self._unknown: set[int] = set()
        self._found: list[Found] = []
        self.trouble = ""

    def open(self) -> None:
        """Begin to listen. Raises: redis.RedisError."""
        self._connection = cast(Any, self._client.connection_pool).get_connection()
        self._connection.send_command("MONITOR")
        self._connection.read_response()
        self.start()

    def run(self) -> None:
        """Read MONITOR's lines, in this thread, until `close` or the stream's end."""
        stream: socket.socket = self._connection._sock  # redis-py's parser would cost more than the rest
        stream.settimeout(LOOK_S)
        rest = b""
        while not self._stop_event.is_set():
            try:
                piece = stream.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError as error:
                piece, self.trouble = b"", f"redis: MONITOR: got {error!r}, expected it to go on"
            if not piece:
                self.trouble = self.trouble or "redis: MONITOR: got its end, expected it to go on"
                return
            lines, _, rest = (rest + piece).rpartition(b"\r\n")
            with suppress(OSError, Unreachable):
                self._take(lines)

    def take_found(self) -> list[Found]:
        """Strangers found since the last call."""
        found, self._found = self._found, []
        return found

    def close(self) -> list[Found]:
        """The last strangers, and connections that closed before a look, if more than the proxies accepted."""
        self._stop_event.set()
        self.join(2.0)
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            lines = list(self._proxy_log.lines())
            accepted = sum(accepted_in(lines, proxy) for proxy in ("shop_to_cache", "shop_to_broker"))
            through = (self._through | self._connections.of_proxy["redis"]) - self._before
            unknown = sorted(self._unknown - through)
            more = len(unknown) - max(0, accepted - len(through))
            if more <= 0:
                return self.take_found()
            if time.monotonic() >= give_up:
                ports = ", ".join(map(str, unknown))
                what = f"redis took {more} short connection(s) that no proxy let through (among ports {ports[:80]})"
                return [*self.take_found(), ("redis account", what)]
            time.sleep(0.3)

    def _take(self, lines: bytes) -> None:
        for port_text, command in _LINE.findall(lines):
            port = int(port_text)
            if command.lower().startswith(_OURS):  # Redis forbids this command to the shop's user
                self._known.add(port)
                self._unknown.discard(port)
            elif port not in self._known | self._unknown and port not in self._connections.of_proxy["redis"]:
                self._look_up(port)

    def _look_up(self, port: int) -> None:
        owner = self._connections.owner_of(port, "redis")
        if owner is None or (owner[0] is None and owner[1] != owner[2].shop_uid):
            self._unknown.add(port)
            return
        pid, uid, people = owner
        self._known.add(port)
        if pid is not None and people.is_(pid, "toxiproxy"):
            self._through.add(port)
        elif self._connections.is_stranger(pid, uid, people, shop_may=False):
            who = named(pid, uid, of=people.program.get(pid or 0, ""))
            self._found.append((f"{who} redis", f"{who} is connected to redis past its proxies"))
