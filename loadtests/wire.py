"""One request on the wire and its answer off it, over Locust's own client stack, sent exactly once.

Locust's FastHttpUser is built on geventhttpclient. We use its connection pool, its sockets and its parser, and leave
out the two layers between, because they send requests that the record of operations would not show:
`HTTPClient.request` sends again when a connection closes without an answer (up to pool size + 1 times, whatever
`max_retries` is), and `FastHttpSession.request` follows redirects, keeps cookies across buyers and fires Locust's own
statistics. Without these layers an exchange costs 30 µs of CPU instead of 80.

`forbid_hidden_resends` prevents the resends also for a journey that uses `FastHttpSession`, and `loadtests.selftest`
proves both paths at every start.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import gevent
import geventhttpclient.client
from gevent.socket import socket as _Socket
from gevent.socket import wait
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPParseError, HTTPSocketPoolResponse

from loadtests.journey import Call

_RESPONSE_BLOCK = 65536
_PEEK = int(socket.MSG_PEEK | socket.MSG_DONTWAIT)


def forbid_hidden_resends() -> None:
    """Make `geventhttpclient` send a request once, whatever its method. Source: its `client.HTTPClient.request`."""
    geventhttpclient.client._may_retry_after_send_error = lambda method: False


class WarmPool(ConnectionPool):
    """Idle connections, of which a random one is taken. It has no upper bound: the scheduler caps exchanges in flight.

    The API has several processes, and each connection stays with one of them. If the last used connection were taken
    first, a light load would use only one or two connections, and perhaps one process, and errors that need two
    processes would not show.

    Args:
        least: An exchange opens a new connection while fewer are idle, also after the API was restarted.

    The inherited pool asks `select` whether a connection is still open (slow under gevent, and wrong for file
    descriptors above 1023) and makes its callers wait at a semaphore.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float, least: int = 1) -> None:
        super().__init__(host, port, host, port, size=1, connection_timeout=timeout_s, network_timeout=timeout_s)
        self._idle: list[Any] = []
        self._least = least
        self._address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]

    def _resolve(self) -> list[Any]:
        """The address, looked up only once: the time of a look-up per connection would be counted as the API's."""
        return [self._address]

    def after_connect(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _create_socket(self) -> Any:
        sock = super()._create_socket()
        sock.settimeout(None)  # one timer per exchange instead of one per read
        return sock

    def get_socket(self) -> Any:
        """A connection that the server has not closed yet."""
        while len(self._idle) >= self._least:
            sock = self._any_idle()
            try:
                sock._sock.recv(1, _PEEK)
            except BlockingIOError:
                return sock
            except OSError:
                pass
            sock.close()  # readable while idle: it was closed, or has an answer without a request
        return self._create_socket()

    def _any_idle(self) -> Any:
        position = int(random.random() * len(self._idle))  # noqa: S311  (no secret)
        self._idle[position], self._idle[-1] = self._idle[-1], self._idle[position]
        return self._idle.pop()

    def return_socket(self, sock: Any) -> None:
        """Keep *sock* for the next exchange."""
        self._idle.append(sock)

    def release_socket(self, sock: Any) -> None:
        """Close *sock*, which can't be used again."""
        sock.close()

    def warm(self, connections: int, *, within_s: float) -> int:
        """Open idle connections until there are *connections*. Returns how many there are then.

        A refused connection is no error here: the first exchanges will show it.
        """
        openers = [gevent.spawn(self._try_create_socket) for _ in range(max(connections - len(self._idle), 0))]
        gevent.joinall(openers, timeout=within_s)
        gevent.killall(openers)
        opened = (opener.value for opener in openers if opener.successful())
        self._idle.extend(sock for sock in opened if isinstance(sock, _Socket))
        return len(self._idle)

    def _try_create_socket(self) -> Any:
        try:
            return self._create_socket()
        except OSError:
            return None

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().close()


def locust_pool(pool: WarmPool, base_url: str) -> Any:
    """*pool* as the `client_pool` of Locust's FastHttpUsers, so that all users share it."""
    url = urlsplit(base_url)
    host, port = url.hostname or "", url.port or 80
    client = HTTPClient(host, port=port)
    client._connection_pool = pool
    shared = HTTPClientPool()
    shared.clients[(host, port)] = client
    return shared


class Headers(Protocol):
    """An answer's headers; names to `get` are in lower case."""

    def get(self, name: str, default: Any = None, /) -> Any: ...
    def items(self) -> Iterable[tuple[str, str]]: ...


class Answer(NamedTuple):
    """An answer; *body* is None when the connection ended before its end."""

    status: int
    body: bytes | None
    head: Headers


class Response(HTTPSocketPoolResponse):
    """The library's, but for its index of the headers: to make that takes longer than to parse them."""

    def __init__(self, sock: Any, pool: ConnectionPool, **options: Any) -> None:
        self._names: list[str] = []
        self._values: list[str] = []
        self._by_name: dict[str, str] = {}
        super().__init__(sock, pool, **options)  # reads until the head is whole

    def _on_message_begin(self) -> None:
        super()._on_message_begin()
        self._names.clear()  # of an interim answer (1xx)
        self._values.clear()

    def _on_header_field(self, string: str) -> None:
        if len(self._names) == len(self._values):
            self._names.append(string)
        else:
            self._names[-1] += string  # it came in two reads

    def _on_header_value(self, string: str) -> None:
        if len(self._values) < len(self._names):
            self._values.append(string)
        else:
            self._values[-1] += string

    def get(self, name: str, default: Any = None) -> Any:
        """By its lower-case name; of several, all with commas in between."""
        if not self._by_name:
            for field, value in self.items():
                key = field.lower()
                self._by_name[key] = f"{self._by_name[key]}, {value}" if key in self._by_name else value
        return self._by_name.get(name, default)

    def items(self) -> Iterator[tuple[str, str]]:
        return zip(self._names, self._values, strict=True)


class Transport:
    """Sends one request and reads its answer. No retry, no redirect, no cookie."""

    def __init__(self, pool: WarmPool) -> None:
        self._pool = pool

    def send_once(self, call: Call, head: bytes) -> Answer:
        """Send *call* with the complete *head*, empty line included, and read the answer.

        Raises: OSError, HTTPParseError when there is no answer.
        """
        sock = self._pool.get_socket()
        request = head + call.body
        try:
            sent = sock.send(request)
            if sent < len(request):
                sock.sendall(request[sent:])  # asks for the kernel's buffer size, which the usual request need not
            wait(sock._read_event)  # no answer is there yet: reading before would be a system call in vain
        except BaseException:
            self._pool.release_socket(sock)
            raise
        # From here on the response closes the socket, also when it raises.
        response = Response(sock, self._pool, block_size=_RESPONSE_BLOCK, method=call.method)
        try:
            return Answer(response.get_code(), response.read(), response)
        except (OSError, HTTPParseError):
            return Answer(response.get_code(), None, response)


class SendsOnce(Protocol):
    """Sends one request and reads its answer."""

    def send_once(self, call: Call, head: bytes) -> Answer: ...
