"""What the dashboard's tests look at: evidence folders, a scorecard and a Prometheus with known contents.

Shared by the unit and the browser tests. The scorecard here is a hand-written fake over real HTTP; the browser tests
use the real one.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import msgspec

from chaos.model.loadplan import LoadPlan, PlanPhase

CHECKOUT = Path(__file__).resolve().parents[3]
TOKEN = "token-of-the-tests"
SCENARIO = """\
title: Flash sale
drill: 3
steady_state:
  - {probe: success_ratio, at_least: 99%}
  - {probe: latency, op: browse, quantile: 0.95, at_most: 300ms}
checks:
  - {invariant: no_oversell}
  - {invariant: charged_exactly_once}
"""
PHASES = (("baseline", 0.0, 8.0, 12.0), ("spike", 8.0, 12.0, 40.0), ("recovery", 20.0, 8.0, 12.0))
FAULTS = (
    {
        "fault": "1-latency-shop_to_gateway",
        "kind": "latency",
        "on": "shop_to_gateway",
        "effective_s": 10.02,
        "lifted_s": 16.01,
    },
    {"fault": "2-kill-worker", "kind": "kill", "on": "worker", "effective_s": 11.4, "lifted_s": 12.9},
)


def run_id_at(unix_s: float, variant: str, seed: int = 7) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(unix_s)) + f"-flash-sale-{variant}-s{seed}"


def write_run(
    evidence_dir: Path,
    *,
    t0_unix_s: float,
    variant: str = "hardened",
    until_s: float | None = None,
    verdict: str | None = None,
    history: bool = True,
    broken: tuple[str, ...] = (),
) -> str:
    """Write a run's folder as far as second *until_s* of its load; None for a run that has ended. Returns its id."""
    run_id = run_id_at(t0_unix_s - 6, variant)
    folder = evidence_dir / run_id
    (folder / "history").mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SCENARIO)
    (folder / "load-plan.json").write_bytes(msgspec.json.encode(plan(run_id, folder, variant, t0_unix_s)))
    now_s = 40.0 if until_s is None else until_s
    lines: list[dict[str, Any]] = []

    def event(kind: str, at_s: float | None, /, **data: Any) -> None:
        if at_s is None or at_s <= now_s:
            unix = t0_unix_s - 6 + len(lines) * 0.1 if at_s is None else t0_unix_s + at_s
            line = {"seq": len(lines), "at_unix_s": unix, "event": kind, "data": data}
            lines.append(line if at_s is None else {**line, "at_s": at_s})

    event(
        "run_started",
        None,
        run_id=run_id,
        scenario="concurrency/flash-sale",
        title="Flash sale",
        drill=3,
        variant=variant,
        seed=7,
    )
    event("prepared", None, variant=variant, timings_s={})
    event("load_started", None, t0_unix_s=t0_unix_s)
    timed: list[tuple[float, str, dict[str, Any]]] = []
    for name, start_s, for_s, _ in PHASES:
        timed.append((start_s, "phase_started", {"phase": name, "start_s": start_s, "end_s": start_s + for_s}))
        timed.append((start_s + for_s - 1e-6, "phase_ended", {"phase": name}))
    for fault in FAULTS:
        timed.append(
            (
                fault["effective_s"],
                "fault_injected",
                {**{k: fault[k] for k in ("fault", "kind", "on", "effective_s")}, "proven": True},
            )
        )  # type: ignore[arg-type]
        timed.append(
            (
                fault["lifted_s"],
                "fault_lifted",
                {"fault": fault["fault"], "lifted_s": fault["lifted_s"], "pristine": True},
            )
        )  # type: ignore[arg-type]
    timed += [
        (28.4, "load_ended", {"ended": "finished"}),
        (28.6, "healed", {"pristine": True}),
        (33.0, "settled", {"settled": True}),
    ]
    timed += [(34.0, "collected", {"missing": {}}), (34.5, "run_ended", {"duration_s": 41.0})]
    for at_s, kind, data in sorted(timed, key=lambda each: each[0]):
        event(kind, at_s, **data)
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if history:
        write_history(folder, t0_unix_s, variant, min(now_s, 28.0), compressed=until_s is None)
    if until_s is None:
        (folder / "verdict.json").write_text(
            json.dumps(verdict_of(run_id, variant, t0_unix_s, verdict or "held", broken))
        )
    return run_id


