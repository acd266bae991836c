"""The scorecard's server is a master with a process that answers: neither goes on without the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.stack.conftest import free_base_port

pytestmark = pytest.mark.stack
CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


def test_what_answers_ends_with_its_master(tmp_path: Path) -> None:
    """Else it would keep the port beside the next one's, and answer half of its requests with the code of before."""
    port = free_base_port(30000)
    token = tmp_path / "token"
    token.write_text("t" * 32)
    environment = {
        **os.environ,
        "SCORECARD_PORT": str(port),
        "SCORECARD_DATABASE_PATH": str(tmp_path / "scorecard.sqlite3"),
        "SCORECARD_TOKEN_FILE": str(token),
    }
    with subprocess.Popen([sys.executable, "-m", "services.scorecard"], cwd=CHECKOUT, env=environment) as master:
        children: list[psutil.Process] = []
        try:
            until(lambda: answers(port))
            children = psutil.Process(master.pid).children(recursive=True)
            assert children
            os.kill(master.pid, signal.SIGKILL)
            master.wait()
            until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children))
        finally:
            master.kill()
            for child in children:
                if child.is_running():
                    child.kill()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/api/drills/", trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def until(look: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < give_up
        time.sleep(0.1)
