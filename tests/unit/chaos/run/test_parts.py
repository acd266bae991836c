"""The smaller parts of a run: evidence folder, lease, triggers, healing, collecting."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from chaos.collect import collect
from chaos.errors import InvalidInput, LabBroken
from chaos.heal import heal
from chaos.model.evidence import EndState, SideEffect
from chaos.run.lease import Lease
from chaos.run.served import require_served
from chaos.run.triggers import TRIGGERS
from tests.unit.chaos.fakes import FakeLease, FakeWorld, Outside


def test_a_lease_is_renewed_until_it_ends(tmp_path: Path) -> None:
    keeper, renewed = FakeLease(), threading.Event()
    plain = keeper.renew

    def renew(*, run_id: str, folder: Path, ttl_s: float) -> None:
        plain(run_id=run_id, folder=folder, ttl_s=ttl_s)
        if len(keeper.events) > 1:
            renewed.set()

    keeper.renew = renew  # type: ignore[method-assign]
    lease = Lease(keeper, run_id="r", folder=tmp_path, ttl_s=5.0, on_trouble=pytest.fail)
    lease.take()
    assert renewed.wait(20)
    lease.end(release=True)
    assert keeper.events[:2] == ["renew", "renew"]
    assert keeper.events[-1] == "release"


def test_a_lease_that_was_never_taken_is_not_released(tmp_path: Path) -> None:
    keeper = FakeLease(broken=True)
    lease = Lease(keeper, run_id="r", folder=tmp_path, ttl_s=5.0, on_trouble=pytest.fail)
    with pytest.raises(LabBroken):
        lease.take()
    lease.end(release=True)
    assert keeper.events == []


@pytest.mark.parametrize(("ages_s", "seen"), [([], False), ([0.001], True), ([0.014, 5.0], True), ([0.1, 5.0], False)])
def test_a_charge_in_flight_is_one_that_has_just_arrived(ages_s: list[float], seen: bool) -> None:
    outside = Outside()
    outside.gateway.in_flight = [outside.clock.now - age_s for age_s in ages_s]
    assert TRIGGERS["charge_in_flight"](outside.lab) is seen


def test_healing_a_pristine_lab_touches_no_proxy() -> None:
    outside = Outside()
    assert heal(outside.lab, patience_s=5.0) == ([], [])
    assert "reset" not in outside.proxies.calls
    assert (outside.processes.resumed, outside.gateway.healed) == (1, 1)


def test_healing_says_what_it_lifted() -> None:
    outside = Outside()
    outside.proxies.enabled["shop_to_cache"] = False
    assert heal(outside.lab, patience_s=5.0) == (["proxy shop_to_cache: got it disabled"], [])
    assert outside.proxies.dirt == []


def test_healing_takes_a_gate_away() -> None:
    outside = Outside()
    outside.gate.databases = ["shop_naive"]
    assert heal(outside.lab, patience_s=5.0) == (["shop_naive: has the gate of forced interleavings"], [])
    outside.gate.databases, outside.gate.stays = ["shop_naive"], True
    assert heal(outside.lab, patience_s=1.0)[1] == ["shop_naive: has the gate of forced interleavings"]


def test_healing_is_tried_until_it_holds() -> None:
    outside = Outside()
    outside.proxies.enabled["shop_to_cache"] = False
    outside.proxies.broken = {"reset": 3}
    assert heal(outside.lab, patience_s=5.0)[1] == []
    assert outside.clock.slept == [0.5, 0.5, 0.5]


def test_healing_gives_up_and_says_what_is_left() -> None:
    outside = Outside()
    outside.proxies.enabled["shop_to_cache"] = False
    outside.proxies.reset = lambda: None  # type: ignore[method-assign]
    found, left = heal(outside.lab, patience_s=5.0)
    assert found == left == ["proxy shop_to_cache: got it disabled"]
    assert outside.clock.now == 1005.0


def test_healing_never_raises() -> None:
    outside = Outside()

    def defect() -> None:
        raise KeyError("status")

    outside.gateway.heal = defect  # type: ignore[method-assign]
    assert heal(outside.lab, patience_s=1.0) == ([], ["KeyError('status')"])


def test_collecting_asks_every_witness() -> None:
    effect = SideEffect(kind="confirmation", order_id="o", times=2)
    state = collect(FakeWorld(state={"side_effects": [effect], "postgres_errors": [{"message": "x"}]}), EndState())
    assert state.side_effects == [effect]
    assert state.postgres_errors == [{"message": "x"}]
    assert state.missing == {}


def test_the_views_are_read_at_one_moment() -> None:
    """Otherwise an order may be from before a transaction and its tickets from after it."""
    world = FakeWorld()
    collect(world, EndState())
    assert world.moments[1] == ["tiers", "orders", "tickets", "side_effects", "pending"]


def test_a_witness_that_is_away_is_missing_and_not_empty() -> None:
    world = FakeWorld(missing={"charges", "orders"})

    def unreadable() -> None:
        raise ValueError("no JSON")

    world.tiers = unreadable  # type: ignore[assignment, method-assign]
    state = collect(world, EndState())
    assert state.missing == {
        "tiers": "ValueError('no JSON')",
        "orders": "orders: got nobody, expected a witness",
        "charges": "charges: got nobody, expected a witness",
    }


def test_a_row_of_the_access_matrix_for_an_address_that_is_not_served(tmp_path):
    world = tmp_path / "world.json"
    world.write_text('{"routes": ["/api/me/"]}')
    table = (
        "| endpoint | method | anonymous | customer | support | admin | bad token |\n"
        "|---|---|---|---|---|---|---|\n| /api/{what} | GET | 401 | 200 | 200 | 200 | 401 |\n"
    )
    require_served(table.replace("{what}", "me/"), world, "naive")
    with pytest.raises(InvalidInput, match=r"access-matrix.md:3: got the endpoint /api/you/, expected one that naive"):
        require_served(table.replace("{what}", "you/"), world, "naive")
