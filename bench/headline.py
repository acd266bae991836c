"""Power of the headline scenario, fault timing, and what a run costs beyond its script, over several seeds.

Ten seeds on both variants take about 15 minutes; `make bench` does one seed. `--seeds 10` gives a figure to quote.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from chaos.model.folder import File

FIREDRILL = Path(sys.executable).with_name("firedrill")
SCENARIO = "concurrency/flash-sale"


def one(variant: str, seed: int) -> dict[str, Any]:
    """One run's document, with the seconds that the whole command took."""
    start = time.monotonic()
    done = subprocess.run(
        [str(FIREDRILL), "run", SCENARIO, "--variant", variant, "--seed", str(seed), "--json"],
        capture_output=True,
        check=False,
    )
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        sys.exit(f"{variant}, seed {seed}: exit {done.returncode}: {done.stderr.decode()[-500:]}")
    document["took_s"] = time.monotonic() - start
    return document


def overhead_s(document: dict[str, Any]) -> float:
    """Seconds that the command took in addition to the scripted time."""
    return float(document["took_s"] - max(phase["end_s"] for phase in document["phases"]))


def timing_s(document: dict[str, Any]) -> list[float]:
    """Effective minus planned moment of every fault with a fixed one."""
    journal = Path(document["folder"], File.JOURNAL).read_text().splitlines()
    injected = [event["data"] for event in map(json.loads, journal) if event["event"] == "fault_injected"]
    return [fault["effective_s"] - fault["planned_s"] for fault in injected if fault["planned_s"] is not None]


def main() -> None:
    """Run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"naive": [], "hardened": []}
    for seed in range(1, options.seeds + 1):
        for variant, documents in runs.items():
            documents.append(one(variant, seed))
            last = documents[-1]
            violated = [found["check"] for found in last["findings"] if found["verdict"] == "violated"]
            print(f"seed {seed} {variant}: {last['verdict']} {', '.join(violated)}", file=sys.stderr, flush=True)
    every = [document for documents in runs.values() for document in documents]
    late = sorted(seconds for document in every for seconds in timing_s(document))
    figures = {
        "seeds": options.seeds,
        "verdicts": {name: dict(Counter(d["verdict"] for d in documents)) for name, documents in runs.items()},
        "violated": {
            name: dict(Counter(f["check"] for d in documents for f in d["findings"] if f["verdict"] == "violated"))
            for name, documents in runs.items()
        },
        "fault_timing_ms": {"worst": round(late[-1] * 1000, 1), "median": round(late[len(late) // 2] * 1000, 1)},
        "overhead_s": {
            "worst": round(max(map(overhead_s, every)), 1),
            "median": round(sorted(map(overhead_s, every))[len(every) // 2], 1),
        },
    }
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    for name in runs:
        print(f"{name}: {figures['verdicts'][name]} of {options.seeds}; violated: {figures['violated'][name]}")
    print(f"fault timing, planned → effective: {figures['fault_timing_ms']} ms over {len(late)} faults")
    print(f"beyond the scripted time: {figures['overhead_s']} s a run")


if __name__ == "__main__":
    main()
