"""Kill the runner (`kill -9`) at random moments while its faults are held, and count what is left behind.

Each try starts a run on the real stack, kills it during the faults, and looks at the lab, the load and the evidence.
Every second time the next run begins at once, before the dead one's lease is over. Must be 0: faults left after the
lease, load that still runs then, operations that are lost from the record, next runs that did not begin clean.

Twenty tries take about eight minutes; `make bench` does three. `--tries 20` gives a figure to quote.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from chaos.adapters.lab import connect
from chaos.config import LEASE_S, NotUp, evidence_dir, read_stack
from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import read_verdict
from chaos.heal import deviations
from chaos.model.folder import HISTORY, File
from chaos.ports import Lab

FIREDRILL = Path(sys.executable).with_name("firedrill")
SCENARIO = Path(__file__).with_suffix(".yaml")
# The agent looks four times a second; lifting has to ask every part, which takes longer on a busy machine.
HEALS_WITHIN_S = LEASE_S + 2.0
PATIENCE_S = 120.0
FAULTS = 4


@dataclass(frozen=True, slots=True)
class Dead:
    """A run that was killed: its evidence folder, and the state of record and lab just before the kill."""

    folder: Path
    on_record: dict[Path, bytes]
    load: list[psutil.Process]
    killed_s: float


def until(look: Callable[[], Any], what: str) -> Any:
    """The first truthy answer."""
    give_up = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() > give_up:
            sys.exit(f"got nothing in {PATIENCE_S:g} s, expected {what}")
        time.sleep(0.05)
    return found


def start(variant: str) -> subprocess.Popen[bytes]:
    """Start a run, from its first step."""
    return subprocess.Popen(
        [str(FIREDRILL), "run", str(SCENARIO), "--variant", variant, "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def folders() -> set[Path]:
    """All evidence so far."""
    return set(evidence_dir().glob(f"*/{File.JOURNAL}"))


def events(journal: Path, kind: str) -> list[dict[str, Any]]:
    """What the journal says about *kind*; a line that is being written is not there yet."""
    found = []
    for line in journal.read_bytes().splitlines():
        with suppress(json.JSONDecodeError):
            event = json.loads(line)
            if event["event"] == kind:
                found.append(event["data"])
    return found


def with_faults(runner: subprocess.Popen[bytes], before: set[Path]) -> Path | None:
    """The journal of the run that has injected its first fault."""
    found = next((path for path in folders() - before if events(path, "fault_injected")), None)
    if found is None and runner.poll() is not None:
        _, errors = runner.communicate()
        sys.exit(f"a run ended with {runner.returncode} before its faults: {errors.decode()[-500:]}")
    return found


def kill_one(runner: subprocess.Popen[bytes], before: set[Path], draw: random.Random) -> tuple[Dead, str]:
    """Wait for the faults and kill the run at a random moment; also returns why a fault was not proven, if so."""
    journal: Path = until(lambda: with_faults(runner, before), "a run with faults")
    time.sleep(draw.uniform(0.0, 3.0))
    history = {path: path.read_bytes() for path in (journal.parent / HISTORY).glob("*.jsonl")}
    children = psutil.Process(runner.pid).children(recursive=True)
    load = [child for child in children if "loadtests" in _of(child)]
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    unproven = "; ".join(fault["reason"] for fault in events(journal, "fault_injected") if not fault["proven"])
    return Dead(journal.parent, history, load, time.monotonic()), unproven


def _of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def healed_after_s(lab: Lab, dead: Dead) -> tuple[float, list[str]]:
    """Seconds from the kill until the lab was pristine, and what was left after the lease."""
    left: list[str] = []
    while True:
        found = deviations(lab)
        passed_s = time.monotonic() - dead.killed_s
        if passed_s >= HEALS_WITHIN_S and not left:
            left = found
        if not found or passed_s > PATIENCE_S:
            return passed_s, left
        time.sleep(0.05)


def lost_operations(dead: Dead) -> int:
    """Lines that were on record before the kill and are not in the evidence now."""
    lost = 0
    for path, before in dead.on_record.items():
        packed = path.with_name(f"{path.name}.gz")
        now = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
        if not now.startswith(before):
            lost += len(set(before.splitlines()) - set(now.splitlines()))
    return lost


def wait_closed(dead: Dead, following: subprocess.Popen[bytes]) -> None:
    """Until the run that follows has closed the dead one, or has ended itself."""
    sealed = dead.folder / File.MANIFEST
    until(lambda: sealed.exists() or following.poll() is not None, "the next run to close the dead one")


def closed_well(dead: Dead) -> str:
    """What is wrong with the evidence that the next start closed; empty when nothing is."""
    try:
        verdict = read_verdict(dead.folder).verdict
    except Unreadable:
        return "it was not closed"
    checked = subprocess.run([str(FIREDRILL), "verify", str(dead.folder)], capture_output=True, check=False)
    if checked.returncode:
        return checked.stderr.decode()[-300:]
    return "" if verdict == "inconclusive" else f"its verdict is {verdict}"


def main() -> int:
    """Exit code 1 when anything that must be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variant", default="hardened")
    arguments = parser.parse_args()
    stack = read_stack()
    if isinstance(stack, NotUp):
        sys.exit(f"stack: got none ({stack.reason}), expected one that is up (make up)")
    lab, draw = connect(stack, arguments.variant).lab, random.Random(arguments.seed)
    bad = dict.fromkeys(("residual faults", "load still running", "operations lost", "next run not clean"), 0)
    times: list[float] = []
    before, runner = folders(), start(arguments.variant)
    for number in range(1, arguments.tries + 1):
        dead, unproven = kill_one(runner, before, draw)
        before = folders()
        at_once = number % 2 == 0
        if at_once:
            runner = start(arguments.variant)
        took_s, left = healed_after_s(lab, dead)
        time.sleep(max(0.0, HEALS_WITHIN_S - (time.monotonic() - dead.killed_s)))
        running = [process.pid for process in dead.load if process.is_running() and process.status() != "zombie"]
        if not at_once:
            runner = start(arguments.variant)
        wait_closed(dead, runner)
        lost, wrong = lost_operations(dead), closed_well(dead) or unproven
        times.append(took_s)
        bad["residual faults"] += len(left)
        bad["load still running"] += len(running)
        bad["operations lost"] += lost
        bad["next run not clean"] += bool(wrong)
        print(
            f"try {number}: pristine {took_s:.1f} s after the kill, left after the lease {left or 'nothing'}, load"
            f" {'still runs' if running else 'ended'}, {sum(b.count(10) for b in dead.on_record.values())} lines on"
            f" record, {lost} lost, next run {'at once' if at_once else 'after it'}: {wrong or 'clean'}",
            flush=True,
        )
    output, errors = runner.communicate(timeout=PATIENCE_S)
    document = json.loads(output) if output else {}
    last = next(iter(folders() - before))
    proofs, lifts = events(last, "fault_injected"), events(last, "fault_lifted")
    trouble = [fault["reason"] for fault in (*proofs, *lifts) if not fault.get("proven", fault.get("pristine"))]
    if runner.returncode not in (0, 1, 3) or trouble or len(proofs) != FAULTS or len(lifts) != FAULTS:
        bad["next run not clean"] += 1
        print(f"the last run: exit code {runner.returncode}, {trouble or errors.decode()[-300:]}")
    print(f"the last run, left alone: {document.get('summary', '?')}")
    print(json.dumps({"tries": arguments.tries, **bad, "pristine_after_s_max": round(max(times), 2)}))
    return int(any(bad.values()))


if __name__ == "__main__":
    sys.exit(main())
