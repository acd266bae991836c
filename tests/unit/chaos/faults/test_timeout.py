"""`timeout`: connected, and no answer."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chaos.faults import KINDS
from chaos.ports import CanaryReading, ToxicSpec
from tests.unit.chaos.fakes import ROUND_TRIP_S, Outside
from tests.unit.chaos.faults.samples import held_of, injected


def test_from_arming_to_gone() -> None:
    outside, held = Outside(), held_of("timeout")
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert proof.canary == {"before_s": ROUND_TRIP_S, "during": "silent (TimeoutError)"}
    assert outside.proxies.toxics["shop_to_cache"] == {
        "1-timeout": ToxicSpec(name="1-timeout", type="timeout", attributes={"timeout": 0})
    }
    kind.lift(held, outside.lab)
    assert outside.proxies.dirt == []
    assert kind.gone(held, outside.lab).proven


def test_an_answer_is_no_black_hole() -> None:
    outside, held = Outside(), held_of("timeout")
    outside.canary.numb = True
    _, proof = injected(outside, held)
    assert (proof.proven, proof.reason) == (False, "the canary got an answer after 0.001 s, expected none")


def test_a_refusal_is_another_fault() -> None:
    outside, held = Outside(), held_of("timeout")
    kind = KINDS["timeout"]
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.proxies.enabled["shop_to_cache"] = False
    proof = kind.prove(held, outside.lab)
    assert proof.reason == ("the canary was refused (ConnectionRefusedError), expected a connection without an answer")


def test_silence_before_proves_nothing() -> None:
    outside, held = Outside(), held_of("timeout")
    outside.canary.dead.add("shop_to_cache")
    _, proof = injected(outside, held)
    assert proof.reason == (
        "the canary got no answer before the fault (closed without an answer), so nothing can be compared"
    )


@pytest.mark.parametrize(
    ("stream", "count", "unanswered", "expected", "asked"),
    [
        ("downstream", 9, 2, (9, "cut"), [True, False]),
        ("downstream", 1, 4, (4, "client's history: operations without an answer"), [True, False]),
        ("upstream", 0, 0, (0, "cut"), [True]),  # what never arrived nobody there has seen
    ],
)
def test_who_met_it(stream: str, count: int, unanswered: int, expected: tuple[int, str], asked: list[bool]) -> None:
    outside, held = Outside(), held_of("timeout", stream=stream)
    outside.upstream.count, outside.client.unanswered = count, unanswered
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab) == expected
    assert [cut for _, cut in outside.upstream.asked] == asked


def test_not_gone_while_the_canary_gets_no_answer() -> None:
    outside, held = Outside(), held_of("timeout")
    kind, _ = injected(outside, held)
    kind.lift(held, outside.lab)
    outside.canary.dead.add("shop_to_cache")
    assert kind.gone(held, outside.lab).reason == ("after lifting the canary got no answer: closed without an answer")


def test_a_share_of_the_connections_is_looked_for() -> None:
    class OneInThirty:
        reads = 0

        def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
            self.reads += 1
            silent = self.reads % 30 == 0
            return CanaryReading(connected=True, round_trip_s=None if silent else 0.001, error="TimeoutError")

    outside, held = Outside(), held_of("timeout", toxicity="10%")
    outside.canary = OneInThirty()  # type: ignore[assignment]
    _, proof = injected(outside, held)
    assert proof.proven


@pytest.mark.parametrize("keys", [{"timeout": "1ms"}, {"timeout": "61s"}, {"toxicity": "0%"}, {"toxicity": "0.5%"}])
def test_values_that_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        held_of("timeout", **keys)
