"""kill -9 of the worker's whole process group while the gateway is charging."""

from __future__ import annotations

import signal
import uuid

import psutil
import pytest
import redis

from tests.stack.shop_fixtures import Shop, ShopServices, eventually, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]


def order_in_flight_at_a_kill(shop: Shop, services: ShopServices) -> str:
    """Place an order, kill the worker in the middle of its charge, start a new one. Returns the order's id."""
    with services.slow_charge(shop) as order_id:
        shop.signal("worker", signal.SIGKILL)
        shop.processes["worker"].wait()
    (shop.folder / "worker.log").write_text("")
    shop.start("worker")
    shop.wait_until_ready()
    return order_id


def test_hardened_finishes_the_order_and_charges_it_once(shop_services: ShopServices) -> None:
    shop = shop_services.shop("hardened")
    order_id = order_in_flight_at_a_kill(shop, shop_services)
    eventually(lambda: shop.status(order_id) == "paid", within_s=60, what="order paid after the kill")
    assert len(shop_services.charges(order_id)) == 1
    told = "SELECT times FROM lab_side_effects WHERE order_id = %s"
    eventually(lambda: shop.rows(told, order_id) == [(1,)], what="the customer told")
    assert len(shop_services.mails(order_id)) == 1


def test_naive_forgets_the_order(shop_services: ShopServices) -> None:
    shop = shop_services.shop("naive")
    order_id = order_in_flight_at_a_kill(shop, shop_services)
    later = shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex)
    eventually(lambda: shop.status(later.body["id"]) == "paid", what="a later order, by the new worker")
    # Nothing is left that could move it: no message waits and none is held back.
    eventually(lambda: shop.messages() == 0, what="empty queues")
    assert shop.status(order_id) == "pending"


def test_the_worker_stops_on_sigterm_with_all_its_children(shop_services: ShopServices) -> None:
    shop = shop_services.shop("hardened")
    master = psutil.Process(shop.processes["worker"].pid)
    family = [master, *master.children(recursive=True)]
    assert len(family) > 1
    shop.processes["worker"].terminate()
    shop.processes["worker"].wait(30)
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    (shop.folder / "worker.log").write_text("")
    shop.start("worker")
    shop.wait_until_ready()


def test_hardened_outlives_a_broker_that_forgets(shop_services: ShopServices) -> None:
    """Messages that the broker took and lost: only the sweep brings such orders back."""
    shop = shop_services.shop("hardened")
    shop.signal("worker", signal.SIGKILL)
    shop.processes["worker"].wait()
    placed = [shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex) for _ in range(5)]
    assert {answer.status for answer in placed} == {202}
    eventually(lambda: shop.rows("SELECT unsent_outbox FROM lab_pending") == [(0,)], what="all handed to the broker")
    broker = redis.Redis.from_url(shop.environment["SHOP_BROKER_URL"])
    assert broker.llen("celery") >= 5
    broker.flushdb()
    (shop.folder / "worker.log").write_text("")
    shop.start("worker")
    shop.wait_until_ready()
    for answer in placed:
        eventually(lambda: shop.status(answer.body["id"]) == "paid", what="order paid")  # noqa: B023
        assert len(shop_services.charges(answer.body["id"])) == 1
