"""Measures the load driver against its goals, all in one run: `python bench/driver.py [--json] [--quick]`.

It takes about 80 s, and 15 s more for each of k6 and vegeta that is on PATH.

The server is a hand-written asyncio protocol that answers every request at once, pinned to another core than the driver
(a process of this bench, not a part of the lab). What is measured runs as it does in the lab: `python -m loadtests`,
with history, histograms, progress lines and a Prometheus scrape every second.

    cpu      CPU per request against Locust's plain FastHttpUser, users without pause, on the same core and server
    rate     highest rate on one core at send lag p99 <= 5 ms with nothing dropped (goal 8,000/s, at least 2,000/s)
    stall    a server that stops for 2 s in a 10 s run (goal: p99 >= 1.8 s, 19-21 % slow)
    others   k6 and vegeta at some of the rates, on the same core and against the same server, where they are on PATH
    quantile figures of histograms.json against the exact ones from the history (goal: error <= 1 %)
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import psutil
from parts import load_tools

from chaos.model.folder import HISTORY, File, of_worker
from chaos.model.history import Invoke, Line, Ok
from chaos.model.loadplan import DriverReport, LoadPlan, PlanPhase

CHECKOUT = Path(__file__).resolve().parent.parent
PARTS = CHECKOUT / "bench" / "parts"
RATES_PER_S = (2000, 4000, 5000, 6000, 8000, 10000, 12000)
STEP_S = 4.0
LAG_GOAL_S = 0.005
RATES_OF_OTHERS_PER_S = (2000, 5000, 8000)
AHEAD_S = 2.0
SLOW_S = 0.05
OTHERS_LIMIT = 0.1
CORES = sorted(os.sched_getaffinity(0))
DRIVER_CORE, SERVER_CORE = CORES[0], CORES[-1]


@dataclass
class Played:
    """One run of the driver."""

    rate_per_s: float
    report: DriverReport
    out: Path
    lag_p99_ms: float
    cpu_us_per_request: float
    others_ratio: float


class CoreWatch(threading.Thread):
    """How busy the driver's core is during a measurement, with the work of all processes."""

    def __init__(self, from_unix_s: float, for_s: float) -> None:
        super().__init__(daemon=True)
        self.from_unix_s, self.for_s, self.busy_ratio = from_unix_s, for_s, 0.0

    def run(self) -> None:
        time.sleep(max(self.from_unix_s - time.time(), 0))
        before = psutil.cpu_times(percpu=True)[DRIVER_CORE]
        time.sleep(self.for_s)
        spent = [b - a for a, b in zip(before, psutil.cpu_times(percpu=True)[DRIVER_CORE], strict=True)]
        idle = sum(value for name, value in zip(before._fields, spent, strict=True) if name in ("idle", "iowait"))
        self.busy_ratio = 1 - idle / sum(spent)


def pinned(core: int, *arguments: str | Path) -> list[str | Path]:
    pin = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); "
    pin += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    return [sys.executable, "-c", pin, *arguments]


