from __future__ import annotations

import pytest

from chaos.evidence.figures import HistoryFigures
from chaos.evidence.limits import Curve
from chaos.model.evidence import QueueSample
from chaos.model.history import Operation, Outcome
from dashboard import timeline


def figures() -> HistoryFigures:
    """Second 0: ten, of which one has no promised answer; second 2: four 503 after 4 ms."""
    found = HistoryFigures()
    for number in range(10):
        outcome = Outcome.INFO if number == 9 else Outcome.OK
        found.add(op("browse" if number < 5 else "buy", number / 10, 0.1 * (number + 1), outcome))
    for number in range(4):
        found.add(op("buy", 2 + number / 10, 0.004, Outcome.INFO))
    return found


def op(name: str, at_s: float, took_s: float, outcome: Outcome) -> Operation:
    return Operation(id="1", op=name, phase="p", intended=at_s, ended=at_s + took_s, outcome=outcome)


def lines(found: timeline.Timeline) -> dict[str, tuple[float | None, ...]]:
    return {line.name: line.values for line in found.lines}


def test_a_history_becomes_lines_and_a_silent_second_is_a_zero_or_a_gap() -> None:
    """Until now the four 503 were drawn as a p95 of 4 ms."""
    found = timeline.from_history(figures())
    assert lines(found) == {
        "offered": (10, 0, 4), "served": (9, 0, 0), "errors": (1, 0, 4),
        "p50": (pytest.approx(0.5), None, None), "p95": (None, None, None),
    }  # fmt: skip
    assert {line.times_s for line in found.lines} == {(0.0, 1.0, 2.0)}
    assert found.unanswered_s == (0.0, 2.0)
    assert not found.empty


def test_what_has_a_limit_of_its_own_has_a_line_of_its_own() -> None:
    found = lines(timeline.from_history(figures(), [Curve("browse"), Curve("buy", 0.5), Curve("nobody")]))
    assert found["browse p95"] == (pytest.approx(0.5), None, None)
    assert found["buy p50"] == (pytest.approx(0.8), None, None)
    assert found["nobody p95"] == (None, None, None)


def test_the_brokers_queues_are_those_that_the_run_recorded() -> None:
    queue = [QueueSample(at_s=at_s, queued=3, unacked=1) for at_s in (-1.0, 0.5, 1.5, 9.0)]
    found = timeline.from_history(figures(), queue=queue, until_s=3.0)
    assert [(line.name, line.times_s, line.values) for line in found.lines if line.panel == "backlog"] == [
        ("tasks waiting", (0.5, 1.5), (3.0, 3.0)),
        ("tasks in hand", (0.5, 1.5), (1.0, 1.0)),
    ]


def test_the_second_that_is_not_over_is_left_out() -> None:
    assert lines(timeline.from_history(figures(), until_s=2.4))["offered"] == (10, 0)


def test_nothing_is_empty() -> None:
    assert timeline.from_history(HistoryFigures()).empty
