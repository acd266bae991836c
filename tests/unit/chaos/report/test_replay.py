from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from chaos.cli.replay import replay_lines, replay_live
from chaos.report.replay import Replay
from tests.unit.chaos.report.samples import sample


@pytest.fixture
def replay(shown):
    samples = (
        sample("0-1", 9.0),
        sample(
            "0-2", 12.5, status=503, outcome="info", reason="http_503", headers={"Retry-After": "2"}, body='{"a": 1}'
        ),
        sample("0-3", 13.0),
        sample("0-4", 14.0, op="poll", method="GET", path="/api/orders/1/", status=200),
        sample("0-5", 14.5, op="browse", method="GET", path="/api/events/", status=200),
    )
    return Replay(replace(shown, samples=samples))


def test_a_moment_knows_phase_and_faults(replay):
    assert replay.scene(9.0).phase == "spike"
    assert replay.scene(1.0).faults == ()
    assert any("shop_to_gateway" in fault for fault in replay.scene(12.0).faults)
    assert replay.scene(28.5).phase == ""


def test_figures_are_those_of_the_second_that_has_ended(replay):
    assert replay.scene(0.5).second is None
    assert replay.scene(13.2).second.at_s == 12


def test_nothing_is_shown_before_it_happened(replay):
    assert replay.scene(8.9).answers == ()
    assert [s.id for s in replay.scene(12.4).answers] == ["0-1"]


def test_an_unusual_answer_stays_in_front_for_a_while(replay):
    assert [s.id for s in replay.scene(14.6).answers] == ["0-2", "0-5", "0-4"]
    assert [s.id for s in replay.scene(16.0).answers] == ["0-5", "0-4", "0-3"]


def test_in_a_pipe_every_second_and_what_was_not_normal_in_order(replay):
    stream = StringIO()
    replay_lines(replay, stream)
    lines = stream.getvalue().splitlines()
    at = next(n for n, line in enumerate(lines) if "503" in line)
    assert lines[at] == "   12.50 s    POST /api/orders/ -> 503 (info: http_503), 200 ms after it was wanted"
    assert lines[at - 1].startswith("  12.0 s  spike: offered ")
    assert "faults: latency on shop_to_gateway" in lines[at - 1]
    assert lines[-1].startswith("■ violated: Violated: no_oversell")


def test_on_a_terminal_it_takes_the_time_that_it_took_and_ends_with_the_verdict(replay):
    slept = []
    stream = StringIO()
    console = Console(file=stream, force_terminal=True, width=120, height=40)
    replay_live(replay, console, speed=2.0, sleep=slept.append)
    assert sum(slept) == pytest.approx(replay.end_s / 2.0, rel=0.05)
    assert "no_oversell" in stream.getvalue()


def test_what_still_works_in_an_outage_is_seen_too(shown):
    broken = [
        sample(f"0-{n}", 12.0 + n / 10, status=503, outcome="info", reason=f"r{n}", op=f"op{n}") for n in range(4)
    ]
    works = sample("0-9", 12.05, op="browse", method="GET", path="/api/events/", status=200, headers={"Age": "4"})
    scene = Replay(replace(shown, samples=[*broken, works])).scene(12.5)
    assert [s.id for s in scene.answers] == ["0-3", "0-2", "0-9"]
