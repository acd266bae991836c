"""One suite, two servers: the built-in stand-in always, the real Toxiproxy wherever its binary is.

The binary is looked for in FIREDRILL_TOXIPROXY, `.lab/bin/toxiproxy-server` of this checkout, PATH. When it is not
there its half is skipped, unless FIREDRILL_REQUIRE names `toxiproxy_real`: then that is a failure.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any
from urllib.parse import quote

import pytest

CHECKOUT = Path(__file__).parents[3]
PATIENCE_S = 20.0


def real_binary() -> str | None:
    """Where the real server is; None when it is nowhere."""
    local = CHECKOUT / ".lab/bin/toxiproxy-server"
    named = os.environ.get("FIREDRILL_TOXIPROXY")
    if named and named != "builtin":  # `builtin` picks the stack's proxy
        return shutil.which(named)
    return shutil.which(str(local) if local.exists() else "toxiproxy-server")


def eventually(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Poll until *condition* is truthy; its value."""
    give_up = time.monotonic() + patience_s
    while True:
        if value := condition():
            return value
        assert time.monotonic() < give_up, f"waited {patience_s:g} s for {what}"
        time.sleep(0.01)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """A running server, whichever it is."""

    def __init__(self, kind: str, *flags: str, output: IO[bytes] | None = None) -> None:
        self.kind = kind
        binary = real_binary()
        command = [str(binary)] if kind == "real" else [sys.executable, "-m", "services.toxiproxy"]
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*command, "-host", "127.0.0.1", "-port", str(self.port), *flags],
            cwd=CHECKOUT,
            env={**os.environ, "LOG_LEVEL": "debug"},
            stdout=output or subprocess.DEVNULL,
            stderr=output or subprocess.DEVNULL,
        )
        eventually(self._answers, f"{kind} to answer")

    def _answers(self) -> bool:
        assert self.process.poll() is None, f"{self.kind} ended with {self.process.returncode}"
        try:
            return self.call("GET", "/version").status == 200
        except OSError:
            return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> Answer:
        """One request; *body* is sent as JSON unless it is bytes already. Raises: TimeoutError."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, data, headers or {})
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()


class Upstream:
    """A TCP server with one thread per connection.

    Attributes:
        port: Where it listens.
        connections: Every connection that it has accepted.
        received: What each has sent.
        ended: How each ended, in their order: `eof` or the error's name; None while it is open.
    """

    def __init__(self, serve: Callable[[Upstream, socket.socket, int], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.received: list[bytearray] = []
        self.ended: list[str | None] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.received.append(bytearray())
            self.ended.append(None)
            self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection, len(self.connections) - 1), daemon=True).start()

    def _run(self, connection: socket.socket, number: int) -> None:
        try:
            self._serve(self, connection, number)
            self.ended[number] = "eof"
        except OSError as error:
            self.ended[number] = type(error).__name__
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def read_all(upstream: Upstream, connection: socket.socket, number: int) -> None:
    """Read until the end, answer nothing."""
    while data := connection.recv(65536):
        upstream.received[number] += data


def echo(upstream: Upstream, connection: socket.socket, number: int) -> None:
    """Send everything back."""
    while data := connection.recv(65536):
        upstream.received[number] += data
        connection.sendall(data)


def reader_of_one(upstream: Upstream, connection: socket.socket, number: int) -> None:
    """Read one byte, close without an answer."""
    upstream.received[number] += connection.recv(1)


def sender(payload: bytes) -> Callable[[Upstream, socket.socket, int], None]:
    """Send *payload* at once, close."""

    def serve(upstream: Upstream, connection: socket.socket, number: int) -> None:
        connection.sendall(payload)

    return serve


def talker(payload: bytes) -> Callable[[Upstream, socket.socket, int], None]:
    """Send *payload* at once, then read until the end."""

    def serve(upstream: Upstream, connection: socket.socket, number: int) -> None:
        connection.sendall(payload)
        read_all(upstream, connection, number)

    return serve


@dataclass
class Client:
    """A connection through a proxy."""

    socket: socket.socket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        """Exactly *size* bytes, fewer at the end of the stream."""
        data = bytearray()
        while len(data) < size and (piece := self.socket.recv(min(size - len(data), 65536))):
            data += piece
        return bytes(data)

    def rest(self) -> bytes:
        """Everything up to the end of the stream. Raises: ConnectionResetError."""
        return self.receive(2**40)

    def ask(self, data: bytes) -> bytes:
        """Send to an echo, and what comes back."""
        self.send(data)
        return self.receive(len(data))

    def ask_s(self, data: bytes = b"ping") -> float:
        """Seconds that `ask` takes."""
        started = time.monotonic()
        assert self.ask(data) == data
        return time.monotonic() - started

    def ending(self) -> str:
        """How the stream ends: `eof` or `reset`."""
        try:
            self.rest()
        except ConnectionResetError:
            return "reset"
        return "eof"

    def is_silent(self, for_s: float) -> bool:
        """True when nothing arrives, not even an end, for so long."""
        self.socket.settimeout(for_s)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False

    def send_until_it_fails(self, piece: bytes, *, every_s: float = 0.0) -> None:
        """Send on and on. Raises: OSError as soon as the connection is gone."""
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            self.send(piece)
            time.sleep(every_s)

    def finish_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.socket.close()


@dataclass
class Proxy:
    """A proxy of the server under test."""

    server: Server
    name: str
    port: int

    @property
    def path(self) -> str:
        return f"/proxies/{quote(self.name)}"

    @property
    def listen(self) -> str:
        return f"127.0.0.1:{self.port}"

    def show(self) -> dict[str, Any]:
        answer = self.server.call("GET", self.path)
        assert answer.status == 200, answer
        return answer.json

    def change(self, **fields: Any) -> Answer:
        return self.server.call("PATCH", self.path, fields)

    def add(
        self, kind: str, *, stream: str = "downstream", toxicity: float = 1, name: str = "t", **attributes: int
    ) -> None:
        body = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        answer = self.server.call("POST", f"{self.path}/toxics", body)
        assert answer.status == 200, answer

    def update(self, name: str = "t", **fields: Any) -> None:
        answer = self.server.call("PATCH", f"{self.path}/toxics/{name}", fields)
        assert answer.status == 200, answer

    def remove(self, name: str = "t") -> None:
        answer = self.server.call("DELETE", f"{self.path}/toxics/{name}")
        assert answer.status == 204, answer

    def refuses(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), PATIENCE_S).close()
        except ConnectionRefusedError:
            return True
        return False


_NUMBERS = count(1)


@dataclass
class Lab:
    """What a test needs, cleaned up behind it."""

    server: Server
    _upstreams: list[Upstream] = field(default_factory=list)
    _clients: list[Client] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def name(self) -> str:
        """A name that no other test uses; its proxy is deleted in the end."""
        self.names.append(f"proxy{next(_NUMBERS)}")
        return self.names[-1]

    def upstream(self, serve: Callable[[Upstream, socket.socket, int], None] = echo) -> Upstream:
        self._upstreams.append(Upstream(serve))
        return self._upstreams[-1]

    def proxy(self, upstream: Upstream | str, **fields: Any) -> Proxy:
        """A proxy on a free port."""
        where = upstream if isinstance(upstream, str) else upstream.address
        body = {"name": self.name(), "listen": "127.0.0.1:0", "upstream": where, **fields}
        answer = self.server.call("POST", "/proxies", body)
        assert answer.status == 201, answer
        return Proxy(self.server, body["name"], int(answer.json["listen"].rpartition(":")[2]))

    def client(self, proxy: Proxy) -> Client:
        connection = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients.append(Client(connection))
        return self._clients[-1]

    def established(self, proxy: Proxy) -> Client:
        """A connection to an echo that is known to reach its upstream."""
        client = self.client(proxy)
        assert client.ask(b"hello") == b"hello"
        return client

    def free_port(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            return probe.getsockname()[1]

    def clean_up(self) -> None:
        for client in self._clients:
            client.close()
        for upstream in self._upstreams:
            upstream.close()
        for name in self.names:
            assert self.server.call("DELETE", f"/proxies/{quote(name)}").status in (204, 404)


@pytest.fixture(scope="session", params=["standin", pytest.param("real", marks=pytest.mark.toxiproxy_real)])
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "real" and real_binary() is None:
        why = "no toxiproxy-server in FIREDRILL_TOXIPROXY, .lab/bin or PATH"
        if "toxiproxy_real" in os.environ.get("FIREDRILL_REQUIRE", ""):
            pytest.fail(why)
        pytest.skip(why)
    return str(request.param)


@contextmanager
def deaf_listener() -> Iterator[tuple[socket.socket, str]]:
    """An address that does not answer a SYN: a listener with a full backlog that nobody accepts from."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        yield listener, f"127.0.0.1:{address[1]}"
        for filler in fillers:
            filler.close()


