"""How long a command that needs neither stack nor judge takes: `python bench/cli.py [--rounds 7] [--json]`.

Each is called as a person calls it, `.venv/bin/firedrill …`, interpreter start included. Printed are the median and the
best wall time and the best CPU time, which a busy machine changes little, beside the goal of 0.4 s. The floor is the
time that this Python takes to start and do nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
FIREDRILL = str(CHECKOUT / ".venv" / "bin" / "firedrill")
GOAL_S = 0.4
CALLS = {
    "--help": (FIREDRILL, "--help"),
    "list": (FIREDRILL, "list"),
    "completion": (FIREDRILL, "__complete", "explain", "last", ""),
    "validate (one)": (FIREDRILL, "validate", "concurrency/flash-sale"),
    "validate (all)": (FIREDRILL, "validate"),
    "nothing": (sys.executable, "-I", "-X", "utf8", "-c", "pass"),
}


def timed(command: tuple[str, ...]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, check=True)
    wall_s = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(command: tuple[str, ...], rounds: int) -> dict[str, float]:
    """Times of the calls after a first one that is not counted, since it fills the disk's cache."""
    timed(command)
    walls, cpus = zip(*(timed(command) for _ in range(rounds)), strict=True)
    figures = {"wall_s_median": statistics.median(walls), "wall_s_best": min(walls), "cpu_s_best": min(cpus)}
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> int:
    """Print the figures; always 0, since a missed goal is shown beside its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    found = {name: measured(command, asked.rounds) for name, command in CALLS.items()}
    if asked.json:
        print(json.dumps({"load_average": load, "goal_s": GOAL_S, "commands": found}))
        return 0
    print(f"{'command':<15} {'median s':>9} {'best s':>7} {'CPU s':>6}  goal <= {GOAL_S:g}  (load before: {load})")
    for name, figures in found.items():
        met = "" if name == "nothing" else "met" if figures["wall_s_median"] <= GOAL_S else "MISSED"
        median_s, best_s, cpu_s = figures.values()
        print(f"{name:<15} {median_s:>9.3f} {best_s:>7.3f} {cpu_s:>6.3f}  {met}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
