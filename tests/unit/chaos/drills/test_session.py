"""The lab in one process's hands: signals, refusals, and what a run stands on."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.config import Stack
from chaos.drills import session as sessions
from chaos.drills.session import Options, Session, folder_of, versions
from chaos.errors import Inconclusive, InvalidInput
from chaos.run.runner import Stop
from tests.unit.chaos.fakes import FakeView
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


def test_folders_by_path_or_by_run_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path / "evidence"))
    assert folder_of(str(tmp_path)) == tmp_path
    assert folder_of("20261123-x") == tmp_path / "evidence" / "20261123-x"
    for name in ("x" * 5000, "\udcff"):
        with pytest.raises(InvalidInput, match=r"^evidence: got .*, expected a folder or a run id$"):
            folder_of(name)
