"""The test that `firedrill force --as-test` writes: red on naive, green on hardened, and run by pytest alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chaos.drills import as_test
from chaos.model.interleaving import Said, Schedule, Stop
from tests.stack.shop_fixtures import Shop, ShopServices, copy_of, shop_services

__all__ = ["shop_services"]

PAIRS = (
    ("buy", "buy"),
    ("buy", "buy_again"),
    ("cancel", "cancel"),
    ("refresh", "refresh"),
    ("refresh", "logout"),
)
"""Changing a password takes two hashes, for which a busy machine may need longer than hardened gives a request."""


def schedule(pair: tuple[str, str]) -> Schedule:
    said = Said(role=pair[0])
    stop = Stop(number=2, kind="write", statement="UPDATE x")
    return Schedule(id=f"{'_'.join(pair)}/w1", section="s", pair=pair, steps=(), a=said, b=said, stop=stop)


@pytest.mark.parametrize(("variant", "outcome"), [("naive", "failed"), ("hardened", "passed")])
def test_red_on_naive_and_green_on_hardened(
    shop_services: ShopServices, tmp_path: Path, variant: str, outcome: str
) -> None:
    name = f"forced_{variant}"  # it sells the last seats of hot tiers, which other tests want
    with shop_services.running(shop_services.make(name, root=copy_of(variant, name, tmp_path / "code"))) as shop:
        found, told = outcomes(shop, shop_services, tmp_path)
        assert found == {f"test_forced_{'_'.join(pair)}_w1": outcome for pair in PAIRS}, told
        assert shop.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'firedrill_gate'") == [(0,)]


def outcomes(shop: Shop, services: ShopServices, tmp_path: Path) -> tuple[dict[str, str], str]:
    """Write a test of each pair and let pytest run them on *shop*.

    Returns:
        Test → failed, error or passed; and the end of what pytest printed.
    """
    for pair in PAIRS:
        (tmp_path / f"test_{'_'.join(pair)}.py").write_text(as_test.test_of(schedule(pair)))
    address = {
        "host": "127.0.0.1",
        "port": services.postgres_port,
        "user": "postgres",
        "password": services.password,
    }
    (tmp_path / "stack.json").write_text(json.dumps({"postgres": address, "lab_dir": str(tmp_path), "urls": {}}))
    told = {
        "SHOP_URL": f"http://127.0.0.1:{shop.port}",
        "SHOP_WORLD": str(shop.folder / "world.json"),
        "FIREDRILL_STACK_FILE": str(tmp_path / "stack.json"),
    }
    plain = ["-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:django", "-c", os.devnull]
    done = subprocess.run(
        [
            sys.executable,
            "-B",
            "-m",
            "pytest",
            str(tmp_path),
            "--rootdir",
            str(tmp_path),
            "--junitxml=junit.xml",
            *plain,
        ],
        cwd=tmp_path,
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    cases = ElementTree.parse(tmp_path / "junit.xml").getroot().iter("testcase")
    found = {
        str(case.get("name")): "failed" if case.find("failure") is not None else "error" if len(case) else "passed"
        for case in cases
    }
    return found, done.stdout[-4000:]
