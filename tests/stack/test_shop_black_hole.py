"""`hardened` behind proxies that swallow everything: answers in time while it lasts, works again afterwards."""

from __future__ import annotations

import importlib
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from tests.stack.shop_fixtures import Answer, Shop, ShopServices, copy_of, eventually, shop_services
from tests.stack.tcp_proxy import TcpProxy

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

VARIANT = "hardened"


@pytest.fixture
def backend() -> ModuleType:
    """The variant's database backend; importing it needs no Django settings."""
    return importlib.import_module(f"services.shop.{VARIANT}.postgres.base")


@contextmanager
def proxied(port: int) -> Iterator[TcpProxy]:
    """A proxy to *port*, ended with the block."""
    proxy = TcpProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


def test_a_connection_frees_itself(shop_services: ShopServices, backend: ModuleType) -> None:
    deadline_s: float = backend.DEADLINE_S
    with proxied(shop_services.postgres_port) as proxy:
        conninfo = shop_services.conninfo("postgres").replace(str(shop_services.postgres_port), str(proxy.port))
        connection = backend.DeadlineConnection.connect(conninfo, autocommit=True)
        assert connection.execute("SELECT 1").fetchone() == (1,)
        proxy.swallow()
        started_s = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert time.monotonic() - started_s >= deadline_s * 0.9, "it gave up before its deadline"
        assert connection.closed, "a late answer could reach the next caller"


def test_a_plain_connection_would_wait_on(shop_services: ShopServices) -> None:
    """The positive control: without the deadline, neither the server's timeout nor the proxy ends the wait."""
    with proxied(shop_services.postgres_port) as proxy, ThreadPoolExecutor(1) as pool:
        conninfo = shop_services.conninfo("postgres").replace(str(shop_services.postgres_port), str(proxy.port))
        connection = psycopg.connect(conninfo, autocommit=True, options="-c statement_timeout=500")
        proxy.swallow()
        waiting = pool.submit(connection.execute, "SELECT 1")
        time.sleep(4)
        assert not waiting.done()
        proxy.heal()
        with pytest.raises(psycopg.OperationalError):
            waiting.result(20)


def test_a_slow_statement_within_the_deadline_is_fine(shop_services: ShopServices, backend: ModuleType) -> None:
    with backend.DeadlineConnection.connect(shop_services.conninfo("postgres")) as connection:
        assert connection.execute("SELECT pg_sleep(0.5), 7").fetchone()[1] == 7


@pytest.fixture
def behind_proxies(shop_services: ShopServices, tmp_path: Path) -> Iterator[tuple[Shop, TcpProxy, TcpProxy]]:
    """A copy of the variant, so that it shares no database, with a proxy to PostgreSQL and one to the broker."""
    with proxied(shop_services.postgres_port) as postgres, proxied(shop_services.redis_port) as broker:
        shop = shop_services.make(
            "proxied",
            root=copy_of(VARIANT, "proxied", tmp_path),
            SHOP_POSTGRES_PORT=str(postgres.port),
            SHOP_BROKER_URL=f"redis://127.0.0.1:{broker.port}/60",
        )
        with shop_services.running(shop):
            yield shop, postgres, broker


def test_outages_end_in_503_and_heal(
    shop_services: ShopServices, behind_proxies: tuple[Shop, TcpProxy, TcpProxy]
) -> None:
    shop, postgres, broker = behind_proxies
    assert shop.get("/api/events/").status == 200

    postgres.swallow()
    own = shop.bearer()
    with ThreadPoolExecutor(
        13
    ) as pool:  # more than there are threads and connections; a hang ends as a client's timeout
        asked = [pool.submit(shop.get, "/api/orders/", headers=own) for _ in range(12)]
        assert shop.get("/live").status == 200
        answers: list[Answer] = [future.result() for future in asked]
    assert {answer.status for answer in answers} == {503}
    for answer in answers:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"]
        assert answer.body["code"] == "dependency_down"
    old = shop.get("/api/events/")
    assert (old.status, old.headers["x-stale"]) == (200, "true")
    assert int(old.headers["age"]) >= 1
    assert shop.get("/api/events/nowhere/").status == 503, "there is no copy of what nobody has seen"
    ready = shop.get("/ready")
    assert (ready.status, ready.body["checks"]["cache"]) == (503, "ok")
    postgres.heal()
    eventually(lambda: "x-stale" not in shop.get("/api/events/").headers, what="reads are fresh again")
    eventually(lambda: _is_paid(shop, f"healed-{uuid.uuid4().hex}"), what="orders work again")

    broker.swallow()
    placed = [shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex) for _ in range(4)]
    assert {answer.status for answer in placed} == {202}, "an order needs no broker"
    time.sleep(4)  # long enough for every timeout on the way to have struck
    broker.heal()
    for answer in placed:
        eventually(lambda: shop.status(answer.body["id"]) == "paid", within_s=60, what="order paid")  # noqa: B023
        assert len(shop_services.charges(answer.body["id"])) == 1


def _is_paid(shop: Shop, key: str) -> bool:
    """Order, and wait a while for the payment."""
    placed = shop.order(tier=shop.large_tier(), key=key)
    if placed.status != 202:
        return False
    eventually(lambda: shop.status(placed.body["id"]) == "paid", what="order paid")
    return True
