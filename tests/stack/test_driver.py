"""The driver as the engine meets it: a process with a plan, against a real server on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest
from hdrh.histogram import HdrHistogram
from prometheus_client.parser import text_string_to_metric_families

from chaos.model.history import End, Fail, Info, Invoke, Ok, Seen
from chaos.model.loadplan import DriverReport, LoadPlan, Progress
from chaos.model.operations import OPERATIONS
from tests.stack.driver_lab import CHECKOUT, PATIENCE_S, Lab, assert_complete, phase, read_lines, wait_for

pytestmark = pytest.mark.stack


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.close()


def test_a_whole_run_is_accounted_for(lab: Lab) -> None:
    lab.open_shop(seats=40, polls_until_paid=2)
    phases = [
        phase("calm", 0, 1.5, 40, {"browse": 8, "buy": 2}),
        phase("spike", 1.5, 1.5, 80, {"browse": 2, "buy": 7, "login": 1}),
    ]
    code, progress = lab.run(lab.plan(phases, double_click_ratio=0.3, ahead_s=4.0))
    assert code == 0, lab.stderr
    report, lines = lab.report, lab.history()
    assert report.ended == "finished"
    assert report.no_hidden_resend
    assert report.crashed == []
    assert (report.workers_expected, report.workers_finished) == (1, 1)
    assert report.scheduled > 100
    assert report.dropped == 0
    assert_complete(lines, report)
    assert 0 < report.cpu_ratio < 1
    assert report.send_lag_p50_s <= report.send_lag_p99_s <= report.send_lag_max_s

    invokes = {line.id: line for line in lines if isinstance(line, Invoke)}
    assert {line.op for line in invokes.values()} == {"browse", "buy", "login", "poll", "use"}
    assert all((line.phase == "spike") == (line.intended >= 1.5) for line in invokes.values() if line.main)
    assert all(line.sent >= line.intended for line in invokes.values() if line.main)
    again = [line for line in invokes.values() if line.attempt == 2]
    firsts = {line.key: line for line in invokes.values() if line.op == "buy" and line.main}
    assert again
    for line in again:
        first = firsts[line.key]
        assert not line.main
        assert (line.tier, line.quantity, line.customer) == (first.tier, first.quantity, first.customer)
    fails = [line for line in lines if isinstance(line, Fail)]
    assert fails
    assert all(line.refused and line.reason == "sold_out" and line.status == 409 for line in fails)
    oks = {line.id: line for line in lines if isinstance(line, Ok)}
    assert all(oks[line.id].order for line in invokes.values() if line.op in ("buy", "poll") and line.id in oks)
    assert any(line.order_status == "paid" for line in oks.values())

    # what pages showed is on record once, and every answer names it
    (page,) = (line for line in lines if isinstance(line, Seen))
    browsed = [oks[line.id] for line in invokes.values() if line.op == "browse" and line.id in oks]
    assert {(answer.seen, answer.seats) for answer in browsed} == {(page.seen, "0")}

    # what the server saw is what the history says, request by request
    assert Counter(request["id"] for request in lab.requests()) == Counter(invokes.keys())

    assert progress[0].ready
    assert not any(line.ready for line in progress[1:])
    assert sum(line.scheduled for line in progress) == report.scheduled == progress[-1].total_scheduled
    assert sum(sum(line.outcomes.values()) for line in progress) == report.scheduled
    # by each line's own time: a machine that starts the driver after the first phase has no line in it
    named_until_s = (("", 0), ("calm", 1.5), ("spike", 3))
    for told in progress:
        assert told.phase == next((name for name, to_s in named_until_s if told.at_s < to_s), "")
    assert any(line.phase for line in progress)
    assert any(line.p95_ms for line in progress)

    cells = json.loads((lab.path / "out" / "histograms.json").read_bytes())["cells"]
    latency = {(c["phase"], c["op"], c["outcome"]): c for c in cells if c["kind"] == "latency"}
    assert sum(c["count"] for key, c in latency.items() if key[1] in ("browse", "buy", "login")) == report.scheduled
    browse = latency[("calm", "browse", "ok")]
    durations = sorted(
        oks[line.id].ended - line.intended for line in invokes.values() if line.op == "browse" and line.phase == "calm"
    )
    assert browse["count"] == len(durations)
    assert browse["max_ms"] == pytest.approx(durations[-1] * 1000, rel=0.01)
    assert HdrHistogram.decode(browse["hdr"]).get_total_count() == len(durations)
    assert latency[("spike", "buy_again", "ok")]["count"] > 0


def test_the_same_seed_asks_for_the_same_things_however_many_workers(lab: Lab) -> None:
    lab.open_shop()
    phases = [phase("only", 0, 1.5, 60, {"browse": 1, "buy": 1})]

    def demand(workers: int) -> list[tuple[object, ...]]:
        out = lab.path / f"out{workers}"
        code, _ = lab.run(lab.plan(phases, workers=workers, out_dir=str(out), ahead_s=2.5 + workers))
        assert code == 0, lab.stderr
        lines = [line for file in (out / "history").iterdir() for line in read_lines(file)]
        report = msgspec.json.decode((out / "driver.json").read_bytes(), type=DriverReport)
        assert report.workers_finished == workers
        assert_complete(lines, report)
        main = [line for line in lines if isinstance(line, Invoke) and line.main]
        return sorted((n.intended, n.op, n.key, n.customer or 0, n.tier or 0, n.quantity) for n in main)

    assert demand(1) == demand(2)


@pytest.mark.parametrize(
    ("trap", "kind", "reason"),
    [
        ("close", Info, "closed_without_answer"),
        ("reset", Info, {"closed_without_answer", "reset"}),
        ("status503", Info, "http_503"),
        ("redirect", Info, "http_302"),
        ("not_json", Info, "bad_body"),
        ("no_id", Info, "bad_body"),
        ("truncate", Info, "truncated"),
        ("hang", Info, "timeout"),
    ],
)
def test_an_unknown_outcome_is_info_and_sent_once(lab: Lab, trap: str, kind: type, reason: str | set[str]) -> None:
    lab.open_shop(trap=trap, trap_every=5)
    mix = {"buy": 1} if trap == "no_id" else {"browse": 1, "buy": 1}
    code, _ = lab.run(lab.plan([phase("only", 0, 1, 60, mix)], timeout_s=1.0, double_click_ratio=0.0))
    assert code == 0, lab.stderr
    lines = lab.history()
    assert_complete(lines, lab.report)
    assert lab.report.crashed == []
    infos = [line for line in lines if isinstance(line, Info)]
    assert len(infos) >= 5
    assert {line.reason for line in infos} <= ({reason} if isinstance(reason, str) else reason)
    invoked = Counter(line.id for line in lines if isinstance(line, Invoke))
    assert Counter(request["id"] for request in lab.requests()) == invoked


@pytest.mark.parametrize("trap", ["chunked", "last", "until_close"])
def test_every_way_to_end_a_body_is_understood(lab: Lab, trap: str) -> None:
    lab.open_shop(trap=trap, trap_every=2)
    code, _ = lab.run(lab.plan([phase("only", 0, 1, 40, {"browse": 1, "buy": 1})], double_click_ratio=0.0))
    assert code == 0, lab.stderr
    assert_complete(lab.history(), lab.report)
    assert lab.report.ok == lab.report.scheduled > 10


def test_a_refused_connection_did_not_happen(lab: Lab) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        lab.port = free.getsockname()[1]
    code, _ = lab.run(lab.plan([phase("only", 0, 1, 40, {"browse": 1})]))
    assert code == 0, lab.stderr
    assert_complete(lab.history(), lab.report)
    fails = [line for line in lab.history() if isinstance(line, Fail)]
    assert len(fails) == lab.report.scheduled == lab.report.fail > 10
    assert {(line.reason, line.refused, line.status) for line in fails} == {("connection_refused", False, 0)}


def test_beyond_the_cap_arrivals_are_dropped_and_recorded(lab: Lab) -> None:
    lab.open_shop(slow_s=1.0)
    code, _ = lab.run(lab.plan([phase("only", 0, 2, 50, {"browse": 1})], max_in_flight=10, ahead_s=4.0))
    assert code == 0, lab.stderr
    report = lab.report
    assert_complete(lab.history(), report)
    assert report.dropped > 40
    assert report.ok >= 10
    assert report.send_lag_p99_s < 1.0  # nothing was made to wait instead


def test_waiting_between_polls_takes_no_place_from_arrivals(lab: Lab) -> None:
    lab.open_shop(polls_until_paid=99)
    phases = [phase("only", 0, 2, 40, {"buy": 1})]
    polling = {"poll_every_s": 1.0, "poll_budget": 2}
    code, _ = lab.run(lab.plan(phases, ahead_s=4.0, max_in_flight=25, double_click_ratio=0.0, **polling))
    assert code == 0, lab.stderr
    assert lab.report.dropped == 0
    assert_complete(lab.history(), lab.report)
    polls = Counter(line.order for line in lab.history() if isinstance(line, Invoke) and line.op == "poll")
    assert set(polls.values()) == {2}


def test_a_stalled_server_cannot_hide_in_the_percentiles(lab: Lab) -> None:
    lab.open_shop()
    driver = lab.start(lab.plan([phase("only", 0, 5, 100, {"browse": 1})], arrivals="uniform", max_in_flight=1000))
    assert driver.stdout is not None
    assert lab.shop is not None
    t0 = msgspec.json.decode((lab.path / "plan.json").read_bytes(), type=LoadPlan).t0_unix_s
    time.sleep(max(t0 + 1.5 - time.time(), 0))
    lab.shop.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    lab.shop.send_signal(signal.SIGCONT)
    driver.stdout.read()
    assert driver.wait(PATIENCE_S) == 0
    lines = lab.history()
    ended = {line.id: line.ended for line in lines if isinstance(line, Ok)}
    latencies = sorted(ended[line.id] - line.intended for line in lines if isinstance(line, Invoke))
    assert lab.report.dropped == 0
    assert latencies[-1] > 0.9
    slow = sum(1 for latency in latencies if latency > 0.05)
    assert slow >= 0.17 * len(latencies)  # a second out of five stood still


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", ["stdin", "sigterm"])
def test_it_ends_at_once_when_nobody_wants_it(lab: Lab, how: str, workers: int) -> None:
    lab.open_shop(slow_s=0.3)
    driver = lab.start(lab.plan([phase("only", 0, 600, 50, {"browse": 1, "buy": 1})], workers=workers, ahead_s=4.0))
    assert driver.stdout is not None
    assert driver.stdin is not None
    for line in driver.stdout:
        if msgspec.json.decode(line, type=Progress).total_ended > 20:
            break
    family = psutil.Process(driver.pid).children(recursive=True)
    if how == "stdin":
        driver.stdin.close()
    else:
        driver.send_signal(signal.SIGTERM)
    driver.stdout.read()
    assert driver.wait(PATIENCE_S) == 0, lab.stderr
    assert lab.report.ended == "stopped"
    assert lab.report.workers_finished == workers
    assert_complete(lab.history(), lab.report)
    assert any(isinstance(line, Info) and line.reason == "stopped" for line in lab.history())
    assert not any(process.is_running() for process in family)


def test_no_request_is_off_the_record_when_the_driver_is_killed(lab: Lab) -> None:
    lab.open_shop()
    driver = lab.start(lab.plan([phase("only", 0, 600, 400, {"browse": 1, "buy": 1})]))
    assert driver.stdout is not None
    for line in driver.stdout:
        if msgspec.json.decode(line, type=Progress).total_ended > 300:
            break
    driver.kill()
    driver.wait()
    invoked = {line.id for line in lab.history() if isinstance(line, Invoke)}
    seen = {request["id"] for request in lab.requests()}
    assert len(seen) > 300
    assert seen <= invoked
    assert not any(isinstance(line, End) for line in lab.history())


def test_workers_end_with_their_master(lab: Lab) -> None:
    lab.open_shop()
    driver = lab.start(lab.plan([phase("only", 0, 600, 50, {"browse": 1})], workers=2, ahead_s=4.0))
    assert driver.stdout is not None
    driver.stdout.readline()
    family = psutil.Process(driver.pid).children(recursive=True)
    assert len(family) == 2
    driver.kill()
    driver.wait()
    wait_for(lambda: not any(process.is_running() for process in family), "the workers to end")


def test_a_lost_worker_is_visible(lab: Lab) -> None:
    lab.open_shop()
    # Long enough that a machine which stands still for some seconds finds it at work all the same.
    driver = lab.start(lab.plan([phase("only", 0, 20, 60, {"browse": 1})], workers=2, ahead_s=4.0))
    assert driver.stdout is not None
    for line in driver.stdout:
        if msgspec.json.decode(line, type=Progress).total_ended > 30:
            break
    os.kill(psutil.Process(driver.pid).children()[0].pid, signal.SIGKILL)
    driver.stdout.read()
    assert driver.wait(PATIENCE_S) == 3
    assert (lab.report.workers_expected, lab.report.workers_finished) == (2, 1)
    assert "its share of the load is missing" in lab.stderr


def test_live_series(lab: Lab) -> None:
    lab.open_shop()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    phases = [phase("calm", 0, 3, 30, {"browse": 1}), phase("spike", 3, 600, 60, {"browse": 1, "buy": 1})]
    driver = lab.start(lab.plan(phases, metrics_port=port, ahead_s=6.0))
    assert driver.stdout is not None
    driver.stdout.readline()

    def scrape() -> dict[tuple[str, ...], float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (sample.name, *(sample.labels.get(n, "") for n in ("phase", "op", "variant", "outcome", "le"))): (
                    sample.value
                )
                for family in families
                for sample in family.samples
            }

    first = scrape()  # long before the spike: a busy machine starts a driver in seconds
    assert first[("load_scheduled_total", "spike", "buy", "naive", "", "")] == 0
    assert first[("load_ended_total", "spike", "buy", "naive", "refused", "")] == 0
    assert first[("load_dropped_total", "calm", "browse", "naive", "", "")] == 0
    assert first[("load_latency_seconds_bucket", "spike", "buy", "naive", "", "+Inf")] == 0
    assert ("load_service_seconds_count", "calm", "browse", "naive", "", "") in first
    assert ("load_send_lag_seconds_bucket", "calm", "browse", "naive", "", "0.001") in first
    assert ("load_in_flight", "", "", "naive", "", "") in first

    for line in driver.stdout:
        if msgspec.json.decode(line, type=Progress).total_ended > 200:
            break
    later = scrape()
    assert later.keys() == first.keys()
    ended = later[("load_ended_total", "spike", "buy", "naive", "ok", "")]
    assert ended > 10
    assert later[("load_latency_seconds_count", "spike", "buy", "naive", "", "")] >= ended
    assert later[("load_sent_total", "spike", "buy", "naive", "", "")] >= ended
    assert later[("load_follow_ups_total", "spike", "poll", "naive", "ok", "")] > 0


def test_a_taken_metrics_port_is_a_sentence(lab: Lab) -> None:
    lab.open_shop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _ = lab.run(lab.plan(metrics_port=taken.getsockname()[1]))
    assert code == 4
    assert "expected a free port" in lab.stderr
    assert lab.report.ended == "crashed"


def test_a_history_is_never_overwritten(lab: Lab) -> None:
    lab.open_shop()
    assert lab.run(lab.plan())[0] == 0
    before = (lab.path / "out" / "history" / "worker-0.jsonl").read_bytes()
    assert lab.run(lab.plan())[0] == 2
    assert "expected a folder without a history" in lab.stderr
    assert (lab.path / "out" / "history" / "worker-0.jsonl").read_bytes() == before


def test_a_full_disk_ends_the_run(lab: Lab) -> None:
    lab.open_shop()
    plan = lab.plan([phase("only", 0, 600, 400, {"browse": 1})])
    limit = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000)); "
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += f"sys.argv = ['loadtests', {str(plan)!r}]; runpy.run_module('loadtests', run_name='__main__')"
    driver = subprocess.run(
        [sys.executable, "-c", limit], check=False, cwd=CHECKOUT, stdin=open_pipe(lab), capture_output=True
    )
    assert driver.returncode == 4, driver.stderr
    assert b"expected to write the history" in driver.stderr
    assert lab.report.ended == "crashed"


def open_pipe(lab: Lab) -> int:
    """A standard input that nobody closes before the test ends."""
    reader, writer = os.pipe()
    lab.keep = writer  # type: ignore[attr-defined]
    return reader


def test_a_resending_client_is_refused(lab: Lab) -> None:
    """With geventhttpclient as it comes, the self-test sees more than one send and the driver does not start."""
    lab.open_shop()
    plan = lab.plan()
    unpatched = "import sys, os; from loadtests import driver; driver.forbid_hidden_resends = lambda: None; "
    unpatched += f"sys.argv = ['loadtests', {str(plan)!r}]; from loadtests.command import main; os._exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", unpatched], check=False, cwd=CHECKOUT, stdin=open_pipe(lab), capture_output=True
    )
    assert ended.returncode == 4
    assert b"expected 1" in ended.stderr
    assert not lab.report.no_hidden_resend
    assert lab.report.ended == "crashed"
    assert not (lab.path / "shop.log").read_text()


def test_a_bad_plan_names_every_problem(lab: Lab) -> None:
    plan = lab.plan([phase("only", 0, -1, 5, {"brows": 1})], workers=0, arrivals="bursty")
    code, _ = lab.run(plan)
    assert code == 2
    for problem in (
        "duration_s: got -1",
        f"got operation 'brows', expected one of {', '.join(sorted(OPERATIONS))}",
        "workers: got 0",
    ):
        assert problem in lab.stderr
    assert "arrivals: got 'bursty', expected one of poisson, uniform" in lab.stderr
