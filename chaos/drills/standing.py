"""Where the learner stands in the six drills: attempt, last verdicts, score and ceiling. Works without a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chaos.adapters.scores import ScoredDrill
from chaos.drills.catalogue import PARTS, Drill, Part
from chaos.drills.drafts import REVIEW, parse
from chaos.drills.latest import Latest
from chaos.errors import LabBroken
from chaos.model.verdict import Verdict

DRAFTED: Final = frozenset({1, 2, REVIEW})
"""Drills whose attempt has to come from a draft of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """One drill.

    Attributes:
        base: From what the attempt was made; None without an attempt.
        runs: Scenario → its newest run on the attempt; none for one that was not run.
        scored: What the scorecard says; None while it is away.
    """

    drill: Drill
    base: str | None
    runs: Mapping[str, Latest]
    scored: ScoredDrill | None = None

    @property
    def fits(self) -> bool:
        """Whether the attempt is one for this drill: from naive, unless the learner has run another one in it."""
        if self.base is None:
            return False
        draft = parse(self.base)
        if self.drill.number in DRAFTED:
            return draft is not None and draft.drill == self.drill.number
        return draft is None or self.newest is not None

    def of(self, part: Part) -> list[tuple[str, Latest | None]]:
        """The scenarios of a part with their newest runs."""
        return [(name, self.runs.get(name)) for name in self.drill.part(part)]

    def violated(self, part: Part) -> list[Latest]:
        """Runs of a part that were violated, the newest first."""
        return [run for run in self.runs.values() if run.scenario in self.drill.part(part) and _is(run, "violated")]

    def all_held(self, part: Part) -> bool:
        """Whether the newest run of each scenario of a part held."""
        return all(_is(run, "held") for _, run in self.of(part))

    @property
    def newest(self) -> Latest | None:
        """The drill's newest run."""
        names = {*self.drill.core, *self.drill.stretch}
        return next((run for run in self.runs.values() if run.scenario in names), None)

    def document(self) -> dict[str, Any]:
        """As plain JSON types."""
        scored = self.scored
        return {
            "drill": self.drill.number,
            "key": self.drill.key,
            "title": self.drill.title,
            "attempt": self.base,
            "fits": self.fits,
            "parts": {part: [_row(name, run) for name, run in self.of(part)] for part in PARTS},
            "score": None if scored is None else scored.score.value,
            "ceiling": None if scored is None else scored.standing.ceiling,
            "reason": None if scored is None else scored.standing.reason,
            "gap": None if scored is None else scored.standing.gap,
        }


def _row(name: str, run: Latest | None) -> dict[str, Any]:
    if run is None:
        return {"scenario": name, "verdict": None, "run": None, "failed": []}
    failed = [finding.check for finding in run.failed]
    return {"scenario": name, "verdict": str(run.verdict), "run": run.name, "failed": failed}


def _is(run: Latest | None, verdict: str) -> bool:
    return run is not None and run.verdict is Verdict(verdict)


def standings(
    drills: Sequence[Drill],
    *,
    base: str | None,
    runs: Mapping[str, Latest],
    scored: Callable[[], Sequence[ScoredDrill]],
) -> tuple[tuple[Stands, ...], str]:
    """Every drill, and why scores and ceilings are not known (empty when they are)."""
    away, known = "", dict[str, ScoredDrill]()
    try:
        known = {each.key: each for each in scored()}
    except LabBroken as error:
        away = str(error)
    return tuple(Stands(drill=one, base=base, runs=runs, scored=known.get(one.key)) for one in drills), away


def base_of_attempt(attempt: Path, base_of: Callable[[Path], str]) -> str | None:
    """From what the attempt was made; None where there is none."""
    return base_of(attempt) if attempt.is_dir() else None
