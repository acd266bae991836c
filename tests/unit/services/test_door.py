"""The gateway knows who comes in, while the caller waits for its answer: one short request is enough to be known."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from services.listen import listen
from services.sockets import Owners, sockets

TOKEN = {"X-Lab-Token": "t0ken"}
CHARGE = {"json": {"order_id": "o-1", "amount_cents": 5}, "headers": {"Idempotency-Key": "k-1"}}
# As much of a proxy as matters here: a process of its own, which also listens where the proxy's API would.
PROXY = """
import socket, sys, threading
api, front = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
print(api.getsockname()[1], front.getsockname()[1], flush=True)
upstream = int(sys.stdin.readline())
def pump(a, b):
    while data := a.recv(65536):
        b.sendall(data)
while True:
    client, _ = front.accept()
    server = socket.create_connection(("127.0.0.1", upstream))
    for pair in ((client, server), (server, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


@pytest.fixture
def ways(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """URLs of a gateway: through its proxy, and past it."""
    with closing(listen("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    proxy = subprocess.Popen([sys.executable, "-c", PROXY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert proxy.stdout
    assert proxy.stdin
    api, front = map(int, proxy.stdout.readline().split())
    (tmp_path / "token").write_text("t0ken")
    gateway = subprocess.Popen(
        [sys.executable, "-m", "services.gateway"],
        env={
            "GATEWAY_PORT": str(port), "GATEWAY_DATABASE": str(tmp_path / "ledger"), "GATEWAY_PROCESSING_MS": "0",
            "GATEWAY_LAB_TOKEN_FILE": str(tmp_path / "token"), "GATEWAY_PROXY_PORT": str(api),
        },
    )  # fmt: skip
    proxy.stdin.write(f"{port}\n")
    proxy.stdin.flush()
    give_up = time.monotonic() + 30
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert time.monotonic() < give_up
        time.sleep(0.05)
    yield f"http://127.0.0.1:{front}", f"http://127.0.0.1:{port}"
    for process in (gateway, proxy):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


def test_each_call_says_which_way_it_came(ways: tuple[str, str]) -> None:
    through, past = ways
    assert httpx.post(f"{through}/charges", json=CHARGE["json"], headers=CHARGE["headers"]).status_code == 201
    direct = f"import httpx; httpx.post('{past}/charges', json={CHARGE['json']}, headers={CHARGE['headers']})"
    caller = subprocess.run([sys.executable, "-c", direct], check=True)
    assert caller.returncode == 0
    calls = httpx.get(f"{past}/lab/calls", headers=TOKEN).json()["calls"]
    assert [call["through_proxy"] for call in calls] == [True, False]
    told = httpx.get(f"{past}/lab/callers", headers=TOKEN).json()
    assert told["looks"] is True
    assert "httpx.post" in " ".join(caller["what"] for caller in told["past"])


def test_the_kernel_s_list_names_both_ends_and_who_holds_them() -> None:
    with closing(listen("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            ends = [sock for sock in sockets() if sock.remote == port]
            assert [end.local for end in ends] == [client.getsockname()[1]]
            assert Owners().of([ends[0].inode]) == {ends[0].inode: os.getpid()}
        assert any(sock.listens and sock.local == port for sock in sockets())


def test_the_mail_catcher_keeps_who_comes_past_its_proxy(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    with closing(listen("127.0.0.1", 0)) as api:  # where the proxy's API would be: nobody else's
        catcher = subprocess.Popen(
            [sys.executable, "-m", "services.mail"],
            env={
                "MAIL_SMTP_PORT": "0", "MAIL_HTTP_PORT": "0", "MAIL_DATABASE": str(tmp_path / "mails"),
                "MAIL_LAB_TOKEN_FILE": str(tmp_path / "token"), "MAIL_PROXY_PORT": str(api.getsockname()[1]),
            },
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert catcher.stderr
        smtp, http = re.findall(r":(\d+)", catcher.stderr.readline())
        try:
            past = f"import smtplib; smtplib.SMTP('127.0.0.1', {smtp}).quit()"
            subprocess.run([sys.executable, "-c", past], check=True)
            told = httpx.get(f"http://127.0.0.1:{http}/lab/callers", headers=TOKEN).json()
            assert ["smtplib" in caller["what"] for caller in told["past"]] == [True]
            assert httpx.get(f"http://127.0.0.1:{http}/lab/callers").status_code == 401
        finally:
            catcher.kill()
            catcher.wait()
            catcher.stderr.close()
