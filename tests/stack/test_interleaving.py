"""Forced interleavings on real variants: who sells the last seats once passes, however it does so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.adapters.gate import Gate, GateControl
from chaos.config import Postgres
from chaos.model.interleaving import Held, Schedule
from chaos.run.interleaving.play import Means, Play, Supplies, play
from tests.stack.attempts import RIGHT, WRONG, Attempt
from tests.stack.shop_fixtures import Shop, ShopServices, copy_of, eventually, shop_services

__all__ = ["shop_services"]

WORLD = {"events": 24, "hot_tiers": 24, "seats": 2, "customers": 48}


class NoTasks:
    """Pairs of requests need neither messages nor a worker."""

    def messages(self) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


@contextmanager
def selling(services: ShopServices, attempt: Attempt, name: str, folder: Path) -> Iterator[Shop]:
    """The API of a variant, with small tiers, for the block."""
    root = copy_of("hardened", name, folder)
    attempt.apply(root / "services/shop" / name)
    shop = services.make(name, root=root)
    for arguments in (
        ("migrate", "--verbosity", "0"),
        ("lab_seed", "--seed", "7", "--world", json.dumps(WORLD), "--out", str(shop.folder / "world.json")),
    ):
        done = shop.manage(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    try:
        shop.start("api")
        eventually(shop._ready, what=f"{name} ready, see {shop.folder}/*.log", within_s=120)
        yield shop
    finally:
        shop.stop()


def forced(services: ShopServices, shop: Shop, asked: Play) -> list[Schedule]:
    """Every schedule of *asked*."""
    address = Postgres("127.0.0.1", services.postgres_port, "postgres", services.password)
    began = time.time()
    means = Means(
        gate=Gate(address, f"shop_{shop.variant}"),
        desk=NoTasks(),
        processes=NoTasks(),  # type: ignore[arg-type]
        api_url=f"http://127.0.0.1:{shop.port}",
        folder=shop.folder,
        supplies=Supplies(shop.folder / "world.json"),
        variant=shop.variant,
        seed=7,
        salt="s",
        t0_unix_s=began,
        now_s=lambda: time.time() - began,
        sleep=time.sleep,
    )
    assert play(asked, means) >= 1
    assert GateControl(address).deviations() == []
    lines = (shop.folder / "schedules.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Schedule) for line in lines]


def oversold(shop: Shop) -> list[Any]:
    """Tiers whose live orders hold more seats than there are, or other seats than were counted."""
    return shop.rows(
        "SELECT t.id, t.capacity, t.sold, sum(o.quantity) FROM shop_tickettier t JOIN shop_order o ON o.tier_id = t.id"
        " WHERE o.status IN ('pending', 'paid') GROUP BY t.id"
        " HAVING sum(o.quantity) > t.capacity OR sum(o.quantity) <> t.sold"
    )


LAST_SEATS = Play(section="last_seats", pair=("buy", "buy"))


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_attempt_passes_every_schedule(shop_services: ShopServices, tmp_path: Path, name: str) -> None:
    with selling(shop_services, RIGHT[name], f"right_{name}", tmp_path) as shop:
        schedules = forced(shop_services, shop, LAST_SEATS)
        tried = [each for each in schedules if not each.learnt]
        assert all(each.was_held for each in tried)
        assert len(tried) >= 3
        for each in tried:
            assert sorted((each.a.answer, each.b.answer)) == ["202 pending", "409 sold_out"], each
        assert oversold(shop) == []


@pytest.mark.parametrize("name", WRONG)
def test_its_naive_cousin_is_caught(shop_services: ShopServices, tmp_path: Path, name: str) -> None:
    with selling(shop_services, WRONG[name], f"wrong_{name}", tmp_path) as shop:
        schedules = forced(shop_services, shop, LAST_SEATS)
        bad = [
            each
            for each in schedules
            if not each.learnt and sorted((each.a.answer, each.b.answer)) != ["202 pending", "409 sold_out"]
        ]
        assert bad, schedules
        assert all(each.held is not Held.NEVER for each in bad)


def test_two_preemptions_of_a_right_attempt(shop_services: ShopServices, tmp_path: Path) -> None:
    """B is held as well, while A goes on to its end or until it waits for B."""
    with selling(shop_services, RIGHT["for_update"], "right_twice", tmp_path) as shop:
        asked = Play(section="twice", pair=("buy", "buy"), preemptions=2, at_most=16)
        schedules = forced(shop_services, shop, asked)
        tried = [each for each in schedules if not each.learnt]
        assert [each.id for each in schedules if each.learnt] == ["twice/alone", "twice/alone-b"]
        assert len(tried) == 16
        assert any(each.second_held is Held.ANSWERED for each in tried)
        for each in tried:
            assert sorted((each.a.answer, each.b.answer)) == ["202 pending", "409 sold_out"], each
        assert oversold(shop) == []
