"""The newest run of each scenario on the learner's code, from the evidence folders alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.evidence.files import Unreadable
from chaos.evidence.newest import ended
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import folders
from chaos.model.verdict import Finding, Verdict, VerdictDocument

LEARNER: Final = "attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The newest run of a scenario.

    Attributes:
        name: The run's id.
        failed: Checks of the API that were violated, in the scenario's order.
    """

    name: str
    scenario: str
    seed: int
    verdict: Verdict
    started_at: str
    summary: str
    advice: str
    failed: tuple[Finding, ...] = ()

    @property
    def failed_check(self) -> str:
        """The first check that was violated; empty without."""
        return self.failed[0].check if self.failed else ""


def latest(root: Path, variant: str = LEARNER) -> Mapping[str, Latest]:
    """Scenario → its newest judged run on *variant*, the newest run first. A folder that can't be read is left out."""
    found: dict[str, Latest] = {}
    for run in ended(root, variant=variant):
        if run.scenario not in found:
            with suppress(Unreadable):
                found[run.scenario] = _of(run.run_id, read_verdict(run.folder))
    return dict(sorted(found.items(), key=lambda item: (item[1].started_at, item[1].name), reverse=True))


def any_run(root: Path) -> bool:
    """Whether this lab has run anything."""
    return bool(folders(root))


def _of(name: str, document: VerdictDocument) -> Latest:
    return Latest(
        name=name,
        scenario=document.scenario,
        seed=document.seed,
        verdict=document.verdict,
        started_at=document.started_at,
        summary=document.summary,
        advice=document.advice,
        failed=tuple(finding for finding in document.checks if finding.verdict is Verdict.VIOLATED),
    )
