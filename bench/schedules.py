"""Which mutants of drills 3 and 4 do forced schedules catch, under which scenario, by which check?

Each mutant is run under every scenario of `scenarios/interleaving/`; which load catches it is in docs/extend/power.md.
A scenario that is violated by a mutant shows that race with two requests. `hardened` must be accused in none, and an
undecided run says why. About ten seconds a run; `make bench` takes one mutant, `--all` takes all of both drills.
"""

from __future__ import annotations

import argparse
import sys
from typing import Final

from parts.runs import run

from chaos.drills.mutants import load_mutants
from chaos.load import all_scenarios, scenario_name

DRILLS: Final = (3, 4)
SOME: Final = ("check_then_act",)


def main() -> int:
    """Exit code 1 when `hardened` is accused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=list(SOME), help="names of mutants")
    parser.add_argument("--seeds", type=int, default=1)
    arguments, _ = parser.parse_known_args()
    names = [mutant.name for mutant in load_mutants() if mutant.drill in DRILLS]
    scenarios = [name for path in all_scenarios() if (name := scenario_name(path)).startswith("interleaving/")]
    accused = 0
    for name in ["", *(names if arguments.all else arguments.only)]:
        variant = f"mutant_{name}" if name else "hardened"
        caught: dict[str, int] = {}
        undecided: list[str] = []
        for scenario in scenarios:
            for seed in range(1, arguments.seeds + 1):
                found = run(scenario, variant, seed)
                if found["verdict"] == "violated":
                    broken = [one["check"] for one in found["findings"] if one["verdict"] == "violated"]
                    said = f"{scenario.partition('/')[2]} by {', '.join(broken)}"
                    caught[said] = caught.get(said, 0) + 1
                elif found["verdict"] != "held":
                    undecided.append(f"{scenario} seed {seed}: {found.get('summary', '')[:120]}")
        accused += bool(caught) and not name
        told = "; ".join(f"{said} ({times} of {arguments.seeds})" for said, times in caught.items())
        print(
            f"{variant:36} {told or 'held in all'}{'; undecided: ' + '; '.join(undecided) if undecided else ''}",
            flush=True,
        )
    return int(accused > 0)


if __name__ == "__main__":
    sys.exit(main())
