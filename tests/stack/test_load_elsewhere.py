"""Load workers on other hosts: over loopback as any user, and in network namespaces with tunnels as root."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from chaos.evidence.history import History
from chaos.judge.driver import driver_findings
from chaos.model.history import End, Invoke
from chaos.model.loadplan import Elsewhere, LoadPlan, Progress
from chaos.model.verdict import Verdict
from tests.stack.driver_lab import CHECKOUT, PATIENCE_S, Lab, assert_complete, phase, read_lines, wait_for
from tests.stack.hosts import Host, why_not

pytestmark = [pytest.mark.stack, pytest.mark.extended]

KEY = "a-key-that-no-evidence-may-hold"
AHEAD_S = 5.0
BROWSE = [phase("only", 0, 600, 60, {"browse": 1, "buy": 1})]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Distributed(Lab):
    """A lab whose workers are started by the test."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.master_port = free_port()
        self.master_at = "127.0.0.1"
        self.key_file = path / "load-key"
        self.key_file.write_text(KEY + "\n")
        self.hosts: list[Host] = []
        self.driver: subprocess.Popen[bytes] | None = None
        self.notes: list[str] = []

    def begin(self, patience_s: float = PATIENCE_S, **changes: object) -> None:
        """A master that waits for its workers."""
        elsewhere = Elsewhere(
            listen=f"{self.master_at}:{self.master_port}", key_file=str(self.key_file), patience_s=patience_s
        )
        plan = self.plan(**{"workers": 2, "elsewhere": elsewhere, "t0_unix_s": 0.0, **changes})  # type: ignore[arg-type]
        self.driver = self.start(plan)

    def worker(self, name: str, command: list[str], *, cwd: Path = CHECKOUT, key_file: Path | None = None) -> Worker:
        words = [
            *command,
            "--join",
            f"{self.master_at}:{self.master_port}",
            "--key-file",
            str(key_file or self.key_file),
        ]
        log = self.path / f"{name}.log"
        scratch = self.path / f"{name}.tmp"
        scratch.mkdir()
        process = subprocess.Popen(
            ["env", f"TMPDIR={scratch}", *words], cwd=cwd, stdin=subprocess.DEVNULL, stderr=log.open("wb")
        )
        self.processes.append(process)
        return Worker(process, log, scratch)

    def here(self, name: str, **options: object) -> Worker:
        return self.worker(name, [sys.executable, "-m", "loadtests"], **options)  # type: ignore[arg-type]

    def there(self, host: Host, name: str, **options: object) -> Worker:
        words = ["ip", "netns", "exec", host.name, sys.executable, "-m", "loadtests"]
        return self.worker(name, words, **options)  # type: ignore[arg-type]

    def two_hosts(self) -> list[Host]:
        self.hosts = [Host(1), Host(2)]
        for host in self.hosts:
            host.tunnel(self.master_port, self.port)
        return self.hosts

    def lines(self) -> Iterator[Progress]:
        assert self.driver is not None
        assert self.driver.stdout is not None
        for text in self.driver.stdout:
            line = msgspec.json.decode(text, type=Progress)
            self.notes += line.note.splitlines()
            yield line

    def go(self) -> None:
        """Once everybody is there, the plan becomes final, as the engine does it."""
        assert self.driver is not None
        assert self.driver.stdin is not None
        assert any(line.mustered for line in self.lines()), self.stderr
        file = self.path / "plan.json"
        plan = msgspec.json.decode(file.read_bytes(), type=LoadPlan)
        file.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, t0_unix_s=time.time() + AHEAD_S)))
        self.driver.stdin.write(b"\n")
        self.driver.stdin.flush()

    def until_ended(self, operations: int) -> None:
        assert any(line.total_ended > operations for line in self.lines()), self.stderr

    def end(self) -> int:
        assert self.driver is not None
        for _ in self.lines():
            pass
        return self.driver.wait(PATIENCE_S)

    def findings(self) -> dict[str, tuple[Verdict, str]]:
        """What the judge says about the driver."""
        history = History.of_run(self.path / "out")
        for _ in history:
            pass
        found = driver_findings(self.report, history, {}, None, tightest_slo_s=None)
        return {finding.check.removeprefix("self_check:"): (finding.verdict, finding.reason) for finding in found}

    def assert_no_secret_in_the_evidence(self) -> None:
        for file in [*(self.path / "out").rglob("*"), self.path / "plan.json", self.path / "stderr"]:
            if file.is_file():
                assert KEY.encode() not in file.read_bytes(), file
                assert b"token-" not in file.read_bytes(), file

    def close(self) -> None:
        super().close()
        for host in self.hosts:
            host.close()


