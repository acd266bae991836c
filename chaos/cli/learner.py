"""What the commands of a learner's loop read before they say anything: runs, attempt, scorecard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.adapters.scores import ScoredDrill, Scores, scores_of
from chaos.cli.lab import running
from chaos.config import NotUp, evidence_dir, read_stack
from chaos.drills.attempt import SHOP
from chaos.drills.catalogue import Drill, drills
from chaos.drills.drafts import base_of
from chaos.drills.latest import LEARNER, any_run, latest
from chaos.drills.next_step import Step, next_step
from chaos.drills.standing import Stands, base_of_attempt, standings


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """Where the learner stands.

    Attributes:
        away: Why scores and ceilings are not known; empty when they are.
    """

    drills: tuple[Stands, ...]
    away: str
    first_run: bool
    stack_up: bool

    def of(self, one: Drill) -> Stands:
        """One drill."""
        return next(each for each in self.drills if each.drill.key == one.key)

    def step(self, at: Stands) -> Step:
        """What to type next for that drill."""
        return next_step(at, first_run=self.first_run, stack_up=self.stack_up)


def learner() -> Learner:
    """Raises: InvalidInput when nobody can tell from what the attempt was made."""
    root = evidence_dir()
    base = base_of_attempt(SHOP / LEARNER, base_of)
    found, away = standings(drills(), base=base, runs=latest(root), scored=_scored)
    up = not isinstance(read_stack(), NotUp)
    why = away if up or not away else "the stack is down (make up)"
    return Learner(drills=found, away=why, first_run=not any_run(root), stack_up=up)


def _scored() -> Sequence[ScoredDrill]:
    """Raises: LabBroken while the scorecard can't be asked."""
    return scorecard().drills()


def scorecard() -> Scores:
    """Raises: LabBroken while the stack is down."""
    return scores_of(running())
