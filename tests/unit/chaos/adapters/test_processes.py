"""The shop's processes, through an XML-RPC server that speaks as supervisord does."""

from __future__ import annotations

import base64
import signal
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

import pytest

from chaos.adapters.processes import ProcessRefused, SupervisorProcesses
from chaos.errors import LabBroken
from chaos.model.faults import PROCESSES
from tests.unit.chaos.adapters.servers import closed_port, http_server


class Supervisor:
    """supervisord's part of the conversation."""

    def __init__(self) -> None:
        self.signals: list[tuple[str, int]] = []
        self.logins: set[str] = set()
        self.info: dict[str, Any] = {"statename": "RUNNING", "pid": 41}
        self.running = {"shop:api", "shop:worker"}
        self.answer: Any = {"pgid": 41, "pids": [41, 42], "steady_s": time.monotonic()}
        self.url = ""
        self.paused: dict[int, list[int]] = {}
        self.started: list[str] = []
        self.ports: list[int] = []

    def signal_group(self, name: str, number: int, port: int) -> Any:
        self.signals.append((name, number))
        self.ports.append(port)
        if name not in self.running:
            raise xmlrpc.client.Fault(70, f"NOT_RUNNING: {name}")
        return self.answer

    def questions(self, name: str, port: int) -> Any:
        self.ports.append(port)
        return {"steady_s": self.answer["steady_s"], "asked_steady_s": self.answer.get("asked_steady_s", [])}

    def group_pids(self, pgid: int) -> list[int]:
        return [pgid + 1]

    def group_cpu(self, name: str) -> list[list[float]]:
        if name not in self.running:
            raise xmlrpc.client.Fault(70, f"NOT_RUNNING: {name}")
        return [[41, 1.5], [42, 0.25]]

    def stopped_pids(self, pgid: int) -> list[int]:
        return self.paused.get(pgid, [])

    def start_process(self, name: str, _: bool) -> bool:
        self.started.append(name)
        return True

    def get_process_info(self, name: str) -> Any:
        return self.info


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    state = Supervisor()

    class Handler(SimpleXMLRPCRequestHandler):
        rpc_paths = ("/RPC2",)

        def do_POST(self) -> None:
            kind, _, login = self.headers.get("Authorization", "").partition(" ")
            state.logins.add(f"{kind} {base64.b64decode(login).decode()}")
            super().do_POST()

    with SimpleXMLRPCServer(("127.0.0.1", 0), Handler, logRequests=False, allow_none=True) as server:
        server.register_function(state.signal_group, "firedrill.signal_group")
        server.register_function(state.questions, "firedrill.questions")
        server.register_function(state.group_pids, "firedrill.group_pids")
        server.register_function(state.group_cpu, "firedrill.group_cpu")
        server.register_function(state.stopped_pids, "firedrill.stopped_pids")
        server.register_function(state.start_process, "supervisor.startProcess")
        server.register_function(state.get_process_info, "supervisor.getProcessInfo")
        server.register_function(lambda name, number: True, "supervisor.signalProcess")
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join(5)


def processes(supervisor: Supervisor) -> SupervisorProcesses:
    return SupervisorProcesses(
        dict.fromkeys(PROCESSES, supervisor.url), username="fire", password="p@ss/w:rd", gateway_port=18013
    )


def test_a_whole_group_is_killed(supervisor: Supervisor) -> None:
    killed = processes(supervisor).kill_group("worker")
    assert (killed.pgid, killed.pids) == (41, (41, 42))
    assert supervisor.signals == [("shop:worker", signal.SIGKILL)]
    assert supervisor.logins == {"Basic fire:p@ss/w:rd"}


@pytest.mark.parametrize("how", ["kill_group", "pause_group", "terminate"])
def test_a_signal_tells_when_the_group_s_questions_were_sent(supervisor: Supervisor, how: str) -> None:
    supervisor.answer["asked_steady_s"] = [supervisor.answer["steady_s"] - 0.25]
    signalled = getattr(processes(supervisor), how)("worker")
    assert signalled.asked_unix_s == pytest.approx((signalled.at_unix_s - 0.25,), abs=0.1)
    assert supervisor.ports == [18013]


def test_a_kernel_that_does_not_tell_leaves_the_questions_unknown(supervisor: Supervisor) -> None:
    assert processes(supervisor).kill_group("worker").asked_unix_s is None


def test_survivors(supervisor: Supervisor) -> None:
    assert processes(supervisor).survivors("worker", 41) == [42]


@pytest.mark.parametrize(
    ("info", "group"),
    [
        ({"statename": "RUNNING", "pid": 41}, 41),
        ({"statename": "STARTING", "pid": 41}, None),
        ({"statename": "BACKOFF", "pid": 0}, None),
        ({"statename": "RUNNING", "pid": 0}, None),
    ],
)
def test_the_group_of_a_process_that_runs(supervisor: Supervisor, info: dict[str, Any], group: int | None) -> None:
    supervisor.info = info
    assert processes(supervisor).group_of("worker") == group


