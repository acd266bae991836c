"""A statement names the line of the variant that makes it, also where the ORM makes it for a serializer's field."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.stack.shop_fixtures import ROOT, Shop, ShopServices, eventually, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

SAID = re.compile(r"/\*(?:request|task)='(?P<id>[^']*)'.*?line='(?P<line>[^']*)'(?:,at='(?P<at>[^']*)')?\*/")


@contextmanager
def statements(services: ShopServices) -> Iterator[list[tuple[str, str, str]]]:
    """Id, line and name of each statement of the block that says one, read from PostgreSQL's own log."""
    log, found = services.folder / "postgres.log", list[tuple[str, str, str]]()
    with psycopg.connect(services.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
        connection.execute("SELECT pg_reload_conf()")
        eventually(lambda: _setting(connection) == "0", what="the log of statements on")
        start = log.stat().st_size
        try:
            yield found
        finally:
            connection.execute("ALTER SYSTEM RESET log_min_duration_statement")
            connection.execute("SELECT pg_reload_conf()")
    with log.open("rb") as stream:
        stream.seek(start)
        text = stream.read().decode()
    found += [(m["id"], m["line"], m["at"] or "") for m in SAID.finditer(text)]


def _setting(connection: psycopg.Connection[tuple[str]]) -> str:
    row = connection.execute("SHOW log_min_duration_statement").fetchone()
    assert row is not None
    return row[0]


def source(variant: str, line: str) -> str:
    """The text of `serializers.py:55`."""
    file, _, number = line.partition(":")
    return (ROOT / "services/shop" / variant / file).read_text().splitlines()[int(number) - 1].strip()


def role(shop: Shop, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {shop.world['cast'][name]['access']}"}


@pytest.fixture(scope="module")
def naive(shop_services: ShopServices) -> Shop:
    """With some paid orders in it."""
    shop = shop_services.shop("naive")
    for _ in range(3):
        order_id = shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex).body["id"]
        eventually(lambda id_=order_id: shop.status(id_) == "paid", what="the order paid")
    return shop


PLACES = [
    ("/api/events/", None, "EventSerializer.venue", "venue = VenueSerializer(read_only=True)"),
    ("/api/events/", None, "EventSerializer.performers", "performers = PerformerSerializer(many=True, read_only=True)"),
    ("/api/events/", None, "EventSerializer.tiers", "tiers = TierSerializer(many=True, read_only=True)"),
    ("/api/orders/", "customer", "OrderSerializer.tickets", "tickets = TicketSerializer(many=True, read_only=True)"),
    ("/api/support/orders/", "support", "SupportOrderSerializer.customer", "customer = serializers.CharField("),
    ("/api/support/orders/", "support", "SupportOrderSerializer.tickets", "tickets = TicketSerializer("),
    ("/api/admin/sales/", "admin", "sales", '"event": tier.event.slug,'),
    ("/api/admin/sales/", "admin", "sales", '"paid_orders": paid.count(),'),
    ("/api/admin/sales/", "admin", "sales.<locals>.<genexpr>|sales", '"revenue_cents": sum('),
]


@pytest.mark.parametrize(("path", "who", "at", "text"), PLACES)
def test_each_place_where_naive_asks_once_a_row_is_named(
    naive: Shop, shop_services: ShopServices, path: str, who: str | None, at: str, text: str
) -> None:
    id_ = uuid.uuid4().hex
    headers = {"X-Request-Id": id_, **(role(naive, who) if who else {}), "Host": f"localhost:{naive.port}"}
    if who == "customer":
        headers |= naive.bearer()
    with statements(shop_services) as found:
        assert naive.get(f"{path}?nothing={id_}", headers=headers).status == 200  # past the cache of pages
    mine = Counter((line, name) for request, line, name in found if request == id_)
    named = {
        key: count
        for key, count in mine.items()
        if key[1] in at.split("|") and source("naive", key[0]).startswith(text)
    }
    assert named, mine
    assert max(named.values()) > 1, mine


@pytest.mark.parametrize("variant", ["naive", "hardened"])
def test_a_line_of_ones_own_code_comes_before_the_views(shop_services: ShopServices, variant: str) -> None:
    shop, key = shop_services.shop(variant), uuid.uuid4().hex
    with statements(shop_services) as found:
        placed = shop.order(tier=shop.large_tier(), key=key)
        assert placed.status == 202
    lines = {line for request, line, _ in found if request == key}
    inserts = [line for line in lines if line.startswith("services.py:")]
    assert inserts, found
    assert all(Path(line.partition(":")[0]).suffix == ".py" for line in lines if line)


def test_a_task_names_its_line(naive: Shop, shop_services: ShopServices) -> None:
    with statements(shop_services) as found:
        placed = naive.order(tier=naive.large_tier(), key=uuid.uuid4().hex)
        eventually(lambda: naive.status(placed.body["id"]) == "paid", what="the order paid")
    tasks = {source("naive", line) for _, line, at in found if at == "charge_order"}
    assert any(text.startswith("Payment.objects.create(") for text in tasks), found


def test_the_view_is_named_where_there_is_no_line_of_ones_own(shop_services: ShopServices) -> None:
    shop, id_ = shop_services.shop("naive"), uuid.uuid4().hex
    with statements(shop_services) as found:
        slug = shop.world["events"][0]["slug"]
        assert shop.get(f"/api/events/{slug}/?nothing={id_}", headers={"X-Request-Id": id_}).status == 200
    mine = {(source("naive", line), at) for request, line, at in found if request == id_}
    assert ("class EventDetail(generics.RetrieveAPIView[Event]):", "EventDetail") in mine
