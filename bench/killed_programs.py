"""Kill each program of the stack (`kill -9`) in the middle of a run, and say how the run ended and what was left.

Of a program's group only the first process is killed; the lab has to find the others. After each try
everything has to be pristine and ready within the patience below, and the next run has to begin. Must be 0: verdicts
that are `held` although a part that the verdict depends on died, faults or processes left, stacks that did not recover.

One try takes about half a minute; `make bench` takes three programs, `--only all` takes all.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from chaos.adapters.lab import connect
from chaos.cli.lab import running
from chaos.config import evidence_dir
from chaos.errors import FiredrillError
from chaos.heal import deviations
from chaos.model.folder import File
from chaos.ports import Lab

BIN = Path(sys.executable).parent
SCENARIO = Path(__file__).with_name("killed_runner.yaml")
SOME = ("shop:api", "toxiproxy", "agent")
KILLED_AFTER_S = 3.0  # of the load: amid the faults
PATIENCE_S = 120.0
# No verdict depends on them, and a run goes on without them.
# The agent heals in the place of a runner that died: of a run that ends by itself it decides nothing.
NOT_NEEDED = frozenset({"agent", "dashboard", "prometheus", "scorecard"})


def status() -> dict[str, Any]:
    """The answer of `make status`, as a document."""
    command = [sys.executable, "-m", "services.stack", "status", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout or "{}")
    return document


def until(look: Callable[[], Any], what: str) -> Any:
    """The first truthy answer; None when there was none in time."""
    give_up = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.1)
    print(f"  got nothing in {PATIENCE_S:g} s, expected {what}", flush=True)
    return None


def faults_left(lab: Callable[[], Lab] | None = None) -> list[str]:
    """What a fault left, in words: on proxies, processes, gateway, databases. Who can't be asked counts."""
    try:
        return deviations(lab() if lab is not None else connect(running(), "none").lab)
    except (FiredrillError, OSError) as error:
        return [str(error)]


def look() -> list[str]:
    """`faults_left`, asked by a process that ends: a connection kept here would be a stranger's in the next run."""
    done = subprocess.run([sys.executable, __file__, "--look"], capture_output=True, text=True, check=False)
    try:
        found: list[str] = json.loads(done.stdout)
    except ValueError:
        return [f"look: got {done.stderr[-300:].strip()}, expected an answer"]
    return found


def load_begun(before: set[Path]) -> Path | None:
    """The journal of a new run whose load has started."""
    for journal in set(evidence_dir().glob(f"*/{File.JOURNAL}")) - before:
        with suppress(OSError):
            if b'"load_started"' in journal.read_bytes():
                return journal
    return None


def try_one(program: str, variant: str) -> dict[str, Any]:
    """Kill *program* in the middle of a run; how the run ended and what was left."""
    before = set(evidence_dir().glob(f"*/{File.JOURNAL}"))
    command = [str(BIN / "firedrill"), "run", str(SCENARIO), "--variant", variant, "--json"]
    runner = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: load_begun(before) or runner.poll() is not None, "the load")
    pid = status()["parts"][program]["pid"]
    children = {child.pid: child.create_time() for child in psutil.Process(pid).children(recursive=True)}
    time.sleep(KILLED_AFTER_S)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    try:
        output, errors = runner.communicate(timeout=300)
    except subprocess.TimeoutExpired:
        runner.kill()
        output, errors = runner.communicate()
    document: dict[str, Any] = {}
    with suppress(ValueError):
        document = json.loads(output)
    began = time.monotonic()
    ready = until(lambda: status().get("up"), "a stack that is ready")
    until(lambda: not look(), "a stack without a fault")
    left = look()
    orphans = [
        pid for pid, born in children.items() if psutil.pid_exists(pid) and psutil.Process(pid).create_time() == born
    ]
    return {
        "program": program,
        "exit": runner.returncode,
        "verdict": document.get("verdict", ""),
        "summary": document.get("summary", errors.decode()[-300:].strip()),
        "faults": left,
        "ready_again": ready is not None,
        "ready_after_s": round(time.monotonic() - began, 1),
        "orphans": orphans,
    }


def main() -> int:
    """Exit code 1 when anything that must be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=list(SOME), help="names as `make status` has them, or all")
    parser.add_argument("--variant", default="hardened")
    parser.add_argument("--look", action="store_true", help="say what a fault left, as JSON, and end")
    arguments, _ = parser.parse_known_args()
    if arguments.look:
        print(json.dumps(faults_left()))
        return 0
    found = status()
    if not found.get("up"):
        sys.exit("stack: got none that is ready, expected one (make up)")
    names = (
        [name for name, part in found["parts"].items() if part["pid"]] if "all" in arguments.only else arguments.only
    )
    bad = dict.fromkeys(
        ("held without what it rests on", "faults left", "processes left", "not ready again", "no clear end"), 0
    )
    for name in names:
        row = try_one(name, arguments.variant)
        bad["held without what it rests on"] += row["verdict"] == "held" and name not in NOT_NEEDED
        bad["faults left"] += len(row["faults"])
        bad["processes left"] += len(row["orphans"])
        bad["not ready again"] += not row["ready_again"]
        bad["no clear end"] += row["exit"] not in (0, 3, 4) or "Traceback" in row["summary"]
        print(
            f"{name:12} exit {row['exit']} {row['verdict'] or '-':12} ready again after {row['ready_after_s']} s,"
            f" left {[*row['faults'], *row['orphans']] or 'nothing'}: {row['summary'][:160]}",
            flush=True,
        )
    print(json.dumps({"programs": len(names), **bad}))
    return int(any(bad.values()))


if __name__ == "__main__":
    sys.exit(main())
