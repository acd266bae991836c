"""The evidence folder of a run in which everything held, with a scenario file that fits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chaos.model.journal import EventKind
from chaos.scenario import text_digest
from tests.unit.chaos.judge.conftest import Run

FAULT = "1-latency-shop_to_gateway"
RUN_ID = "20261123-101502-steady-hardened-s7"
TEXT = """\
title: Steady
drill: 3
hypothesis: It holds.
seed: 1
blast_radius: [shop_to_gateway]
load:
  - {phase: baseline, for: 10s, arrivals: 10/s, mix: {browse: 8, buy: 2}}
  - {phase: spike, for: 10s, arrivals: 10/s, mix: {browse: 8, buy: 2}}
  - {phase: recovery, for: 10s, arrivals: 10/s, mix: {browse: 8, buy: 2}}
faults:
  - {inject: latency, on: shop_to_gateway, latency: 100ms, from: spike+2s, for: 6s}
steady_state:
  - {probe: success_ratio, at_least: 99%}
checks:
  - {invariant: no_oversell}
  - {slo: success_ratio, phase: spike, op: browse, at_least: 95%}
  - {recovers_within: 5s}
proves:
  naive: {must: [no_oversell], may: [recovers_within]}
  hardened: holds
"""
STARTED = {
    "scenario_sha256": text_digest(TEXT),
    "run_id": RUN_ID,
    "scenario": "own/steady",
    "title": "Steady",
    "drill": 3,
    "variant": "hardened",
    "seed": 7,
    "scale": 1.0,
    "versions": {"python": "3"},
}
WORLD = {"password": "p4ss", "customers": [{"id": 1, "access": "acc3ss", "refresh": "r3fresh"}]}


def run_of(root: Path, name: str = RUN_ID, **started: Any) -> Run:
    """Change what you like, then `write_run` it."""
    run = Run(root / name)
    for _, data in run.events:
        if "fault" in data:
            data["fault"] = FAULT
    run.events[0] = (EventKind.RUN_STARTED, {**STARTED, "run_id": name, **started})
    return run


def write_run(run: Run, text: str = TEXT) -> Path:
    """The folder as the runner leaves it."""
    run.events[0][1]["scenario_sha256"] = text_digest(text)
    run.more_world = WORLD
    run.write()
    (run.folder / "scenario.yaml").write_text(text)
    return run.folder
