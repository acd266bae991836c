"""A seed that the learner never ran, drawn and run inside `deliver`: a constant that fits the seeds of before fails."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from chaos.drills.catalogue import Drill, Part
from chaos.drills.check import Passed, check
from chaos.drills.deliverables.work import ATTEMPT, Fresh
from chaos.drills.results import Run, RunResult
from chaos.errors import InvalidInput
from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import folders
from chaos.model.verdict import VerdictDocument
from chaos.scenario import Scenario

BEFORE: Final[Mapping[str, tuple[str, ...]]] = {
    "api-contract": ("contract/promises",),
    "orm-queries": ("queries/reads",),
    "ai-review": ("review/exploits",),
}
"""Of a drill whose deliverable compares: scenarios that are run on what the attempt was made from, too."""
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {"orm-queries": ("queries/pages",)}
"""Of a drill whose deliverable shows more than its core measures: scenarios that are run on both sides for their
figures. PostgreSQL's plans are in none of drill 2's core."""
HIGHEST: Final = 10**9


def used(root: Path) -> frozenset[int]:
    """Every seed that the attempt was ever run on, in any scenario."""
    return frozenset(document.seed for _, document in documents(root) if document.variant == ATTEMPT)


def documents(root: Path) -> Iterator[tuple[Path, VerdictDocument]]:
    """Every run that ended, oldest first."""
    for folder in folders(root):
        try:
            yield folder, read_verdict(folder)
        except Unreadable:
            continue


def draw(root: Path, asked: int | None = None) -> int:
    """A seed that was not used; *asked* if that is one. Raises: InvalidInput."""
    taken = used(root)
    if asked is not None:
        if asked in taken:
            raise InvalidInput(f"--seed: got {asked}, which the attempt was run on before, expected a fresh one")
        return asked
    while (seed := secrets.randbelow(HIGHEST)) in taken:
        pass
    return seed


def run_fresh(
    one: Drill,
    seed: int,
    *,
    base: str,
    scenario: Callable[[str], Scenario],
    run: Run,
    own_tests: Callable[[], Passed],
    besides: Callable[[Part, Sequence[Passed], Run], Iterable[Passed]],
    say: Callable[[str], None],
) -> Fresh:
    """The core once on *seed*, on the attempt; before it on its *base*, where the deliverable compares the two.

    *besides* gets the runs of the base that there are, instead of making them again.
    """
    of_base = {name: run(scenario(name), base, seed) for name in BEFORE.get(one.key, ())}
    shown = [run(scenario(name), side, seed) for name in SHOWN.get(one.key, ()) for side in (base, ATTEMPT)]

    def known(its: Scenario, variant: str, its_seed: int) -> RunResult:
        if variant == base and its_seed == seed and its.name in of_base:
            return of_base[its.name]
        return run(its, variant, its_seed)

    report = check(
        msgspec.structs.replace(one, holds=1),
        ("core",),
        variant=ATTEMPT,
        first_seed=seed,
        scenario=scenario,
        run=lambda its, its_seed: run(its, ATTEMPT, its_seed),
        own_tests=own_tests,
        say=say,
        besides=lambda part, found: besides(part, found, known),
    )
    before = {name: result.folder for name, result in of_base.items()}
    return Fresh(
        seed=seed, lines=report.parts["core"], before=before, shown=tuple(result.folder for result in shown)
    )  # fmt: skip


def scenarios(one: Drill) -> tuple[str, ...]:
    """Every scenario that `run_fresh` runs."""
    return tuple(dict.fromkeys((*one.core, *BEFORE.get(one.key, ()), *SHOWN.get(one.key, ()))))
