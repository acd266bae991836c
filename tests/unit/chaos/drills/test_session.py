"""The lab in one process's hands: signals, refusals, and what a run stands on."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.adapters.scorecard import Scorecard
from chaos.config import Stack
from chaos.drills import session as sessions
from chaos.drills.session import Options, Session, learner_of, versions
from chaos.errors import Inconclusive, LabBroken
from chaos.heal import deviations
from chaos.run.request import Stop
from tests.unit.chaos.adapters.servers import closed_port, http_server
from tests.unit.chaos.fakes import FakeView, Outside
from tests.unit.chaos.scenarios import good


def stack(**more: Any) -> Stack:
    book = {
        "mode": "local",
        "base_port": 27000,
        "lab_dir": "/nowhere",
        "urls": {},
        "postgres": {"host": "h", "port": 1, "user": "u", "password": "p"},
        "redis": {"host": "h", "port": 1},
        "proxies": {},
        "supervisor": {"username": "u", "password": "p"},
        "lab_token": "t",
        "metrics": {},
        "driver_metrics_port": 0,
        "toxiproxy": {"kind": "real", "version": "2.12.0"},
        **more,
    }
    return msgspec.convert(book, Stack)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_ask_the_run_to_end_and_nothing_else(number: signal.Signals) -> None:
    stop, before = Stop(), signal.getsignal(number)
    with sessions._signals(stop):
        assert not stop.asked
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # whoever is impatient doesn't cut the healing
        assert stop.asked
    assert stop.reason == f"stopped by {number.name}"
    assert signal.getsignal(number) is before


def test_after_a_signal_no_further_run_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path))
    stop = Stop()
    stop.ask("stopped by SIGINT")
    session = Session(stack(), Options(), FakeView(), stop)
    with pytest.raises(Inconclusive, match=r"^own/small on hardened: got stopped by SIGINT, expected to run it$"):
        session.run(good(), "hardened", None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_run_stands_on() -> None:
    found = versions(stack())
    assert found["toxiproxy"] == "2.12.0 (real)"
    assert found["mode"] == "local"
    assert {"django", "locust", "firedrill", "python"} <= found.keys()
    assert sessions._version("no-such-package-of-ours") == "not installed"


class DeadRun:
    """A folder that was never sealed, and an agent that holds its lease for some looks more."""

    def __init__(self, evidence: Path, looks: int, error: LabBroken | None = None) -> None:
        (evidence / "dead-run").mkdir(parents=True)
        (evidence / "dead-run" / "journal.jsonl").touch()
        self.looks, self.asked, self.error, self.lease = looks, 0, error, self

    def holder(self) -> str | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return "dead-run" if self.asked <= self.looks else None


@pytest.mark.parametrize(
    ("looks", "error", "asked", "said"),
    [
        (3, None, 4, ["dead-run is dead; waiting for the agent to heal in its place"]),
        (0, None, 1, []),
        (9, LabBroken("agent: away"), 1, []),
    ],
)
def test_the_watchdog_is_waited_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    looks: int,
    error: LabBroken | None,
    asked: int,
    said: list[str],
) -> None:
    """What it notes belongs to the dead run's evidence, and must not come after that is sealed."""
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path))
    monkeypatch.setattr(sessions, "POLL_S", 0.0)
    dead, view = DeadRun(tmp_path, looks, error), FakeView()
    sessions._await_watchdog(dead, view)  # type: ignore[arg-type]
    assert (dead.asked, view.said) == (asked, said)


def test_nobody_is_waited_for_when_every_run_is_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path))
    dead = DeadRun(tmp_path, 10**9)
    (tmp_path / "dead-run" / "manifest.json").touch()
    sessions._await_watchdog(dead, FakeView())  # type: ignore[arg-type]
    assert dead.asked == 0


@pytest.mark.parametrize("dirt", ["proxy", "process", "gateway"])
@pytest.mark.parametrize("heal_first", [False, True])
def test_a_lab_that_is_dirty_anywhere_is_refused_or_healed(dirt: str, heal_first: bool) -> None:
    outside = Outside()
    if dirt == "proxy":
        outside.proxies.enabled["shop_to_cache"] = False
    elif dirt == "process":
        outside.processes.paused.add("worker")
    else:
        outside.gateway.switches["status"] = {"code": 503, "ratio": 1.0}
    if heal_first:
        sessions._clean(outside.lab, Options(heal_first=True), FakeView())
        assert deviations(outside.lab) == []
        return
    with pytest.raises(LabBroken, match=r"^lab: got .*, expected a pristine one \(firedrill heal, or --heal\)$"):
        sessions._clean(outside.lab, Options(), FakeView())


def test_a_name_is_never_waited_for() -> None:
    """Without the scorecard, or with an unexpected answer, the run has no learner's name."""
    with http_server() as server:
        scorecard = Scorecard(server.url, "t0ken")
        server.json("GET /api/learner/", {"name": "Ada", "version": 1})
        assert learner_of(scorecard) == "Ada"
        for status, body in ((500, b"{}"), (200, b"<html>"), (200, b"[]")):
            server.answers["GET /api/learner/"] = (status, body)
            assert learner_of(scorecard) == ""
    assert learner_of(Scorecard(f"http://127.0.0.1:{closed_port()}", "t0ken")) == ""
