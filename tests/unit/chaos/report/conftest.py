"""A flash sale on `naive`, as a report gets it: a violated run of 28 s with two faults."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaos.evidence.figures import Second
from chaos.model.journal import Event, EventKind
from chaos.model.verdict import VerdictDocument, plain
from chaos.report.words import Shown

PHASES = [
    {"name": "baseline", "start_s": 0.0, "end_s": 8.0},
    {"name": "spike", "start_s": 8.0, "end_s": 20.0},
    {"name": "recovery", "start_s": 20.0, "end_s": 28.0},
]
T0_UNIX_S = 1_795_000_000.0


def finding(check: str, kind: str, verdict: str, **more: Any) -> dict[str, Any]:
    base = {"check": check, "kind": kind, "verdict": verdict, "expected": "it is so", "measured": "", "where": ""}
    return {**base, "reason": "", "exact": kind == "invariant", "examples": [], "figures": {}, **more}


def findings() -> list[dict[str, Any]]:
    limit = {"word": "at_most", "value": 0.3, "unit": "s"}
    return [
        finding(
            "no_oversell",
            "invariant",
            "violated",
            expected="in every tier, seats of live orders and tickets ≤ capacity",
            measured="312 of 150 seats taken",
            where="tier 3 (night-of-drums)",
            reason="162 seats were sold that do not exist, in 1 tier(s)",
            examples=["5bd1c0de-0000-4000-8000-000000000151", "5bd1c0de-0000-4000-8000-000000000152"],
        ),
        finding("sells_out", "invariant", "held", measured="312 of 150 seats sold, 844 wanted in tier 3"),
        finding(
            "charged_exactly_once",
            "invariant",
            "violated",
            expected="each paid intent has exactly one captured charge, each refused one none",
            measured="402 charges for 371 intents: 31 charged more than once",
            reason="31 charged more than once",
            examples=["k-17", "k-20"],
        ),
        finding(
            "slo:success_ratio[spike,buy]",
            "slo",
            "inconclusive",
            expected="success ratio buy at least 95 %",
            measured="91.2 % over 390 operations",
            where="phase spike",
            reason="the API's core was saturated (≥ 0.95) in 4 of 12 s of spike; lower the arrivals",
            figures={"limit": {"word": "at_least", "value": 0.95, "unit": "ratio"}},
        ),
        finding("recovers_within", "recovery", "held", measured="2 s", where="last lift at 16.2 s"),
        finding(
            "steady_state:latency[browse,p95]",
            "steady_state",
            "held",
            expected="latency browse p95 at most 300 ms",
            measured="41 ms over 77 operations",
            figures={"limit": limit},
        ),
        finding("fault:latency-1", "fault", "held", measured="proven, met by 57", where="10.0 s to 16.2 s"),
        finding("self_check:send_lag", "self_check", "held", expected="send lag p99 ≤ 30 ms", measured="4.1 ms"),
    ]


def timeline() -> list[Second]:
    seconds = []
    for at_s in range(29):
        offered = 12 if at_s < 8 or at_s >= 20 else 12 + int((at_s - 8) * 38 / 12)
        offered = 0 if at_s == 28 else offered
        broken = 10 <= at_s < 16
        errors = 9 if at_s in (13, 14) else 2 if broken else 0
        p95: float | None = 38.0 + at_s % 5 * 7 + (380 if broken else 0)
        if at_s in (13, 14) or not offered:
            p95 = None
        seconds.append(Second(at_s=at_s, offered=offered, served=max(0, offered - errors), errors=errors, p95_ms=p95))
    return seconds


def events() -> list[Event]:
    told: list[tuple[float | None, EventKind, dict[str, Any]]] = [
        (None, EventKind.RUN_STARTED, {"variant": "naive", "seed": 7}),
        (0.0, EventKind.PHASE_STARTED, {"phase": "baseline", "start_s": 0.0, "end_s": 8.0}),
        (10.01, EventKind.FAULT_INJECTED, {"fault": "latency-1", "proven": True, "canary": {"felt": True}}),
        (16.2, EventKind.FAULT_LIFTED, {"fault": "latency-1", "lifted_s": 16.2, "pristine": True}),
        (40.0, EventKind.RUN_ENDED, {}),
    ]
    return [
        Event(seq=seq, at_unix_s=T0_UNIX_S + seq, event=event, at_s=at_s, data=data)
        for seq, (at_s, event, data) in enumerate(told)
    ]


def changed(document: VerdictDocument, **more: Any) -> VerdictDocument:
    """The same with other values, as plain JSON types."""
    return msgspec.convert({**plain(document), **more}, VerdictDocument)


def document() -> VerdictDocument:
    calm = {"ok": 77, "refused": 0, "fail": 0, "info": 0, "dropped": 0, "p50_ms": 9.1, "p95_ms": 41.0, "p99_ms": 60.2}
    rush = {"ok": 300, "refused": 55, "fail": 5, "info": 30, "dropped": 0, "p50_ms": 88.0, "p95_ms": None}
    fault = {"exposed_at_least": 1, "proven": True, "problem": ""}
    found = {
        "run_id": "20261123-101502-flash-sale-naive-s7",
        "scenario": "concurrency/flash-sale",
        "title": "Flash sale",
        "hypothesis": "A 4x spike on one hot tier sells every seat once and charges every accepted order once.",
        "drill": 3,
        "variant": "naive",
        "seed": 7,
        "scale": 1.0,
        "started_at": "2026-11-23T10:15:02Z",
        "duration_s": 44.2,
        "versions": {},
        "verdict": "violated",
        "exit_code": 1,
        "summary": "Violated: no_oversell (312 of 150 seats taken), and 1 more: charged_exactly_once.",
        "findings": findings(),
        "phases": PHASES,
        "faults": [
            {
                "id": "latency-1",
                "kind": "latency",
                "on": "shop_to_gateway",
                "injected_s": 10.0,
                "lifted_s": 16.2,
                "exposure": 57,
                **fault,
            },
            {
                "id": "kill-2",
                "kind": "kill",
                "on": "worker",
                "injected_s": 11.4,
                "lifted_s": 12.9,
                "exposure": 2,
                **fault,
            },
        ],
        "operations": {
            "baseline": {"browse": calm},
            "spike": {"buy": {**rush, "p99_ms": None}, "buy_again": {**calm, "p50_ms": None, "ok": 0}},
        },
    }
    return msgspec.convert(found, VerdictDocument)


@pytest.fixture
def shown() -> Shown:
    return Shown(document=document(), timeline=timeline(), events=events())
