"""`status` and `charge_then_drop`: switched at the gateway, felt by a charge of the lab's own."""

from __future__ import annotations

import pytest

from chaos.errors import LabBroken
from chaos.faults import KINDS, Proof
from tests.unit.chaos.fakes import Outside
from tests.unit.chaos.faults.samples import held_of, injected

KIND_OF_SWITCH = pytest.mark.parametrize("name", ["status", "charge_then_drop"])


def test_status_from_arming_to_gone() -> None:
    outside, held = Outside(), held_of("status", code=502, share="40%")
    held.seed = 7
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert proof.read_back == {"code": 502, "ratio": 0.4}
    assert proof.canary == {"before": "status 201, charged", "during": "status 502, not charged"}
    assert outside.gateway.seeds == [7]
    outside.gateway.hit["status"] += 12
    assert kind.exposure(held, outside.lab) == (12, "gateway's count of calls that it hit")
    kind.lift(held, outside.lab)
    assert outside.gateway.deviations() == []
    assert kind.gone(held, outside.lab).proven


def test_charge_then_drop_from_arming_to_gone() -> None:
    outside, held = Outside(), held_of("charge_then_drop")
    outside.gateway.hit["charge_then_drop"] = 100  # of an earlier run
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert proof.canary == {"before": "status 201, charged", "during": "no answer (RemoteProtocolError), charged"}
    assert kind.exposure(held, outside.lab)[0] == 0
    kind.lift(held, outside.lab)
    assert kind.gone(held, outside.lab).proven


@KIND_OF_SWITCH
def test_a_canary_that_is_charged_as_usual_proves_nothing(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.gateway.numb = True
    _, proof = injected(outside, held)
    assert not proof.proven
    assert proof.reason.startswith("the canary's charge got status 201, charged, expected ")


@KIND_OF_SWITCH
def test_a_gateway_that_was_sick_before_proves_nothing(name: str) -> None:
    outside, held = Outside(), held_of(name)
    outside.gateway.sick = True
    _, proof = injected(outside, held)
    assert not proof.proven
    assert proof.reason == (
        "the canary's charge failed before the fault already (no answer (ConnectError), not charged),"
        " so nothing can be compared"
    )


def test_an_error_that_charges_is_not_status_and_a_drop_that_does_not_is_not_charge_then_drop() -> None:
    """A gateway that only closes the connection differs from one that charges first in the ledger alone."""
    outside, held = Outside(), held_of("charge_then_drop")
    kind = KINDS["charge_then_drop"]
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.gateway.sick = True
    proof: Proof = kind.prove(held, outside.lab)
    assert proof.reason == "the canary's charge got no answer (ConnectError), not charged, expected no answer, charged"


@KIND_OF_SWITCH
def test_a_small_share_is_looked_for_often_enough(name: str) -> None:
    outside, held = Outside(), held_of(name, share="1%")
    outside.gateway.every = 900
    _, proof = injected(outside, held)
    assert proof.proven
    assert outside.gateway.canaries == 900


@KIND_OF_SWITCH
def test_a_switch_that_stays_on_is_not_lifted(name: str) -> None:
    outside, held = Outside(), held_of(name)
    kind, _ = injected(outside, held)
    gone = kind.gone(held, outside.lab)  # nobody lifted it
    assert not gone.proven
    assert gone.reason.startswith("after lifting the canary's charge failed: ")


@KIND_OF_SWITCH
def test_lifting_needs_the_gateway(name: str) -> None:
    outside, held = Outside(), held_of(name)
    kind, _ = injected(outside, held)
    outside.gateway.broken = True
    with pytest.raises(LabBroken):
        kind.lift(held, outside.lab)


def test_both_at_once_are_lifted_in_any_order() -> None:
    for first, second in (("status", "charge_then_drop"), ("charge_then_drop", "status")):
        outside = Outside()
        one, other = held_of(first, share="50%"), held_of(second, share="50%")
        kind_one, proof_one = injected(outside, one)
        assert proof_one.proven
        other.beside, outside.gateway.every = (one.id,), 1
        KINDS[second].arm(other, outside.lab)
        KINDS[second].inject(other, outside.lab)
        assert len(outside.gateway.deviations()) == 2
        kind_one.lift(one, outside.lab)
        one.beside = (other.id,)
        assert kind_one.gone(one, outside.lab).proven
        KINDS[second].lift(other, outside.lab)
        other.beside = ()
        assert KINDS[second].gone(other, outside.lab).proven
        assert outside.gateway.deviations() == []
