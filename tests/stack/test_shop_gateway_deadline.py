"""A gateway that answers byte by byte: timeouts that count from the last byte never strike."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.stack.shop_fixtures import ShopServices, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

ASK = """
import time, types
from django.apps import apps
from importlib import import_module
gateway = import_module(apps.get_app_config("shop").name + ".gateway")
order = types.SimpleNamespace(pk="6b1f3a52-0000-4000-8000-000000000000", amount_cents=100)
started = time.monotonic()
try:
    gateway.charge(order)
except gateway.GatewayUnavailable as error:
    print("unavailable", gateway.DEADLINE_S, time.monotonic() - started, error)
"""


@pytest.fixture
def dripping_gateway() -> Iterator[int]:
    """Sends a header's byte every fifth of a second, for a minute."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 201 Created\r\nX-Drip: ")
                for _ in range(300):
                    client.sendall(b"x")
                    time.sleep(0.2)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def test_hardened_gives_up_at_a_total_deadline(shop_services: ShopServices, dripping_gateway: int) -> None:
    shop = shop_services.make("hardened", name="drip", SHOP_GATEWAY_URL=f"http://127.0.0.1:{dripping_gateway}")
    done = shop.manage("shell", "--no-imports", "-c", ASK)
    assert done.returncode == 0, done.stderr
    word, deadline_s, took_s, *_ = done.stdout.split()
    assert word == "unavailable"
    assert float(took_s) >= float(deadline_s) * 0.9, "it gave up before its deadline"
    assert float(deadline_s) <= 3.0
