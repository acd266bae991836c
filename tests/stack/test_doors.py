"""The doors of a running stack: every port, asked as a page of a stranger would and as somebody without a password."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from services.stack.layout import OFFSETS, SECRETS, Lab

from .conftest import LabUnderTest

pytestmark = pytest.mark.stack

# What each port of HTTP answers to anybody with 200.
OPEN = {
    "api": "/live",
    "dashboard": "/_stcore/health",
    "prometheus": "/-/ready",
    "scorecard": "/health",
    "gateway": "/health",
    "agent": "/health",
    "toxiproxy": "/version",
    "supervisor": "/RPC2",
    "shop_to_gateway": "/health",
    "worker_metrics": "/metrics",
    "relay_metrics": "/metrics",
    "mail_http": "/health",
}
ALSO = {
    "api": ("/metrics", "/api/events/"),
    "scorecard": ("/metrics", "/static/admin/css/base.css", "/admin/"),
    "gateway": ("/metrics",),
    "mail_http": ("/metrics",),
    "agent": ("/metrics",),
    "dashboard": ("/", "/_stcore/host-config"),
    "toxiproxy": ("/proxies",),
}
# Other protocols, and one that listens during a run only (tests/unit/loadtests/test_metrics.py).
NOT_HTTP = {
    "postgres", "redis", "mail", "shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_mail",
    "driver_metrics",
}  # fmt: skip
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FOREIGN = ("evil.example", "evil.example:18000", "localhost.evil.example", "127.0.0.1.evil.example", "")


def ask(stack: LabUnderTest, name: str, path: str, host: str, *, browser: bool) -> int:
    """Status of one request with that Host, with every password that the lab has."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.base_port + OFFSETS[name], timeout=20)
    login = stack.book["supervisor"]
    basic = base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()
    method, body = (
        ("POST", b"<methodCall><methodName>supervisor.getState</methodName></methodCall>")
        if path == "/RPC2"
        else ("GET", None)
    )
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        connection.putheader("X-Lab-Token", stack.book["lab_token"])
        connection.putheader("Authorization", f"Basic {basic}")
        if body:
            connection.putheader("Content-Length", str(len(body)))
        if browser:
            connection.putheader("User-Agent", BROWSER)
            connection.putheader("Origin", f"http://{host}")
        connection.endheaders(body)
        return connection.getresponse().status


def test_every_port_is_known_here(stack: LabUnderTest) -> None:
    ports = range(stack.base_port, stack.base_port + max(OFFSETS.values()) + 1)
    listening = {c.laddr.port for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port in ports}
    names = {name for name, offset in OFFSETS.items() if stack.base_port + offset in listening}
    assert names <= OPEN.keys() | NOT_HTTP
    assert set(OFFSETS) == OPEN.keys() | NOT_HTTP


@pytest.mark.parametrize("name", OPEN)
def test_a_foreign_host_is_refused(stack: LabUnderTest, name: str) -> None:
    port = stack.base_port + OFFSETS[name]
    if name == "prometheus" and stack.book["urls"]["prometheus"] is None:
        pytest.skip("this machine has no Prometheus")
    for own in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert ask(stack, name, OPEN[name], own, browser=False) == 200, own
    if name == "prometheus":
        pytest.skip("it has no setting for it: docs/extend/architecture.md says what that means")
    real = name == "toxiproxy" and stack.book["toxiproxy"]["kind"] == "real"
    for host in FOREIGN:
        for path in (OPEN[name], *ALSO.get(name, ())):
            assert ask(stack, name, path, host, browser=True) in {400, 403}, (host, path)
            if not real:  # the real server refuses every browser, and nothing else
                assert ask(stack, name, path, host, browser=False) in {400, 403}, (host, path)


