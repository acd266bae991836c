"""One real stack for all stack tests of a session: own ports, own lab folder, gone at the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
PORTS_PER_STACK = 17


@dataclass(frozen=True)
class Answer:
    """What one stack command ended with."""

    exit_code: int
    document: dict[str, Any]
    stderr: str


@dataclass(frozen=True)
class LabUnderTest:
    """A lab of its own; `command` runs `python -m services.stack … --json` on it."""

    lab_dir: Path
    base_port: int
    extra_environment: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """For any program that is to work with this lab."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIREDRILL_", "SHOP_"))}
        own = {
            "FIREDRILL_LAB_DIR": str(self.lab_dir),
            "FIREDRILL_BASE_PORT": str(self.base_port),
            "FIREDRILL_EVIDENCE_DIR": str(self.lab_dir / "evidence"),
        }
        passed_on = {
            name: os.environ[name] for name in ("FIREDRILL_TOXIPROXY", "FIREDRILL_OFFLINE") if name in os.environ
        }
        return {**kept, **passed_on, **own, **self.extra_environment}

    @property
    def stack_file(self) -> Path:
        return self.lab_dir / "stack.json"

    @property
    def book(self) -> dict[str, Any]:
        """The address book, `stack.json`."""
        document: dict[str, Any] = json.loads(self.stack_file.read_text())
        return document

    def url(self, name: str) -> str:
        return str(self.book["urls"][name])

    def command(self, *words: str, timeout_s: float = 180, **environment: str) -> Answer:
        """Run one stack command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "services.stack", *words, "--json"],
            cwd=CHECKOUT,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.stdout, f"{words}: no document on stdout, stderr: {done.stderr}"
        return Answer(done.returncode, json.loads(done.stdout), done.stderr)

    def ok(self, *words: str, **environment: str) -> dict[str, Any]:
        """Run one stack command that has to succeed; returns its document."""
        answer = self.command(*words, **environment)
        assert answer.exit_code == 0, answer
        return answer.document


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base_port(start: int = 26000) -> int:
    """A base port whose whole range is free; where the search starts depends on the process, for runs side by side."""
    for step in range(60):
        base = start + (os.getpid() * 20 + step * 20) % 2000
        if all(_is_free(base + offset) for offset in range(PORTS_PER_STACK)):
            return base
    raise AssertionError("no free range of ports")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """The session's stack, up with `hardened`. Tests leave it up, with pristine proxies, whatever the variant."""
    lab = LabUnderTest(tmp_path_factory.mktemp("lab"), free_base_port())
    try:
        lab.ok("up")
        yield lab
    finally:
        lab.command("down")  # first: a reset brings a stack that was up back up
        lab.command("reset")  # its data outside the temporary folder (root's is closed to PostgreSQL's user)


@pytest.fixture
def new_lab(tmp_path: Path) -> Iterator[Callable[..., LabUnderTest]]:
    """Make further labs; whatever a test leaves running is brought down."""
    made: list[LabUnderTest] = []

    def make(name: str = "lab", **extra_environment: str) -> LabUnderTest:
        made.append(LabUnderTest(tmp_path / name, free_base_port(28000 + 20 * len(made)), extra_environment))
        return made[-1]

    yield make
    for lab in made:
        lab.command("down")
        lab.command("reset")
