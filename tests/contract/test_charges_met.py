"""Whose charge a signal meets: by the kernel's record of the process and the real gateway, behind a slow proxy."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.gateway import Gateway
from services.listen import listen
from services.stack.control import ControlInterface

TOKEN = "t0ken"
HELD_BACK_S = 1.5
# A proxy that holds each answer back, as a latency toxic does; the gateway has long answered by then.
PROXY = f"""
import socket, sys, threading, time
front = socket.create_server(("127.0.0.1", 0))
print(front.getsockname()[1], flush=True)
def pump(a, b, wait_s):
    while data := a.recv(65536):
        time.sleep(wait_s)
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
while True:
    client, _ = front.accept()
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=pump, args=(client, server, 0), daemon=True).start()
    threading.Thread(target=pump, args=(server, client, {HELD_BACK_S}), daemon=True).start()
"""
CHARGE = """
import httpx
def charge(timeout):
    body, key = {"order_id": "o-1", "amount_cents": 5}, {"Idempotency-Key": "k-1"}
    try:
        httpx.post(URL + "/charges", json=body, headers=key, timeout=timeout, trust_env=False)
    except httpx.TimeoutException:
        pass
"""
IDLE = (
    "import socket, time; kept = socket.create_connection(('127.0.0.1', PORT)); print('x', flush=True); time.sleep(60)"
)
CHARGES = f"{CHARGE}print('x', flush=True); charge(30); import time; time.sleep(60)"
GAVE_UP = f"{CHARGE}charge(0.2); print('x', flush=True); import time; time.sleep(60)"


class _Supervisord:
    """As much of supervisord as the extension asks for."""

    def __init__(self, pid: int) -> None:
        process = type("Process", (), {"pid": pid})()
        self.process_groups = {"shop": type("Group", (), {"processes": {"worker": process}})()}


class Way:
    """The gateway, its proxy, and the shop's processes."""

    def __init__(self, gateway_port: int, proxy_port: int) -> None:
        self.gateway = Gateway(f"http://127.0.0.1:{gateway_port}", TOKEN)
        self.port = proxy_port
        self.began: list[subprocess.Popen[str]] = []

    def program(self, code: str) -> int:
        """Pid of a leader of a group, which has told that it is there."""
        text = code.replace("URL", repr(f"http://127.0.0.1:{self.port}")).replace("PORT", str(self.port))
        process = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True, process_group=0)
        self.began.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "x\n"
        return process.pid

    def charges_met(self, worker: int, number: signal.Signals) -> int:
        """As `SupervisorProcesses` and the faults put it together, without XML-RPC between."""
        control = ControlInterface(_Supervisord(worker), None)
        control._signal_strays = lambda _: False  # type: ignore[method-assign]  # here the gateway looks like one
        hit = control.signal_group("shop:worker", int(number), self.port)
        now = time.time() - (time.monotonic() - hit["steady_s"])
        return self.gateway.charges_among([now - (hit["steady_s"] - at) for at in hit["asked_steady_s"]], now)


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    with closing(listen("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    (tmp_path / "token").write_text(TOKEN)
    gateway = subprocess.Popen(
        [sys.executable, "-m", "services.gateway"],
        env={
            "GATEWAY_PORT": str(port), "GATEWAY_DATABASE": str(tmp_path / "ledger"), "GATEWAY_PROCESSING_MS": "0",
            "GATEWAY_LAB_TOKEN_FILE": str(tmp_path / "token"),
        },
    )  # fmt: skip
    proxy = subprocess.Popen([sys.executable, "-c", PROXY, str(port)], stdout=subprocess.PIPE, text=True)
    assert proxy.stdout
    eventually(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
    made = Way(port, int(proxy.stdout.readline()))
    yield made
    all_: list[subprocess.Popen[Any]] = [gateway, proxy, *made.began]
    for process in all_:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def eventually(is_so: Callable[[], object]) -> None:
    give_up = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)


SIGNALS = pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])


@SIGNALS
def test_the_worker_s_own_charge_is_met_though_the_gateway_has_answered_it(way: Way, number: signal.Signals) -> None:
    worker = way.program(CHARGES)
    eventually(lambda: [call for call in way.gateway.calls() if call.answered_unix_s is not None])
    assert way.gateway.in_flight_since() == []
    assert way.charges_met(worker, number) == 1


@SIGNALS
def test_a_charge_of_another_process_is_not(way: Way, number: signal.Signals) -> None:
    """A shop whose relay charges, while its worker keeps an idle connection to the gateway."""
    worker = way.program(IDLE)
    way.program(CHARGES)
    eventually(way.gateway.calls)
    assert way.charges_met(worker, number) == 0


@SIGNALS
def test_a_charge_that_the_worker_gave_up_is_not(way: Way, number: signal.Signals) -> None:
    worker = way.program(GAVE_UP)
    assert len(way.gateway.calls()) == 1
    assert way.charges_met(worker, number) == 0