def test_prometheus_lets_no_foreign_page_read_it(stack: LabUnderTest) -> None:
    if stack.book["urls"]["prometheus"] is None:
        pytest.skip("this machine has no Prometheus")
    connection = http.client.HTTPConnection("127.0.0.1", stack.base_port + OFFSETS["prometheus"], timeout=20)
    connection.request("GET", "/api/v1/status/buildinfo", headers={"Origin": "http://evil.example"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, None)


@pytest.mark.parametrize(("host", "origin", "opens"), [
    ("evil.example", "http://evil.example", False),
    ("evil.example:{port}", "http://evil.example:{port}", False),
    ("127.0.0.1:{port}", "http://evil.example", False),
    ("127.0.0.1:{port}", "http://127.0.0.1:{port}", True),
    ("localhost:{port}", "http://localhost:{port}", True),
])  # fmt: skip
def test_the_dashboards_websocket(stack: LabUnderTest, host: str, origin: str, opens: bool) -> None:
    port = stack.base_port + OFFSETS["dashboard"]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        lines = [
            "GET /_stcore/stream HTTP/1.1",
            f"Host: {host.format(port=port)}",
            f"Origin: {origin.format(port=port)}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        status = connection.recv(200).split(b" ")[1]
    assert (status == b"101") is opens, status


def redis_login(stack: LabUnderTest, port: str, user: str | None, password: str | None) -> redis.Redis:
    return redis.Redis(
        port=stack.base_port + OFFSETS[port], username=user, password=password, socket_timeout=10, retry=None
    )


@pytest.mark.parametrize("port", ["redis", "shop_to_cache", "shop_to_broker"])
def test_redis_asks_for_a_password(stack: LabUnderTest, port: str) -> None:
    for user, password in ((None, None), ("default", ""), ("lab", "guess"), ("shop", "")):
        with redis_login(stack, port, user, password) as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_redis_gives_the_shop_what_a_shop_needs(stack: LabUnderTest) -> None:
    secrets = stack.lab_dir / "secrets"
    with redis_login(stack, "redis", "shop", (secrets / "redis_shop").read_text()) as shop:
        assert shop.ping()
        for command in (
            "MONITOR", "CONFIG GET *", "CLIENT LIST", "CLIENT PAUSE 1", "CLIENT KILL TYPE normal", "ACL LIST",
            "SHUTDOWN NOSAVE", "FLUSHALL", "SLOWLOG RESET", "REPLICAOF NO ONE", "MODULE LIST", "SAVE",
        ):  # fmt: skip
            with pytest.raises(redis.exceptions.NoPermissionError):
                shop.execute_command(*command.split())
        assert shop.set("a door", 1, px=50)
        assert shop.eval("return redis.call('get', KEYS[1])", 1, "a door") in {b"1", None}
        assert shop.info("server")["run_id"]
    with redis_login(stack, "redis", "lab", stack.book["redis"]["password"]) as lab:
        assert lab.client_list()


def processes(stack: LabUnderTest) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("FIREDRILL_STACK_PROCESS") == Lab(stack.lab_dir).mark:
                yield process


def test_no_secret_is_told(stack: LabUnderTest) -> None:
    """Neither on a command line, which every user of the machine can read, nor in a log."""
    secrets = {name: (stack.lab_dir / "secrets" / name).read_text().strip() for name in SECRETS}
    said = {f"pid {process.pid}": " ".join(process.cmdline()) for process in processes(stack)}
    assert len(said) > 8
    said |= {
        str(file): file.read_text(errors="replace") for file in (stack.lab_dir / "log").rglob("*") if file.is_file()
    }
    assert [(name, where) for name, secret in secrets.items() for where, text in said.items() if secret in text] == []


def open_to_others(root: Path) -> list[str]:
    """Files and folders below *root* that its owner shares with anybody; servers that came from others are left out."""
    found = []
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            # What the shop may read is in `shop`; its secrets there are its own user's.
            folders[:] = [name for name in folders if name not in {"bin", "prometheus", "lock", "evidence", "shop"}]
        for name in (*folders, *files):
            path = Path(folder, name)
            with contextlib.suppress(FileNotFoundError):  # a file of a moment
                if not path.is_symlink() and (mode := stat.S_IMODE(path.lstat().st_mode)) & 0o077:
                    found.append(f"{path.relative_to(root)}: {mode:o}")
    return found


def test_files_of_the_lab_are_for_their_owner(stack: LabUnderTest) -> None:
    assert open_to_others(stack.lab_dir) == []
    assert open_to_others(stack.lab_dir / "shop" / "secrets") == []
    assert not [said for said in open_to_others(stack.lab_dir / "shop") if int(said.rpartition(": ")[2], 8) & 0o022]
    assert stat.S_IMODE(stack.lab_dir.stat().st_mode) & 0o066 == 0
