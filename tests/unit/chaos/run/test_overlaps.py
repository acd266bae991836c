"""Several faults at once: each is proven over the others, and lifted in any order."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.clock import SystemClock
from chaos.evidence.journal import Journal, read_events
from chaos.load import parse_scenario
from chaos.model.journal import EventKind
from chaos.plan import plan
from chaos.run.faults import Faults
from chaos.run.paths import Paths
from tests.unit.chaos.fakes import Outside
from tests.unit.chaos.scenarios import GOOD, WHERE

HEAD = GOOD[: GOOD.index("load:")].replace(
    "[shop_to_gateway, worker]", "[shop_to_gateway, shop_to_cache, shop_to_broker, worker, gateway]"
)
TAIL = GOOD[GOOD.index("steady_state:") :]
LOAD = """\
load:
  - {phase: calm, for: 100ms, arrivals: 500/s, mix: {browse: 8, buy: 2}}
  - {phase: spike, for: 2400ms, arrivals: 500/s, mix: {browse: 2, buy: 8}}
faults:
"""


def held_together(tmp_path: Path, outside: Outside, *faults: str) -> list[dict[str, Any]]:
    """What the journal says after all of *faults* have come and gone."""
    text = HEAD + LOAD + "".join(f"  - {fault}\n" for fault in faults) + TAIL
    scenario = parse_scenario(text, name="own/small", where=WHERE)
    clock = SystemClock()
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.t0_unix_s = t0 = clock.now_unix_s()
        timetable = plan(scenario)
        with Faults(timetable.faults, lab=outside.lab, journal=journal, t0_unix_s=t0, ends_s=2.5) as running:
            running.join()
    return [{"event": event.event, **event.data} for event in read_events(path)]


LATENCY = "{inject: latency, on: shop_to_gateway, latency: 20ms, from: spike+%dms, for: %dms}"
DOWN = "{inject: down, on: shop_to_gateway, from: spike+%dms, for: %dms}"


@pytest.mark.parametrize(
    ("latency", "down"), [((0, 600), (200, 800)), ((0, 900), (200, 300))], ids=["latency first", "down first"]
)
def test_a_down_over_a_latency_is_lifted_in_any_order(
    tmp_path: Path, latency: tuple[int, int], down: tuple[int, int]
) -> None:
    outside = Outside(SystemClock())
    events = held_together(tmp_path, outside, LATENCY % latency, DOWN % down)
    assert [event["proven"] for event in events if event["event"] is EventKind.FAULT_INJECTED] == [True, True]
    lifts = [event for event in events if event["event"] is EventKind.FAULT_LIFTED]
    assert [lift["pristine"] for lift in lifts] == [True, True], lifts
    first, last = lifts
    assert set(first["canary"]) == {"left_to"}  # whoever goes last has to show that the way is free
    assert set(last["canary"]) == {"after_s"}
    assert outside.proxies.dirt == []


def test_the_last_one_has_to_show_it(tmp_path: Path) -> None:
    outside = Outside(SystemClock())
    removed = outside.proxies.remove_toxic

    def loses_the_way(proxy: str, name: str) -> None:
        removed(proxy, name)
        outside.canary.dead.add(proxy)

    outside.proxies.remove_toxic = loses_the_way  # type: ignore[method-assign]
    events = held_together(tmp_path, outside, LATENCY % (0, 300), DOWN % (100, 600))
    lifts = [event for event in events if event["event"] is EventKind.FAULT_LIFTED]
    assert [(lift["fault"], lift["pristine"]) for lift in lifts] == [
        ("1-latency-shop_to_gateway", True),
        ("2-down-shop_to_gateway", False),
    ]


def test_faults_on_several_targets_do_not_wait_for_each_other(tmp_path: Path) -> None:
    outside = Outside(SystemClock())
    faults = (
        "{inject: latency, on: shop_to_gateway, latency: 20ms, from: spike+100ms, for: 500ms}",
        "{inject: timeout, on: shop_to_cache, from: spike+100ms, for: 1200ms}",
        "{inject: status, on: gateway, from: spike+100ms, for: 600ms}",
        "{inject: pause, on: worker, from: spike+100ms, for: 1s}",
    )
    events = held_together(tmp_path, outside, *faults)
    assert sorted(event["fault"] for event in events if event.get("proven")) == [
        "1-latency-shop_to_gateway",
        "2-timeout-shop_to_cache",
        "3-status-gateway",
        "4-pause-worker",
    ]
    assert all(event["pristine"] for event in events if event["event"] is EventKind.FAULT_LIFTED)
    assert (outside.proxies.dirt, outside.processes.paused, outside.gateway.deviations()) == ([], set(), [])


def test_the_next_fault_on_a_switch_is_not_undone_by_the_late_end_of_the_one_before(tmp_path: Path) -> None:
    outside = Outside(SystemClock())
    one = "{inject: status, on: gateway, code: 503, from: spike, for: 600ms}"
    next_ = (
        "{inject: status, on: gateway, code: 402, from: spike+900ms, for: 600ms}"  # armed before the first has ended
    )
    events = held_together(tmp_path, outside, one, next_)
    order = [(event["event"], event["fault"]) for event in events if event["event"] != EventKind.EXPOSURE]
    assert order == [
        (EventKind.FAULT_INJECTED, "1-status-gateway"),
        (EventKind.FAULT_LIFTED, "1-status-gateway"),
        (EventKind.FAULT_INJECTED, "2-status-gateway"),
        (EventKind.FAULT_LIFTED, "2-status-gateway"),
    ]
    assert all(event["pristine"] for event in events if event["event"] is EventKind.FAULT_LIFTED)


def test_a_pause_on_a_trigger_is_held_from_the_trigger_on(tmp_path: Path) -> None:
    outside = Outside(SystemClock())
    threading.Timer(0.5, lambda: setattr(outside.gateway, "in_flight", _Always())).start()
    fault = "{inject: pause, on: worker, when: charge_in_flight, after: spike, for: 1s}"
    events = held_together(tmp_path, outside, fault)
    (injected,) = [event for event in events if event["event"] is EventKind.FAULT_INJECTED]
    (lifted,) = [event for event in events if event["event"] is EventKind.FAULT_LIFTED]
    assert injected["planned_s"] is None
    assert lifted["lifted_s"] - injected["effective_s"] >= 1.0


@pytest.mark.parametrize("inject", ["{inject: pause, for: 1s", "{inject: kill"])
def test_a_trigger_whose_charge_is_answered_before_the_signal_is_waited_for_again(tmp_path: Path, inject: str) -> None:
    outside = Outside(SystemClock())
    outside.gateway.in_flight = _Always()
    outside.processes.misses = 3
    events = held_together(tmp_path, outside, f"{inject}, on: worker, when: charge_in_flight, after: spike}}")
    (injected,) = [event for event in events if event["event"] is EventKind.FAULT_INJECTED]
    assert injected["proven"], injected
    assert outside.processes.misses < 0
    assert outside.processes.paused == set()


def test_a_process_that_is_never_in_the_middle_of_a_charge_is_left_running(tmp_path: Path) -> None:
    """Another process of the shop charges."""
    outside = Outside(SystemClock())
    outside.gateway.in_flight = _Always()
    outside.processes.asked = ()
    events = held_together(tmp_path, outside, "{inject: kill, on: worker, when: charge_in_flight, after: spike}")
    assert [event["reason"] for event in events if event["event"] is EventKind.FAULT_FAILED] == [
        "its trigger charge_in_flight was seen 20 times, and each time worker was not in the middle of it"
    ]
    assert (outside.processes.paused, outside.processes.killed) == (set(), [])


def test_a_trigger_that_comes_too_late_to_hold_the_fault_is_not_waited_for(tmp_path: Path) -> None:
    outside = Outside(SystemClock())
    fault = "{inject: pause, on: worker, when: charge_in_flight, after: spike, for: 2s}"
    events = held_together(tmp_path, outside, fault)
    assert [event["reason"] for event in events if event["event"] is EventKind.FAULT_FAILED] == [
        "its trigger charge_in_flight was not seen in time"
    ]
    assert outside.processes.paused == set()


class _Always(list[float]):
    def __iter__(self) -> Any:
        return iter([SystemClock().now_unix_s()])


def test_a_ping_to_the_worker_meets_what_is_held_on_its_broker() -> None:
    paths = Paths()
    paths.enter("worker", "1-pause-worker")
    paths.enter("shop_to_broker", "2-down-shop_to_broker")
    paths.enter("shop_to_cache", "3-down-shop_to_cache")
    assert paths.beside("worker", "1-pause-worker") == ("2-down-shop_to_broker",)
    assert paths.beside("shop_to_broker", "2-down-shop_to_broker") == ()
    paths.leave("shop_to_broker", "2-down-shop_to_broker")
    assert paths.beside("worker", "1-pause-worker") == ()
