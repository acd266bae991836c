"""Waiting with checks of our own: what is asked, when it ends, and what a failure says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar, cast

import pytest

from services.stack import readiness
from services.stack.errors import StackError
from services.stack.layout import Lab, Ports
from services.stack.readiness import Check, Checks, Waiter, log_tail
from services.stack.supervisor_client import ProgramState, Supervisor

LAB = Lab(Path("/nowhere"))


@dataclass
class FakeSupervisor:
    states: dict[str, str]
    restarts: bool
    asked: int = 0

    def programs(self) -> dict[str, ProgramState]:
        self.asked += 1
        pid = self.asked if self.restarts else 1
        return {
            name: ProgramState(name=name, state=state, pid=pid, note="Exited too quickly")
            for name, state in self.states.items()
        }


@dataclass
class FakeChecks:
    """Each part answers with the next of its sentences; the last one stays."""

    lab: Lab
    answers: dict[str, list[str | None]]
    states: dict[str, str] = field(default_factory=dict)
    no_relay: bool = False
    restarts: bool = False

    def __post_init__(self) -> None:
        self.supervisor = FakeSupervisor(self.states, self.restarts)

    def of(self, name: str, *, variant: str | None = None) -> Check:
        script = self.answers[name]
        upcoming: Iterator[str | None] = iter(script)

        def check() -> str | None:
            return next(upcoming, script[-1])

        return check

    def has_no_relay(self) -> bool:
        return self.no_relay


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.create()
    return lab


def test_it_waits_for_every_part_and_tells_each(lab: Lab) -> None:
    told: list[str] = []
    checks = FakeChecks(lab, {"a": [None], "b": ["no", "no", None]})
    timings = Waiter(checks, on_ready=lambda name, _: told.append(name)).wait(["a", "b"])  # type: ignore[arg-type]
    assert told == ["a", "b"]
    assert timings["b"] > timings["a"]


def test_a_program_that_gave_up_ends_the_waiting_with_its_last_words(lab: Lab) -> None:
    (lab.log / "gateway.log").write_text("starting\nno port to be had\n")
    checks = FakeChecks(
        lab, {"redis": ["still loading"], "gateway": ["refused"]}, {"redis": "RUNNING", "gateway": "FATAL"}
    )
    with pytest.raises(StackError) as caught:
        Waiter(checks, patience_s=60).wait(["redis", "gateway"])  # type: ignore[arg-type]
    assert caught.value.kind == "not_ready"
    assert caught.value.message == (
        "gateway: gave up (FATAL: Exited too quickly): refused\n  end of its log:\n    starting\n    no port to be had"
    )


def test_patience_has_an_end(lab: Lab) -> None:
    checks = FakeChecks(lab, {"a": ["GET /health: got 503, expected 200"]}, {"a": "RUNNING"})
    with pytest.raises(StackError, match=r"a: not ready after 0 s: GET /health: got 503, expected 200"):
        Waiter(checks, patience_s=0.1).wait(["a"])  # type: ignore[arg-type]


def test_a_shop_program_gets_one_try_and_others_more(lab: Lab) -> None:
    answers: dict[str, list[str | None]] = {"shop:api": ["refused"]}
    with pytest.raises(StackError, match="shop:api: gave up"):
        Waiter(FakeChecks(lab, answers, {"shop:api": "BACKOFF"}), patience_s=60).wait(["shop:api"])  # type: ignore[arg-type]
    patient = FakeChecks(lab, {"gateway": [*["refused"] * 5, None]}, {"gateway": "BACKOFF"})
    assert Waiter(patient).wait(["gateway"])  # type: ignore[arg-type]


def test_a_shop_program_that_was_started_again_failed(lab: Lab) -> None:
    """supervisord starts it again at once; only its process id tells."""
    checks = FakeChecks(lab, {"shop:relay": ["refused"]}, {"shop:relay": "RUNNING"}, restarts=True)
    with pytest.raises(StackError, match="shop:relay: gave up"):
        Waiter(checks, patience_s=60).wait(["shop:relay"])  # type: ignore[arg-type]


def test_a_relay_that_has_nothing_to_do_is_no_failure(lab: Lab) -> None:
    checks = FakeChecks(lab, {"shop:relay": [*["refused"] * 8, None]}, {"shop:relay": "EXITED"}, no_relay=True)
    assert Waiter(checks).wait(["shop:relay"])  # type: ignore[arg-type]


def test_log_tail_of_a_program_that_never_wrote(lab: Lab) -> None:
    assert log_tail(lab, "shop:api", lines=5) == []
    (lab.log / "api.log").write_text("".join(f"line {number}\n" for number in range(1000)))
    assert log_tail(lab, "shop:api", lines=2) == ["line 998", "line 999"]


class _Api(BaseHTTPRequestHandler):
    """Answers /ready as one of two processes, the next each time."""

    answers: ClassVar[list[dict[str, object]]] = []
    asked = 0

    def do_GET(self) -> None:
        body = json.dumps(_Api.answers[_Api.asked % len(_Api.answers)]).encode()
        _Api.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@dataclass
class ApiGroup:
    """A supervisor that knows the API's processes."""

    pids: list[int]
    asked: int = 0

    def identity(self, name: str) -> dict[str, object] | None:
        self.asked += 1
        return {"pid": 1, "started_unix_s": 0.0, "pids": self.pids} if name == "shop:api" else None


