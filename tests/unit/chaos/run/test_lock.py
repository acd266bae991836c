"""One run at a time, and a dead run holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chaos.errors import ExitCode, InvalidInput, LabBroken
from chaos.run.lock import run_lock

HOLDER = """
import sys
from pathlib import Path
from chaos.run.lock import run_lock
with run_lock(Path(sys.argv[1]), "flash-sale on naive"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(lab: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lab)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_run_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with hold(tmp_path) as holder:
        with pytest.raises(InvalidInput) as caught, run_lock(tmp_path, "another"):
            pytest.fail("two runs at once")
        assert str(caught.value) == (
            f"run: got a lab that is busy with flash-sale on naive (pid {holder.pid}),"
            " expected a free one (one run at a time)"
        )
        assert caught.value.exit_code is ExitCode.INVALID


@pytest.mark.parametrize("how", ["kill", "leave"])
def test_the_lock_is_free_when_its_holder_has_gone(tmp_path: Path, how: str) -> None:
    with hold(tmp_path) as holder:
        if how == "kill":
            holder.kill()
        else:
            assert holder.stdin is not None
            holder.stdin.close()
        holder.wait()
    with run_lock(tmp_path, "x"):
        assert (tmp_path / "run.lock").read_text() == f"x (pid {os.getpid()})\n"


def test_a_child_of_the_holder_does_not_keep_the_lock(tmp_path: Path) -> None:
    """Only who is given the lock does."""
    with run_lock(tmp_path, "parent"):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        with run_lock(tmp_path, "next"):
            pass
    finally:
        child.kill()
        child.communicate()


def test_the_lock_is_free_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, "a"):
        raise ZeroDivisionError
    with run_lock(tmp_path, "b"):
        pass


def test_no_place_for_a_lock(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("a file")
    said = r"lab: got File exists, expected a folder for the run's lock$"
    with pytest.raises(LabBroken, match=said), run_lock(tmp_path / "lab", "a"):
        pytest.fail("held nothing")


RUNNER = """
import subprocess, sys
from pathlib import Path
from chaos.run.lock import run_lock
with run_lock(Path(sys.argv[1]), "flash-sale on naive") as lock:
    driver = subprocess.Popen([sys.executable, "-c", "import sys, time; sys.stdin.read(); time.sleep(1.5)"],
                              stdin=subprocess.PIPE, pass_fds=[lock])
    print(driver.pid, flush=True)
    sys.stdin.read()
"""


def runner_with_a_driver(lab: Path) -> tuple[subprocess.Popen[str], int]:
    """A runner that holds the lab, and the pid of its driver, which holds it, too, and ends late."""
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(lab)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert runner.stdout is not None
    return runner, int(runner.stdout.readline())


def test_the_load_of_a_dead_runner_is_waited_for(tmp_path: Path) -> None:
    """Its history is being written: concluding from it would be too early."""
    runner, driver = runner_with_a_driver(tmp_path)
    holder = f"flash-sale on naive (pid {runner.pid})"
    said: list[str] = []
    with runner:
        runner.kill()
        os.waitid(os.P_PID, runner.pid, os.WEXITED | os.WNOWAIT)  # nobody has buried it: it is dead all the same
        with run_lock(tmp_path, "next", say=said.append):
            assert not psutil.pid_exists(driver) or psutil.Process(driver).status() == psutil.STATUS_ZOMBIE
    assert said == [f"{holder} is dead; waiting for its load to end"]


def test_the_load_of_a_dead_runner_is_not_waited_for_without_end(tmp_path: Path) -> None:
    runner, driver = runner_with_a_driver(tmp_path)
    with runner:
        runner.kill()
        runner.wait()
        with (
            pytest.raises(InvalidInput, match=r"busy with flash-sale on naive"),
            run_lock(tmp_path, "next", patience_s=0.3),
        ):
            pytest.fail("two loads at once")
    psutil.wait_procs([psutil.Process(driver)] if psutil.pid_exists(driver) else [], timeout=20)


def test_the_load_of_a_living_runner_is_not_waited_for(tmp_path: Path) -> None:
    runner, _ = runner_with_a_driver(tmp_path)
    said: list[str] = []
    with runner:
        with pytest.raises(InvalidInput), run_lock(tmp_path, "next", say=said.append):
            pytest.fail("two runs at once")
        runner.kill()
    assert said == []
