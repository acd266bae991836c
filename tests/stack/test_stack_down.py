"""Nothing is left behind, however a stack ends; and what a person made stays."""

from __future__ import annotations

import dataclasses
import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services.stack import config
from services.stack.layout import Lab
from services.stack.postgres import prepare_cluster
from services.stack.provision import postgres_server

from .conftest import CHECKOUT, LabUnderTest

pytestmark = pytest.mark.stack
NewLab = Callable[..., LabUnderTest]


def processes_of(lab: LabUnderTest) -> list[str]:
    """Everything that names the lab's folder on its command line, in its environment or as its working folder."""
    found, family = [], {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            traces = [*process.cmdline(), process.cwd(), *process.environ().values()]
            if process.pid not in family and any(str(lab.lab_dir) in trace for trace in traces):
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


def listeners_of(lab: LabUnderTest) -> set[int]:
    ports = range(lab.base_port, lab.base_port + 17)
    return {c.laddr.port for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port in ports}


def assert_nothing_left(lab: LabUnderTest) -> None:
    assert processes_of(lab) == []
    assert listeners_of(lab) == set()
    assert not lab.stack_file.exists()


def test_down_ends_everything_even_without_supervisord_and_keeps_what_a_person_made(new_lab: NewLab) -> None:
    lab = new_lab()
    lab.ok("up")
    with urllib.request.urlopen(f"{lab.url('api')}/api/events/", timeout=10) as response:
        assert b"slug" in response.read(), "a fresh stack has something to show"
    (lab.lab_dir / "evidence").mkdir()
    (lab.lab_dir / "evidence" / "report.md").write_text("kept")
    (lab.lab_dir / "keep" / "note").write_text("kept")
    scores = lab.lab_dir / "keep" / "scorecard.sqlite3"
    assert scores.exists()
    assert len(processes_of(lab)) > 10

    os.kill(int((lab.lab_dir / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
    document = lab.ok("down")
    assert document["was_running"] is False
    assert len(document["ended_leftovers"]) >= 9
    assert_nothing_left(lab)
    assert lab.ok("down")["ended_leftovers"] == []

    password = (lab.lab_dir / "secrets" / "scorecard_admin").read_text()
    lab.ok("reset")
    assert scores.exists()
    assert (lab.lab_dir / "keep" / "note").read_text() == "kept"
    assert (lab.lab_dir / "evidence" / "report.md").read_text() == "kept"
    assert (lab.lab_dir / "secrets" / "scorecard_admin").read_text() == password
    assert not (lab.lab_dir / "postgres").exists()
    assert_nothing_left(lab)


def test_up_that_fails_half_way_leaves_nothing(new_lab: NewLab, tmp_path: Path) -> None:
    """A Toxiproxy that tells its version and then ends."""
    liar = tmp_path / "toxiproxy-server"
    liar.write_text(
        '#!/bin/sh\n[ "$1" = -version ] && echo "toxiproxy-server version 2.12.0" && exit 0\necho no thanks\nexit 1\n'
    )
    liar.chmod(0o755)
    lab = new_lab(FIREDRILL_TOXIPROXY=str(liar))
    answer = lab.command("up")
    assert (answer.exit_code, answer.document["error"]["kind"]) == (4, "not_ready")
    assert "toxiproxy: gave up" in answer.document["error"]["message"]
    assert "no thanks" in answer.document["error"]["message"], "the end of its log says why"
    assert_nothing_left(lab)


def test_a_taken_port_is_named_with_its_holder(new_lab: NewLab) -> None:
    lab = new_lab()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", lab.base_port), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        answer = lab.command("up")
    finally:
        server.shutdown()
        server.server_close()
    assert (answer.exit_code, answer.document["error"]["kind"]) == (4, "port_taken")
    message = answer.document["error"]["message"]
    assert f"port {lab.base_port} (api): held by pid {os.getpid()} (" in message
    assert "make up BASE_PORT=" in message
    assert_nothing_left(lab)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_root_with_a_lab_that_nobody_else_can_reach(new_lab: NewLab, tmp_path: Path) -> None:
    """As in a checkout below /root: data, and the wheel's server too, go where the other user can get at them."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    lab = new_lab("closed/lab")
    document = lab.ok("provision")
    data = Path(document["database"])
    try:
        assert data.is_relative_to("/var/tmp")
        assert (data / "PG_VERSION").exists()
        assert data.stat().st_uid != 0
    finally:
        lab.ok("reset")
    assert not data.parent.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands PostgreSQL to another user")
def test_a_server_that_the_other_user_can_t_reach_is_copied(tmp_path: Path) -> None:
    """As in a virtual environment below /root."""
    settings = config.load({"FIREDRILL_LAB_DIR": str(tmp_path / "lab")})
    found = postgres_server.find(settings)
    original = Path(found.command[0]).parents[1]
    closed = tmp_path / "closed" / original.parent.name / original.name
    shutil.copytree(original, closed, symlinks=True)
    libraries = original.parent.with_name(f"{original.parent.name}.libs")
    shutil.copytree(libraries, tmp_path / "closed" / libraries.name)
    (tmp_path / "closed").chmod(0o700)
    lab = Lab(settings.lab_dir)
    lab.create()
    try:
        cluster = prepare_cluster(dataclasses.replace(found, command=(str(closed / "bin" / "postgres"),)), lab)
        assert cluster.server.is_relative_to(lab.overflow)
        assert (cluster.data / "PG_VERSION").exists()
        assert prepare_cluster(found, lab).data == cluster.data, "the data stays where it is"
    finally:
        shutil.rmtree(lab.overflow, ignore_errors=True)


def test_a_terminated_up_leaves_nothing(new_lab: NewLab) -> None:
    lab = new_lab()
    command = [sys.executable, "-m", "services.stack", "up"]
    starting = subprocess.Popen(command, cwd=CHECKOUT, env=lab.environment, stderr=subprocess.PIPE, text=True)
    assert starting.stderr is not None
    for line in starting.stderr:
        if line.startswith("postgres") and "ready" in line:
            break
    starting.terminate()
    starting.stderr.read()
    starting.stderr.close()
    assert starting.wait(60) == 4
    assert_nothing_left(lab)


def test_doctor_works_on_a_machine_with_nothing_started(new_lab: NewLab) -> None:
    document = new_lab().ok("doctor")
    assert document["running"] is False
    assert {"postgres", "redis", "toxiproxy", "prometheus"} == set(document["parts"])
    assert document["parts"]["postgres"]["version"]
    absent = new_lab("offline", FIREDRILL_TOOLS_DIR="/nonexistent", PATH="/usr/bin:/bin").ok("doctor")["parts"]
    assert absent["toxiproxy"]["source"] == "built-in stand-in"
    assert "Go 1.23" in absent["toxiproxy"]["hint"]
    if not shutil.which("prometheus", path="/usr/bin:/bin"):
        assert "apt-get" in absent["prometheus"]["missing"]


@pytest.mark.parametrize("words", [("status",), ("down",)])
def test_a_lab_that_never_was_up_is_down(new_lab: NewLab, words: tuple[str, ...]) -> None:
    lab = new_lab()
    document = lab.ok(*words)
    assert document.get("running", document.get("was_running")) is False


def test_commands_that_need_a_stack_say_so(new_lab: NewLab, tmp_path: Path) -> None:
    lab = new_lab()
    for words in (("identities",), ("prepare", "--variant", "naive", "--world-file", str(tmp_path / "w.json"))):
        answer = lab.command(*words)
        assert (answer.exit_code, answer.document["error"]["kind"]) == (4, "not_running")
        assert "make up" in answer.document["error"]["message"]
    assert CHECKOUT.exists()
