"""Where the stand-in differs from the real server on purpose (see the package's docstring)."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from services.toxiproxy import SERVER, VERSION
from services.toxiproxy.api import Api
from services.toxiproxy.collection import ProxyCollection
from services.toxiproxy.http_server import HttpServer, Request, Response

CHECKOUT = Path(__file__).parents[4]


class Standin:
    """The API without its HTTP."""

    def __init__(self) -> None:
        self.proxies = ProxyCollection()
        self._api = Api(self.proxies)

    async def call(self, method, path, body=None):
        data = b"" if body is None else json.dumps(body).encode()
        response = await self._api.handle(Request(method=method, path=path, headers={"host": "localhost"}, body=data))
        return response.status, json.loads(response.body) if response.body else None


def test_the_version_is_honest():
    status, body = asyncio.run(Standin().call("GET", "/version"))
    assert (status, body) == (200, {"version": "2.12.0+firedrill-standin"})
    assert (VERSION, SERVER) == ("2.12.0+firedrill-standin", "firedrill-standin")


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("bandwidth", {"rate": -1}),
        ("bandwidth", {"rate": 10**17}),
        ("slicer", {}),
        ("slicer", {"average_size": 4, "size_variation": 6}),
        ("latency", {"jitter": 2**62}),
    ],
)
def test_values_that_crash_the_real_server_are_refused_and_change_nothing(kind, attributes):
    async def play():
        standin = Standin()
        await standin.call("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})
        status, body = await standin.call("POST", "/proxies/a/toxics", {"type": kind, "attributes": attributes})
        assert status == 400
        assert body["error"].startswith(f"dangerous attributes: {kind}: got ")
        assert (await standin.call("GET", "/proxies/a/toxics"))[1] == []
        standin.proxies.abandon()

    asyncio.run(play())


def test_an_update_to_such_values_is_refused_and_changes_nothing():
    async def play():
        standin = Standin()
        await standin.call("POST", "/proxies", {"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})
        toxic = {"name": "t", "type": "slicer", "attributes": {"average_size": 8, "size_variation": 2}}
        assert (await standin.call("POST", "/proxies/a/toxics", toxic))[0] == 200
        change = {"attributes": {"average_size": 1, "delay": 5}}
        assert (await standin.call("PATCH", "/proxies/a/toxics/t", change))[0] == 400
        kept = (await standin.call("GET", "/proxies/a/toxics/t"))[1]["attributes"]
        assert kept == {"average_size": 8, "size_variation": 2, "delay": 0}
        standin.proxies.abandon()

    asyncio.run(play())


@pytest.mark.parametrize("listen", [None, "", ":0"])
def test_without_a_host_it_listens_on_loopback_only(listen):
    async def play():
        standin = Standin()
        body = {"name": "a", "upstream": "127.0.0.1:1"} | ({} if listen is None else {"listen": listen})
        status, proxy = await standin.call("POST", "/proxies", body)
        assert status == 201
        assert proxy["listen"].startswith("127.0.0.1:")
        standin.proxies.abandon()

    asyncio.run(play())


@pytest.mark.parametrize("content", ["nonsense", '[{"name": "a"}]', None])
def test_a_configuration_that_cannot_be_used_ends_the_process(tmp_path, content):
    file = tmp_path / "proxies.json"
    if content is not None:
        file.write_text(content)
    ended = _start("-port", "0", "-config", str(file))
    assert ended.returncode == 1
    assert str(file) in ended.stderr


def test_a_taken_port_ends_the_process():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        ended = _start("-port", str(holder.getsockname()[1]))
    assert ended.returncode == 1
    assert "address already in use" in ended.stderr


def test_version_flag():
    assert _start("-version").stdout == f"toxiproxy-server version {VERSION}\n"


def _start(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.toxiproxy", *flags]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)


def test_nothing_is_left_behind_when_connections_end():
    """Tasks and sockets of 30 connections through four toxics are gone once their clients are."""

    async def play():
        standin = Standin()

        async def echo(reader, writer):
            with suppress(ConnectionError):  # a proxy that drops data under way resets
                while data := await reader.read(1000):
                    writer.write(data)
            writer.close()

        upstream = await asyncio.start_server(echo, "127.0.0.1", 0)
        address = f"127.0.0.1:{upstream.sockets[0].getsockname()[1]}"
        body = {"name": "a", "listen": "127.0.0.1:0", "upstream": address}
        _, made = await standin.call("POST", "/proxies", body)
        for kind, attributes in (("latency", {"latency": 1}), ("slicer", {"average_size": 2}), ("noop", {})):
            assert (await standin.call("POST", "/proxies/a/toxics", {"type": kind, "attributes": attributes}))[0] == 200
        await standin.call("POST", "/proxies/a/toxics", {"type": "bandwidth", "stream": "upstream", "toxicity": 0.5})
        proxy = await standin.proxies.get("a")
        before = len(asyncio.all_tasks())
        port = int(made["listen"].rpartition(":")[2])
        writers = []
        for _ in range(30):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"some data")
            writers.append(writer)
        async with asyncio.timeout(60):  # links exist a moment before the tasks of both ends do
            while proxy.toxics.link_count < 60 or len(asyncio.all_tasks()) < before + 120:
                await asyncio.sleep(0.01)
        for writer in writers:
            writer.close()
        await standin.call("PATCH", "/proxies/a/toxics/bandwidth_upstream", {"attributes": {"rate": 1000}})
        async with asyncio.timeout(60):
            while proxy.toxics.link_count or len(asyncio.all_tasks()) > before:
                await asyncio.sleep(0.01)
        assert not proxy._sides
        standin.proxies.abandon()
        upstream.close()

    asyncio.run(play())


def test_a_crashing_handler_is_500_and_the_server_lives(caplog):
    async def play():
        async def handle(request):
            if request.path == "/crash":
                raise ZeroDivisionError
            return Response(status=200, body=b"fine")

        server = HttpServer(handle)
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /crash HTTP/1.1\r\n\r\nGET /ok HTTP/1.1\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await server.stop()
        return answer

    answer = asyncio.run(play())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"HTTP/1.1 200 OK" in answer
    assert answer.endswith(b"fine")
    assert "GET /crash: the handler crashed" in caplog.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / FTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
    ],
)
def test_what_is_not_http_is_400(request_bytes):
    async def play():
        server = HttpServer(lambda request: pytest.fail("never handled"))
        port = await server.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_bytes)
        answer = await reader.read()
        writer.close()
        await server.stop()
        return answer

    assert asyncio.run(play()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8474", ""])
def test_a_foreign_host_is_refused_whatever_it_asks_for(host):
    async def ask(path):
        return await Api(ProxyCollection()).handle(Request(method="GET", path=path, headers={"host": host}, body=b""))

    assert [asyncio.run(ask(path)).status for path in ("/version", "/nope")] == [403, 403]
