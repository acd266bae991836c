"""How long the stack takes: `up` on a fresh lab, `up` warm, `prepare` back and forth, `down`.

    .venv/bin/python bench/stack_ready.py [--rounds 3] [--base-port 24900] [--json]

Every figure is the wall time of the whole command as a caller sees it, interpreter start included; the goals stand
beside it. "Warm" means: servers provisioned, database made. A busy machine slows all of it, so its load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
GOALS_S = {"up warm": 8.0, "prepare": 6.0}


class Lab:
    """A lab in a temporary folder."""

    def __init__(self, folder: Path, base_port: int) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FIREDRILL_", "SHOP_"))}
        own = {"FIREDRILL_LAB_DIR": str(folder), "FIREDRILL_BASE_PORT": str(base_port)}
        self._environment = {**kept, **own, "FIREDRILL_EVIDENCE_DIR": str(folder / "evidence")}
        self._world_file = folder / "world.json"

    def timed(self, *words: str) -> tuple[float, dict[str, Any]]:
        """Wall seconds and document of one command that has to succeed."""
        command = [sys.executable, "-m", "services.stack", *words, "--json"]
        start = time.monotonic()
        done = subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, check=False)
        wall_s = time.monotonic() - start
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: exit {done.returncode}\n{done.stderr.decode()}")
        document: dict[str, Any] = json.loads(done.stdout)
        return wall_s, document

    def prepare(self, variant: str) -> tuple[float, dict[str, Any]]:
        """`prepare` with the world of the flash sale."""
        return self.timed("prepare", "--variant", variant, "--seed", "7", "--world-file", str(self._world_file))


def measure(lab: Lab, rounds: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Wall seconds by figure, and when each part was ready in the last warm start."""
    figures: dict[str, list[float]] = {"up cold": [], "up warm": [], "up again": [], "prepare": [], "down": []}
    lab.timed("provision")  # not counted, since a download measures the network
    figures["up cold"].append(lab.timed("up")[0])
    for variant in ("naive", "hardened"):
        lab.prepare(variant)  # makes the databases
    parts: dict[str, float] = {}
    for _ in range(rounds):
        figures["down"].append(lab.timed("down")[0])
        wall_s, document = lab.timed("up")
        figures["up warm"].append(wall_s)
        parts = document["ready_after_s"]
        figures["up again"].append(lab.timed("up")[0])
        figures["prepare"] += [lab.prepare(variant)[0] for variant in ("naive", "hardened")]
    return figures, parts


def main() -> int:
    """Print the figures; always 0, since a missed goal is shown beside its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base-port", type=int, default=24900)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="firedrill-bench-") as folder:
        lab = Lab(Path(folder).resolve(), options.base_port)
        load_before = os.getloadavg()[0]
        try:
            figures, parts = measure(lab, options.rounds)
        finally:
            lab.timed("down")
            lab.timed("reset")
    if options.json:
        print(json.dumps({"seconds": figures, "parts_s": parts, "load_before": load_before}))
        return 0
    print(f"{'figure':<10} {'median s':>9} {'worst s':>8}  goal     (load of the machine before: {load_before:.1f})")
    for name, walls in figures.items():
        goal = GOALS_S.get(name)
        met = "" if goal is None else f"<= {goal:g}  {'met' if statistics.median(walls) <= goal else 'MISSED'}"
        print(f"{name:<10} {statistics.median(walls):>9.2f} {max(walls):>8.2f}  {met}".rstrip())
    print("ready in the last warm start: " + ", ".join(f"{name} {after_s:.1f}" for name, after_s in parts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
