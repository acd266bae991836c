"""Figures of each scenario from the runs on record: `python bench/scenarios.py [--evidence DIR] [--json]`.

It measures nothing itself, but reads the newest conclusive run of each scenario and variant, as `make selftest` leaves.

    busy      share of the machine's CPU time on `hardened`, mean over the load and in the heaviest phase (goal 0.55)
    recovery  seconds from the last lift to the steady state, on both variants; "never" when the load ended before
    slow      answers later than the scenario's budget or none at all, of how many, on both variants (hardened: 0)
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from chaos.config import evidence_dir
from chaos.drills.calibrate import heaviest
from chaos.evidence.files import explaining_lines
from chaos.evidence.newest import ended
from chaos.evidence.verdict import read_verdict
from chaos.model.evidence import HostSample
from chaos.model.folder import File
from chaos.model.span import Span
from chaos.model.verdict import Verdict, VerdictDocument

VARIANTS = ("hardened", "naive")
GOAL_BUSY = 0.55


def newest(evidence: Path) -> dict[str, dict[str, Path]]:
    """Scenario → variant → folder of the newest conclusive run."""
    found: dict[str, dict[str, Path]] = {}
    for run in ended(evidence):
        if run.verdict is not Verdict.INCONCLUSIVE and run.variant in VARIANTS:
            found.setdefault(run.scenario, {}).setdefault(run.variant, run.folder)
    return dict(sorted(found.items()))


def busy(folder: Path, phases: Sequence[Span]) -> tuple[float, float] | None:
    """Mean over the load and in the heaviest phase; None without readings."""
    samples = explaining_lines(folder / File.HOST, HostSample)
    spans = [(phase.start_s, phase.end_s) for phase in phases]
    mean, most = (heaviest(samples, part)[0] for part in ([(spans[0][0], spans[-1][1])], spans))
    return None if math.isnan(mean) else (mean, most)


def recovery(document: VerdictDocument) -> str:
    """Seconds, or why there are none."""
    for finding in document.findings:
        if finding.check == "recovers_within":
            recovered_s = finding.figures.get("recovered_s")
            return "never" if recovered_s is None else f"{recovered_s:.1f}"
    return "–"


def slow(document: VerdictDocument) -> str:
    """`late of all`, summed over the budgets that the scenario sets."""
    figures = [f.figures for f in document.findings if f.check.startswith("slo:answered_within[")]
    if not figures:
        return "–"
    asked, met = (sum(int(each.get(name, 0)) for each in figures) for name in ("operations", "met"))
    return f"{asked - met} of {asked}"


def row(scenario: str, runs: dict[str, Path]) -> dict[str, Any]:
    """One line of the table."""
    documents = {variant: read_verdict(folder) for variant, folder in runs.items()}
    hardened = documents.get("hardened")
    return {
        "scenario": scenario,
        "scripted_s": (hardened or documents["naive"]).phases[-1].end_s,
        "busy": busy(runs["hardened"], hardened.phases) if hardened else None,
        "recovery_s": {variant: recovery(document) for variant, document in documents.items()},
        "slow": {variant: slow(document) for variant, document in documents.items()},
    }


def table(rows: list[dict[str, Any]]) -> str:
    """In Markdown."""
    lines = [
        "| scenario | scripted | busy, mean | heaviest phase | recovery: hardened | naive | slow: hardened | naive |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in rows:
        mean, most = each["busy"] or (None, None)
        cells = [
            each["scenario"],
            f"{each['scripted_s']:g} s",
            *("–" if ratio is None else f"{ratio:.0%}" + (" !" if ratio > GOAL_BUSY else "") for ratio in (mean, most)),
            *(each["recovery_s"].get(variant, "–") for variant in VARIANTS),
            *(each["slow"].get(variant, "–") for variant in VARIANTS),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="No difference here.")
    parser.add_argument("--evidence", type=Path, default=evidence_dir())
    asked = parser.parse_args()
    rows = [row(scenario, runs) for scenario, runs in newest(asked.evidence).items()]
    if asked.json:
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        sys.stdout.write(table(rows) if rows else "no conclusive run on record: make selftest\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
