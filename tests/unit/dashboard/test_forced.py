"""The two lanes of a forced schedule."""

from __future__ import annotations

from chaos.model.interleaving import Said, Schedule, Step
from dashboard.forced import HELD, RUNS, WAITS, lanes, listed, segments, steps


def schedule(*told: tuple[float, str, str, str]) -> Schedule:
    return Schedule(
        id="s/w2",
        section="s",
        pair=("buy", "cancel"),
        steps=tuple(Step(at=at, who=who, kind=kind, what=what) for at, who, kind, what in told),
        a=Said(role="buy"),
        b=Said(role="cancel"),
    )


BLOCKED = schedule(
    (10.0, "A", "starts", "buy starts"),
    (10.1, "A", "held", "held at its stop 2"),
    (10.2, "B", "starts", "cancel starts"),
    (10.3, "B", "waits", "waits for a row"),
    (10.4, "A", "goes_on", "goes on"),
    (10.5, "A", "ended", "202"),
    (10.6, "B", "ended", "<b>409</b>"),
)


def test_a_runs_is_held_and_runs_again() -> None:
    assert [(s.kind, s.from_s, s.to_s) for s in segments(BLOCKED, "A")] == [
        (RUNS, 10.0, 10.1), (HELD, 10.1, 10.4), (RUNS, 10.4, 10.5),
    ]  # fmt: skip


def test_b_waits_until_a_goes_on() -> None:
    assert [(s.kind, s.from_s, s.to_s) for s in segments(BLOCKED, "B")] == [
        (RUNS, 10.2, 10.3), (WAITS, 10.3, 10.4), (RUNS, 10.4, 10.6),
    ]  # fmt: skip


def test_one_that_never_ended_runs_to_the_end_of_what_is_known() -> None:
    open_ended = schedule((1.0, "A", "starts", "x"), (2.0, "B", "starts", "y"))
    assert [(s.kind, s.to_s) for s in segments(open_ended, "A")] == [(RUNS, 2.0)]


def test_drawn_within_its_track_and_escaped() -> None:
    drawn = lanes(BLOCKED)
    assert drawn.count("fd-bar") == 6
    assert "left:16.67%" in drawn
    assert "<b>409</b>" not in drawn
    head, rows = steps(BLOCKED)
    assert (len(head), len(rows)) == (3, 7)
    assert "&lt;b&gt;" in rows[-1][2].html


def test_nothing_known_is_no_error() -> None:
    assert segments(schedule(), "A") == ()
    assert "fd-lanes" in lanes(schedule())


def test_a_list_of_all() -> None:
    head, rows = listed([BLOCKED])
    assert len(head) == len(rows[0]) == 6
    assert rows[0][2].html == "never"
