"""Drafts of drill 2: is every flaw of a seed's key found by its check, at its line, and is nothing else found?

Each draft is run under the drill's scenarios. A flaw is found when its check is violated in a request that the key
names, and *at its line* when a statement of such a request came from one of the flaw's lines; a missing index and a
setting have no line of their own. A request that a check names and no row of the key explains is *unexplained*: the
check would accuse sound code. `queries_do_not_grow` and `queries_at_most` count the same statements, so either may find
a flaw of the other. Must be 0: flaws not found, requests unexplained, runs undecided.

A draft takes about a minute; `make bench` takes one seed, the drill's power is `--seeds 10`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from parts.runs import run

from chaos.config import evidence_dir
from chaos.drills.drafts import Draft, Planted, made
from chaos.evidence.exchanged import read_exchanged, second_0
from chaos.evidence.journal import read_events
from chaos.evidence.verdict import read_verdict
from chaos.invariants._settling import SETTLING
from chaos.model.exchange import Exchange, Exchanged
from chaos.model.folder import File
from chaos.model.verdict import Verdict

DRILL: Final = 2
SCENARIOS: Final = ("queries/reads", "queries/pages", "queries/depth")
ORDERED: Final = "placeOrder"
"""What is settled is an order that was placed."""
COUNTING: Final = frozenset({"queries_do_not_grow", "queries_at_most"})


@dataclass(slots=True)
class Found:
    """What the runs of one draft came to.

    Attributes:
        requests: Check → `METHOD /path/` of each request in which it was violated.
        lines: File and line of each statement of those requests.
        undecided: Scenarios that could not tell.
    """

    requests: set[tuple[str, str]] = field(default_factory=set)
    lines: set[tuple[str, int]] = field(default_factory=set)
    undecided: list[str] = field(default_factory=list)


def folder_of(scenario: str, draft: Draft) -> Path:
    """The folder of one run of *draft*."""
    document = run(scenario, draft.variant, draft.seed)
    if "run_id" not in document:
        said = f"{document['verdict']}, expected a run: {document['summary']}"
        sys.exit(f"{scenario} on {draft.variant}: got {said}")
    return evidence_dir() / str(document["run_id"])


def look(folder: Path, scenario: str, found: Found) -> None:
    """Add what the run in *folder* shows."""
    verdict = read_verdict(folder)
    if verdict.verdict is Verdict.INCONCLUSIVE:
        found.undecided.append(f"{scenario}: {verdict.summary}")
    exchanged = read_exchanged(folder, t0_unix_s=second_0(tuple(read_events(folder / File.JOURNAL))))
    operations = {exchange.operation: exchange for exchange in exchanged.exchanges}
    for finding in verdict.findings:
        if finding.verdict is not Verdict.VIOLATED:
            continue
        said = {part.partition(":")[0].partition(" page ")[0] for part in finding.reason.split("; ")}
        for operation in operations.keys() & {ORDERED if name == SETTLING else name for name in said}:
            found.requests.add((finding.check.partition("[")[0], template(operations[operation])))
            found.lines |= set(lines(exchanged, operation))


def lines(exchanged: Exchanged, operation: str) -> Iterator[tuple[str, int]]:
    """File and line of each statement of *operation*, and of tasks, which have no request."""
    own = (query for one in exchanged.exchanges if one.operation == operation for query in exchanged.made[one.id])
    for query in (*own, *(query for query in exchanged.queries if query.task)):
        if place := re.match(r"(\S+\.py):(\d+)", query.line):
            yield place[1], int(place[2])


def template(exchange: Exchange) -> str:
    """`GET /api/orders/{}/`, as the key has it without the names of parameters."""
    path = exchange.path.partition("?")[0]
    return f"{exchange.method} " + re.sub(
        r"(?<=/api/orders/)[^/]+|(?<=/api/events/)[^/]+|(?<=/tiers/)[^/]+", "{}", path
    )


def explains(flaw: Planted, check: str, request: str) -> bool:
    """Whether *flaw* is why *check* was violated in *request*."""
    same = flaw.caught_by == check or {flaw.caught_by, check} <= COUNTING
    return same and request in {re.sub(r"\{\w+\}", "{}", operation) for operation in flaw.operations}


def at_its_line(flaw: Planted, found: Found) -> bool:
    """Whether a statement came from the flaw's lines."""
    return any(file == at.file and at.line <= line <= at.last_line for file, line in found.lines for at in flaw.places)


def main() -> int:
    """Exit code 1 when anything that must be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    arguments, _ = parser.parse_known_args()
    bad: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        draft, found = Draft(drill=DRILL, seed=seed), Found()
        key = made(draft).key
        for scenario in SCENARIOS:
            look(folder_of(scenario, draft), scenario, found)
        missed = [flaw for flaw in key if not any(explains(flaw, *one) for one in found.requests)]
        off = [flaw.name for flaw in key if flaw not in missed and not at_its_line(flaw, found)]
        loose = sorted(one for one in found.requests if not any(explains(flaw, *one) for flaw in key))
        bad += Counter({"not found": len(missed), "unexplained": len(loose), "undecided": len(found.undecided)})
        planted += Counter(
            {"planted": sum(not flaw.in_naive for flaw in key), "of naive": sum(f.in_naive for f in key)}
        )
        print(
            f"{draft.variant:12} {len(key) - len(missed)} of {len(key)} found, {len(off)} without a line of its own"
            f" ({', '.join(off) or 'none'}); not found: {', '.join(f.name for f in missed) or 'none'};"
            f" unexplained: {loose or 'none'}; undecided: {found.undecided or 'none'}",
            flush=True,
        )
    totals = {name: bad[name] for name in ("not found", "unexplained", "undecided")}
    print(json.dumps({"drafts": arguments.seeds, **planted, **totals}))
    return int(any(bad.values()))


if __name__ == "__main__":
    sys.exit(main())
