"""A variant with Django Debug Toolbar, to look at; and nothing of that in the processes that are measured."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.stack.shop_fixtures import ROOT, Shop, ShopServices, eventually, free_port, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

BROWSERS = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.fixture(scope="module", params=["naive", "hardened"])
def port(request: pytest.FixtureRequest, shop_services: ShopServices) -> Iterator[int]:
    """Where a variant is served for development."""
    variant, at = str(request.param), free_port()
    shop = shop_services.make(variant, name=f"{variant}-develop")
    with psycopg.connect(shop_services.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "shop_{variant}_develop"')
    log = shop.folder / "develop.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "services.shop.serve", "develop", str(at)],
            cwd=ROOT, env=shop.environment, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        eventually(lambda: _answers(at), within_s=120, what=f"{variant} served, see {log}")
        yield at
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(port: int) -> bool:
    try:
        return get(port, "/live")[0] == 200
    except OSError:
        return False


def get(port: int, path: str, accept: str = "application/json") -> tuple[int, str]:
    """Status and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    ["/api/events/", "/api/orders/?as=customer", "/api/support/orders/?as=support", "/api/admin/sales/?as=admin"],
)
def test_a_browser_sees_the_queries_of_each_read(port: int, path: str) -> None:
    assert path in get(port, "/", BROWSERS)[1]
    status, page = get(port, path, BROWSERS)
    assert status == 200, page
    told = re.search(r"(\d+) quer(?:y|ies) in", page)
    assert told, page
    assert int(told[1]) >= 2
    assert "djDebugToolbar" in page


def test_other_programs_get_what_the_api_answers(port: int) -> None:
    status, text = get(port, "/api/events/")
    assert status == 200
    assert text.startswith('{"count":50,')
    assert get(port, "/api/orders/")[0] == 401, "a link says who asks, nobody else does"


def test_the_measured_processes_know_nothing_of_it(shop_services: ShopServices) -> None:
    shop: Shop = shop_services.make("hardened", name="hardened-plain")
    asked = (
        "import sys, services.shop.core.wsgi\nprint([n for n in sys.modules if 'toolbar' in n or '.development' in n])"
    )
    environment = {**shop.environment, "DJANGO_SETTINGS_MODULE": "services.shop.hardened.settings", "SHOP_ROLE": "api"}
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert "django-debug-toolbar" not in (Path(ROOT) / "requirements.lock").read_text()