def write_sale(
    folder: Path, t0_unix_s: float, *, orders: int, capacity: int = 15, twice: int = 0, ended: bool = True
) -> None:
    """Orders of one seat each, two in a second: a file of the history beside the other, the world, the end state."""
    out: list[dict[str, Any]] = [
        {"t": "start", "version": 1, "worker": 1, "t0_unix_s": t0_unix_s, "variant": "naive", "seed": 7}
    ]
    for number in range(orders):
        at_s, ident = 0.5 + number / 2, f"1-{number}"
        out.append({"t": "invoke", "id": ident, "op": "buy", "phase": "spike", "intended": at_s, "sent": at_s,
                    "key": f"k{number}", "customer": 1, "tier": 3, "quantity": 1})  # fmt: skip
        out.append({"t": "ok", "id": ident, "ended": at_s + 0.1, "status": 202, "order": f"o{number}",
                    "order_status": "pending"})  # fmt: skip
    (folder / "history" / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in out))
    world = {"events": [], "tiers": [
        {"id": 3, "event_slug": "night-of-drums", "name": "x", "price_cents": 1, "capacity": capacity}
    ]}  # fmt: skip
    (folder / "world.json").write_text(json.dumps(world))
    if not ended:
        return
    placed = [
        {"order_id": f"o{number}", "customer_id": 1, "client_key": f"k{number}", "tier_id": 3, "quantity": 1,
         "status": "paid", "amount_cents": 1, "created_unix_s": t0_unix_s + 0.55 + number / 2,
         "updated_unix_s": t0_unix_s + 1 + number / 2}
        for number in range(orders)
    ]  # fmt: skip
    charged = [
        {"charge_id": f"c{number}-{again}", "order_id": f"o{number}", "idempotency_key": "", "amount_cents": 1,
         "captured_unix_s": t0_unix_s + 0.9 + number / 2 + again}
        for number in range(orders) for again in range(2 if number < twice else 1)
    ]  # fmt: skip
    (folder / "state.json").write_text(json.dumps({"orders": placed, "charges": charged, "settled": True}))


def remove_run(evidence_dir: Path, run_id: str) -> None:
    shutil.rmtree(evidence_dir / run_id)


def plan(run_id: str, folder: Path, variant: str, t0_unix_s: float) -> LoadPlan:
    return LoadPlan(
        run_id=run_id, scenario="concurrency/flash-sale", variant=variant, seed=7, t0_unix_s=t0_unix_s,
        base_url="http://127.0.0.1:1", world_file="world.json", out_dir=str(folder),
        phases=[
            PlanPhase(
                name=name, start_s=start_s, duration_s=for_s, rate_from_per_s=rate, rate_to_per_s=rate, mix={"buy": 1}
            )
            for name, start_s, for_s, rate in PHASES
        ],
    )  # fmt: skip