class Worker:
    """A worker's process, what it said, and the folder that it may leave something in."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, scratch: Path) -> None:
        self.process, self.log, self.scratch = process, log, scratch

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    @property
    def said(self) -> str:
        return self.log.read_text()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Distributed]:
    lab = Distributed(tmp_path)
    yield lab
    lab.close()


namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not())


def assert_all_is_accounted_for(lab: Distributed, workers: list[Worker]) -> None:
    assert_complete(lab.history(), lab.report)
    report = lab.report
    assert report.scheduled == report.ok + report.fail + report.info + report.dropped > 100
    assert (report.workers_expected, report.workers_finished, report.lost) == (2, 2, [])
    assert [worker.ended for worker in report.workers] == ["finished", "finished"]
    assert all(worker.host == socket.gethostname() for worker in report.workers)
    assert sum(worker.scheduled for worker in report.workers) == report.scheduled
    assert abs(report.workers[0].scheduled - report.workers[1].scheduled) <= 1
    assert report.send_lag_p99_s == max(worker.send_lag_p99_s for worker in report.workers)
    asked = {line.id for line in lab.history() if isinstance(line, Invoke)}
    assert {request["id"] for request in lab.requests()} == asked
    sampled = [sample.name for sample in sorted((lab.path / "out" / "samples").iterdir())]
    assert sampled == ["worker-0.jsonl", "worker-1.jsonl"]
    assert lab.findings()["clocks"][0] is Verdict.HELD
    assert lab.findings()["driver"][0] is Verdict.HELD
    lab.assert_no_secret_in_the_evidence()
    for worker in workers:
        assert "the whole record handed over" in worker.said
        assert list(worker.scratch.iterdir()) == []


def test_two_workers_play_one_schedule(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(phases=[phase("only", 0, 3, 60, {"browse": 1, "buy": 1})])
    workers = [lab.here("one"), lab.here("two")]
    lab.go()
    assert lab.end() == 0, lab.stderr
    assert [worker.wait() for worker in workers] == [0, 0]
    assert_all_is_accounted_for(lab, workers)
    assert sum("came from" in note for note in lab.notes) == 2


@namespaces
def test_two_workers_on_hosts_of_their_own(lab: Distributed) -> None:
    lab.open_shop()
    hosts = lab.two_hosts()
    lab.begin(phases=[phase("only", 0, 3, 60, {"browse": 1, "buy": 1})])
    workers = [lab.there(host, f"worker-{number}") for number, host in enumerate(hosts)]
    lab.go()
    assert lab.end() == 0, lab.stderr
    assert [worker.wait() for worker in workers] == [0, 0]
    assert_all_is_accounted_for(lab, workers)


@namespaces
def test_a_worker_on_a_private_network_without_a_tunnel(lab: Distributed) -> None:
    """As with --master-at and API=…: the master listens in that network, and somebody forwards the API."""
    lab.open_shop()
    host = Host(1)
    lab.hosts = [host]
    host.publish(lab.port)
    lab.master_at = host.here
    lab.begin(workers=1, phases=[phase("only", 0, 2, 60, {"browse": 1})])
    lan = [
        "ip",
        "netns",
        "exec",
        host.name,
        sys.executable,
        "-m",
        "loadtests",
        "--api",
        f"http://{host.here}:{lab.port}",
    ]
    worker = lab.worker("lan", lan)
    lab.go()
    assert lab.end() == 0, lab.stderr
    assert worker.wait() == 0
    assert_complete(lab.history(), lab.report)
    assert lab.report.ok > 80


@namespaces
def test_a_killed_worker_makes_the_run_inconclusive_and_its_lines_stay(lab: Distributed) -> None:
    lab.open_shop()
    hosts = lab.two_hosts()
    lab.begin(phases=[phase("only", 0, 8, 60, {"browse": 1})])
    workers = [lab.there(host, f"worker-{number}") for number, host in enumerate(hosts)]
    lab.go()
    lab.until_ended(60)
    workers[0].process.kill()
    assert lab.end() == 3, lab.stderr
    assert workers[1].wait() == 0
    report = lab.report
    assert (report.workers_expected, report.workers_finished) == (2, 1)
    lost = next(worker for worker in report.workers if worker.ended == "lost")
    assert report.lost == [f"worker {lost.worker} on {lost.host} was silent for 3 s"]
    assert any("its share of the load is missing" in note for note in lab.notes)
    lines = read_lines(lab.path / "out" / "history" / f"worker-{lost.worker}.jsonl")  # whole lines, all readable
    assert sum(isinstance(line, Invoke) for line in lines) > 10
    assert not any(isinstance(line, End) for line in lines)
    verdict, detail = lab.findings()["driver"]
    assert verdict is Verdict.INCONCLUSIVE
    assert f"worker {lost.worker} on" in detail


@namespaces
def test_a_pulled_cable_loses_a_worker_and_ends_it(lab: Distributed) -> None:
    lab.open_shop()
    hosts = lab.two_hosts()
    lab.begin(phases=[phase("only", 0, 10, 60, {"browse": 1})])
    workers = [lab.there(host, f"worker-{number}") for number, host in enumerate(hosts)]
    lab.go()
    lab.until_ended(60)
    hosts[1].cut()
    assert lab.end() == 3, lab.stderr
    assert len(lab.report.lost) == 1
    assert workers[0].wait() == 0
    assert workers[1].wait() == 3
    assert "is silent" in workers[1].said
    kept = list(workers[1].scratch.rglob("history/*.jsonl"))
    assert len(kept) == 1
    assert str(kept[0]) in workers[1].said
    assert any(isinstance(line, End) for line in read_lines(kept[0]))


OF_ANOTHER_CHECKOUT = """
import runpy, sys
from importlib.machinery import PathFinder

