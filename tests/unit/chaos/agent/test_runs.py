"""Runs that the dashboard starts and stops, over HTTP, with processes of which the test decides how they end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from chaos.agent.app import make_app
from chaos.agent.runs import RunDesk, spawn
from chaos.agent.watchdog import Watchdog
from launch.python import PYTHON

SCENARIO = "concurrency/flash-sale"
TOKEN = {"X-Lab-Token": "t"}


class FakeProcess:
    """Runs until the test gives it an exit code; a SIGTERM ends it when it is obedient."""

    def __init__(self, *, obedient: bool = True) -> None:
        self.code: int | None = None
        self.signals: list[int] = []
        self.killed = False
        self.obedient = obedient

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("run", timeout or 0)
        return self.code

    def send_signal(self, sig: int, /) -> None:
        self.signals.append(sig)
        if self.obedient:
            self.code = 3

    def kill(self) -> None:
        self.killed = True


class Shell:
    """What the desk starts."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.process = FakeProcess()

    def __call__(self, command: Sequence[str], log: Path) -> FakeProcess:
        self.commands.append(list(command))
        log.write_text("…\nfiredrill: run: got a lab that is busy, expected a free one\n")
        self.process = FakeProcess()
        return self.process


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def desk(tmp_path: Path, shell: Shell) -> RunDesk:
    return RunDesk(log=tmp_path / "log" / "run.log", spawn=shell, now_unix_s=lambda: 100.0)


@pytest.fixture
def client(tmp_path: Path, desk: RunDesk) -> TestClient:
    watchdog = Watchdog(heal=lambda: ((), ()), roots=(tmp_path,), monotonic_s=lambda: 0.0, now_unix_s=lambda: 0.0)
    return TestClient(
        make_app(watchdog=watchdog, registry=CollectorRegistry(), token="t", desk=desk), base_url="http://localhost"
    )


def start(client: TestClient, **change: Any) -> Any:
    return client.post("/runs", json={"scenario": SCENARIO, "variant": "naive", "seed": 7} | change, headers=TOKEN)


def test_a_run_is_started_as_in_a_terminal(client: TestClient, shell: Shell) -> None:
    answer = start(client)
    assert answer.status_code == 202
    shown = {"scenario": SCENARIO, "variant": "naive", "seed": 7, "started_unix_s": 100.0, "stopping": False}
    assert answer.json() == client.get("/runs").json() == {"running": shown, "ended": None}
    assert shell.commands == [
        [*PYTHON, "-m", "chaos.cli", "run", SCENARIO, "--variant", "naive", "--no-up", "--seed", "7"]
    ]


def test_without_a_seed_it_is_the_scenarios_own(client: TestClient, shell: Shell) -> None:
    assert start(client, seed=None).status_code == 202
    assert "--seed" not in shell.commands[0]


def test_one_at_a_time(client: TestClient, shell: Shell) -> None:
    start(client)
    assert start(client).status_code == 409
    assert len(shell.commands) == 1
    shell.process.code = 0
    assert start(client).status_code == 202


def test_stopping_is_a_sigterm_and_the_runner_ends_it(client: TestClient, shell: Shell) -> None:
    start(client)
    shell.process.obedient = False
    stopped = client.delete("/runs", headers=TOKEN)
    assert (stopped.status_code, stopped.json()["running"]["stopping"]) == (202, True)
    assert shell.process.signals == [signal.SIGTERM]
    shell.process.code = 3
    ended = client.get("/runs").json()
    assert (ended["running"], ended["ended"]["exit_code"]) == (None, 3)
    assert ended["ended"]["said"] == "run: got a lab that is busy, expected a free one"


def test_nothing_to_stop(client: TestClient) -> None:
    answer = client.delete("/runs", headers=TOKEN)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert "Ctrl-C" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"scenario": "concurrency/flash-sail"}, "scenario: got 'concurrency/flash-sail'"),
        ({"scenario": "../../etc/passwd"}, "scenario: got"),
        ({"variant": "hardend"}, "variant: got 'hardend'"),
        ({"variant": "--help"}, "variant: got '--help'"),
        ({"seed": -1}, "seed: got -1"),
        ({"seed": 2**31}, "seed: got"),
        ({"seed": "7"}, "seed"),
        ({"more": 1}, "more"),
    ],
)
def test_what_can_not_be_started(client: TestClient, shell: Shell, change: dict[str, Any], detail: str) -> None:
    answer = start(client, **change)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert detail in answer.json()["detail"]
    assert shell.commands == []


@pytest.mark.parametrize("headers", [{}, {"X-Lab-Token": "guess"}, {"X-Lab-Token": ""}])
def test_starting_and_stopping_need_the_token(client: TestClient, shell: Shell, headers: dict[str, str]) -> None:
    body = {"scenario": SCENARIO, "variant": "naive"}
    assert client.post("/runs", json=body, headers=headers).status_code == 401
    start(client)
    assert client.delete("/runs", headers=headers).status_code == 401
    assert shell.process.signals == []


def test_the_catalogue_names_what_can_be_started(client: TestClient) -> None:
    found = client.get("/scenarios").json()
    assert {"naive", "hardened"} <= set(found["variants"])
    (one,) = [each for each in found["scenarios"] if each["name"] == SCENARIO]
    assert (one["drill"], one["seed"], one["title"]) == (3, 7, "Flash sale")


def test_an_agent_that_ends_lets_its_run_end_first(desk: RunDesk, client: TestClient, shell: Shell) -> None:
    start(client)
    desk.close()
    assert shell.process.signals == [signal.SIGTERM]
    assert not shell.process.killed


def test_the_server_ends_its_run_when_it_ends(client: TestClient, shell: Shell) -> None:
    with client:
        start(client)
    assert shell.process.signals == [signal.SIGTERM]


def test_a_run_that_will_not_end_is_killed(desk: RunDesk, client: TestClient, shell: Shell) -> None:
    desk.close()  # nothing was started yet
    start(client)
    shell.process.obedient = False
    desk.close()
    assert shell.process.killed


def test_a_real_process_is_its_own_session_and_ends_by_the_signal(tmp_path: Path) -> None:
    process = spawn(
        [sys.executable, "-c", "import os, time; print(os.getsid(0), flush=True); time.sleep(60)"], tmp_path / "l"
    )
    try:
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == -signal.SIGTERM
    finally:
        process.kill()


def test_an_unreadable_log_gives_an_empty_message(tmp_path: Path, shell: Shell) -> None:
    desk = RunDesk(log=tmp_path / "run.log", spawn=shell)
    assert desk.state() == {"running": None, "ended": None}
