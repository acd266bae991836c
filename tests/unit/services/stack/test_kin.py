"""Whose process is whose, on real processes: those of a family, and those that got away from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from services.listen import listen
from services.stack import kin, leftovers
from services.stack.control import ControlInterface
from services.stack.kin import Kinship

SLEEP = "import time; time.sleep(60)"
# A program that starts a helper: `started` in a session of its own, or `lost`, whose parent then dies.
STARTED = (
    "import subprocess, sys, time\n"
    f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True, env={{}})\n"
    "print(p.pid, flush=True)\n"
)
KEPT, LOST = f"{STARTED}time.sleep(60)", STARTED


@pytest.fixture
def adopting() -> Iterator[None]:
    """This process takes supervisord's place: orphans come to it."""
    leftovers._adopt(True)
    yield
    leftovers._adopt(False)
    for child in psutil.Process().children(recursive=True):
        child.kill()
    psutil.wait_procs(psutil.Process().children(recursive=True), timeout=5)


def program(code: str) -> tuple[subprocess.Popen[str], int]:
    """A leader of a group, as supervisord starts one, and its helper's pid."""
    leader = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, process_group=0)
    assert leader.stdout is not None
    return leader, int(leader.stdout.readline())


def eventually(is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.usefixtures("adopting")
def test_a_helper_in_a_session_of_its_own_is_of_the_family_while_its_parent_lives() -> None:
    leader, helper = program(KEPT)
    look = Kinship(os.getpid()).look({"shop:worker": leader.pid})
    assert look.families["shop:worker"] == {leader.pid, helper}
    assert helper not in {stray.pid for stray in look.strays}


@pytest.mark.usefixtures("adopting")
def test_a_helper_that_lost_its_parent_is_a_stray_and_remembered_by_whose_it_was() -> None:
    leader, helper = program(KEPT)
    kinship = Kinship(os.getpid())
    kinship.look({"shop:worker": leader.pid})
    leader.kill()
    leader.wait()
    eventually(lambda: psutil.Process(helper).ppid() == os.getpid())
    look = kinship.look({})
    (stray,) = [stray for stray in look.strays if stray.pid == helper]
    assert look.owners[stray.id] == "shop:worker"


@pytest.mark.usefixtures("adopting")
def test_a_helper_that_nobody_ever_saw_with_a_parent_is_a_stray_too() -> None:
    leader, helper = program(LOST)
    leader.wait()
    assert helper in {stray.pid for stray in Kinship(os.getpid()).look({}).strays}


@pytest.mark.usefixtures("adopting")
def test_who_was_another_program_s_is_no_stray_of_the_shop_s() -> None:
    leader, helper = program(KEPT)
    kinship = Kinship(os.getpid())
    kinship.look({"agent": leader.pid})
    leader.kill()
    leader.wait()
    eventually(lambda: psutil.Process(helper).ppid() == os.getpid())
    assert helper not in {stray.pid for stray in kinship.look({}).strays}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user is needed")
@pytest.mark.usefixtures("adopting")
def test_the_shop_s_own_user_tells_who_is_the_shop_s() -> None:
    uid = 1_880_000_002
    stray = (
        subprocess.Popen([sys.executable, "-c", SLEEP], user=uid, group=uid, extra_groups=[]) if _reachable() else None
    )
    if stray is None:
        pytest.skip("another user can't run this Python")
    other = subprocess.Popen([sys.executable, "-c", SLEEP])
    look = Kinship(os.getpid(), shop_uid=uid).look({})
    assert {seen.pid for seen in look.strays} & {stray.pid, other.pid} == {stray.pid}


def _reachable() -> bool:
    return kin.look_at(os.getpid()) is not None and Path(sys.base_prefix).parts[1] != "root"


class _Supervisord:
    """As much of supervisord as the extension asks for."""

    def __init__(self, pid: int) -> None:
        process = type("Process", (), {"pid": pid})()
        self.process_groups = {"shop": type("Group", (), {"processes": {"worker": process}})()}


@pytest.mark.usefixtures("adopting")
def test_a_kill_reaches_the_whole_family_and_who_got_away_from_it() -> None:
    first, lost = program(LOST)
    first.wait()
    leader, kept = program(KEPT)
    control = ControlInterface(_Supervisord(leader.pid), None)
    hit = control.signal_group("shop:worker", int(signal.SIGKILL))
    assert set(hit["pids"]) >= {leader.pid, kept}
    eventually(lambda: control.group_pids(leader.pid) == [])
    leader.wait()
    eventually(lambda: not {lost, kept} & kin.snapshot().keys())


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("whose", ["its own", "another process's"])
def test_a_signal_finds_the_questions_of_its_own_family_only(number: signal.Signals, whose: str) -> None:
    with closing(listen("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        asks = f"import socket, time; s = socket.create_connection(('127.0.0.1', {port})); s.sendall(b'?')\n{STARTED}"
        leader, _ = program((asks if whose == "its own" else STARTED) + "time.sleep(60)")
        other, _ = program(f"{asks}time.sleep(60)")
        control = ControlInterface(_Supervisord(leader.pid), None)
        assert len(control.questions("shop:worker", port)["asked_steady_s"]) == (whose == "its own")
        hit = control.signal_group("shop:worker", int(number), port)
        assert len(hit["asked_steady_s"]) == (whose == "its own")
        leader.kill()
        leader.wait()
        other.kill()
        other.wait()


@pytest.mark.usefixtures("adopting")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_nothing_of_the_group_runs_on_while_its_family_is_looked_for(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    leader, _ = program(KEPT)
    control = ControlInterface(_Supervisord(leader.pid), None)
    seen: list[str] = []
    look = control._look

    def slow_look() -> kin.Look:
        eventually(lambda: psutil.Process(leader.pid).status() != psutil.STATUS_RUNNING)
        seen.append(psutil.Process(leader.pid).status())
        return look()

    monkeypatch.setattr(control, "_look", slow_look)
    control.signal_group("shop:worker", int(number))
    assert seen[0] == psutil.STATUS_STOPPED
    leader.kill()
    leader.wait()


@pytest.mark.usefixtures("adopting")
def test_the_identities_of_several_programs_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    leader, kept = program(KEPT)
    control = ControlInterface(_Supervisord(leader.pid), None)
    looks: list[int] = []
    everybody = kin.snapshot
    monkeypatch.setattr(kin, "snapshot", lambda: looks.append(1) or everybody())
    found = control.identities(["shop:worker", "shop:relay", "gateway"])
    assert found == {"shop:worker": control.identity("shop:worker")}
    assert set(found["shop:worker"]["pids"]) == {leader.pid, kept}
    assert len(looks) == 2  # one of them is that of the comparison


@pytest.mark.usefixtures("adopting")
def test_a_pause_holds_the_whole_family() -> None:
    leader, kept = program(KEPT)
    control = ControlInterface(_Supervisord(leader.pid), None)
    control.signal_group("shop:worker", int(signal.SIGSTOP))
    eventually(lambda: set(control.stopped_pids(leader.pid)) == {leader.pid, kept})
    control.signal_group("shop:worker", int(signal.SIGCONT))
    eventually(lambda: control.stopped_pids(leader.pid) == [])


@pytest.mark.usefixtures("adopting")
def test_strays_are_ended_and_named() -> None:
    leader, lost = program(LOST)
    leader.wait()
    control = ControlInterface(_Supervisord(0), None)
    assert [(stray["pid"], "time.sleep(60)" in stray["what"]) for stray in control.end_strays()] == [(lost, True)]
    eventually(lambda: lost not in kin.snapshot())


def test_what_a_command_leaves_running_is_ended_with_it() -> None:
    with leftovers.orphans_ended():
        _, helper = program(LOST)
    eventually(lambda: helper not in kin.snapshot())