class Other:
    find_spec = staticmethod(
        lambda name, *_: PathFinder.find_spec(name, ["{other}"]) if name in ("chaos", "loadtests") else None
    )

sys.meta_path.insert(0, Other)
runpy.run_module("loadtests", run_name="__main__", alter_sys=True)
"""
"""As an environment of its own would run it."""


def test_a_worker_of_another_revision_is_refused(lab: Distributed) -> None:
    other = lab.path / "checkout"
    for folder in ("loadtests", "chaos"):
        shutil.copytree(CHECKOUT / folder, other / folder, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "loadtests" / "journeys" / "browse.py").open("a") as file:
        file.write("# an edit that no revision number tells\n")
    lab.open_shop()
    lab.begin(patience_s=15.0)
    run = OF_ANOTHER_CHECKOUT.format(other=other)
    workers = [lab.here("good"), lab.worker("other", [sys.executable, "-I", "-X", "utf8", "-c", run])]
    assert workers[1].wait() == 2
    assert "refused by the master: revision: got code" in workers[1].said
    assert "check out the same revision" in workers[1].said
    assert lab.end() == 4
    assert "got 1 of 2 within 15 s" in lab.report.crashed[0]
    assert "was refused: revision" in lab.report.crashed[0]
    assert "make load-worker" in lab.report.crashed[0]
    assert workers[0].wait() == 0
    assert "called off" in workers[0].said
    assert lab.requests() == []


def test_a_stranger_gets_neither_plan_nor_token(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(patience_s=8.0)
    wrong = lab.path / "wrong-key"
    wrong.write_text("guessed\n")
    worker = lab.here("stranger", key_file=wrong)
    assert worker.wait() == 2
    assert "refused by the master: key" in worker.said
    assert "joined" not in worker.said
    assert lab.end() == 4


def test_workers_end_when_the_master_is_gone(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(phases=BROWSE)
    workers = [lab.here("one"), lab.here("two")]
    lab.go()
    lab.until_ended(60)
    assert lab.driver is not None
    lab.driver.kill()
    lab.driver.wait()
    assert [worker.wait() for worker in workers] == [3, 3]
    for worker in workers:
        assert "is silent" in worker.said
        assert "it is kept in" in worker.said


@pytest.mark.parametrize("how", ["stdin", "sigterm"])
def test_workers_end_when_the_run_is_stopped(lab: Distributed, how: str) -> None:
    lab.open_shop(slow_s=0.3)
    lab.begin(phases=BROWSE)
    workers = [lab.here("one"), lab.here("two")]
    lab.go()
    lab.until_ended(60)
    assert lab.driver is not None
    assert lab.driver.stdin is not None
    if how == "stdin":
        lab.driver.stdin.close()
    else:
        lab.driver.send_signal(signal.SIGTERM)
    assert lab.end() == 0, lab.stderr
    assert lab.report.ended == "stopped"
    assert lab.report.workers_finished == 2
    assert_complete(lab.history(), lab.report)
    assert [worker.wait() for worker in workers] == [0, 0]


def test_a_worker_that_leaves_before_the_start_makes_room(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(phases=[phase("only", 0, 2, 60, {"browse": 1})])
    leaving = lab.here("leaving")
    wait_for(lambda: "joined as worker 0" in leaving.said, "a worker to join")
    leaving.process.kill()
    wait_for(lambda: "is gone again before the start" in lab.stderr, "the master to notice")
    workers = [lab.here("one"), lab.here("two")]
    lab.go()
    assert lab.end() == 0, lab.stderr
    assert [worker.wait() for worker in workers] == [0, 0]
    assert_complete(lab.history(), lab.report)


def test_a_wrong_clock_is_measured_and_makes_the_run_inconclusive(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(phases=[phase("only", 0, 2, 60, {"browse": 1})])
    fast = "import time; true = time.time; time.time = lambda: true() + 0.3; import runpy; "
    fast += "runpy.run_module('loadtests', run_name='__main__')"
    workers = [lab.here("right"), lab.worker("fast", [sys.executable, "-I", "-X", "utf8", "-c", fast])]
    lab.go()
    assert lab.end() == 0, lab.stderr
    assert [worker.wait() for worker in workers] == [0, 0]
    offsets = sorted(worker.clock_offset_s or 0.0 for worker in lab.report.workers)
    assert abs(offsets[0]) < 0.05
    assert abs(offsets[1] - 0.3) < 0.05
    verdict, detail = lab.findings()["clocks"]
    assert verdict is Verdict.INCONCLUSIVE
    assert "its clock is off" in detail


def test_the_master_cannot_aim_a_worker_at_somebody_else(lab: Distributed) -> None:
    lab.open_shop()
    lab.begin(workers=1, base_url="http://192.0.2.1:80")
    worker = lab.here("one")
    lab.go()
    assert worker.wait() == 2
    assert "expected one on loopback" in worker.said
    assert lab.end() == 4


def test_nobody_there(lab: Distributed) -> None:
    worker = lab.worker("early", [sys.executable, "-m", "loadtests", "--patience", "2"])
    assert worker.wait() == 3
    assert "got no answer at 127.0.0.1" in worker.said
    assert "--workers-elsewhere" in worker.said


def test_a_busy_port_and_a_missing_key_are_sentences(lab: Distributed) -> None:
    lab.open_shop()
    with socket.create_server(("127.0.0.1", lab.master_port)):
        lab.begin()
        assert lab.end() == 4
    assert f"expected to listen on 127.0.0.1:{lab.master_port}" in lab.report.crashed[0]
    shutil.rmtree(lab.path / "out")
    lab.key_file.unlink()
    lab.begin()
    assert lab.end() == 4
    assert "expected the lab's load-key file" in lab.report.crashed[0]
