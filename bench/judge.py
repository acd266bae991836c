"""How long judging takes and how much memory it needs: `python -m bench.judge [--operations N] [--json]`.

A synthetic flash sale at 5,000 operations/s: browsing, buying (one hot tier sells out, large ones do not), polls.
The history is written once; judging runs in a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from chaos.checks import InvariantCheck, Judged, RecoveryCheck, SloCheck
from chaos.evidence.files import digests
from chaos.evidence.record import read_record
from chaos.invariants import KINDS as INVARIANTS
from chaos.judge.judge import judge
from chaos.model.clocks import ClockReading
from chaos.model.evidence import Charge, EndState, Order, Ticket, Tier
from chaos.model.faults import ExpectedFault
from chaos.model.folder import HISTORY, File, of_worker
from chaos.model.history import End, Fail, Invoke, Ok, Start
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import DriverReport, WorkerReport
from chaos.model.span import Span
from chaos.model.world import SeededTier, SeededWorld
from chaos.probes import KINDS as PROBES
from chaos.probes import Limit, ProbeUse

RATE_PER_S = 5000
MIN_OPERATIONS = 100_000
GOAL_S, GOAL_MB = 5.0, 500.0
CAPACITY = 1000
# The checks that this history can decide: the headline's invariants and those of an outage.
CHECKED = (
    "no_oversell",
    "sells_out",
    "no_false_refusal",
    "no_lost_orders",
    "charged_exactly_once",
    "error_shape",
    "accepted_then_settled",
    "queue_depth",
)
T0_UNIX_S = 1_700_000_000.0


def scenario(operations: int) -> Judged:
    """Three phases over the whole history, the checks of the headline scenario and of an outage."""
    third = operations / RATE_PER_S / 3
    names = ("baseline", "spike", "recovery")
    phases = tuple(Span(name=n, start_s=i * third, end_s=(i + 1) * third) for i, n in enumerate(names))
    ratio, latency = PROBES["success_ratio"], PROBES["latency"]
    steady = (
        ProbeUse(probe=ratio, params=ratio.params(), limit=Limit(word="at_least", value=0.99)),
        ProbeUse(probe=latency, params=latency.params(op="browse"), limit=Limit(word="at_most", value=0.3)),
    )
    slo = ProbeUse(probe=ratio, params=ratio.params(op="buy"), limit=Limit(word="at_least", value=0.95), phase="spike")
    checks = [InvariantCheck(invariant=INVARIANTS[name], params=INVARIANTS[name].params()) for name in CHECKED]
    return Judged(
        phases=phases,
        checks=(*checks, SloCheck(use=slo), RecoveryCheck(within_s=5)),
        steady_state=steady,
        faults=(ExpectedFault(id="latency-1", kind="latency", on="shop_to_gateway"),),
    )


def write_folder(folder: Path, operations: int) -> None:
    """A run of *operations* in which everything held: four of ten browse, three buy, three poll."""
    encode = msgspec.json.Encoder().encode
    spans = scenario(operations).phases
    state = EndState(settled=True, healthy=True)
    state.tiers = [Tier(tier_id=1, event_slug="hot", capacity=CAPACITY, sold=CAPACITY, price_cents=5000)]
    state.tiers += [Tier(tier_id=t, event_slug="calm", capacity=10**6, sold=0, price_cents=900) for t in range(2, 20)]
    seeded = tuple(
        SeededTier(tier_id=t.tier_id, event_slug=t.event_slug, name="", price_cents=t.price_cents, capacity=t.capacity)
        for t in state.tiers
    )
    (folder / File.WORLD).write_bytes(encode(SeededWorld(events=(), tiers=seeded)))
    sold, main, refused, order = 0, 0, 0, ""
    counts: Counter[tuple[str, str, str]] = Counter()
    lines = 1
    (folder / HISTORY).mkdir()
    with (folder / HISTORY / of_worker(0)).open("wb", buffering=1 << 20) as file:
        file.write(encode(Start(version=1, worker=0, t0_unix_s=T0_UNIX_S, variant="synthetic", seed=1)) + b"\n")
        for number in range(operations):
            at_s = round(number / RATE_PER_S, 6)
            phase = spans[min(int(at_s / spans[0].end_s), 2)].name
            id_, sent_s, ended_s = f"0-{number}", round(at_s + 0.0012, 6), round(at_s + 0.02 + number % 97 / 1000, 6)
            kind = number % 10
            main += kind < 7
            if kind < 4:
                begin = Invoke(id=id_, op="browse", phase=phase, intended=at_s, sent=sent_s)
                end: Ok | Fail = Ok(id=id_, ended=ended_s, status=200, age_s=0)
            elif kind < 7:
                key, customer = f"{number:08x}-5bd1-4c5e-9b0e-firedrill", number % 200
                tier = 1 if kind == 4 else 2 + number % 18
                begin = Invoke(
                    id=id_,
                    op="buy",
                    phase=phase,
                    intended=at_s,
                    sent=sent_s,
                    key=key,
                    customer=customer,
                    tier=tier,
                    quantity=1,
                )
                if tier == 1 and sold >= CAPACITY:
                    refused += 1
                    end = Fail(
                        id=id_,
                        ended=ended_s,
                        status=409,
                        refused=True,
                        reason="sold_out",
                        content_type="application/problem+json",
                        problem=True,
                    )
                else:
                    sold += tier == 1
                    order = f"{number:08x}-0000-4000-8000-000000000000"
                    end = Ok(id=id_, ended=ended_s, status=202, order=order, order_status="pending")
                    at = {"created_unix_s": T0_UNIX_S + at_s, "updated_unix_s": T0_UNIX_S + at_s + 1}
                    state.orders.append(
                        Order(
                            order_id=order,
                            customer_id=customer,
                            client_key=key,
                            tier_id=tier,
                            quantity=1,
                            status="paid",
                            amount_cents=900,
                            **at,
                        )
                    )
                    state.tickets.append(Ticket(ticket_id=f"t{number}", order_id=order, tier_id=tier))
                    state.charges.append(
                        Charge(
                            charge_id=f"c{number}",
                            order_id=order,
                            idempotency_key=key,
                            amount_cents=900,
                            captured_unix_s=T0_UNIX_S + at_s,
                        )
                    )
            else:
                begin = Invoke(
                    id=id_, op="poll", phase=phase, intended=at_s, sent=sent_s, main=False, order=order, customer=1
                )
                end = Ok(id=id_, ended=ended_s, status=200, order=order, order_status="paid")
            counts[phase, begin.op, "refused" if end.refused else "ok"] += 1
            file.write(encode(begin) + b"\n" + encode(end) + b"\n")
            lines += 2
        file.write(encode(End(lines=lines)) + b"\n")
    (folder / File.STATE).write_bytes(encode(state))
    tables = {name: getattr(state, name) for name in state.__struct_fields__}
    rows = {name: len(table) for name, table in tables.items() if isinstance(table, list)}
    report = DriverReport(
        scheduled=main,
        ok=main - refused,
        fail=refused,
        info=0,
        dropped=0,
        follow_ups_ok=operations - main,
        follow_ups_fail=0,
        follow_ups_info=0,
        operations=operations,
        workers_expected=1,
        workers_finished=1,
        workers=[
            WorkerReport(
                worker=0, host="", ended="finished", scheduled=main, send_lag_p99_s=0.004, cpu_ratio=0.3, stood_still=[]
            )
        ],
        lost=[],
        crashed=[],
        send_lag_p50_s=0.001,
        send_lag_p99_s=0.004,
        send_lag_max_s=0.005,
        cpu_ratio=0.3,
        no_hidden_resend=True,
        ended="finished",
    )
    (folder / File.DRIVER).write_bytes(encode(report))
    cells = [{"phase": p, "op": o, "outcome": e, "kind": "latency", "count": n} for (p, o, e), n in counts.items()]
    (folder / File.HISTOGRAMS).write_bytes(encode({"cells": cells}))
    api = {"api_core": 0.3, "api_processes": {"1": 0.3, "2": 0.2}}
    host = [{"at_s": s + 1.0, "cpu_busy": 0.5, **api} for s in range(int(spans[-1].end_s) + 1)]
    (folder / File.HOST).write_bytes(b"".join(encode(sample) + b"\n" for sample in host))
    clocks = (ClockReading(steady_s=s, unix_s=T0_UNIX_S + s, slept_s=0.0) for s in range(-1, int(spans[-1].end_s) + 2))
    (folder / File.CLOCKS).write_bytes(b"".join(encode(reading) + b"\n" for reading in clocks))
    agent = 'lab_queue_depth{queue="all"} 2.0\nlab_unacked 1.0\n'
    queues = (encode({"at_s": float(s), "agent": agent}) for s in range(int(spans[-1].end_s) + 1))
    (folder / File.METRICS).write_bytes(gzip.compress(b"".join(line + b"\n" for line in queues)))
    (folder / File.JOURNAL).write_bytes(
        b"".join(encode(event) + b"\n" for event in _events(spans, rows, digests(folder)))
    )


def _events(spans: tuple[Span, ...], counts: dict[str, int], told: dict[str, str]) -> list[Event]:
    start_s, lift_s = spans[1].start_s, spans[1].end_s
    fault = {"fault": "latency-1", "kind": "latency", "on": "shop_to_gateway"}
    data: list[tuple[EventKind, dict[str, Any]]] = [
        (EventKind.RUN_STARTED, {"scenario_sha256": "synthetic"}),
        (EventKind.PREPARED, {"code": "c0de"}),
        (EventKind.IDENTITY, {"when": "before", "parts": {"api": "1", "code": "c0de"}}),
        (EventKind.LOAD_STARTED, {"t0_unix_s": T0_UNIX_S, "t0_steady_s": 0.0}),
        *((EventKind.PHASE_STARTED, {"phase": span.name}) for span in spans),
        (EventKind.FAULT_INJECTED, fault | {"planned_s": start_s, "effective_s": start_s, "proven": True}),
        (EventKind.EXPOSURE, {"fault": "latency-1", "count": 50, "at_least": 1}),
        (EventKind.FAULT_LIFTED, {"fault": "latency-1", "lifted_s": lift_s, "pristine": True}),
        (EventKind.LOAD_ENDED, {"ended": "finished"}),
        (EventKind.HEALED, {"pristine": True}),
        (EventKind.COLLECTED, {"missing": {}, "counts": counts, "sha256": told}),
        (EventKind.IDENTITY, {"when": "after", "parts": {"api": "1", "code": "c0de"}}),
        (EventKind.RUN_ENDED, {}),
    ]
    return [Event(seq=seq, at_unix_s=T0_UNIX_S, event=kind, data=values) for seq, (kind, values) in enumerate(data)]


def measure(folder: Path, operations: int) -> dict[str, object]:
    """Judge the folder in this process."""
    started, cpu = time.perf_counter(), time.process_time()
    judgement = judge(scenario(operations), read_record(folder))
    return {
        "operations": operations,
        "wall_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "goal_s": GOAL_S,
        "goal_mb": GOAL_MB,
        "verdict": judgement.verdict,
        "findings": {f.check: f"{f.verdict}: {f.measured or f.reason}" for f in judgement.findings},
    }


def main() -> None:
    """Write, judge in a child, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.operations < MIN_OPERATIONS:
        parser.error(f"--operations: got {given.operations}, expected at least {MIN_OPERATIONS}, else nothing recovers")
    if given.measure:
        print(json.dumps(measure(given.measure, given.operations)))
        return
    with tempfile.TemporaryDirectory() as name:
        write_folder(Path(name), given.operations)
        size_mb = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file()) / 1e6
        command = [sys.executable, "-m", "bench.judge", "--measure", name, "--operations", str(given.operations)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    result["folder_mb"] = round(size_mb, 1)
    if result["verdict"] != "held":
        sys.exit(f"judge: got {result['verdict']}, expected held: not all of the work was done: {result['findings']}")
    if given.json:
        print(json.dumps(result, indent=2))
        return
    print("| operations | wall s | CPU s | peak RSS MB | goal |\n|---|---|---|---|---|")
    print(
        f"| {result['operations']:,} | {result['wall_s']} | {result['cpu_s']} | {result['peak_rss_mb']} "
        f"| ≤ {GOAL_S:g} s, ≤ {GOAL_MB:g} MB |"
    )


if __name__ == "__main__":
    main()