def write_history(folder: Path, t0_unix_s: float, variant: str, until_s: float, *, compressed: bool) -> None:
    """Ten thousand years would give the same file: the draws are seeded."""
    draw = random.Random(7)
    out: list[str] = [
        json.dumps({"t": "start", "version": 1, "worker": 0, "t0_unix_s": t0_unix_s, "variant": variant, "seed": 7})
    ]
    number, at = 0, 0.0
    while True:
        phase = next((p for p in PHASES if p[1] <= at < p[1] + p[2]), None)
        if phase is None or at >= until_s:
            break
        number += 1
        slow = 0.35 if 10 <= at <= 16 else 0.0
        ended = at + 0.015 + slow + draw.expovariate(40)
        ident = f"0-{number}"
        out.append(
            json.dumps(
                {
                    "t": "invoke",
                    "id": ident,
                    "op": "browse",
                    "phase": phase[0],
                    "intended": round(at, 6),
                    "sent": round(at, 6),
                }
            )
        )
        if ended < until_s or compressed:
            kind = "info" if slow and draw.random() < 0.12 else "ok"
            out.append(
                json.dumps({"t": kind, "id": ident, "ended": round(ended, 6), "status": 503 if kind == "info" else 200})
            )
        at += draw.expovariate(phase[3])
    text = "\n".join(out) + "\n"
    if compressed:
        (folder / "history" / "0.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (folder / "history" / "0.jsonl").write_text(text)


def verdict_of(run_id: str, variant: str, t0_unix_s: float, verdict: str, broken: tuple[str, ...]) -> dict[str, Any]:
    names = ("no_oversell", "sells_out", "no_lost_orders", "charged_exactly_once")
    findings = [
        {
            "check": name,
            "kind": "invariant",
            "verdict": "violated" if name in broken else "held",
            "expected": "…",
            "measured": "…",
        }
        for name in names
    ]
    return {
        "run_id": run_id, "scenario": "concurrency/flash-sale", "title": "Flash sale", "drill": 3,
        "variant": variant, "seed": 7, "scale": 1.0, "hypothesis": "It holds.",
        "phases": [{"name": name, "start_s": at_s, "end_s": at_s + for_s} for name, at_s, for_s, _ in PHASES],
        "faults": [
            {"id": fault["fault"], "kind": fault["kind"], "on": fault["on"], "injected_s": fault["effective_s"],
             "lifted_s": fault["lifted_s"], "exposure": 40, "exposed_at_least": 1, "proven": True, "problem": ""}
            for fault in FAULTS
        ],
        "verdict": verdict, "exit_code": {"held": 0, "violated": 1}.get(verdict, 3),
        "summary": f"{len(broken)} of {len(names)} checks violated." if broken else "All checks held.",
        "started_at": iso(t0_unix_s - 6), "duration_s": 41.0, "findings": findings,
        "operations": {},
    }  # fmt: skip


def index_entry(
    run_id: str, variant: str, t0_unix_s: float, verdict: str, broken: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The run as the scorecard's index takes it."""
    full = verdict_of(run_id, variant, t0_unix_s, verdict, broken)
    kept = (
        "run_id",
        "scenario",
        "title",
        "drill",
        "variant",
        "seed",
        "verdict",
        "started_at",
        "duration_s",
        "findings",
        "exit_code",
    )
    return {**{name: full[name] for name in kept}, "evidence_path": f"evidence/{run_id}"}


def iso(unix_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


def write_stack(path: Path, **urls: str | None) -> Path:
    document = {
        "mode": "local", "base_port": 26000, "urls": urls, "lab_token": TOKEN,
        "postgres": {"host": "127.0.0.1", "port": 1, "user": "x", "password": "y", "database_prefix": "shop_"},
        "redis": {"host": "127.0.0.1", "port": 1, "cache_db": 0, "broker_db": 1},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


DRILLS = (
    ("api-contract", "API contract audit", "backend-systems"),
    ("orm-queries", "ORM and query optimisation", "performance"),
    ("concurrency", "Async tasks and concurrency", "operations"),
    ("auth", "Authentication and authorization", "security"),
    ("system-failure", "System failure simulation", "incidents"),
    ("ai-review", "AI code review", "ai-oversight"),
)


STANDING = {
    "ceiling": None, "reason": "No evidence yet.", "gap": 0, "overclaim": False, "regressed": [],
    "self_attested": False,
}  # fmt: skip


@dataclass
class FakeScorecard:
    """The scorecard's contract, in memory: enough for the pages, over real HTTP.

    Attributes:
        odd: When set, every GET answers this body instead.
    """

    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    standings: dict[str, dict[str, Any]] = field(default_factory=dict)
    confirmations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    learner: dict[str, Any] = field(default_factory=lambda: {"name": "", "version": 0, "updated_at": None})
    months: dict[str, dict[str, Any]] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    imports: list[Any] = field(default_factory=list)
    odd: bytes | None = None
    url: str = ""

    def __post_init__(self) -> None:
        for key, _, _ in DRILLS:
            self.scores[key] = {"value": None, "notes": "", "version": 0, "updated_at": iso(0)}
            self.changes[key] = []

    def drill(self, number: int) -> dict[str, Any]:
        key, title, dimension = DRILLS[number - 1]
        mine = [run for run in self.runs if run["drill"] == number]
        newest = {run["variant"]: run for run in sorted(mine, key=lambda run: str(run["started_at"]))}
        return {
            "key": key, "number": number, "title": title, "competency_focus": f"Focus of {title}",
            "risk_focus": "Risks",
            "dimensions": [{"key": dimension, "name": dimension.title()}], "score": self.scores[key],
            "latest_runs": list(newest.values()), "confirmations": self.confirmations.get(key, []),
            "core": ["concurrency/flash-sale"] if number == 3 else [], "stretch": [],
            "standing": self.standings.get(key, STANDING),
        }  # fmt: skip

    def save(self, key: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        if token != f"Token {TOKEN}":
            return 401, {"title": "Unauthorized", "detail": "a wrong token"}
        stored = self.scores[key]
        if body["version"] != stored["version"]:
            return 409, {"title": "Conflict", "detail": "stale", "current": stored}
        stored = {
            "value": body["value"],
            "notes": body["notes"],
            "version": stored["version"] + 1,
            "updated_at": iso(1),
        }
        self.scores[key] = stored
        self.changes[key].insert(0, {**stored, "changed_at": iso(1)})
        return 200, stored

    def get(self, path: str) -> tuple[int, Any]:
        if path == "/api/drills/":
            return 200, [self.drill(number) for number in range(1, 7)]
        if path == "/api/learner/":
            return 200, self.learner
        if path == "/api/progress/":
            return 200, self.progress()
        if path.endswith("/brief/"):
            return 200, self.brief(path.split("/")[3])
        if path == "/api/drill-map/":
            return 200, {"format": "firedrill-drill-map"}
        if path == "/api/drill-map.md":
            return 200, "# Backend drill map"
        if path.startswith("/api/runs/") and path != "/api/runs/":
            found = [run for run in self.runs if run["run_id"] == path.split("/")[3]]
            return (200, found[0]) if found else (404, {"title": "Not found"})
        if path.startswith("/api/runs/"):
            return 200, {"count": len(self.runs), "next": None, "previous": None, "results": self.runs}
        if path.endswith("/scores/"):
            found = self.changes[path.split("/")[3]]
            return 200, {"count": len(found), "next": None, "previous": None, "results": found}
        return (200, {"status": "ok"}) if path == "/health" else (404, {"title": "Not found"})

    def put(self, path: str, body: dict[str, Any], token: str) -> tuple[int, dict[str, Any]]:
        """Everything but scores. A body that says `damaged` is refused, as a damaged drill map is."""
        if token != f"Token {TOKEN}":
            return 401, {"title": "Unauthorized", "detail": "a wrong token"}
        if path == "/api/drill-map/":
            if body.get("damaged"):
                return 400, {"title": "Bad Request", "detail": "digest: got one that does not fit the content"}
            self.imports.append(body)
            return 200, {"scores": 2, "hints": 0, "confirmations": 0, "months": 0, "runs": 0, "names": 0}
        if path.endswith("/confirmations/"):
            return 409, {"title": "Conflict", "detail": "run_id: got 'r', expected an indexed run"}
        if "/hints/" in path:
            key = path.split("/")[5]
            self.opened[key] = iso(1)
            return 201, self.hint(key)
        month = path.split("/")[3]
        old = self.learner if path == "/api/learner/" else self.months.get(month, {"version": 0})
        if body["version"] != old["version"]:
            return 409, {"title": "Conflict", "detail": "stale", "current": old}
        new = {**old, **body, "version": old["version"] + 1, "updated_at": iso(1)}
        if path == "/api/learner/":
            self.learner = new
        else:
            self.months[month] = new
        return 200, new

    def hint(self, key: str) -> dict[str, Any]:
        text = f"The text of {key}." if key in self.opened else None
        level = "solution" if key == "reference" else "nudge"
        checks = ["no_oversell", "slo:success_ratio"] if key == "first-look" else ["no_lost_orders"]
        told = {"title": f"About {key}", "checks": checks, "text": text}
        return {"key": key, "level": level, "used_at": self.opened.get(key), **told}

    def brief(self, key: str) -> dict[str, Any]:
        hints = [self.hint("first-look"), self.hint("reference")]
        texts = {"steps": ["Look.", "Mend."], "deliverable": ["A diff."], "checked": ["By invariants."]}
        files = {"no_oversell": ["services.py", "models.py"], "no_lost_orders": ["tasks.py"]}
        return {"brief": f"What {key} is about.", **texts, "files": files, "hints": hints}

    def progress(self) -> dict[str, Any]:
        values = [score["value"] for score in self.scores.values() if score["value"] is not None]
        mean = sum(values) / len(values) if values else None
        axes = [
            {"key": key, "name": name, "mean": mean, "scored": len(values), "drills": [1, 3], "raise_with": [3]}
            for key, name in (("backend-systems", "Backend Systems"), ("performance", "Performance"))
        ]
        missing = [{"text": "drill 3 (Async): not scored, needs 2", "drill": 3, "has": None, "needs": 2}]
        flag = {"kind": "critical_gap", "drill": 3, "text": "critical gap: scored 0"}
        note = self.months.get("2026-10", {"notes": "", "version": 0})
        return {
            "average": mean, "scored": len(values), "radar": axes, "weakest": axes[:1],
            "levels": [
                {"key": "bridge-engineer", "name": "Bridge Engineer", "asks": "", "reached": False, "missing": missing}
            ],
            "reached": None, "next_level": "bridge-engineer", "self_attested": [], "red_flags": [flag],
            "months": [
                {"month": "2026-09", "has_data": True, "average": mean, "scored": len(values), "red_flags": [flag],
                 "notes": "", "version": 0, "updated_at": None},
                {"month": "2026-10", "has_data": False, "average": None, "scored": 0, "red_flags": [],
                 "notes": note["notes"], "version": note["version"], "updated_at": None},
            ],
        }  # fmt: skip

    @contextmanager
    def served(self) -> Iterator[FakeScorecard]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(*fake.get(self.path.split("?")[0]))

            def do_PUT(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                token = self.headers.get("Authorization", "")
                if self.path.endswith("/score/"):
                    self._answer(*fake.save(self.path.split("/")[3], body, token))
                else:
                    self._answer(*fake.put(self.path, body, token))

            do_POST = do_PUT

            def _answer(self, status: int, body: Any) -> None:
                payload = fake.odd if fake.odd is not None and self.command == "GET" else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: Any) -> None:
                return

        with serving(Handler) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield self


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """An HTTP server on a free port while the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def exposing(exposition: Callable[[int], str]) -> Iterator[int]:
    """A metrics endpoint; *exposition* gets the number of the scrape, from 0."""
    scrapes = iter(range(10**9))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            payload = exposition(next(scrapes)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            return

    with serving(Handler) as port:
        yield port


def prometheus_binary() -> str | None:
    """FIREDRILL_PROMETHEUS, PATH, or unpacked below .lab/."""
    named = os.environ.get("FIREDRILL_PROMETHEUS")
    if named:
        return named
    unpacked = sorted(CHECKOUT.glob(".lab/prometheus/**/prometheus"))
    return shutil.which("prometheus") or next((str(p) for p in unpacked if p.is_file() and os.access(p, os.X_OK)), None)


def required(part: str) -> bool:
    """Whether this machine promises to have *part*, so that a skip would hide something."""
    return part in os.environ.get("FIREDRILL_REQUIRE", "").replace(",", " ").split()


@contextmanager
def prometheus(binary: str, folder: Path, target_port: int, *, interval: str = "1s") -> Iterator[str]:
    """A real Prometheus that scrapes one target; yields its URL once it is ready."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\n"
        f"scrape_configs: [{{job_name: t, static_configs: [{{targets: ['127.0.0.1:{target_port}']}}]}}]\n"
    )
    command = [
        binary, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(f"{url}/-/ready"), what="Prometheus to be ready")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def free_port() -> int:
    import socket  # noqa: PLC0415

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], *, what: str, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {within_s:.0f} s for {what}")
        time.sleep(0.1)
