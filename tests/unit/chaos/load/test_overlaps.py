"""Faults that contradict each other, or that the load can't reach, are refused when the file is loaded."""

from __future__ import annotations

import pytest

from chaos.errors import InvalidInput
from chaos.load import parse_scenario
from tests.unit.chaos.scenarios import GOOD, WHERE

HEAD = GOOD[: GOOD.index("faults:")].replace(
    "[shop_to_gateway, worker]", "[shop_to_gateway, shop_to_cache, shop_to_postgres, worker, api, gateway]"
)
TAIL = GOOD[GOOD.index("steady_state:") :]


def problems(*faults: str, head: str = HEAD) -> list[str]:
    """What is wrong with a scenario of 8 s calm, 12 s spike, 8 s after, and these faults."""
    text = head + "faults:\n" + "".join(f"  - {fault}\n" for fault in faults) + TAIL
    try:
        parse_scenario(text, name="own/small", where=WHERE)
    except InvalidInput as invalid:
        return [problem.removeprefix(f"{WHERE}: ").rpartition(" (line")[0] for problem in invalid.problems]
    return []


def fault(inject: str, on: str, start: float, lasts: float, **keys: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"{{inject: {inject}, on: {on}, from: spike+{start:g}s, for: {lasts:g}s{more}}}"


LATENCY = fault("latency", "shop_to_gateway", 1, 6, latency="300ms")
KILL = "{inject: kill, on: worker, at: spike+3s}"
KILL_ON_TRIGGER = "{inject: kill, on: worker, when: charge_in_flight, after: spike+3s}"


@pytest.mark.parametrize(
    "faults",
    [
        (LATENCY, fault("down", "shop_to_gateway", 3, 2)),  # over it and gone before
        (LATENCY, fault("down", "shop_to_gateway", 3, 8)),  # over it and gone after
        (LATENCY, fault("latency", "shop_to_gateway", 2, 6, latency="100ms", stream="upstream")),
        (LATENCY, fault("bandwidth", "shop_to_gateway", 3, 2, rate="20KB/s")),
        (fault("timeout", "shop_to_cache", 1, 6), fault("down", "shop_to_cache", 3, 6)),
        (fault("timeout", "shop_to_cache", 1, 6), fault("timeout", "shop_to_postgres", 1, 6), LATENCY, KILL),
        (fault("down", "shop_to_cache", 1, 2), fault("timeout", "shop_to_cache", 3, 2)),  # one after the other
        (fault("pause", "worker", 1, 2), "{inject: kill, on: worker, at: spike+3s}"),
        (KILL, fault("pause", "worker", 8, 2)),
        (KILL, fault("pause", "api", 3, 2)),
        (
            fault("status", "gateway", 1, 6, share="50%"),
            fault("charge_then_drop", "gateway", 2, 6, share="50%"),
        ),
        (fault("down", "shop_to_gateway", 1, 3), fault("status", "gateway", 2, 4)),
    ],
)
def test_what_may_overlap(faults: tuple[str, ...]) -> None:
    assert problems(*faults) == []


@pytest.mark.parametrize(
    ("faults", "sentence"),
    [
        (
            (LATENCY, fault("latency", "shop_to_gateway", 2, 1, latency="100ms")),
            "faults[1]: got latency on shop_to_gateway while 1-latency-shop_to_gateway lasts, expected one",
        ),
        (
            (fault("status", "gateway", 1, 6), fault("status", "gateway", 2, 1, code="502")),
            "faults[1]: got status on gateway while 1-status-gateway lasts, expected one",
        ),
        (
            (fault("pause", "worker", 2, 4), KILL),
            "faults[1]: got kill on worker while 1-pause-worker lasts, expected one after the other",
        ),
        (
            (KILL_ON_TRIGGER, fault("pause", "worker", 9, 2)),
            "faults[1]: got pause on worker while 1-kill-worker may last, expected one after the other",
        ),
        (
            (KILL, "{inject: kill, on: worker, at: spike+4s}"),
            "faults[1]: got kill on worker while 1-kill-worker may last, expected one",
        ),
        (
            ("{inject: terminate, on: worker, at: spike+3s}", "{inject: kill, on: worker, at: spike+4s}"),
            "faults[1]: got kill on worker while 1-terminate-worker may last, expected one after the other",
        ),
        (
            (fault("down", "shop_to_gateway", 0, 4), LATENCY),
            "faults[1]: got latency on shop_to_gateway while 1-down-shop_to_gateway lets nothing through,"
            " expected it to begin before or after",
        ),
        (
            (fault("slow_close", "shop_to_cache", 4, 2, delay="1s"), fault("timeout", "shop_to_cache", 1, 6)),
            "faults[0]: got slow_close on shop_to_cache while 2-timeout-shop_to_cache lets nothing through,"
            " expected it to begin before or after",
        ),
        (
            (
                fault("bandwidth", "shop_to_cache", 1, 6, rate="20KB/s"),
                fault("slicer", "shop_to_cache", 2, 2, average_size="64", delay="2ms"),
            ),
            "faults[1]: got slicer on shop_to_cache while 1-bandwidth-shop_to_cache lasts, expected one of them:"
            " each hides the other from a canary",
        ),
        (
            (fault("status", "gateway", 1, 6), fault("charge_then_drop", "gateway", 2, 6)),
            "faults[1]: got charge_then_drop on gateway while 1-status-gateway lasts, expected status for less than"
            " 100%: nobody is charged",
        ),
        (
            (fault("timeout", "shop_to_gateway", 1, 6), fault("status", "gateway", 2, 4)),
            "faults[1]: got status on gateway inside 1-timeout-shop_to_gateway, expected a time when the gateway can"
            " be reached",
        ),
    ],
)
def test_what_contradicts_itself(faults: tuple[str, ...], sentence: str) -> None:
    assert problems(*faults) == [sentence]


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            fault("latency", "shop_to_gateway", 1, 30, latency="300ms"),
            "faults[0].from: got a fault that ends at 39s, expected an end within the load's 28s",
        ),
        (
            "{inject: pause, on: worker, when: charge_in_flight, after: after+7s, for: 2s}",
            "faults[0].after: got a fault that ends at 29s, expected an end within the load's 28s",
        ),
        (
            fault("latency", "shop_to_gateway", 1, 2, latency="3s"),
            "faults[0].for: got 2s, expected at least 3s: so long a canary needs to feel it",
        ),
        (
            fault("pause", "api", 1, 0.5),
            "faults[0].for: got 0.5s, expected at least 1s: so long a canary needs to feel it",
        ),
        (
            fault("status", "gateway", 1, 2, exposed_at_least="5000"),
            "faults[0].exposed_at_least: got 5000, expected at most 1188: about 59 arrivals that may lead to a charge"
            " come before status on gateway ends",
        ),
        (
            fault("pause", "api", 1, 2, exposed_at_least="100000"),
            "faults[0].exposed_at_least: got 100000, expected at most 2925: about 146 arrivals come before pause on api"
            " ends",
        ),
        (
            fault("status", "shop_to_gateway", 1, 2),
            "faults[0].on: got 'shop_to_gateway', expected one of gateway (did you mean gateway?)",
        ),
    ],
)
def test_what_the_load_can_t_reach_or_hold(one: str, sentence: str) -> None:
    assert problems(one) == [sentence]


