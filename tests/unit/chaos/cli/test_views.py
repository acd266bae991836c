"""A run as people see it: every event in a sentence, figures per second, and a closed terminal that stops nobody."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from chaos.cli.views import LiveView, PlainView, figures, sentence
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import Progress


def event(event_kind: EventKind, **data: Any) -> Event:
    return Event(seq=0, at_unix_s=0.0, event=event_kind, data=data)


FAULT = {"fault": "1-latency-x", "kind": "latency", "on": "shop_to_gateway"}


@pytest.mark.parametrize(
    ("kind", "data", "text"),
    [
        (EventKind.RUN_STARTED, {"run_id": "r"}, "run r"),
        (EventKind.PREPARED, {"variant": "naive", "timings_s": {"total": 2.04}}, "naive is ready (2.0 s)"),
        (EventKind.PREPARED, {"variant": "naive"}, "naive is ready"),
        (EventKind.PHASE_STARTED, {"phase": "spike", "start_s": 8.0, "end_s": 20.0}, "phase spike (8–20 s)"),
        (EventKind.STEADY_STATE, {"met": True, "findings": []}, "steady state: met"),
        (EventKind.STEADY_STATE, {"met": False, "findings": ["a", "b"]}, "steady state: a; b"),
        (EventKind.FAULT_INJECTED, {**FAULT, "proven": True}, "fault latency on shop_to_gateway: injected, proven"),
        (
            EventKind.FAULT_INJECTED,
            {**FAULT, "proven": False, "reason": "why"},
            "fault latency on shop_to_gateway: injected, NOT PROVEN: why",
        ),
        (EventKind.FAULT_FAILED, {**FAULT, "reason": "why"}, "fault latency on shop_to_gateway: failed: why"),
        (EventKind.EXPOSURE, {**FAULT, "count": 3, "witness": "w"}, "fault 1-latency-x: 3 met it (w)"),
        (EventKind.FAULT_LIFTED, {**FAULT, "pristine": True}, "fault 1-latency-x: lifted"),
        (EventKind.FAULT_LIFTED, {**FAULT, "pristine": False, "reason": "y"}, "fault 1-latency-x: NOT LIFTED: y"),
        (EventKind.GUARDRAIL, {"probe": "p", "reason": "why"}, "guardrail p: why"),
        (EventKind.HEALED, {}, "healed: proxies are pristine"),
        (EventKind.HEAL_FAILED, {"left": ["a", "b"]}, "heal FAILED: a; b"),
        (EventKind.SETTLED, {"settled": True, "settle_s": 1.25, "reason": "r"}, "settled after 1.2 s: r"),
        (EventKind.SETTLED, {"settled": False, "settle_s": 6.71, "reason": "r"}, "not settled within 6.7 s: r"),
        (EventKind.NOTE, {"text": "n"}, "n"),
        (EventKind.COLLECTED, {}, None),
    ],
)
def test_events_in_words(kind: EventKind, data: dict[str, Any], text: str | None) -> None:
    assert sentence(event(kind, **data)) == text


def progress(at_s: float, **more: Any) -> Progress:
    return Progress(at_s=at_s, phase="spike", **more)


def test_figures_are_per_second() -> None:
    line = progress(
        1.0,
        scheduled=30,
        dropped=1,
        in_flight=7,
        p95_ms=12.4,
        outcomes={"ok": 10, "refused": 5, "fail": 2, "info": 1},
    )
    assert figures(line, 0.5) == {
        "offered": "60/s",
        "served": "30/s",
        "errors": "8/s",
        "p95": "12 ms",
        "in flight": "7",
    }
    assert figures(progress(1.0), 0.5)["p95"] == "–"
    assert figures(progress(1.0, outcomes={"info": 20}), 0.5)["p95"] == "no answer"
    assert figures(progress(1.0, dropped=1), 0.5)["p95"] == "no answer"


def test_plain_lines() -> None:
    stream = io.StringIO()
    view = PlainView(stream)
    view.say("hello")
    view.event(event(EventKind.HEALED))
    view.event(event(EventKind.COLLECTED))
    for half in range(8):
        view.progress(progress(half / 2, scheduled=10), ("1-latency-x",) if half > 4 else ())
    lines = [line.partition(" s] ")[2] for line in stream.getvalue().splitlines()]
    assert lines == [
        "hello",
        "healed: proxies are pristine",
        "spike: offered 20/s, served 0/s, errors 0/s, p95 –, in flight 0",
        "spike: offered 20/s, served 0/s, errors 0/s, p95 –, in flight 0 · faults: 1-latency-x",
    ]


class Gone(io.StringIO):
    """A pipe whose reader has closed it."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_view_whose_reader_has_gone_stops_no_run() -> None:
    view = PlainView(Gone())
    view.say("hello")
    view.event(event(EventKind.HEALED))
    closed = io.StringIO()
    closed.close()
    PlainView(closed).say("hello")


def test_the_live_panel() -> None:
    stream = io.StringIO()
    view = LiveView(Console(file=stream, force_terminal=True, width=100))
    view.event(event(EventKind.RUN_STARTED, run_id="r"))
    view.progress(progress(0.0), ())
    view.progress(progress(0.5, scheduled=25, p95_ms=12.0), ("1-latency-x",))
    view.close()
    shown = stream.getvalue()
    assert "run r" in shown
    assert "50/s" in shown
    assert "faults: 1-latency-x" in shown
