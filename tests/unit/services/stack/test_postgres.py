"""The lock file that a database server leaves behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from services.stack.layout import Ports
from services.stack.postgres import Cluster, configure

PORTS = Ports(21000)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "log").mkdir()
    return Cluster(server=Path("postgres"), data=data, log=tmp_path / "log", account=None)


def _lock(cluster: Cluster, pid: int, folder: Path | None = None) -> Path:
    lock = cluster.data / "postmaster.pid"
    lines = [str(pid), str(folder or cluster.data), "1795956730", "23007", "", "127.0.0.1", "  2056861    426039", ""]
    lock.write_text("\n".join(lines))
    return lock


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_number_that_another_process_has_by_now_keeps_no_server_from_starting(cluster: Cluster) -> None:
    lock = _lock(cluster, os.getpid())
    configure(cluster, PORTS)
    number, *rest = lock.read_text().splitlines()[:7]
    assert not _exists(int(number))
    assert rest == [str(cluster.data), "1795956730", "23007", "", "127.0.0.1", "  2056861    426039"]


def test_a_server_that_runs_on_the_folder_keeps_its_lock(cluster: Cluster, tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.symlink_to("/bin/sleep")
    server = subprocess.Popen([program, "60"], cwd=cluster.data)
    try:
        lock = _lock(cluster, server.pid)
        configure(cluster, PORTS)
        assert int(lock.read_text().splitlines()[0]) == server.pid
    finally:
        server.kill()
        server.wait()


def test_the_lock_of_a_copied_folder_is_removed(cluster: Cluster, tmp_path: Path) -> None:
    lock = _lock(cluster, os.getpid(), tmp_path / "original")
    configure(cluster, PORTS)
    assert not lock.exists()


@pytest.mark.parametrize("text", ["", "\n", "123", "what\nis\nthis\n"])
def test_a_lock_that_was_cut_short_is_removed(cluster: Cluster, text: str) -> None:
    lock = cluster.data / "postmaster.pid"
    lock.write_text(text)
    configure(cluster, PORTS)
    assert not lock.exists()