@pytest.mark.parametrize("on", ["gateway", "shop_to_gateway", "worker"])
def test_a_load_without_a_purchase_meets_no_gateway_and_no_worker(on: str) -> None:
    head = HEAD.replace("buy: 2", "login: 2").replace("buy: 8", "login: 8")
    one = {"gateway": "status", "shop_to_gateway": "timeout", "worker": "pause"}[on]
    found = [problem for problem in problems(fault(one, on, 1, 2), head=head) if problem.startswith("faults")]
    assert found == [
        f"faults[0].exposed_at_least: got 1, expected at most 0: about 0 arrivals that may lead to a charge come before"
        f" {one} on {on} ends"
    ]


@pytest.mark.parametrize(
    "one",
    [
        fault("status", "gateway", 1, 2),
        fault("pause", "api", 1, 2),
        fault("bandwidth", "shop_to_cache", 1, 2, rate="20KB/s"),
        "{inject: kill, on: api, at: spike+3s}",
        fault("timeout", "shop_to_postgres", 1, 2),
    ],
)
def test_the_blast_radius_holds_for_every_kind(one: str) -> None:
    head = HEAD[: HEAD.index("blast_radius")] + "blast_radius: [worker]\n" + HEAD[HEAD.index("settle") :]
    (problem,) = problems(one, head=head)
    assert problem.endswith("expected a target inside the blast radius (worker)")
