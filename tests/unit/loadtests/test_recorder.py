"""History, figures and histograms of one worker, with a fake clock."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from chaos.model.history import HISTORY_VERSION, End, Line, Outcome, Seen, Start
from chaos.model.loadplan import PlanPhase
from chaos.model.world import EventSeen, Page, TierSeen, page_digest
from loadtests import histogram
from loadtests.history import HistoryLost, HistoryWriter
from loadtests.journey import Call, Reading
from loadtests.recorder import MOST_PAGES, Recorder
from loadtests.tally import OUTCOMES, Figures, Shape

PHASES = [
    PlanPhase(name=name, start_s=start_s, duration_s=5, rate_from_per_s=1, rate_to_per_s=1, mix={"buy": 1})
    for name, start_s in (("calm", 0.0), ("spike", 5.0))
]
SHAPE = Shape(phases=("calm", "spike"), ops=("browse", "buy"), follow_ups=("buy_again", "poll"))
START = Start(version=HISTORY_VERSION, worker=3, t0_unix_s=1000.0, variant="naive", seed=7)


class Clock:
    at_s = 0.0

    def now_s(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history" / "worker-3.jsonl"


@pytest.fixture
def writer(path: Path) -> HistoryWriter:
    return HistoryWriter(path, START)


@pytest.fixture
def recorder(writer: HistoryWriter, clock: Clock) -> Recorder:
    return Recorder(worker=3, phases=PHASES, shape=SHAPE, writer=writer, now_s=clock.now_s)


def lines(path: Path) -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in path.read_bytes().splitlines()]


def call(**changes: object) -> Call:
    fields = {
        "op": "buy",
        "method": "POST",
        "head": b"",
        "read": lambda status, body: Reading(Outcome.OK),
        "intended": 4.9,
        "phase": 0,
        **changes,
    }
    return Call(**fields)  # type: ignore[arg-type]


def test_an_invoke_is_in_the_kernels_hands_before_sending(recorder: Recorder, clock: Clock, path: Path) -> None:
    clock.at_s = 5.0123456789
    recorder.begin(call(key="k", customer=4, tier=1, quantity=2))
    (start, invoke) = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert start["t"] == "start"
    assert invoke == {
        "t": "invoke",
        "id": "3-1",
        "op": "buy",
        "phase": "calm",
        "intended": 4.9,
        "sent": 5.012346,
        "key": "k",
        "customer": 4,
        "tier": 1,
        "quantity": 2,
    }


def test_an_ending_follows_at_the_next_flush(
    recorder: Recorder, writer: HistoryWriter, clock: Clock, path: Path
) -> None:
    operation = recorder.begin(call())
    recorder.end(operation, Reading(Outcome.FAIL, refused=True, reason="sold_out"), status=409, ended=6.25)
    assert len(lines(path)) == 2
    writer.close()
    assert json.loads(path.read_bytes().splitlines()[2]) == {
        "t": "fail",
        "id": "3-1",
        "ended": 6.25,
        "status": 409,
        "refused": True,
        "reason": "sold_out",
    }
    assert lines(path)[-1] == End(lines=3)


def test_an_operation_belongs_to_the_phase_of_its_intended_time(recorder: Recorder, clock: Clock) -> None:
    clock.at_s = 9.0
    operation = recorder.begin(call(intended=4.9, phase=0))
    recorder.end(operation, Reading(Outcome.OK), status=202, ended=9.5)
    poll = recorder.begin(call(op="poll", main=False, intended=8.0, phase=-1))
    recorder.end(poll, Reading(Outcome.OK), status=200, ended=9.5)
    assert {key[:3] for key in recorder.durations if key != histogram.LAG} == {
        ("calm", "buy", "ok"),
        ("spike", "poll", "ok"),
    }


def test_latency_is_from_intended_and_service_from_sent(recorder: Recorder, clock: Clock) -> None:
    clock.at_s = 5.9
    operation = recorder.begin(call(intended=4.9))
    recorder.end(operation, Reading(Outcome.OK), status=202, ended=6.4)
    latency = recorder.durations[("calm", "buy", "ok", "latency")].histogram()
    service = recorder.durations[("calm", "buy", "ok", "service")].histogram()
    assert histogram.quantile_s(latency, 50) == pytest.approx(1.5, rel=0.001)
    assert histogram.quantile_s(service, 50) == pytest.approx(0.5, rel=0.001)
    assert histogram.quantile_s(recorder.durations[histogram.LAG].histogram(), 50) == pytest.approx(1.0, rel=0.001)
    assert recorder.take_interval_latencies_s() == [1.5]
    assert recorder.take_interval_latencies_s() == []


def test_follow_ups_never_count_as_main_operations(recorder: Recorder) -> None:
    for changes in ({"attempt": 2, "main": False}, {"op": "poll", "main": False, "phase": -1}):
        operation = recorder.begin(call(**changes))
        recorder.end(operation, Reading(Outcome.OK), status=200, ended=1.0)
    assert recorder.figures.totals().sent == 0
    assert recorder.figures.operations == 2
    assert [counts["ok"] for counts in recorder.figures.follow_ups[0]] == [1, 1]
    assert recorder.durations[histogram.LAG].counts == {}


def test_what_was_scheduled_is_sent_or_dropped(recorder: Recorder, writer: HistoryWriter, path: Path) -> None:
    for _ in range(3):
        recorder.scheduled(1, 1)
    recorder.dropped(1, 1, 6.0)
    for outcome in (Outcome.OK, Outcome.INFO):
        recorder.end(recorder.begin(call(phase=1)), Reading(outcome), status=0, ended=7.0)
    totals = recorder.figures.totals()
    assert (totals.scheduled, totals.dropped, totals.sent, totals.total_ended) == (3, 1, 2, 2)
    writer.close()
    assert json.loads(path.read_bytes().splitlines()[1]) == {
        "t": "dropped",
        "id": "3-1",
        "op": "buy",
        "phase": "spike",
        "intended": 6.0,
    }


def test_figures_of_workers_add_up(recorder: Recorder) -> None:
    recorder.scheduled(0, 1)
    recorder.end(recorder.begin(call()), Reading(Outcome.OK), status=202, ended=1.0)
    sent_over = msgspec.convert(msgspec.to_builtins(recorder.figures), Figures)
    total = SHAPE.summed([recorder.figures, sent_over])
    cell = total.cells[0][1]
    assert (cell.scheduled, cell.sent, cell.ended["ok"]) == (2, 2, 2)
    assert sum(cell.latency.counts) == 2
    assert total.operations == 2
    assert SHAPE.summed([]).totals().ended == dict.fromkeys(OUTCOMES, 0)


def test_an_operation_without_a_promised_answer_is_infinitely_slow(recorder: Recorder) -> None:
    """Its own time, 0.1 s, is in no bucket but the last one, and so is an arrival that was never sent."""
    recorder.end(recorder.begin(call()), Reading(Outcome.INFO), status=503, ended=5.0)
    recorder.end(recorder.begin(call()), Reading(Outcome.FAIL, refused=True), status=409, ended=5.1)
    recorder.dropped(0, 1, 1.0)
    (cell,) = [cell for cell in recorder.figures.all_cells() if cell.sent]
    assert (sum(cell.latency.counts), cell.latency.counts[-1]) == (3, 2)
    assert cell.latency.sum_s == pytest.approx(0.2)
    assert sum(cell.service.counts) == 2
    assert recorder.take_interval_latencies_s() == [pytest.approx(0.2)]


def test_a_history_that_exists_is_not_touched(path: Path, writer: HistoryWriter) -> None:
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        HistoryWriter(path, START)
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_so(path: Path, writer: HistoryWriter, recorder: Recorder) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, writer._file)
    os.close(full)
    with pytest.raises(HistoryLost, match=r"worker-3.jsonl: got No space left on device, expected to write"):
        recorder.begin(call())


def test_the_token_and_what_the_answer_showed_are_on_record(recorder: Recorder, path: Path) -> None:
    operation = recorder.begin(call(token="t", state="expired", expires=1.23456789, expects="401"))
    recorder.end(operation, Reading(Outcome.OK, shown=7, issued="i", digest="d"), status=200, ended=5.0)
    recorder.begin(call())  # flushes the ending
    (_, invoke, ending, plain) = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert {key: invoke[key] for key in ("token", "state", "expires", "expects")} == {
        "token": "t",
        "state": "expired",
        "expires": 1.234568,
        "expects": "401",
    }
    assert {key: ending[key] for key in ("shown", "issued", "digest")} == {"shown": 7, "issued": "i", "digest": "d"}
    assert "token" not in plain


def test_each_different_page_is_written_once_before_the_answer_that_showed_it(
    recorder: Recorder, writer: HistoryWriter, path: Path
) -> None:
    for title in ("A", "B", "A"):
        page = (EventSeen(1, "gig", title, "", "Hall", "Cork", (), (TierSeen(1, "Floor", 100, 9),)),)
        reading = Reading(Outcome.OK, seen=page_digest(page), seats="0", page=page)
        recorder.end(recorder.begin(call(op="browse", about="gig")), reading, status=200, ended=5.0)
    writer.close()
    told = lines(path)
    assert [type(line).__name__ for line in told[1:-1]] == [
        "Invoke",
        "Seen",
        "Ok",
        "Invoke",
        "Seen",
        "Ok",
        "Invoke",
        "Ok",
    ]
    assert msgspec.convert(told[2].events, Page)[0].title == "A"  # type: ignore[union-attr]
    assert told[3].seen == told[2].seen  # type: ignore[union-attr]
    assert told[1].about == "gig"  # type: ignore[union-attr]


def test_there_is_an_end_to_different_pages(recorder: Recorder, writer: HistoryWriter, path: Path) -> None:
    for number in range(MOST_PAGES + 5):
        reading = Reading(Outcome.OK, seen=str(number), seats="0", page=())
        recorder.end(recorder.begin(call(op="browse")), reading, status=200, ended=5.0)
    writer.close()
    assert sum(isinstance(line, Seen) for line in lines(path)) == MOST_PAGES
