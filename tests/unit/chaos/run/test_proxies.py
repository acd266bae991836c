"""What is on the proxies during a run and is nobody's of the lab is told once; unread, it is no proof."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from chaos.errors import LabBroken
from chaos.run import proxies
from chaos.run.proxies import ProxiesRead
from tests.unit.chaos.fakes import FakeProxies


def test_what_was_there_for_a_moment_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "READ_S", 0.001)
    control, seen, told = FakeProxies(), threading.Event(), list[str]()
    reading = ProxiesRead(control, tell=lambda what: (told.append(what), seen.set())[0])
    reading.start()
    control.by_others = ["proxy own_way"]
    assert seen.wait(10)
    control.by_others = []
    assert reading.stop() == ""
    assert told == ["somebody else than the lab changed its proxies: proxy own_way"]


class Away(FakeProxies):
    def uninvited(self) -> Sequence[str]:
        raise LabBroken("toxiproxy: got no answer")


def test_proxies_that_could_not_be_read_are_a_problem() -> None:
    reading = ProxiesRead(Away(), tell=lambda _: None)
    reading.start()
    assert reading.stop() == "the proxies could not be read: toxiproxy: got no answer"
