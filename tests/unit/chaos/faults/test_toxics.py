"""The toxics that are felt by an echo: `bandwidth`, `slow_close`, `reset_peer`, `slicer`, `limit_data`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from chaos.errors import LabBroken
from chaos.faults import KINDS
from chaos.ports import Exchange, ToxicSpec
from tests.unit.chaos.fakes import ROUND_TRIP_S, Outside
from tests.unit.chaos.faults.samples import held_of, injected

ON = "shop_to_gateway"
EVERY = pytest.mark.parametrize("name", ["bandwidth", "slow_close", "reset_peer", "slicer", "limit_data"])


@pytest.mark.parametrize(
    ("name", "attributes", "canary"),
    [
        (
            "bandwidth",
            {"rate": 20},
            {"bytes": 8000, "before_s": ROUND_TRIP_S, "during_s": ROUND_TRIP_S + 0.4, "during_kb_per_s": 20.0},
        ),
        ("slow_close", {"delay": 500}, {"before_s": ROUND_TRIP_S, "during_s": ROUND_TRIP_S + 0.5, "least_s": 0.498}),
        ("reset_peer", {"timeout": 0}, {"before_s": ROUND_TRIP_S, "during": "ConnectionResetError"}),
        (
            "slicer",
            {"average_size": 64, "size_variation": 0, "delay": 2000},
            {
                "bytes": 41 * 64,
                "before_s": ROUND_TRIP_S,
                "during_s": ROUND_TRIP_S + 0.082,
                "before_reads": 1,
                "during_reads": 41,
            },
        ),
        ("limit_data", {"bytes": 300}, {"asked": 500, "before": 500, "during": 300, "ended": "closed"}),
    ],
)
@pytest.mark.parametrize("stream", ["downstream", "upstream"])
def test_from_arming_to_gone(name: str, attributes: dict[str, int], canary: dict[str, Any], stream: str) -> None:
    outside, held = Outside(), held_of(name, stream=stream)
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert outside.proxies.toxics[ON] == {
        f"1-{name}": ToxicSpec(name=f"1-{name}", type=name, stream=stream, attributes=attributes)
    }
    assert proof.read_back["attributes"] == attributes
    if (name, stream) == ("limit_data", "upstream"):
        canary = {**canary, "during": 0}  # the question was cut, so that nobody answered
    assert proof.canary == canary
    assert kind.exposure(held, outside.lab)[0] == 5
    kind.lift(held, outside.lab)
    assert outside.proxies.dirt == []
    assert kind.gone(held, outside.lab).proven
    kind.lift(held, outside.lab)  # idempotent


@EVERY
def test_a_canary_that_feels_nothing_proves_nothing(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.canary.numb = True
    _, proof = injected(outside, held)
    assert not proof.proven
    assert proof.reason.startswith(("the canary", "the close took"))


@EVERY
def test_a_canary_without_an_answer_before_proves_nothing(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.canary.dead.add(ON)
    kind = KINDS[name]
    kind.arm(held, outside.lab)
    outside.canary.dead.clear()
    kind.inject(held, outside.lab)
    assert kind.prove(held, outside.lab).reason == (
        "the canary's echo was not whole before the fault (closed), so nothing can be compared"
    )


@pytest.mark.parametrize("name", ["slow_close", "reset_peer", "limit_data"])
def test_a_fault_that_was_there_before_proves_nothing(name: str) -> None:
    """Somebody else's toxic of the same kind: what the canary feels then says nothing about ours."""
    outside, held = Outside(), held_of(name)
    kind = KINDS[name]
    kind.inject(held_of(name), outside.lab)
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert not kind.prove(held, outside.lab).proven


@EVERY
def test_not_exposed(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.upstream.count = 0
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab)[0] == 0


def test_a_share_of_the_connections_is_met_by_that_share_of_the_calls() -> None:
    """Pooled clients see all or nothing, and it is not known which, so not all of them may be counted."""
    outside, held = Outside(), held_of("bandwidth", toxicity="30%")
    outside.upstream.count = 9
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab) == (2, "passed, of which 30 %")
    outside.upstream.count = 3
    assert kind.exposure(held, outside.lab)[0] == 0


@EVERY
def test_not_lifted_while_the_canary_gets_no_answer(name: str) -> None:
    outside, held = Outside(), held_of(name)
    kind, _ = injected(outside, held)
    kind.lift(held, outside.lab)
    outside.canary.dead.add(ON)
    gone = kind.gone(held, outside.lab)
    assert gone.reason == "after lifting the canary got no answer: closed without an answer"


@EVERY
def test_an_injection_that_failed_but_landed_is_lifted(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.proxies.broken, outside.proxies.lands = {"add_toxic": 1}, True
    with pytest.raises(LabBroken):
        injected(outside, held)
    assert outside.proxies.dirt == [f"proxy {ON}: got toxic 1-{name}"]
    KINDS[name].lift(held, outside.lab)
    assert outside.proxies.dirt == []


@EVERY
def test_a_share_of_the_connections_is_looked_for_often_enough(name: str) -> None:
    outside, held = Outside(), held_of(name, toxicity="5%")
    plain = outside.canary.echo
    looks = 0

    def rarely(proxy: str, size: int, **keys: Any) -> Exchange:
        nonlocal looks
        looks += 1
        outside.canary.numb = looks % 150 != 0
        return plain(proxy, size, **keys)

    outside.canary.echo = rarely  # type: ignore[method-assign]
    _, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert looks == 150


@pytest.mark.parametrize(
    ("exchange", "reason"),
    [
        (Exchange(connected=False, error="ConnectionRefusedError"), "the canary was refused"),
        (Exchange(connected=True, received=500, whole=True), "the canary got 500 bytes, expected at most 300"),
        (Exchange(connected=True, received=300, error="TimeoutError"), "the canary got 300 bytes and no end"),
        (Exchange(connected=True, received=17, error="closed"), "the canary got 17 bytes before the end, expected 300"),
    ],
)
def test_what_is_not_a_limit(exchange: Exchange, reason: str) -> None:
    outside, held = Outside(), held_of("limit_data")
    kind = KINDS["limit_data"]
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.canary.echo = lambda *_, **__: exchange  # type: ignore[method-assign]
    assert kind.prove(held, outside.lab).reason.startswith(reason)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("bandwidth", {"rate": "0KB/s"}),  # stalls for ever
        ("bandwidth", {"rate": "-5KB/s"}),  # crashes the server
        ("bandwidth", {"rate": "1000000KB/s"}),
        ("bandwidth", {"rate": 20}),
        ("slicer", {"average_size": 0}),  # crashes the server
        ("slicer", {"average_size": -1}),
        ("slicer", {"size_variation": 65}),  # crashes it now and then
        ("slicer", {"size_variation": -1}),
        ("slicer", {"delay": "0ms"}),
        ("slicer", {"average_size": 4000, "delay": "1ms"}),  # nobody could feel it
        ("limit_data", {"bytes": 0}),
        ("limit_data", {"bytes": 8000}),
        ("limit_data", {"bytes": 2**62}),
        ("slow_close", {"delay": "10ms"}),
        ("slow_close", {"delay": "11s"}),
        ("reset_peer", {"timeout": "3s"}),  # its removal would hang for longer than we wait
        ("reset_peer", {"toxicity": "700%"}),
        ("bandwidth", {"stream": "both"}),
    ],
)
def test_values_that_are_refused(name: str, keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        held_of(name, **keys)