class Scraper(threading.Thread):
    """Stands in for Prometheus: one scrape every second, as in the lab."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port, self.over, self.scrapes = port, threading.Event(), 0

    def run(self) -> None:
        while not self.over.wait(1.0):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5).read()
                self.scrapes += 1
            except OSError:
                pass


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = subprocess.Popen(
            pinned(SERVER_CORE, PARTS / "instant_server.py"), stdout=subprocess.PIPE, cwd=CHECKOUT, env=environment()
        )
        assert self.server.stdout is not None
        self.port = int(self.server.stdout.readline())
        world = {
            "variant": "bench",
            "password": "",
            "events": [{"id": 1, "slug": "e"}],
            "tiers": [{"id": 1, "event_slug": "e", "capacity": 1}],
            "customers": [{"id": 1, "username": "c", "access": "t"}],
        }
        (folder / File.WORLD).write_text(json.dumps(world))
        self.runs = 0

    def play(self, rate: float, seconds: float, *, stall: tuple[float, float] | None = None, **changes: Any) -> Played:
        self.runs += 1
        out = self.folder / f"run-{self.runs}"
        metrics_port = 22000 + self.runs
        plan = LoadPlan(
            run_id="bench",
            scenario="bench",
            variant="bench",
            seed=self.runs,
            salt="what the shop can't know",
            t0_unix_s=time.time() + AHEAD_S,
            base_url=f"http://127.0.0.1:{self.port}",
            world_file=str(self.folder / File.WORLD),
            out_dir=str(out),
            phases=[
                PlanPhase(
                    name="steady",
                    start_s=0,
                    duration_s=seconds,
                    rate_from_per_s=rate,
                    rate_to_per_s=rate,
                    mix={"browse": 1},
                )
            ],
            metrics_port=metrics_port,
            **changes,
        )
        out.mkdir()
        (out / "plan.json").write_bytes(msgspec.json.encode(plan))
        watch = CoreWatch(plan.t0_unix_s, seconds)
        watch.start()
        scraper = Scraper(metrics_port)
        scraper.start()
        driver = subprocess.Popen(
            pinned(DRIVER_CORE, "-m", "loadtests", str(out / "plan.json")),
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert driver.stdout is not None
        if stall is not None:
            at_s, for_s = stall
            time.sleep(max(plan.t0_unix_s + at_s - time.time(), 0))
            self.server.send_signal(signal.SIGSTOP)
            time.sleep(for_s)
            self.server.send_signal(signal.SIGCONT)
        driver.stdout.read()
        assert driver.wait() == 0
        scraper.over.set()
        scraper.join()
        watch.join()
        assert scraper.scrapes > 0
        report = msgspec.json.decode((out / File.DRIVER).read_bytes(), type=DriverReport)
        sent = report.scheduled - report.dropped
        return Played(
            rate_per_s=rate,
            report=report,
            out=out,
            lag_p99_ms=report.send_lag_p99_s * 1000,
            cpu_us_per_request=report.cpu_ratio * seconds / sent * 1e6,
            others_ratio=max(watch.busy_ratio - report.cpu_ratio, 0.0),
        )

    def plain(self, seconds: float) -> float:
        """CPU µs per request of FastHttpUser."""
        ended = subprocess.run(
            pinned(DRIVER_CORE, PARTS / "plain_user.py", str(self.port), str(seconds)),
            cwd=CHECKOUT,
            env=environment(),
            stdout=subprocess.PIPE,
            check=True,
        )
        figures = json.loads(ended.stdout)
        assert figures["failures"] == 0
        return float(figures["cpu_s"] / figures["requests"] * 1e6)

    def others(self, quick: bool) -> tuple[list[load_tools.Asked], list[str]]:
        target = load_tools.Target(f"http://127.0.0.1:{self.port}/api/events/", DRIVER_CORE, self.folder)
        return load_tools.measured(target, RATES_OF_OTHERS_PER_S[: 2 if quick else None], STEP_S)

    def close(self) -> None:
        self.server.send_signal(signal.SIGCONT)
        self.server.kill()
        self.server.wait()


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def latencies_s(out: Path) -> list[float]:
    """Exact latencies from the history, sorted."""
    decoder = msgspec.json.Decoder(Line)
    intended: dict[str, float] = {}
    found = []
    for raw in (out / HISTORY / of_worker(0)).read_bytes().splitlines():
        line = decoder.decode(raw)
        if isinstance(line, Invoke):
            intended[line.id] = line.intended
        elif isinstance(line, Ok):
            found.append(line.ended - intended[line.id])
    return sorted(found)


def quantile(values: list[float], q: float) -> float:
    """Nearest rank, rounded as `hdrhistogram` does, so that only the histogram's own error is measured."""
    return values[max(int(q * len(values) + 0.5), 1) - 1]


def worst_quantile_error(out: Path) -> float:
    """Largest relative difference between histograms.json and the history."""
    exact = latencies_s(out)
    document = json.loads((out / File.HISTOGRAMS).read_bytes())
    cell = next(c for c in document["cells"] if c["kind"] == "latency" and c["outcome"] == "ok")
    assert cell["count"] == len(exact)
    quantiles = {"p50_ms": 0.5, "p90_ms": 0.9, "p95_ms": 0.95, "p99_ms": 0.99, "p999_ms": 0.999}
    return max(
        abs(float(cell["quantiles_ms"][name]) - quantile(exact, q) * 1000) / (quantile(exact, q) * 1000)
        for name, q in quantiles.items()
    )