@pytest.fixture
def api(lab: Lab) -> Iterator[Checks]:
    server = HTTPServer(("127.0.0.1", 0), _Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _Api.asked = 0
    supervisor = cast("Supervisor", ApiGroup([1, 2]))
    yield Checks(lab, Ports(base=server.server_port), supervisor)  # the API's offset is 0
    server.shutdown()


def process(number: int, variant: str = "hardened") -> dict[str, object]:
    return {"status": "ready", "variant": variant, "process": number, "processes": 2}


def test_an_api_is_ready_when_each_of_its_processes_is(api: Checks) -> None:
    _Api.answers = [process(1), process(1), process(1), process(2)]
    assert api.api("hardened") is None
    assert _Api.asked == 4


def test_an_api_that_does_not_answer_yet_costs_supervisord_no_look_at_all_processes(lab: Lab) -> None:
    supervisor = ApiGroup([1, 2])
    nobody = Checks(lab, Ports(base=1), cast("Supervisor", supervisor))
    assert "expected status ready" in str(nobody.api("hardened"))
    assert supervisor.asked == 0


def test_an_api_of_which_one_process_never_answers_is_not_ready(api: Checks) -> None:
    _Api.answers = [process(1)]
    assert api.api("hardened") == "GET /ready: got answers of 1 processes, expected 2"


def test_an_api_of_which_one_process_is_another_variant_is_not_ready(api: Checks) -> None:
    _Api.answers = [process(1), process(2, "naive")]
    assert api.api("hardened") == "GET /ready: got variant naive, expected hardened"


def test_an_answer_of_a_process_that_is_none_of_the_api_is_no_readiness(api: Checks) -> None:
    """A process left by a killed master, or a foreign one, would take a share of the load."""
    _Api.answers = [process(1), process(9)]
    assert api.api("hardened") == "GET /ready: got an answer of process 9, expected one of the API's, [1, 2]"


def _listed(name: str) -> dict[str, object]:
    return {"name": name, "listen": "127.0.0.1:5", "upstream": "127.0.0.1:6", "enabled": True, "toxics": []}


def test_a_proxy_that_the_lab_did_not_make_is_named_and_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    listed = {name: _listed(name) for name in ("shop_to_gateway", "own way")}
    monkeypatch.setattr(readiness, "read_proxies", lambda *_: listed)
    monkeypatch.setattr(
        readiness, "toxiproxy_call", lambda _, __, how, path: (asked.append((how, path)), (204, b""))[1]
    )
    said = "127.0.0.1:5 to 127.0.0.1:6, which the lab did not make"
    assert readiness.dirty_proxies(LAB, Ports(20000)) == [f"proxy own way: {said}"]
    assert readiness.remove_foreign_proxies(LAB, Ports(20000)) == [f"proxy own way ({said})"]
    assert asked == [("DELETE", "/proxies/own%20way")]


def test_a_foreign_proxy_that_can_t_be_removed_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "read_proxies", lambda *_: {"own": _listed("own")})
    monkeypatch.setattr(readiness, "toxiproxy_call", lambda *_: (500, b"no"))
    with pytest.raises(StackError, match="expected only the lab's proxies"):
        readiness.remove_foreign_proxies(LAB, Ports(20000))
