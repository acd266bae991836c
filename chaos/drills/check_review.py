"""What `firedrill check 6` asks besides its scenarios: the exploits that the attempt refuses worked on its draft.

An exploit that is refused says nothing unless it worked before, so the draft is run in the same check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.drills.attempt import SHOP
from chaos.drills.catalogue import Part
from chaos.drills.check import Passed
from chaos.drills.drafts import REVIEW, Draft
from chaos.drills.results import RunResult
from chaos.drills.reviewed import reviewed
from chaos.evidence.exchanged import read_exchanged
from chaos.exploits import EXPLOITS
from chaos.exploits._exploit import Outcome
from chaos.invariants._back_office import grouped
from chaos.model.grading import Planted
from chaos.model.verdict import Verdict
from chaos.review.refactor import Row, table, verdict

SCENARIO: Final = "review/exploits"
REFACTOR: Final = "refactor"
"""The line of a check that says what the code was before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The draft that the attempt came from, and what was planted in it."""

    draft: Draft
    key: tuple[Planted, ...]

    def passed(self, part: Part, found: Sequence[Passed], run: Callable[[str], RunResult]) -> list[Passed]:
        """In the core the code before and after, once its scenario was *found* to come to something on the attempt.

        *run* runs the same scenario on another variant.
        """
        if part != "core":
            return []
        its = next(one for one in found if one.name == SCENARIO)
        before = run(self.draft.variant)
        return [self.mended(succeeded(before.folder), succeeded(Path(its.tries[-1].folder)), its.verdict)]

    def mended(self, before: frozenset[str], after: frozenset[str], judged: Verdict) -> Passed:
        """The exploits that succeed on the draft and on the attempt, *judged* being its scenario's verdict."""
        said = "; ".join(_said(self.draft.variant, table(self.key, before, after), after))
        return Passed(name=REFACTOR, verdict=verdict(self.key, before, after, judged), reason=said)


def _said(variant: str, rows: Sequence[Row], after: frozenset[str]) -> Iterator[str]:
    worked = sum(row.before for row in rows)
    yield f"{worked} of {len(rows)} planted exploits worked on {variant}, {sum(row.after for row in rows)} still work"
    if silent := sorted(row.exploit for row in rows if not row.before):
        yield f"so their refusal proves nothing: {', '.join(silent)}"
    if others := sorted(after - {row.exploit for row in rows}):
        yield f"others work that were not planted: {', '.join(others)}"


def begun(variant: str, shop: Path = SHOP) -> Begun:
    """The review in the attempt. Raises: InvalidInput for one that can't be graded, before anything runs."""
    review = reviewed(variant, shop)
    return Begun(draft=Draft(drill=REVIEW, seed=review.seed), key=review.key)


def succeeded(folder: Path) -> frozenset[str]:
    """Names of the exploits that did, from the evidence alone."""
    exchanged = read_exchanged(folder, t0_unix_s=0.0)
    return frozenset(
        name
        for name, exchanges, scene in grouped(exchanged, "exploit")
        if name in EXPLOITS and EXPLOITS[name].came_to(exchanges, scene).outcome is Outcome.SUCCEEDED
    )
