"""An evidence folder of a run in which everything held, with knobs to spoil it.

Thirty seconds, three phases of ten, ten arrivals a second: eight browse, two buy. A latency fault from 12 s to 18 s.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.checks import CheckSpec, InvariantCheck, Judged, RecoveryCheck, SloCheck
from chaos.evidence.files import digests
from chaos.evidence.record import read_record
from chaos.evidence.writing import encode
from chaos.invariants import KINDS as INVARIANTS
from chaos.judge.document import verdict_document
from chaos.judge.judge import Judgement, judge
from chaos.model.evidence import Charge, EndState, Order, PendingView, Shown, Ticket, Tier
from chaos.model.faults import ExpectedFault
from chaos.model.history import Dropped, End, Fail, Info, Invoke, Ok, Seen, Start
from chaos.model.journal import EventKind
from chaos.model.loadplan import DriverReport, WorkerReport
from chaos.model.span import Span
from chaos.model.verdict import RunFacts, plain
from chaos.model.world import Page, SeededEvent, SeededTier, SeededWorld, page_digest
from chaos.probes import KINDS as PROBES
from chaos.probes import Limit, ProbeUse

T0_UNIX_S = 1_000_000.0
T0_STEADY_S = 5_000.0
PHASES = (
    Span(name="baseline", start_s=0, end_s=10),
    Span(name="spike", start_s=10, end_s=20),
    Span(name="recovery", start_s=20, end_s=30),
)
WORKER = WorkerReport(
    worker=0, host="", ended="finished", scheduled=300, send_lag_p99_s=0.004, cpu_ratio=0.3, stood_still=[]
)
FAULT = {"fault": "latency-1", "kind": "latency", "on": "shop_to_gateway"}


def use(probe: str, word: str, value: float, *, phase: str = "", **params: Any) -> ProbeUse:
    kind = PROBES[probe]
    return ProbeUse(probe=kind, params=kind.params(**params), limit=Limit(word=word, value=value), phase=phase)


class Run:
    """Change what you like, then `judge()` or `write()`.

    `change(at_s, op, number)` may return another ending for the main operation *number* of the schedule.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.change: Callable[[float, str, int], dict[str, Any]] = lambda _at_s, _op, _number: {}
        self.checks: list[CheckSpec] = [
            *(InvariantCheck(invariant=INVARIANTS[n], params=INVARIANTS[n].params()) for n in ("no_oversell",)),
            SloCheck(use=use("success_ratio", "at_least", 0.95, phase="spike", op="browse")),
            SloCheck(use=use("latency", "at_most", 0.3, phase="spike", op="browse")),
            RecoveryCheck(within_s=5),
        ]
        self.steady_state = [use("success_ratio", "at_least", 0.99), use("latency", "at_most", 0.3, op="browse")]
        self.faults = [ExpectedFault(id="latency-1", kind="latency", on="shop_to_gateway")]
        self.events: list[tuple[EventKind, dict[str, Any]]] = [
            (EventKind.RUN_STARTED, {"variant": "hardened", "seed": 7, "scenario_sha256": "0ff"}),
            (EventKind.PREPARED, {"code": "c0de"}),
            (EventKind.IDENTITY, {"when": "before", "parts": {"api": "1", "worker": "2", "code": "c0de"}}),
            (EventKind.LOAD_STARTED, {"t0_unix_s": T0_UNIX_S, "t0_steady_s": T0_STEADY_S}),
            *((EventKind.PHASE_STARTED, {"phase": phase.name}) for phase in PHASES),
            (EventKind.FAULT_INJECTED, {**FAULT, "planned_s": 12.0, "effective_s": 12.01, "proven": True}),
            (EventKind.EXPOSURE, {"fault": "latency-1", "count": 9, "at_least": 1, "witness": "gateway"}),
            (EventKind.FAULT_LIFTED, {"fault": "latency-1", "lifted_s": 18.0, "pristine": True}),
            (EventKind.LOAD_ENDED, {"ended": "finished"}),
            (EventKind.HEALED, {"pristine": True}),
            (EventKind.COLLECTED, {"missing": {}}),
            (EventKind.IDENTITY, {"when": "after", "parts": {"api": "1", "worker": "2", "code": "c0de"}}),
            (EventKind.RUN_ENDED, {}),
        ]
        tier = Tier(tier_id=1, event_slug="gig", capacity=1000, sold=0, price_cents=100)
        self.state: EndState | None = EndState(tiers=[tier], settled=True, healthy=True, settle_s=2.0)
        self.more_world: dict[str, Any] = {}
        self.driver: dict[str, Any] = {}
        self.host: list[dict[str, Any]] = [
            {
                "at_s": second + 1.0,
                "cpu_busy": 0.4,
                "steal": 0.0,
                "api_core": 0.5,
                "api_processes": {"70": 0.01, "71": 0.5, "72": 0.4},
            }
            for second in range(30)
        ]
        self.clocks = [
            {"steady_s": T0_STEADY_S + second, "unix_s": T0_UNIX_S + second, "slept_s": 7.5}
            for second in range(-10, 41)
        ]
        self.histograms: dict[tuple[str, str, str], int] | None = None
        self.history_tail = True
        self.not_final: set[str] = set()
        """Orders whose row says that they are pending."""

    @property
    def world(self) -> SeededWorld:
        """What was seeded: as `lab_tiers` has it."""
        tiers = tuple(
            SeededTier(tier_id=t.tier_id, event_slug=t.event_slug, name="F", price_cents=t.price_cents,
                       capacity=t.capacity)
            for t in (self.state or EndState()).tiers
        )  # fmt: skip
        event = SeededEvent(event_id=1, slug="gig", title="T", starts_at="", venue="V", city="C", performers=())
        return SeededWorld(events=(event,), tiers=tiers)

    def set_clock(self, at_s: float, by_s: float) -> None:
        """As if somebody had set the wall clock then."""
        for reading in self.clocks:
            if reading["steady_s"] >= T0_STEADY_S + at_s:
                reading["unix_s"] += by_s

    def event(self, kind: EventKind, fault: str = "latency-1") -> dict[str, Any]:
        """The data of the first event of a kind, to change in place."""
        return next(data for event, data in self.events if event is kind and data.get("fault", fault) == fault)

    def drop_event(self, kind: EventKind) -> None:
        """As if it had never been written."""
        self.events = [(event, data) for event, data in self.events if event is not kind]

    @property
    def scenario(self) -> Judged:
        return Judged(
            phases=PHASES,
            checks=tuple(self.checks),
            steady_state=tuple(self.steady_state),
            faults=tuple(self.faults),
        )

    def write(self) -> Path:
        """The folder without verdict and manifest."""
        lines, counts = self._history()
        (self.folder / "history").mkdir(parents=True, exist_ok=True)
        end = [End(lines=len(lines))] if self.history_tail else []
        self._lines("history/worker-0.jsonl", [*lines, *end])
        per_outcome = {name: sum(n for (_, _, o), n in counts.items() if o == name) for name in ("ok", "fail", "info")}
        told = {
            **per_outcome,
            "scheduled": sum(counts.values()),
            "dropped": sum(n for (_, _, outcome), n in counts.items() if outcome == "dropped"),
            "follow_ups_ok": 0,
            "follow_ups_fail": 0,
            "follow_ups_info": 0,
            "operations": sum(counts.values()),
            "workers_expected": 1,
            "workers_finished": 1,
            "workers": [WORKER],
            "lost": [],
            "crashed": [],
            "send_lag_p50_s": 0.001,
            "send_lag_max_s": 0.005,
            "send_lag_p99_s": 0.004,
            "cpu_ratio": 0.3,
            "no_hidden_resend": True,
            "ended": "finished",
        }
        self._json("driver.json", DriverReport(**{**told, **self.driver}))
        cells = [
            {"phase": phase, "op": op, "outcome": outcome, "kind": "latency", "count": count}
            for (phase, op, outcome), count in (self.histograms or counts).items()
            if outcome != "dropped"
        ]
        self._json("histograms.json", {"cells": cells})
        if self.state is not None:
            self._json("state.json", self.state)
        self._json("world.json", {**msgspec.to_builtins(self.world), **self.more_world})
        self._lines("host.jsonl", self.host)
        self._lines("clocks.jsonl", self.clocks)
        collected = [data for event, data in self.events if event is EventKind.COLLECTED]
        for data in collected if self.state is not None else ():
            tables = {name: getattr(self.state, name) for name in self.state.__struct_fields__}
            data["sha256"] = digests(self.folder)
            data["counts"] = {name: len(rows) for name, rows in tables.items() if isinstance(rows, list)}
        self._lines(
            "journal.jsonl",
            [
                {"seq": seq, "at_unix_s": T0_UNIX_S, "event": kind, "data": data}
                for seq, (kind, data) in enumerate(self.events)
            ],
        )
        (self.folder / "scenario.yaml").write_text("title: synthetic\n")
        return self.folder

    def judge(self) -> Judgement:
        return judge(self.scenario, read_record(self.write()))

    def write_verdict(self) -> None:
        """verdict.json on top of `write`."""
        facts = RunFacts(
            run_id="r",
            scenario="s",
            title="t",
            hypothesis="h",
            drill=3,
            variant="hardened",
            seed=7,
            scale=1.0,
            started_at="2026-11-23T10:15:02Z",
            duration_s=40.0,
        )
        (self.folder / "verdict.json").write_bytes(encode(plain(verdict_document(facts, self.judge()))))

    def _history(self) -> tuple[list[Any], dict[tuple[str, str, str], int]]:
        lines: list[Any] = [Start(version=1, worker=0, t0_unix_s=T0_UNIX_S, variant="hardened", seed=7)]
        counts: dict[tuple[str, str, str], int] = {}
        state = EndState() if self.state is None else self.state
        state.orders, state.tickets, state.charges, state.shown = [], [], [], []
        state.pending = [PendingView(pending_orders=0, unsent_outbox=0)]
        page: Page = tuple(self.world.by_slug.values())
        lines.append(Seen(seen=page_digest(page), events=page))
        for number in range(300):
            at_s, op, id_ = number / 10, "buy" if number % 5 == 4 else "browse", f"0-{number}"
            phase = PHASES[number // 100].name
            ending = {"outcome": "ok", "took_s": 0.02, "status": 202, **self.change(at_s, op, number)}
            outcome, took_s = ending.pop("outcome"), ending.pop("took_s")
            counts[phase, op, outcome] = counts.get((phase, op, outcome), 0) + 1
            if outcome == "dropped":
                lines.append(Dropped(id=id_, op=op, phase=phase, intended=at_s))
                continue
            bought = {"key": f"k{number}", "tier": 1, "quantity": 1, "customer": 1} if op == "buy" else {}
            lines.append(Invoke(id=id_, op=op, phase=phase, intended=at_s, sent=at_s, **bought))
            if outcome == "ok" and op == "buy":
                ending["order"] = f"o{number}"
                self._sold(state, f"o{number}", f"k{number}")
                if ending["order"] in self.not_final:
                    state.orders[-1] = msgspec.structs.replace(state.orders[-1], status="pending")
                ending.setdefault("seen", f"1/1/100/k{number}")
            elif outcome == "ok":
                ending = {"seen": page_digest(page), "seats": str(len(state.orders)), **ending}
            kind = {"ok": Ok, "fail": Fail, "info": Info}[outcome]
            lines.append(kind(id=id_, ended=at_s + took_s, **ending))
        return lines, counts

    @staticmethod
    def _sold(state: EndState, order_id: str, key: str) -> None:
        times = {"created_unix_s": T0_UNIX_S, "updated_unix_s": T0_UNIX_S}
        row = {"order_id": order_id, "client_key": key, "customer_id": 1, "tier_id": 1, "quantity": 1}
        state.orders.append(Order(**row, status="paid", amount_cents=100, **times))
        state.tickets.append(Ticket(ticket_id=order_id, order_id=order_id, tier_id=1))
        state.shown.append(
            Shown(order_id=order_id, http_status=200, order_status="paid", seen=f"1/1/100/{key}", tickets=1)
        )
        state.charges.append(
            Charge(
                charge_id=order_id, order_id=order_id, idempotency_key=key, amount_cents=100, captured_unix_s=T0_UNIX_S
            )
        )

    def _json(self, name: str, content: Any) -> None:
        (self.folder / name).write_bytes(msgspec.json.encode(content))

    def _lines(self, name: str, content: list[Any]) -> None:
        (self.folder / name).write_bytes(msgspec.json.Encoder().encode_lines(content))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "evidence")


@pytest.fixture
def found() -> Callable[[Judgement, str], Any]:
    """The finding of a judgement by its id."""
    return lambda judgement, check: {f.check: f for f in judgement.findings}[check]
