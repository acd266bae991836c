"""What a journey gets of a call that it made beside another."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest

from chaos.model.history import Outcome
from loadtests.client import Client
from loadtests.journey import Call, Reading

CALL = cast("Call", None)


class Answered(Client):
    """Its exchanges take as long as they are told, and give or raise what they are told."""

    def __init__(self, takes_s: float, ends: Any) -> None:
        recorder = cast("Any", SimpleNamespace(figures=None))
        super().__init__(
            base_url="http://127.0.0.1", transport=cast("Any", None), dresses=[], salt="", recorder=recorder,
            samples=cast("Any", None), timeout_s=1.0, now_s=lambda: 0.0,
        )  # fmt: skip
        self.takes_s, self.ends = takes_s, ends

    def exchange(self, call: Call) -> Reading:
        gevent.sleep(self.takes_s)
        if isinstance(self.ends, Exception):
            raise self.ends
        return cast("Reading", self.ends)


def test_the_reading_or_what_was_raised() -> None:
    reading = Reading(Outcome.OK)
    assert Answered(0.0, reading).beside(CALL)() is reading
    with pytest.raises(ValueError, match="a defect"):
        Answered(0.0, ValueError("a defect")).beside(CALL)()


def test_a_journey_that_waits_ends_with_the_call_that_was_stopped() -> None:
    """It is no crash of the driver's: gevent gives the exit back as if it were the call's value."""
    client = Answered(600.0, Reading(Outcome.OK))
    ended: list[str] = []

    def waits() -> None:
        other = client.beside(CALL)
        gevent.spawn_later(0.01, client.stop)
        other()
        ended.append("went on")

    gevent.spawn(waits).join(timeout=10)
    assert ended == []