def measure(bench: Bench, quick: bool) -> dict[str, object]:
    plain_us = bench.plain(2 if quick else 5)
    steps = [bench.play(rate, STEP_S) for rate in (RATES_PER_S[:3:2] if quick else RATES_PER_S)]
    held = [s for s in steps if s.lag_p99_ms <= LAG_GOAL_S * 1000 and s.report.dropped == 0 and s.report.ok]
    stall = bench.play(200, 10, stall=(4.0, 2.0), arrivals="uniform", max_in_flight=1000)
    others, missing = bench.others(quick)
    exact = latencies_s(stall.out)
    by_rate = {int(s.rate_per_s): s for s in steps}
    compared = by_rate.get(5000, steps[-1])
    return {
        "plain_cpu_us_per_request": round(plain_us, 1),
        "driver_cpu_us_per_request": round(compared.cpu_us_per_request, 1),
        "cpu_ratio_to_plain": round(compared.cpu_us_per_request / plain_us, 2),
        "best_rate_per_s_at_lag_goal": max((s.rate_per_s for s in held), default=0),
        "steps": [
            {
                "rate_per_s": s.rate_per_s,
                "sent": s.report.scheduled - s.report.dropped,
                "dropped": s.report.dropped,
                "lag_p50_ms": round(s.report.send_lag_p50_s * 1000, 2),
                "lag_p99_ms": round(s.lag_p99_ms, 2),
                "lag_max_ms": round(s.report.send_lag_max_s * 1000, 2),
                "cpu_ratio": s.report.cpu_ratio,
                "cpu_us_per_request": round(s.cpu_us_per_request, 1),
                "core_used_by_others_ratio": round(s.others_ratio, 3),
            }
            for s in steps
        ],
        "stall": {
            "p50_ms": round(quantile(exact, 0.5) * 1000, 1),
            "p90_ms": round(quantile(exact, 0.9) * 1000, 1),
            "p99_ms": round(quantile(exact, 0.99) * 1000, 1),
            "max_ms": round(exact[-1] * 1000, 1),
            "slow_ratio": round(sum(1 for value in exact if value > SLOW_S) / len(exact), 4),
            "dropped": stall.report.dropped,
            "lag_p99_ms": round(stall.lag_p99_ms, 2),
        },
        "others": [asdict(row) for row in others],
        "others_not_on_path": missing,
        "worst_quantile_error": round(max(worst_quantile_error(s.out) for s in (*steps, stall)), 5),
    }


def table(figures: dict[str, Any]) -> str:
    rows = ["rate/s     sent  dropped  lag p50/p99/max ms      CPU  µs/request  others"]
    rows += [
        f"{s['rate_per_s']:>6} {s['sent']:>8} {s['dropped']:>8}  "
        f"{s['lag_p50_ms']:>6} {s['lag_p99_ms']:>6} {s['lag_max_ms']:>6}  {s['cpu_ratio']:>6.0%}  "
        f"{s['cpu_us_per_request']:>8}  {s['core_used_by_others_ratio']:>8.0%}"
        for s in figures["steps"]
    ]
    others = [load_tools.Asked(**row) for row in figures["others"]]
    rows += ["", *load_tools.table(others, figures["others_not_on_path"])]
    stall = figures["stall"]
    goals = [
        (
            "rate on one core at lag p99 <= 5 ms",
            f"{figures['best_rate_per_s_at_lag_goal']}/s",
            "8,000/s, least 2,000/s",
        ),
        ("CPU per request / plain FastHttpUser", f"{figures['cpu_ratio_to_plain']}", "<= 1.5"),
        ("2 s stall in 10 s: p99", f"{stall['p99_ms']} ms", ">= 1800 ms"),
        ("2 s stall in 10 s: slow", f"{stall['slow_ratio']:.1%}", "19-21 %"),
        ("worst quantile error", f"{figures['worst_quantile_error']:.2%}", "<= 1 %"),
    ]
    rows += ["", *(f"{name:<40}{value:>12}   goal {goal}" for name, value, goal in goals)]
    rows.append(
        f"plain FastHttpUser {figures['plain_cpu_us_per_request']} µs, "
        f"driver {figures['driver_cpu_us_per_request']} µs a request"
    )
    if any(s["core_used_by_others_ratio"] > OTHERS_LIMIT for s in figures["steps"]):
        rows.append(
            "The machine had other work on the driver's core: the lag above is partly its doing. Repeat when idle."
        )
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="two rates only, about 30 s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="firedrill-bench-") as folder:
        bench = Bench(Path(folder))
        try:
            figures = measure(bench, arguments.quick)
        finally:
            bench.close()
    print(json.dumps(figures, indent=1) if arguments.json else table(figures))


if __name__ == "__main__":
    main()
