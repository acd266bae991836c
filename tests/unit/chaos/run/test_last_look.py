from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chaos.errors import LabBroken
from chaos.model.evidence import Tier
from chaos.model.history import End, Invoke, Ok, Start
from chaos.run.last_look import COPIES_AGE_S, MOST_ORDERS, MOST_SILENT, last_look, seats_left
from tests.unit.chaos.fakes import FakeClock, FakeCustomers


def folder(tmp_path: Path, orders: int, *, known: int = 2) -> Path:
    customers = [{"id": number, "access": f"token-{number}"} for number in range(1, known + 1)]
    (tmp_path / "world.json").write_bytes(msgspec.json.encode({"customers": customers}))
    lines: list[msgspec.Struct] = [Start(version=1, worker=0, t0_unix_s=1.0, variant="v", seed=1)]
    for number in range(orders):
        id_ = f"0-{number}"
        lines.append(
            Invoke(id=id_, op="buy", phase="p", intended=0, sent=0, customer=1 + number % 3, tier=1, quantity=1)
        )
        lines.append(Ok(id=id_, ended=1, status=202, order=f"o{number:04d}"))
    lines.append(Invoke(id="0-x", op="poll", phase="p", intended=0, sent=0, customer=1, order="o0000"))
    lines.append(Ok(id="0-x", ended=1, status=200, order="o0000"))
    (tmp_path / "history").mkdir()
    encoder = msgspec.json.Encoder()
    (tmp_path / "history/worker-0.jsonl").write_bytes(encoder.encode_lines([*lines, End(lines=len(lines))]))
    return tmp_path


def test_each_accepted_order_is_looked_at_as_its_customer(tmp_path: Path) -> None:
    shop = FakeCustomers()
    shown = last_look(folder(tmp_path, 3), shop, seed=1)
    assert sorted(shop.asked) == [("o0000", "token-1"), ("o0001", "token-2")], "the third one's customer is not known"
    assert {one.order_id for one in shown} == {"o0000", "o0001"}


def test_of_many_orders_evenly_spread_ones_are_looked_at(tmp_path: Path) -> None:
    shown = last_look(folder(tmp_path, 2 * MOST_ORDERS + 1, known=3), FakeCustomers(), seed=1)
    assert MOST_ORDERS / 2 < len(shown) <= MOST_ORDERS


def test_a_shop_that_is_silent_is_not_waited_for(tmp_path: Path) -> None:
    assert len(last_look(folder(tmp_path, 100, known=3), FakeCustomers(silent=True), seed=1)) == 4


def test_without_a_world_file_the_last_look_is_a_broken_lab(tmp_path: Path) -> None:
    with pytest.raises(LabBroken, match=r"world\.json"):
        last_look(tmp_path, FakeCustomers(), seed=1)


def tier(number: int) -> dict[str, object]:
    return {"id": number, "event_slug": f"e{number}", "name": "Floor", "price_cents": 100, "capacity": 10}


def with_tiers(tmp_path: Path, *, bought: int = 1) -> Path:
    """Orders for the tiers 1 to *bought*; the world has one tier more."""
    (tmp_path / "world.json").write_bytes(
        msgspec.json.encode({"events": [], "tiers": [tier(number) for number in range(1, bought + 2)]})
    )
    lines: list[msgspec.Struct] = [Start(version=1, worker=0, t0_unix_s=1.0, variant="v", seed=1)]
    for number in range(1, bought + 1):
        id_ = f"0-{number}"
        lines.append(Invoke(id=id_, op="buy", phase="p", intended=0, sent=0, customer=1, tier=number, quantity=1))
        lines.append(Ok(id=id_, ended=1, status=202, order=f"o{number}"))
    (tmp_path / "history").mkdir()
    encoder = msgspec.json.Encoder()
    (tmp_path / "history/worker-0.jsonl").write_bytes(encoder.encode_lines([*lines, End(lines=len(lines))]))
    return tmp_path


def stored(sold: int) -> list[Tier]:
    return [Tier(tier_id=1, event_slug="e1", capacity=10, sold=sold, price_cents=100)]


def test_what_is_left_is_read_of_each_tier_that_was_bought(tmp_path: Path) -> None:
    shop = FakeCustomers(left=[9])
    [shown] = seats_left(with_tiers(tmp_path), shop, stored(1), FakeClock(), seed=1, still=True)
    assert (shown.tier_id, shown.remaining, shop.looks) == (1, 9, [("e1", 1)])


def test_an_old_copy_of_a_page_is_read_again_until_it_is_new(tmp_path: Path) -> None:
    shop = FakeCustomers(left=[10, 10, 9])
    [shown] = seats_left(with_tiers(tmp_path), shop, stored(1), FakeClock(), seed=1, still=True)
    assert (shown.remaining, shop.looks) == (9, [("e1", 1), ("e1", 2), ("e1", 3)])


def test_a_page_that_stays_wrong_is_on_record_once_no_copy_may_be_as_old(tmp_path: Path) -> None:
    shop, clock = FakeCustomers(left=[10]), FakeClock()
    began = clock.now_unix_s()
    [shown] = seats_left(with_tiers(tmp_path), shop, stored(1), clock, seed=1, still=True)
    assert shown.remaining == 10
    assert COPIES_AGE_S <= clock.now_unix_s() - began <= COPIES_AGE_S + 1


def test_while_the_world_moves_a_page_is_read_once(tmp_path: Path) -> None:
    shop = FakeCustomers(left=[10])
    seats_left(with_tiers(tmp_path), shop, stored(1), FakeClock(), seed=1, still=False)
    assert shop.looks == [("e1", 1)]


def test_pages_of_a_shop_that_is_silent_are_not_waited_for(tmp_path: Path) -> None:
    clock = FakeClock()
    began = clock.now_unix_s()
    shown = seats_left(with_tiers(tmp_path, bought=50), FakeCustomers(silent=True), [], clock, seed=1, still=True)
    assert [one.http_status for one in shown] == [0] * MOST_SILENT
    assert clock.now_unix_s() - began <= COPIES_AGE_S + 1
