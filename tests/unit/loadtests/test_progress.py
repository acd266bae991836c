from __future__ import annotations

import os

import msgspec
import pytest

from chaos.model.loadplan import PlanPhase, Progress
from loadtests.progress import ProgressMaker, ProgressPipe, ReaderGone
from loadtests.tally import Shape

PHASES = [PlanPhase(name="calm", start_s=0, duration_s=2, rate_from_per_s=1, rate_to_per_s=1, mix={"buy": 1})]
SHAPE = Shape(phases=("calm",), ops=("buy",), follow_ups=())


def test_lines_are_differences_and_totals() -> None:
    figures, maker = SHAPE.empty(), ProgressMaker(PHASES)
    first = maker.line(-1.0, figures, ready=True)
    assert (first.ready, first.phase, first.p95_ms) == (True, "", None)
    cell = figures.cells[0][0]
    cell.scheduled, cell.sent, cell.dropped, figures.in_flight = 5, 4, 1, 2
    cell.ended["ok"], cell.ended["refused"] = 1, 1
    maker.heard([0.1 * n for n in range(1, 21)])
    second = maker.line(0.5, figures)
    assert second == Progress(
        at_s=0.5,
        phase="calm",
        scheduled=5,
        sent=4,
        in_flight=2,
        dropped=1,
        outcomes={"ok": 1, "refused": 1, "fail": 0, "info": 0},
        p95_ms=2000.0,
        total_scheduled=5,
        total_ended=3,
    )
    cell.scheduled = 6
    third = maker.line(2.5, figures)
    assert (third.scheduled, third.sent, third.total_scheduled, third.phase, third.p95_ms) == (1, 0, 6, "", None)


def test_an_operation_without_a_promised_answer_is_infinitely_slow() -> None:
    """Twenty answers of 503 after 4 ms are no p95 of 4 ms, and neither is an arrival that was never sent."""
    figures, maker = SHAPE.empty(), ProgressMaker(PHASES)
    cell = figures.cells[0][0]
    cell.ended["info"] = 2
    maker.heard([0.004] * 18)
    assert maker.line(0.5, figures).p95_ms is None
    cell.ended["ok"], cell.dropped = 40, 1
    maker.heard([0.004] * 19)
    assert maker.line(1.0, figures).p95_ms == 4.0
    cell.dropped = 3
    maker.heard([0.004] * 18)
    assert maker.line(1.5, figures).p95_ms is None


def test_a_reader_that_lags_costs_lines_not_time() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    pipe, line = ProgressPipe(writer), Progress(at_s=0.0, phase="calm")
    written = 0
    while pipe.has_room():
        pipe.write(line)
        written += 1
        assert written < 100_000
    os.set_blocking(reader, False)
    assert msgspec.json.decode(os.read(reader, 1 << 20).splitlines()[0], type=Progress) == line
    assert pipe.has_room()
    os.close(reader)
    with pytest.raises(ReaderGone):
        pipe.write(line)
    os.close(writer)
