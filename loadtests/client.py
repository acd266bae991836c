"""One HTTP exchange over Locust's own client stack, sent exactly once.

Locust's FastHttpUser sits on geventhttpclient. We use its connection pool, its sockets and its parser, and leave out
the two layers in between, because each does things behind the caller's back that a record of operations can't have:
`HTTPClient.request` sends again when a connection closes without an answer (up to pool size + 1 times, whatever
`max_retries` says), and `FastHttpSession.request` follows redirects, keeps cookies across buyers and fires Locust's own
statistics. What is left costs 30 µs of CPU instead of 80 per exchange.

`forbid_hidden_resends` closes the same hole for a journey that uses `FastHttpSession` after all, and
`loadtests.selftest` proves both paths at every start.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent
import geventhttpclient.client
from gevent import GreenletExit, Timeout
from gevent.pool import Group
from gevent.socket import socket as _Socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse

from chaos.model.history import Outcome
from loadtests.journey import Call, Reading
from loadtests.marks import NONE, marks_of
from loadtests.recorder import Recorder
from loadtests.samples import Samples

_RESPONSE_BLOCK = 65536


def forbid_hidden_resends() -> None:
    """Make `geventhttpclient` send a request once, whatever its method. Source: its `client.HTTPClient.request`."""
    geventhttpclient.client._may_retry_after_send_error = lambda method: False


class WarmPool(ConnectionPool):
    """Idle connections, last used first, without an upper bound: the cap on what is in flight lies with the scheduler.

    The inherited pool asks `select` whether a connection is still alive (slow under gevent, and wrong for file
    descriptors above 1023) and makes its callers wait at a semaphore.
    """

    def __init__(self, host: str, port: int, *, timeout_s: float) -> None:
        super().__init__(host, port, host, port, size=1, connection_timeout=timeout_s, network_timeout=timeout_s)
        self._idle: list[Any] = []
        self._address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]

    def _resolve(self) -> list[Any]:
        """Names are looked up once: a look-up per connection would be timed as the API's."""
        return [self._address]

    def after_connect(self, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _create_socket(self) -> Any:
        sock = super()._create_socket()
        sock.settimeout(None)  # one timer per exchange instead of one per read
        return sock

    def get_socket(self) -> Any:
        """A connection that the server has not closed so far."""
        while self._idle:
            sock = self._idle.pop()
            try:
                sock._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return sock
            except OSError:
                pass
            sock.close()  # readable while idle: closed, or an answer that nobody asked for
        return self._create_socket()

    def return_socket(self, sock: Any) -> None:
        """Keep *sock* for the next exchange."""
        self._idle.append(sock)

    def release_socket(self, sock: Any) -> None:
        """*sock* can't be used again."""
        sock.close()

    def warm(self, connections: int, *, within_s: float) -> int:
        """Open idle connections until there are *connections*; how many there are then.

        That the API refuses some is no error here: the first exchanges will show it.
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
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()


def locust_pool(pool: WarmPool, base_url: str) -> Any:
    """*pool* as the `client_pool` of Locust's FastHttpUsers, so that all of them share it."""
    url = urlsplit(base_url)
    host, port = url.hostname or "", url.port or 80
    client = HTTPClient(host, port=port)
    client._connection_pool = pool
    shared = HTTPClientPool()
    shared.clients[(host, port)] = client
    return shared


class Answer(NamedTuple):
    """An answer off the wire; *body* is None when the connection ended within it."""

    status: int
    body: bytes | None
    head: HTTPSocketPoolResponse


class Transport:
    """Puts one request on the wire and takes its answer off. No retry, no redirect, no cookie."""

    def __init__(self, pool: WarmPool) -> None:
        self._pool = pool

    def send_once(self, call: Call, request_id: str) -> Answer:
        """What came back.

        Raises: OSError, HTTPParseError when there is no answer.
        """
        sock = self._pool.get_socket()
        try:
            sock.sendall(b"%b%b\r\n\r\n%b" % (call.head, request_id.encode(), call.body))
        except BaseException:
            self._pool.release_socket(sock)
            raise
        # From here on the response owns the socket, also when it raises.
        response = HTTPSocketPoolResponse(sock, self._pool, block_size=_RESPONSE_BLOCK, method=call.method)
        try:
            return Answer(response.get_code(), response.read(), response)
        except (OSError, HTTPParseError):
            return Answer(response.get_code(), None, response)


class Client:
    """Makes the exchanges of one worker's journeys; implements `loadtests.journey.Http`.

    Attributes:
        deadline_s: After this time no journey begins anything new; set when the schedule's end is known.
    """

    def __init__(
        self,
        *,
        base_url: str,
        transport: Transport,
        recorder: Recorder,
        samples: Samples,
        timeout_s: float,
        now_s: Callable[[], float],
        deadline_s: float = float("inf"),
    ) -> None:
        url = urlsplit(base_url)
        self._path = url.path.rstrip("/")
        self._host = url.netloc
        self._transport = transport
        self._recorder = recorder
        self._samples = samples
        self._figures = recorder.figures
        self._timeout_s = timeout_s
        self._beside = Group()
        self.now_s = now_s
        self.deadline_s = deadline_s

    def head(self, method: str, path: str, *, headers: dict[str, str] | None = None, length: int = 0) -> bytes:
        lines = [f"{method} {self._path}{path} HTTP/1.1", f"Host: {self._host}", "User-Agent: firedrill-load/1"]
        lines += ["Accept: application/json"]
        if length or method in ("POST", "PUT", "PATCH"):
            lines += ["Content-Type: application/json", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError(f"{method} {path}: got a line break in a header, expected none")
        return ("\r\n".join(lines) + "\r\nX-Request-Id: ").encode("latin-1")

    def exchange(self, call: Call) -> Reading:
        operation = self._recorder.begin(call)
        self._figures.in_flight += 1
        status, ended, reading, marks = 0, 0.0, _ABANDONED, NONE
        answer: Answer | None = None
        timer = Timeout.start_new(self._timeout_s)
        try:
            answer = self._transport.send_once(call, operation.id)
            ended = self.now_s()
            timer.close()
            status = answer.status
            marks = marks_of(status, answer.body, answer.head.get)
            reading = _TRUNCATED if answer.body is None else call.read(status, answer.body)
        except Timeout as error:
            if error is not timer:
                raise
            reading = _TIMEOUT
        except (OSError, HTTPParseError) as error:
            reading = _transport(error)
        except GreenletExit:
            reading = _STOPPED
            raise
        finally:
            timer.close()
            self._figures.in_flight -= 1
            ended = ended or self.now_s()
            self._recorder.end(operation, reading, status=status, ended=ended, marks=marks)
            self._samples.offer(
                call,
                operation,
                reading,
                ended=ended,
                status=status,
                headers=answer.head.items() if answer else (),
                body=answer.body if answer else None,
            )
        return reading

    def beside(self, call: Call) -> Callable[[], Reading]:
        greenlet = self._beside.spawn(self.exchange, call)

        def result() -> Reading:
            reading: Reading | GreenletExit = greenlet.get()  # raises what the exchange raised: nothing vanishes
            if isinstance(reading, GreenletExit):  # but that one gevent gives back as if it were a value
                raise reading
            return reading

        return result

    def sleep_until(self, at_s: float) -> None:
        gevent.sleep(max(at_s - self.now_s(), 0))

    def winding_down(self) -> bool:
        return self.now_s() > self.deadline_s

    def stop(self) -> None:
        """End what runs beside the journeys; each is recorded as unknown."""
        self._beside.kill(block=True)


class Clock:
    """Seconds since the load's start, from a clock that nobody can set back."""

    def __init__(self, t0_unix_s: float) -> None:
        self._zero = time.monotonic() + (t0_unix_s - time.time())
        self._monotonic = time.monotonic

    def now_s(self) -> float:
        return self._monotonic() - self._zero


_ABANDONED = Reading(Outcome.INFO, reason="driver_error")
_STOPPED = Reading(Outcome.INFO, reason="stopped")
_TIMEOUT = Reading(Outcome.INFO, reason="timeout")
_TRUNCATED = Reading(Outcome.INFO, reason="truncated")


def _transport(error: BaseException) -> Reading:
    """A refused connection carried nothing; any other broken exchange leaves open what happened."""
    if isinstance(error, ConnectionRefusedError):
        return Reading(Outcome.FAIL, reason="connection_refused")
    if isinstance(error, HTTPConnectionClosed):
        return Reading(Outcome.INFO, reason="closed_without_answer")
    if isinstance(error, HTTPParseError):
        return Reading(Outcome.INFO, reason="bad_http")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Reading(Outcome.INFO, reason="reset")
    number = getattr(error, "errno", None)
    return Reading(Outcome.INFO, reason=errno.errorcode.get(number, type(error).__name__) if number else "socket")
