"""`firedrill check`: does an attempt pass a drill? Core and stretch apart, every try kept.

A race may not occur in one run by chance, so the concurrency drill asks for three conclusive holds one after the
other, on three different seeds (`holds` in the data file, which the ceilings ask for too). One violation decides that
the code is not safe. An inconclusive run decides nothing and is followed by another, a limited number of times.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.config import evidence_dir
from chaos.drills.catalogue import Drill, Part
from chaos.drills.results import RunResult
from chaos.drills.written import grades
from chaos.errors import ExitCode
from chaos.evidence.stamps import stamp
from chaos.evidence.writing import encode
from chaos.files import write_atomic
from chaos.judge.document import EXIT_CODES
from chaos.model.verdict import SEVERITY, Verdict
from chaos.scenario import Scenario

OWN_TESTS = frozenset({"api-contract", "auth"})
"""Drills whose core includes the learner's own tests."""
CHECKS = "checks"
"""Where below the evidence it is kept what a check came to."""
MOST_INCONCLUSIVE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One run of a scenario; *reason* says what decided it, or why nothing did."""

    seed: int
    verdict: Verdict
    folder: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One scenario, or the learner's own tests, with every try that it took."""

    name: str
    verdict: Verdict
    reason: str
    tries: tuple[Try, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check came to.

    Attributes:
        parts: Part → what belongs to it, in the order of the data file.
    """

    drill: Drill
    variant: str
    first_seed: int
    parts: dict[Part, tuple[Passed, ...]] = field(default_factory=dict)

    def verdict(self, part: Part) -> Verdict:
        """The worst of the part."""
        return worst(self.parts[part])

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all parts that were asked for."""
        return EXIT_CODES[max((self.verdict(part) for part in self.parts), key=SEVERITY.index)]

    def document(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "drill": self.drill.number,
            "key": self.drill.key,
            "variant": self.variant,
            "first_seed": self.first_seed,
            "exit_code": int(self.exit_code),
            "parts": {
                part: {
                    "verdict": str(self.verdict(part)),
                    "items": [
                        {
                            "name": one.name,
                            "verdict": str(one.verdict),
                            "reason": one.reason,
                            "tries": [
                                {"seed": t.seed, "verdict": str(t.verdict), "folder": t.folder, "reason": t.reason}
                                for t in one.tries
                            ],
                        }
                        for one in found
                    ],
                }
                for part, found in self.parts.items()
            },
        }


def worst(items: Iterable[Passed]) -> Verdict:
    """Of all *items*; a part of which nothing was run is inconclusive."""
    return max((one.verdict for one in items), key=SEVERITY.index, default=Verdict.INCONCLUSIVE)


def passes(
    scenario: Scenario,
    *,
    holds: int,
    first_seed: int,
    run: Callable[[Scenario, int], RunResult],
    say: Callable[[str], None],
    pace: Callable[[int], str] = lambda _: "",
) -> Passed:
    """Run until *holds* seeds held one after the other, one was violated, or too many could not tell.

    *pace*: how far the check is, after so many holds of this one.
    """
    tries: list[Try] = []
    held = unknown = 0
    while True:
        seed = first_seed + len(tries)
        say(f"{pace(held)}{scenario.title}: try {len(tries) + 1}, seed {seed} ({held} of {holds} holds so far)")
        result = run(scenario, seed)
        tries.append(
            Try(
                seed=result.document.seed,  # one that grades notes is of their sample's seed
                verdict=result.verdict,
                folder=str(result.folder),
                reason=result.document.summary,
            )
        )
        if result.verdict is Verdict.VIOLATED:
            reason = f"violated on seed {tries[-1].seed}: {', '.join(sorted(result.violated))}{grades(result.findings)}"
            return Passed(name=scenario.name, verdict=Verdict.VIOLATED, reason=reason, tries=tuple(tries))
        if result.verdict is Verdict.HELD:
            held += 1
            if held == holds:
                reason = f"held on {holds} seeds in a row" if holds > 1 else "held in a conclusive run"
                reason += grades(result.findings)
                return Passed(name=scenario.name, verdict=Verdict.HELD, reason=reason, tries=tuple(tries))
        else:
            unknown += 1
            if unknown > MOST_INCONCLUSIVE:
                reason = f"{unknown} of {len(tries)} runs could not tell, the last: {tries[-1].reason}"
                return Passed(name=scenario.name, verdict=Verdict.INCONCLUSIVE, reason=reason, tries=tuple(tries))


def check(
    one: Drill,
    parts: Sequence[Part],
    *,
    variant: str,
    first_seed: int,
    scenario: Callable[[str], Scenario],
    run: Callable[[Scenario, int], RunResult],
    own_tests: Callable[[], Passed],
    say: Callable[[str], None],
    besides: Callable[[Part, Sequence[Passed]], Iterable[Passed]] = lambda _, __: (),
    pace: Callable[[int, int], str] = lambda _, __: "",
) -> Report:
    """Run all that the parts ask for, the learner's own tests first: they are quick.

    *besides*: what the drill asks of a part besides its scenarios, given what those came to.
    *pace*: how far it is, at the item of that number (from 1) after so many holds of it; ends with what separates it.
    """
    report = Report(drill=one, variant=variant, first_seed=first_seed)
    number = 0
    for part in parts:
        found: list[Passed] = []
        if part == "core" and one.key in OWN_TESTS:
            number += 1
            say(f"{pace(number, 0)}your own tests")
            found.append(own_tests())
        for name in one.part(part):
            number += 1
            told = functools.partial(pace, number)
            found.append(passes(scenario(name), holds=one.holds, first_seed=first_seed, run=run, say=say, pace=told))
        found += besides(part, found)
        report.parts[part] = tuple(found)
    return report


def keep_check(document: Mapping[str, Any]) -> Path:
    """Keep what a check of a drill came to, beside the runs that it names. Raises: OSError."""
    folder = evidence_dir() / CHECKS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stamp(time.time())}-{document['key']}-{document['variant']}.json"
    write_atomic(path, encode(dict(document)))
    return path
