"""Measures the dashboard over a scorecard with 10,000 indexed runs: `python bench/pages.py [--json] [--quick]`.

A real scorecard and a real Streamlit, a browser (Debian's Chromium with Playwright), evidence of one run that goes on
for the tick and one that has ended. Nothing else of the stack runs, so Live draws from the run's own history.

    api      p50 and p95 of the scorecard's pages at 10 and at 10,000 runs, and the ratio (goal: flat, at most 1.5)
             and what the first request after a new run takes, which has to pick the learner's runs that count again
    pages    from the request to the end of the page's script in a browser, p50, at 10 and at 10,000 runs
    first    from the request to the first chart, right after the dashboard's start (goal 2 s)
    tick     from one refresh of Live to the next frame's end as the browser sees it: time on the wire, kB per tick
    memory   of the dashboard's process before and after the live view
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "tests" / "unit" / "dashboard"))
import samples  # type: ignore[import-not-found]  # noqa: E402 - evidence with known contents, as the tests have it

FEW, MANY = 10, 10_000
SHOWN = ("overview", "run", "progress")
PAGES = ("/api/drills/", "/api/progress/", "/api/runs/?page_size=10", "/api/runs/?drill=3&variant=attempt&page_size=1")


@contextlib.contextmanager
def process(*command: str, env: dict[str, str], ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the lab in a process group of its own, ended with the block."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=CHECKOUT, env={**os.environ, **env}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        samples.wait_for(lambda: bool(samples.answers(ready)), what=command[0], within_s=120)
        yield started
    finally:
        os.killpg(started.pid, signal.SIGTERM)
        started.wait(30)


def fill(folder: Path, env: dict[str, str], count: int, prefix: str = "20260101-000000") -> None:
    """Index *count* runs straight into the database: through the API it would take minutes."""
    code = f"""
import django; django.setup()
from datetime import datetime, timedelta, UTC
from services.scorecard.models import Drill, Run
keys = list(Drill.objects.values_list("key", flat=True))
t0 = datetime(2026, 1, 1, tzinfo=UTC)
finding = {{"check": "no_oversell", "kind": "invariant", "verdict": "held", "expected": "…", "measured": "…"}}
Run.objects.bulk_create([Run(run_id=f"{prefix}-bench-s{{n}}", scenario="concurrency/flash-sale", title="Bench",
    drill_id=keys[n % len(keys)], variant=("attempt", "naive", "hardened")[n % 3], seed=n, verdict="held",
    started_at=t0 + timedelta(minutes=n), duration_s=40, findings=[finding] * 12, exit_code=0)
    for n in range({count})], batch_size=500, ignore_conflicts=True)
"""
    full = {**os.environ, **env, "DJANGO_SETTINGS_MODULE": "services.scorecard.settings", "PYTHONPATH": str(CHECKOUT)}
    subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, env=full, check=True)


def timed(url: str, times: int) -> dict[str, float]:
    """Milliseconds of *times* requests after a first one that is not counted."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        client.get(url).raise_for_status()
        took = []
        for _ in range(times):
            start = time.perf_counter()
            client.get(url).raise_for_status()
            took.append((time.perf_counter() - start) * 1000)
    return {"p50_ms": round(statistics.median(took), 1), "p95_ms": round(sorted(took)[int(len(took) * 0.95) - 1], 1)}


def after_a_new_run(url: str, env: dict[str, str], folder: Path, times: int = 5) -> float:
    """Milliseconds of the first request after the index has changed, p50."""
    took = []
    for number in range(times):
        fill(folder, env, 1, prefix=f"20260201-00000{number}")
        start = time.perf_counter()
        httpx.get(url, trust_env=False, timeout=60).raise_for_status()
        took.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(took), 1)


