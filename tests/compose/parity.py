"""Prints docs/operate/parity.md from four evidence folders of one scenario.

`python -m tests.compose.parity LOCAL_NAIVE LOCAL_HARDENED COMPOSE_NAIVE COMPOSE_HARDENED [--ready LOCAL_S COMPOSE_S]`.
It asserts nothing: people and CI judge, this shows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Run = dict[str, Any]
SIGNS = {"held": "● held", "violated": "■ violated", "inconclusive": "▲ inconclusive"}


def read(folder: Path) -> Run:
    """The run's verdict and how busy its machine was."""
    run: Run = json.loads((folder / "verdict.json").read_text())
    lines = (folder / "host.jsonl").read_text().splitlines()
    busy = [line["cpu_busy"] for line in map(json.loads, lines) if line["at_s"] > 0 and line["cpu_busy"] is not None]
    return {**run, "busy": sum(busy) / len(busy) if busy else None}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines) + "\n"


def verdicts(local: Run, compose: Run) -> list[list[str]]:
    """One row per check; self-checks that held in both are one row."""
    there = {finding["check"]: finding for finding in compose["findings"]}
    rows, quiet = [["**verdict**", SIGNS[local["verdict"]], SIGNS[compose["verdict"]]]], 0
    for finding in local["findings"]:
        other = there.get(finding["check"], {"verdict": "inconclusive", "measured": "absent", "reason": ""})
        if finding["check"].startswith("self_check:") and finding["verdict"] == other["verdict"] == "held":
            quiet += 1
            continue
        rows.append([f"`{finding['check']}`", *(_cell(each) for each in (finding, other))])
    rows.append([f"{quiet} self-checks", "● held", "● held"])
    return rows


def _cell(finding: dict[str, Any]) -> str:
    said = finding["reason"] if finding["verdict"] == "inconclusive" else finding["measured"]
    return f"{SIGNS[finding['verdict']]}: {said}".replace("|", "/")


def latencies(local: Run, compose: Run) -> list[list[str]]:
    """p50 and p95 of the first phase, which has no fault."""
    phase = local["phases"][0]["name"]
    rows = []
    for operation in ("browse", "buy", "poll"):
        cells = []
        for run in (local, compose):
            found = run["operations"].get(phase, {}).get(operation)
            cells.append(f"{found['p50_ms']:.0f} / {found['p95_ms']:.0f} ms" if found else "none")
        rows.append([f"{operation}, p50 / p95 in {phase}", *cells])
    rows.append(["CPU of the machine busy, mean", *(f"{run['busy']:.0%}" for run in (local, compose))])
    return rows


def faults(local: Run, compose: Run) -> list[list[str]]:
    """When each fault began and was lifted, in seconds of the load's clock."""
    there = {fault["id"]: fault for fault in compose["faults"]}
    rows = []
    for fault in local["faults"]:
        cells = []
        for found in (fault, there.get(fault["id"], {})):
            times = [found.get(key) for key in ("injected_s", "lifted_s")]
            shown = " to ".join("never" if at is None else f"{at:.2f} s" for at in times)
            cells.append(
                f"{shown}, met {found.get('exposure', 0)}, {'proven' if found.get('proven') else 'not proven'}"
            )
        rows.append([f"`{fault['id']}`", *cells])
    return rows


def render(pairs: dict[str, tuple[Run, Run]], ready_s: Sequence[float] | None) -> str:
    """The page."""
    text = [
        "# Local against Compose\n",
        "Made by `python -m tests.compose.parity` from four runs; nothing is rounded in favour of either mode.\n",
    ]
    first, second = next(iter(pairs.values()))
    at = [f"{run['versions']['mode']} run {run['started_at'][:16]}" for run in (first, second)]
    text.append(f"{first['title']}, seed {first['seed']}; {', '.join(at)}.\n")
    if ready_s:
        rows = [["every part ready (images and servers there)", *(f"{seconds:.1f} s" for seconds in ready_s)]]
        text.append(table(["", "local", "Compose"], rows))
    for variant, (local, compose) in pairs.items():
        text += [f"## {variant}\n", table(["check", "local", "Compose"], verdicts(local, compose))]
        text.append(table(["", "local", "Compose"], [*latencies(local, compose), *faults(local, compose)]))
    return "\n".join(text)


def main(words: Sequence[str]) -> int:
    """Print the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.compose.parity")
    parser.add_argument("folders", nargs=4, type=Path)
    parser.add_argument("--ready", nargs=2, type=float, metavar=("LOCAL_S", "COMPOSE_S"))
    asked = parser.parse_args(words)
    local_naive, local_hardened, compose_naive, compose_hardened = map(read, asked.folders)
    pairs = {"naive": (local_naive, compose_naive), "hardened": (local_hardened, compose_hardened)}
    for variant, (local, compose) in pairs.items():
        got = (local["variant"], local["versions"]["mode"], compose["variant"], compose["versions"]["mode"])
        if got != (variant, "local", variant, "compose"):
            parser.error(f"{variant}: got {got}, expected a local and a Compose run of it")
    sys.stdout.write(render(pairs, asked.ready))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
