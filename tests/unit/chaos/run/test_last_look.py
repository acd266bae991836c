from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chaos.errors import LabBroken
from chaos.model.history import End, Invoke, Ok, Start
from chaos.run.last_look import MOST_ORDERS, last_look
from tests.unit.chaos.fakes import FakeCustomers


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
