"""The API is two processes, and they are one API: what both know, what one can't know, and how they end."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.stack.shop_fixtures import Shop, ShopServices, eventually, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

VARIANTS = ["naive", "hardened"]
ASKED = 40  # all of them at one of two processes: once in 500 billion times


def processes(shop: Shop) -> set[int]:
    """Who answered, over a connection of its own each time."""
    answers = [shop.get("/ready").body for _ in range(ASKED)]
    assert {answer["processes"] for answer in answers} == {2}
    return {answer["process"] for answer in answers}


def answers_by_process(shop: Shop) -> dict[str, float]:
    """As /metrics tells it, whichever process is asked."""
    lines = shop.get("/metrics").body.splitlines()
    series = [line for line in lines if line.startswith("shop_process_answers_total{")]
    return {line.split('process="')[1].split('"')[0]: float(line.rsplit(" ", 1)[1]) for line in series}


@pytest.mark.parametrize("variant", VARIANTS)
def test_two_processes_answer_and_each_knows_the_figures_of_both(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    both = processes(shop)
    assert len(both) == 2
    before = answers_by_process(shop)
    for _ in range(ASKED):
        assert shop.get("/api/events/").status == 200
    told = [answers_by_process(shop) for _ in range(ASKED)]
    assert all(figures == told[0] for figures in told)
    assert {int(pid) for pid in told[0]} == both
    grown = {pid: count - before.get(pid, 0.0) for pid, count in told[0].items()}
    assert sum(grown.values()) == ASKED
    assert min(grown.values()) > 0


@pytest.mark.parametrize("dies", ["a process", "the master"])
def test_no_process_outlives_another(shop_services: ShopServices, dies: str) -> None:
    """The supervisor restarts all processes: none of the old ones goes on beside the new."""
    shop_services.shop("hardened")  # it has made the database
    shop = shop_services.make("hardened", name=f"{dies.rpartition(' ')[2]}-dies")
    shop.start("api")
    try:
        eventually(shop._ready, what="the API is ready")
        eventually(lambda: len(processes(shop)) == 2, what="both processes answer")
        master, first = shop.processes["api"], min(processes(shop))
        family = {master.pid, *(child.pid for child in psutil.Process(master.pid).children(recursive=True))}
        assert all(os.getpgid(pid) == master.pid for pid in family)  # one kill of the group reaches all
        os.kill(first if dies == "a process" else master.pid, signal.SIGKILL)
        eventually(lambda: master.poll() is not None, what="the master has ended")
        eventually(lambda: not any(map(psutil.pid_exists, family)), what="nobody of the group is left")
    finally:
        shop.stop()
