"""Drill 1's bank: each flaw is really served, at the operations and the place that its header names, and nothing else.

As many flaws as fit together run in one shop, on both bases. About a minute for each base.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.model.deviation import Deviation, normal, places, same_family
from services.stack.bank import Flaw
from tests.stack.bank_shops import bank, flawed, own, rounds
from tests.stack.contract_tour import CONTRACT, Tour
from tests.stack.shop_fixtures import ShopServices, free_port, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

BASES = ("hardened", "naive")
GROUPS = [
    pytest.param(base, number, id=f"{base}-{number}") for base in BASES for number in range(len(rounds(bank(), base)))
]


def fits(seen: Deviation, flaw: Flaw) -> bool:
    """Whether *seen* is what the header of *flaw* says."""
    there = normal(seen.operation) in {normal(one) for one in flaw.operations}
    where = any(one.is_like(seen.place) for one in places(flaw.header["where"]))
    return there and where and any(same_family(seen.family, one) for one in flaw.header["family"].split(", "))


def told(seen: list[Deviation]) -> str:
    return "\n".join(sorted({f"{one.operation} · {one.place} · {one.family}: {one.says}" for one in seen}))


@pytest.mark.parametrize(("base", "number"), GROUPS)
def test_each_flaw_is_served(shop_services: ShopServices, tmp_path: Path, base: str, number: int) -> None:
    flaws = rounds(bank(), base)[number]
    with flawed(shop_services, base, flaws, f"bank_{base}_{number}", tmp_path) as shop:
        seen = Tour(shop).walk()
    hidden = [flaw.name for flaw in flaws if not any(fits(one, flaw) for one in seen)]
    assert hidden == [], told(seen)
    known = [*flaws, *(own() if base == "naive" else ())]
    assert told([one for one in seen if not any(fits(one, flaw) for flaw in known)]) == ""


def test_hardened_deviates_nowhere(shop_services: ShopServices, tmp_path: Path) -> None:
    with flawed(shop_services, "hardened", [], "bank_hardened_alone", tmp_path) as shop:
        assert told(Tour(shop).walk()) == ""


def test_what_naive_has_anyway_is_served_and_nothing_else(shop_services: ShopServices, tmp_path: Path) -> None:
    with flawed(shop_services, "naive", [], "bank_naive_alone", tmp_path) as shop:
        seen = Tour(shop).walk()
    listed = [flaw for flaw in own() if flaw.header["caught by"] != "conforms_in_an_outage"]
    assert [flaw.name for flaw in listed if not any(fits(one, flaw) for one in seen)] == [], told(seen)
    assert told([one for one in seen if not any(fits(one, flaw) for flaw in listed)]) == ""


def test_naive_without_its_database(shop_services: ShopServices, tmp_path: Path) -> None:
    (listed,) = [flaw for flaw in own() if flaw.header["caught by"] == "conforms_in_an_outage"]
    nowhere = {"SHOP_POSTGRES_PORT": str(free_port())}
    with flawed(shop_services, "naive", [], "bank_naive_down", tmp_path, **nowhere) as shop:
        tour = Tour(shop)
        bodies = {
            "POST /api/auth/token/": {"username": "a", "password": "b"},
            "POST /api/auth/refresh/": {"refresh": "x"},
        }
        for operation in CONTRACT.operations:
            who = 0 if "orders" in operation and "support" not in operation else "admin"
            body = bodies.get(operation, {"tier": 1, "quantity": 1})
            order = "00000000-0000-4000-8000-000000000000"
            tour.ask(operation, 503, who=who, body=body, slug="nowhere", id=order if "orders" in operation else 1)
    told_of = {normal(one.operation) for one in tour.found if fits(one, listed)}
    # A token that can't be read is refused without looking anything up.
    assert {normal(one) for one in CONTRACT.operations} - told_of <= {"POST /api/auth/refresh/"}, "\n".join(tour.log)