def shown(url: str, chromium: str, times: int) -> dict[str, float]:
    """Milliseconds from the request of a page until its script has ended, p50; a first one is not counted."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        for name in SHOWN:
            took = []
            for _ in range(times + 1):
                start = time.perf_counter()
                page.goto(f"{url}/{name}")
                page.wait_for_selector(f"h1:has-text('{name.capitalize()}')")
                page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
                took.append((time.perf_counter() - start) * 1000)
            found[name] = round(statistics.median(took[1:]), 1)
        browser.close()
    return found


def live(url: str, chromium: str, evidence: Path, pid: int, seconds: float) -> dict[str, Any]:
    """First chart, ticks and memory, measured in a browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    samples.write_run(evidence, t0_unix_s=time.time() - 900, variant="naive", verdict="violated")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        frames: list[tuple[float, int]] = []
        page.on(
            "websocket",
            lambda socket: socket.on("framereceived", lambda data: frames.append((time.perf_counter(), len(data)))),
        )
        start = time.perf_counter()
        page.goto(f"{url}/live")
        page.wait_for_selector("canvas")
        first_s = time.perf_counter() - start
        samples.write_run(evidence, t0_unix_s=time.time() - 5, variant="attempt", until_s=27.0)
        page.wait_for_selector(".fd-banner:has-text('running')")
        frames.clear()
        before = psutil.Process(pid).memory_info().rss
        page.wait_for_timeout(seconds * 1000)
        after = psutil.Process(pid).memory_info().rss
        browser.close()
    bursts = _bursts(frames)
    took = sorted(last - at for at, last, _ in bursts)
    return {
        "first_chart_s": round(first_s, 2),
        "ticks": len(bursts),
        "tick_p50_ms": round(statistics.median(took) * 1000, 1) if took else None,
        "tick_p95_ms": round(took[int(len(took) * 0.95) - 1] * 1000, 1) if took else None,
        "tick_kb_p50": round(statistics.median(size for _, _, size in bursts) / 1024, 1) if bursts else None,
        "memory_before_mb": round(before / 2**20, 1),
        "memory_after_mb": round(after / 2**20, 1),
    }


def _bursts(frames: list[tuple[float, int]], gap_s: float = 0.6) -> list[tuple[float, float, int]]:
    """First frame, last frame and bytes of each tick; frames that follow each other closely are one tick."""
    found: list[list[float]] = []
    for at, size in frames:
        if found and at - found[-1][1] < gap_s:
            found[-1][1], found[-1][2] = at, found[-1][2] + size
        else:
            found.append([at, at, size])
    return [(at, last, int(size)) for at, last, size in found]


@contextlib.contextmanager
def streamlit(folder: Path, scorecard: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The dashboard, just started: its address and its process."""
    port = samples.free_port()
    env = {
        "FIREDRILL_STACK_FILE": str(samples.write_stack(folder / "stack.json", scorecard=scorecard)),
        "FIREDRILL_EVIDENCE_DIR": str(folder / "evidence"),
    }
    flags = ("--server.port", str(port), "--server.address", "127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    with process("dashboard", *flags, env=env, ready=f"{url}/_stcore/health") as server:
        yield url, server


def measured(folder: Path, chromium: str | None, *, times: int, live_s: float) -> dict[str, Any]:
    """All figures; without a browser only those of the scorecard."""
    port = samples.free_port()
    scorecard = f"http://127.0.0.1:{port}"
    env = {
        "SCORECARD_PORT": str(port),
        "SCORECARD_DATABASE_PATH": str(folder / "scorecard.sqlite3"),
        "SCORECARD_TOKEN_FILE": str(folder / "token"),
    }
    api: dict[int, dict[str, dict[str, float]]] = {}
    pages: dict[int, dict[str, float]] = {}
    with process("services.scorecard", env=env, ready=f"{scorecard}/health"):
        for count in (FEW, MANY):
            fill(folder, env, count)
            api[count] = {page: timed(scorecard + page, times) for page in PAGES}
            if chromium:
                with streamlit(folder, scorecard) as (url, _):
                    pages[count] = shown(url, chromium, max(5, times // 6))
        found: dict[str, Any] = {
            "api": {page: compared(api[FEW][page], api[MANY][page], "p50_ms") for page in PAGES},
            "after_a_new_run_ms": after_a_new_run(f"{scorecard}/api/progress/", env, folder),
        }
        if chromium is None:
            return {**found, "pages": "not measured: no Chromium on PATH"}
        found["pages"] = {page: compared(pages[FEW], pages[MANY], page) for page in SHOWN}
        with streamlit(folder, scorecard) as (url, server):
            return {**found, "live": live(url, chromium, folder / "evidence", server.pid, live_s)}


def compared(few: dict[str, float], many: dict[str, float], key: str) -> dict[str, Any]:
    """Figures at both sizes, and the ratio of *key*."""
    return {f"at_{FEW}": few[key], f"at_{MANY}": many[key], "ratio": round(many[key] / few[key], 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="Fewer requests, a shorter live view.")
    parser.add_argument("--live", type=float, metavar="SECONDS", help="How long to watch (default 120, quick 20).")
    asked = parser.parse_args()
    result: dict[str, Any] = {"runs": MANY, "load_average": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "token").write_text(samples.TOKEN)
        (folder / "evidence").mkdir()
        times, live_s = (20, 20.0) if asked.quick else (60, 120.0)
        result |= measured(folder, shutil.which("chromium"), times=times, live_s=asked.live or live_s)
    sys.stdout.write(json.dumps(result, indent=None if asked.json else 2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
