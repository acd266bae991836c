from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from services.stack import leftovers
from services.stack.layout import MARKER, Lab, write_json

SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path / "lab")
    lab.create()
    return lab


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(code: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def pids(lab: Lab) -> set[int]:
    return {process.pid for process in leftovers.find(lab, [])}


def test_the_marker_of_this_lab_is_found_and_no_other(lab: Lab, start: Start) -> None:
    ours = start(SLEEP, **{MARKER: lab.mark})
    start(SLEEP, **{MARKER: f"{lab.mark}-other"})
    start(SLEEP, FIREDRILL_LAB_DIR=str(lab.root))  # a shell of the user, or a test
    assert pids(lab) == {ours.pid}


def test_a_recorded_process_is_found_only_while_it_is_the_same_one(lab: Lab, start: Start) -> None:
    process = start(SLEEP)
    started = psutil.Process(process.pid).create_time()
    line = {"name": "redis", "pid": process.pid, "started_unix_s": started}
    lab.processes_file.write_text(json.dumps(line) + '\n{"name": "cut sho')
    assert pids(lab) == {process.pid}
    lab.processes_file.write_text(json.dumps({**line, "started_unix_s": started - 100}))  # the id was used again
    assert pids(lab) == set()


def test_a_folder_that_was_moved_still_knows_its_processes_and_a_copy_does_not(
    lab: Lab, start: Start, tmp_path: Path
) -> None:
    marked, recorded = start(SLEEP, **{MARKER: lab.mark}), start(SLEEP)
    line = {"name": "redis", "pid": recorded.pid, "started_unix_s": psutil.Process(recorded.pid).create_time()}
    lab.processes_file.write_text(json.dumps(line))
    lab.stack_file.write_text(json.dumps({"lab_dir": str(lab.root)}))
    copy = Lab(tmp_path / "copy")
    shutil.copytree(lab.root, copy.root)
    assert pids(copy) == set()
    shutil.rmtree(copy.root)
    lab.root.rename(copy.root)
    assert pids(copy) == {marked.pid, recorded.pid}


def test_a_caller_inside_the_stack_does_not_end_itself(lab: Lab, monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from services.stack import leftovers; from services.stack.layout import Lab\n"
        "print(len(leftovers.find(Lab(Path(sys.argv[1])), [])))"
    )
    environment = {**os.environ, MARKER: lab.mark}
    done = subprocess.run(
        [sys.executable, "-c", code, str(lab.root)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def test_what_ignores_the_request_is_killed_and_what_sleeps_is_woken(lab: Lab, start: Start) -> None:
    deaf = start(DEAF, **{MARKER: lab.mark})
    assert deaf.stdout is not None
    deaf.stdout.readline()
    paused = start(SLEEP, **{MARKER: lab.mark})
    psutil.Process(paused.pid).suspend()
    told: list[str] = []
    ended = leftovers.end_all(lab, [], grace_s=0.5, say=told.append)
    assert pids(lab) == set()
    assert len(ended) == len(told) == 2


def test_nothing_to_end_is_no_trouble(lab: Lab) -> None:
    assert leftovers.end_all(lab, []) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user is needed")
def test_whoever_runs_as_the_shop_s_own_user_is_found(lab: Lab, start: Start) -> None:
    sleeper = subprocess.Popen(["/bin/sleep", "60"], user=1_880_000_003, group=1_880_000_003, extra_groups=[], env={})
    try:
        assert pids(lab) == set()
        write_json(lab.isolation_file, {"kind": "own user", "why": "", "uid": 1_880_000_003, "reach": []})
        assert pids(lab) == {sleeper.pid}
    finally:
        sleeper.kill()
        sleeper.wait()
