"""What a drill's deliverable is written from, and what writing it came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.drills.catalogue import Drill
from chaos.drills.check import Passed

ATTEMPT: Final = "attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The runs on a seed that was not used before.

    Attributes:
        lines: Of the core, on the attempt.
        before: Scenario → its run on what the attempt was made from, where the deliverable compares the two.
        shown: Runs of both sides whose figures the deliverable shows; they decide nothing.
    """

    seed: int
    lines: Sequence[Passed]
    before: Mapping[str, Path]
    shown: Sequence[Path] = ()

    def run_of(self, scenario: str) -> Path | None:
        """The last run of *scenario* on the attempt; None when there is none."""
        tries = [tried for line in self.lines if line.name == scenario for tried in line.tries]
        return Path(tries[-1].folder) if tries else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was handed in, before it is written down.

    Attributes:
        root: The folder of evidence.
        patch: Against *base*.
        notes: The learner's own, from the scorecard; empty without.
        fresh: None where no machine can grade the drill.
    """

    one: Drill
    shop: Path
    root: Path
    base: str
    patch: bytes
    notes: str
    fresh: Fresh | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Files of the deliverable, and what else a person should be told."""

    paths: Sequence[Path]
    said: Sequence[str] = ()
