"""A shell, files, servers and sessions for the tests of the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chaos.cli import app as cli
from chaos.drills.conclude import conclude
from tests.unit.chaos.adapters.servers import Http, http_server
from tests.unit.chaos.cli.shell import FakeLab, Said, Shell
from tests.unit.chaos.runs import TEXT, run_of, write_run
from tests.unit.chaos.scenarios import GOOD, bent


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    lab, evidence = tmp_path / "lab", tmp_path / "evidence"
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(lab))
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(evidence))
    monkeypatch.delenv("FIREDRILL_STACK_FILE", raising=False)

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["firedrill", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        code = caught.value.code
        return Said(int(code) if isinstance(code, int) else 0 if code is None else -1, out, err)

    return Shell(lab, evidence, call)


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text(bent(("settle: 20s", "settel: 20s"), ("drill: 3", "drill: 9")))
    return str(path)


@pytest.fixture
def steady(tmp_path: Path) -> str:
    path = tmp_path / "steady.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.fixture
def folder(shell: Shell) -> Path:
    return conclude(write_run(run_of(shell.evidence)), index=None, say=pytest.fail).folder


@pytest.fixture
def scorecard(shell: Shell) -> Iterator[Http]:
    with http_server() as server:
        shell.stack(scorecard=server.url)
        yield server


def proxies(*, enabled: bool = True, toxics: tuple[dict[str, Any], ...] = (), **book: Any) -> dict[str, Any]:
    return {
        name: {"name": name, **addresses, "enabled": enabled, "toxics": list(toxics)}
        for name, addresses in book.items()
    }


@pytest.fixture
def toxiproxy(shell: Shell) -> Iterator[Http]:
    """A Toxiproxy whose proxies are all disabled until it is reset."""
    with http_server() as server:
        shell.stack(toxiproxy=server.url)
        book = json.loads((shell.lab / "stack.json").read_text())["proxies"]
        server.json("GET /proxies", proxies(enabled=False, **book))

        def reset(_: Any) -> tuple[int, bytes]:
            server.json("GET /proxies", proxies(**book))
            return 204, b""

        server.answers["POST /reset"] = reset
        yield server


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLab:
    lab = FakeLab()

    @contextmanager
    def session(options: Any, view: Any, *, purpose: str) -> Iterator[FakeLab]:
        view.say(purpose)
        lab.options = options
        yield lab

    for module in ("run", "selftest", "power", "check", "calibrate"):
        monkeypatch.setattr(f"chaos.cli.commands.{module}.session", session)
    return lab