@pytest.fixture
def black_hole() -> Iterator[tuple[socket.socket, str]]:
    with deaf_listener() as found:
        yield found


@pytest.fixture(scope="session")
def hung_disable(request: pytest.FixtureRequest, kind: str) -> Iterator[Callable[[], Answer]]:
    """Disable a proxy that dials into the void; what it returns waits for the answer, which takes 25 s."""
    if not any("test_zz_handler_timeout" in item.nodeid for item in request.session.items):
        yield lambda: pytest.fail("not asked for")
        return
    server = Server(kind)
    answers: list[Answer] = []
    with deaf_listener() as (_, address):
        lab = Lab(server)
        proxy = lab.proxy(address)
        lab.client(proxy)
        # Accepted and being dialled: from then on the disabling has to wait.
        time.sleep(0.3)
        ask = partial(server.call, "PATCH", proxy.path, {"enabled": False}, timeout_s=60)

        def asking() -> None:
            with suppress(ConnectionError):  # where no test of this worker waits for it, the server is killed before
                answers.append(ask())

        thread = threading.Thread(target=asking)
        thread.start()

        def wait() -> Answer:
            thread.join()
            return answers[0]

        yield wait
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def shared_server(kind: str, hung_disable: object) -> Iterator[Server]:
    server = Server(kind)
    yield server
    assert server.stop() == 0


@pytest.fixture
def server(shared_server: Server) -> Server:
    return shared_server


@pytest.fixture
def lab(server: Server) -> Iterator[Lab]:
    lab = Lab(server)
    yield lab
    lab.clean_up()
    assert server.process.poll() is None, "the server crashed"


@pytest.fixture
def own_lab(kind: str) -> Iterator[Lab]:
    """A server of the test's own, for what would disturb the others; it is killed in the end."""
    lab = Lab(Server(kind))
    yield lab
    lab.server.process.kill()
    lab.names.clear()
    lab.server.process.wait()
    lab.clean_up()


@pytest.fixture
def start(kind: str) -> Iterator[Callable[..., Server]]:
    """Start a server with flags; it is killed in the end."""
    started: list[Server] = []

    def begin(*flags: str) -> Server:
        started.append(Server(kind, *flags))
        return started[-1]

    yield begin
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture
def upstreams() -> SimpleNamespace:
    """Ways an upstream may behave, by name: test modules can't import this file."""

    return SimpleNamespace(echo=echo, read_all=read_all, reader_of_one=reader_of_one, sender=sender, talker=talker)


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually
