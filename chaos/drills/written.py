"""What the learner wrote and a scenario grades, as a run takes it into its evidence: it is judged from there."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from chaos.checks import InvariantCheck
from chaos.drills.attempt import SHOP, is_the_learners
from chaos.drills.contract_audit import audited
from chaos.drills.reviewed import reviewed
from chaos.errors import InvalidInput
from chaos.evidence.written import MOST_WRITTEN_BYTES
from chaos.invariants import KINDS as INVARIANTS
from chaos.model.audit import Audited
from chaos.model.folder import File
from chaos.model.grading import Reviewed
from chaos.model.verdict import Finding
from chaos.scenario import Scenario

Serve = Callable[[str], Mapping[str, Any]]
"""Variant → the schema that it serves, parsed."""
_GRADES: Final = {"review": "your notes", "audit": "your list and contract"}
"""Witness → what a check that reads it grades."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A file of the evidence.

    Attributes:
        seed: Of the draft or sample that it is about: a run that grades it is of that seed, whatever was asked for.
    """

    file: File
    seed: int
    content: bytes


def written_for(scenario: Scenario, variant: str, serve: Serve, shop: Path = SHOP) -> Written | None:
    """What *scenario* grades; None when it grades the code alone. Raises: InvalidInput, before anything runs."""
    witnesses = graded_by(scenario)
    if not witnesses:
        return None
    if not is_the_learners(variant):
        grades = " and ".join(_GRADES[name] for name in sorted(witnesses))
        raise InvalidInput(f"{scenario.name}: got variant {variant}, expected your attempt: it grades {grades}")
    if "review" in witnesses:
        notes = reviewed(variant, shop)
        return Written(file=File.REVIEW, seed=notes.seed, content=packed(notes))
    found = audited(variant, serve, shop)
    return Written(file=File.AUDIT, seed=found.seed, content=packed(found))


def graded_by(scenario: Scenario) -> frozenset[str]:
    """The witnesses of *scenario* that are not code but what the learner wrote about it; empty when there are none."""
    return frozenset(
        name for check in scenario.checks if isinstance(check, InvariantCheck)
        for name in check.invariant.witnesses & _GRADES.keys()
    )  # fmt: skip


def grades(findings: Iterable[Finding]) -> str:
    """What *findings* say of what the learner wrote (recall, precision), behind a dash; empty when nothing does."""
    told = [one.measured for one in findings if one.measured and _is_graded(one.check)]
    return f" – {'; '.join(told)}" if told else ""


def _is_graded(check: str) -> bool:
    return check in INVARIANTS and bool(INVARIANTS[check].witnesses & _GRADES.keys())


def packed(one: Reviewed | Audited) -> bytes:
    """A single line, packed; equal content gives equal bytes. Raises: InvalidInput when it is too long to be read."""
    line = msgspec.json.encode(one, order="deterministic") + b"\n"
    if len(line) > MOST_WRITTEN_BYTES:
        raise InvalidInput(
            f"attempt: got {len(line)} bytes to be graded, expected at most {MOST_WRITTEN_BYTES}: "
            "what a contract says of its references counts at each place that refers to them"
        )
    return gzip.compress(line, mtime=0)
