"""The smaller parts of a run: evidence folder, lease, triggers, healing, collecting."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import pytest

from chaos.collect import collect
from chaos.errors import InvalidInput, LabBroken
from chaos.heal import heal
from chaos.model.evidence import EndState, SideEffect
from chaos.run import folder as folders
from chaos.run.lease import Lease
from chaos.run.triggers import TRIGGERS
from tests.unit.chaos.fakes import FakeLease, FakeWorld, Outside


def test_run_ids_are_in_utc_and_fit_for_a_folder() -> None:
    assert (
        folders.new_run_id("flash-sale", "naive", 7, now_unix_s=1_795_428_902.0)
        == "20261123-101502-flash-sale-naive-s7"
    )
    assert folders.new_run_id("Mein Fall/../ü", "naive", 0, now_unix_s=0.0) == "19700101-000000-mein-fall-naive-s0"
    assert folders.new_run_id("ü", "naive", 0, now_unix_s=0.0) == "19700101-000000-scenario-naive-s0"


def test_a_taken_name_gets_a_suffix(tmp_path: Path) -> None:
    names = [folders.create(tmp_path / "evidence", "r").name for _ in range(3)]
    assert names == ["r", "r-2", "r-3"]
    assert (tmp_path / "evidence" / "r-3" / "history").is_dir()


def test_no_run_starts_without_room_for_its_evidence(tmp_path: Path) -> None:
    with pytest.raises(LabBroken, match=r": got \d+ MiB free, expected at least 1099511627776 for evidence$"):
        folders.create(tmp_path, "r", least_free_bytes=1 << 60)
    assert list(tmp_path.iterdir()) == []


def test_secrets_leave_the_world_file(tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text(
        json.dumps(
            {"seed": 1, "password": "p", "customers": [{"id": 1, "username": "u", "access": "a", "refresh": "r"}]}
        )
    )
    folders.strip_secrets(world)
    folders.strip_secrets(world)
    assert json.loads(world.read_text()) == {"seed": 1, "customers": [{"id": 1, "username": "u"}]}


def test_a_history_is_compressed_without_losing_a_byte(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "worker-0.jsonl").write_bytes(b"a\nb\ntorn")
    folders.compress_history(tmp_path)
    folders.compress_history(tmp_path)
    assert [path.name for path in (tmp_path / "history").iterdir()] == ["worker-0.jsonl.gz"]
    assert gzip.decompress((tmp_path / "history" / "worker-0.jsonl.gz").read_bytes()) == b"a\nb\ntorn"


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
    """Else an order may be from before a transaction and its tickets from after it."""
    world = FakeWorld()
    collect(world, EndState())
    assert world.moments[1] == ["tiers", "orders", "tickets", "side_effects"]


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
    folders.require_served(table.replace("{what}", "me/"), world, "naive")
    with pytest.raises(InvalidInput, match=r"access-matrix.md:3: got the endpoint /api/you/, expected one that naive"):
        folders.require_served(table.replace("{what}", "you/"), world, "naive")


def test_tokens_of_the_cast_and_bad_ones_leave_the_world_file(tmp_path):
    world = tmp_path / "world.json"
    person = {"id": 1, "access": "a", "refresh": "r", "stale": "s", "order": "o"}
    world.write_text(
        json.dumps({"cast": {"customer": person}, "bad_tokens": {"alg_none": "n"}, "bad_refreshes": {"deleted": "d"}})
    )
    folders.strip_secrets(world)
    assert json.loads(world.read_text()) == {"cast": {"customer": {"id": 1, "order": "o"}}}
