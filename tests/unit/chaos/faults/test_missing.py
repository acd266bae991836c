"""A fault that somebody takes away while it is held is seen by reading it back, whatever its kind."""

from __future__ import annotations

import pytest

from chaos.faults import KINDS
from chaos.model.faults import InstantFault
from tests.unit.chaos.fakes import FakeClock, Outside
from tests.unit.chaos.faults.samples import held_of, injected

HELD = sorted(name for name, kind in KINDS.items() if not issubclass(kind.params, InstantFault))


def taken_away(outside: Outside) -> None:
    outside.proxies.reset()
    outside.processes.resume_all()
    for fault in outside.gateway.switches:
        outside.gateway.switches[fault] = {"ratio": 0.0}


@pytest.mark.parametrize("name", HELD)
def test_it_is_missed_when_it_was_taken_away(name: str) -> None:
    outside = Outside(FakeClock())
    held = held_of(name)
    kind, _ = injected(outside, held)
    assert kind.missing(held, outside.lab) == ""
    taken_away(outside)
    reason = kind.missing(held, outside.lab)
    assert "expected" in reason


def test_a_toxic_that_was_weakened_is_not_the_one_that_was_asked_for() -> None:
    outside = Outside(FakeClock())
    held = held_of("latency")
    kind, _ = injected(outside, held)
    toxic = outside.proxies.toxics["shop_to_gateway"][held.id]
    outside.proxies.toxics["shop_to_gateway"][held.id] = type(toxic)(
        name=toxic.name, type=toxic.type, attributes={"latency": 1, "jitter": 0}
    )
    assert "'latency': 1" in kind.missing(held, outside.lab)


def test_a_paused_group_that_died_is_no_longer_paused() -> None:
    outside = Outside(FakeClock())
    held = held_of("pause")
    kind, _ = injected(outside, held)
    outside.processes.groups["worker"] = None
    assert "got nobody alive" in kind.missing(held, outside.lab)