def test_what_is_not_running_has_nobody_to_resume(supervisor: Supervisor) -> None:
    processes(supervisor).resume_all()  # there is no relay
    assert supervisor.signals == [
        ("shop:api", signal.SIGCONT),
        ("shop:worker", signal.SIGCONT),
        ("shop:relay", signal.SIGCONT),
    ]


def test_a_process_that_can_t_be_killed(supervisor: Supervisor) -> None:
    with pytest.raises(ProcessRefused) as caught:
        processes(supervisor).kill_group("relay")
    assert str(caught.value) == ("supervisor: SIGKILL to relay: got NOT_RUNNING: shop:relay, expected it to be done")


def test_an_unknown_process(supervisor: Supervisor) -> None:
    with pytest.raises(
        LabBroken, match=r"^supervisor: look up nobody: got 'nobody', expected one of api, worker, relay"
    ):
        processes(supervisor).group_of("nobody")


def test_a_supervisor_that_is_away_is_no_healed_process() -> None:
    away = SupervisorProcesses(
        dict.fromkeys(PROCESSES, f"http://127.0.0.1:{closed_port()}"), username="u", password="p"
    )
    for ask in (away.resume_all, lambda: away.kill_group("api"), lambda: away.group_of("api")):
        with pytest.raises(LabBroken, match=r"got ConnectionRefusedError, expected an answer \(make status\)$"):
            ask()


@pytest.mark.parametrize("answer", [(200, b"hello"), (200, b"<html></html>"), (200, b""), (500, b"oops"), (401, b"")])
def test_an_answer_that_is_not_the_supervisor_s_is_a_broken_lab(answer: tuple[int, bytes]) -> None:
    with http_server() as server:
        server.answers["POST /RPC2"] = answer
        other = SupervisorProcesses(dict.fromkeys(PROCESSES, server.url), username="u", password="p")
        for ask in (lambda: other.kill_group("api"), lambda: other.survivors("api", 1), lambda: other.group_of("api")):
            with pytest.raises(LabBroken, match=r"^supervisor: .*expected an answer"):
                ask()


@pytest.mark.parametrize("answer", [{}, [], 5, {"pgid": 1}, {"pgid": 1, "pids": None}])
def test_an_answer_of_another_shape(supervisor: Supervisor, answer: Any) -> None:
    supervisor.answer = answer
    with pytest.raises(LabBroken, match=r"^supervisor: SIGKILL to api: got (KeyError|TypeError), expected an answer"):
        processes(supervisor).kill_group("api")


def test_the_cpu_seconds_of_a_group(supervisor: Supervisor) -> None:
    assert processes(supervisor).cpu_s("api") == {41: 1.5, 42: 0.25}
    assert processes(supervisor).cpu_s("relay") == {}, "who does not run has used none"


def test_each_process_is_asked_at_its_own_supervisor(supervisor: Supervisor) -> None:
    away = f"http://127.0.0.1:{closed_port()}"
    apart = SupervisorProcesses({"api": away, "worker": supervisor.url}, username="u", password="p")
    assert apart.kill_group("worker").pgid == 41
    assert apart.survivors("worker", 41) == [42]
    with pytest.raises(LabBroken, match="ConnectionRefusedError"):
        apart.kill_group("api")


def test_a_group_is_paused_looked_at_and_resumed(supervisor: Supervisor) -> None:
    control = processes(supervisor)
    paused = control.pause_group("worker")
    assert (paused.pgid, paused.pids) == (41, (41, 42))
    supervisor.paused = {41: [41, 42]}
    assert control.stopped("worker", 41) == [41, 42]
    control.resume("worker")
    control.resume("relay")  # there is none: fine
    assert supervisor.signals == [
        ("shop:worker", int(signal.SIGSTOP)),
        ("shop:worker", int(signal.SIGCONT)),
        ("shop:relay", int(signal.SIGCONT)),
    ]


def test_deviations_name_who_is_paused(supervisor: Supervisor) -> None:
    control = processes(supervisor)
    assert control.deviations() == []
    supervisor.paused = {41: [42]}
    assert control.deviations()[0] == "api: got paused processes [42], expected running ones"
    for state in ("EXITED", "STOPPED", "FATAL"):  # nothing to do, stopped on purpose, code that can't start
        supervisor.info = {"statename": state, "pid": 0}
        assert control.deviations() == []


@pytest.mark.parametrize(("state", "started"), [("FATAL", ["shop:api", "shop:worker", "shop:relay"]), ("STOPPED", [])])
def test_healing_starts_only_programs_that_the_supervisor_gave_up(
    supervisor: Supervisor, state: str, started: list[str]
) -> None:
    """A process that was stopped on purpose is no fault's doing: a switch of variant may be under way."""
    supervisor.info = {"statename": state, "pid": 0}
    processes(supervisor).resume_all()
    assert supervisor.started == started
