"""Other load generators at the same rates, against the same server and on the same core as the driver.

They are looked for on PATH. CPU is that of the whole process less that of a run with one request, so that the start is
not counted. They keep no record of single operations like the driver's: k6 counts into its metrics, vegeta writes a
line per request.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_IN_FLIGHT = 400

K6_SCRIPT = """
import http from 'k6/http';
export const options = {
  discardResponseBodies: false,
  scenarios: { steady: {
    executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s', duration: __ENV.SECONDS + 's',
    preAllocatedVUs: Math.min(Number(__ENV.RATE), Number(__ENV.MOST)), maxVUs: Number(__ENV.MOST) } },
};
export default function () { http.get(__ENV.TARGET); }
"""


@dataclass(frozen=True)
class Asked:
    """What one tool did at one rate; *dropped*: requests that the rate asks for and that were not sent."""

    tool: str
    rate_per_s: float
    sent: int
    failed: int
    dropped: int
    cpu_us_per_request: float


@dataclass(frozen=True)
class Target:
    """The address, the core of the tool, and a folder for its files."""

    url: str
    core: int
    folder: Path


def measured(target: Target, rates_per_s: Sequence[float], seconds: float) -> tuple[list[Asked], list[str]]:
    """What each tool on PATH did at each rate, and the tools that are not there."""
    rows: list[Asked] = []
    for tool, ask in TOOLS.items():
        if shutil.which(tool) is None:
            continue
        _, _, starting_s = ask(target, 1, 1)
        for rate in rates_per_s:
            sent, failed, cpu_s = ask(target, rate, seconds)
            wanted = round(rate * seconds)
            rows.append(
                Asked(
                    tool=tool,
                    rate_per_s=rate,
                    sent=sent,
                    failed=failed,
                    dropped=max(wanted - sent, 0),
                    cpu_us_per_request=round(max(cpu_s - starting_s, 0.0) / max(sent, 1) * 1e6, 1),
                )
            )
    return rows, [tool for tool in TOOLS if shutil.which(tool) is None]


def _vegeta(target: Target, rate: float, seconds: float) -> tuple[int, int, float]:
    """Requests sent, those without a 2xx, CPU seconds."""
    targets, results = target.folder / "vegeta.txt", target.folder / "vegeta.bin"
    targets.write_text(f"GET {target.url}\n")
    cpu_s = _cpu_s(
        target.core,
        ["vegeta", "attack", f"-rate={rate:g}/s", f"-duration={seconds:g}s", f"-max-workers={MOST_IN_FLIGHT}",
         f"-targets={targets}", f"-output={results}"],
        {},
    )  # fmt: skip
    told = subprocess.run(["vegeta", "report", "-type=json", results], stdout=subprocess.PIPE, check=True)
    report = json.loads(told.stdout)
    return report["requests"], round(report["requests"] * (1 - report["success"])), cpu_s


def _k6(target: Target, rate: float, seconds: float) -> tuple[int, int, float]:
    """Requests sent, those without a 2xx or 3xx, CPU seconds."""
    script, summary = target.folder / "k6.js", target.folder / "k6.json"
    script.write_text(K6_SCRIPT)
    cpu_s = _cpu_s(
        target.core,
        ["k6", "run", "--quiet", "--no-usage-report", f"--summary-export={summary}", str(script)],
        {"RATE": f"{rate:g}", "SECONDS": f"{seconds:g}", "MOST": str(MOST_IN_FLIGHT), "TARGET": target.url},
    )
    metrics = json.loads(summary.read_text())["metrics"]
    return metrics["http_reqs"]["count"], metrics["http_req_failed"]["passes"], cpu_s


def _cpu_s(core: int, command: Sequence[str], more: dict[str, str]) -> float:
    pin = f"import os, sys; os.sched_setaffinity(0, {{{core}}}); os.execvp(sys.argv[1], sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", pin, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **more},
    )
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]}: got exit code {process.returncode}, expected 0")
    return spent.ru_utime + spent.ru_stime


TOOLS: dict[str, Callable[[Target, float, float], tuple[int, int, float]]] = {"vegeta": _vegeta, "k6": _k6}


def table(rows: Sequence[Asked], missing: Sequence[str]) -> list[str]:
    """Lines to stand under the driver's own."""
    lines = ["others     rate/s     sent   failed  not sent  µs/request"] if rows else []
    lines += [
        f"{row.tool:<8} {row.rate_per_s:>8.0f} {row.sent:>8} {row.failed:>8} {row.dropped:>9}  "
        f"{row.cpu_us_per_request:>10}"
        for row in rows
    ]
    return [*lines, *(f"{tool}: not on PATH, so not measured" for tool in missing)]
