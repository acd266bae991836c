"""The result of a run, for the command that asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.errors import ExitCode
from chaos.judge.document import EXIT_CODES
from chaos.model.verdict import Finding, Verdict, VerdictDocument
from chaos.scenario import Scenario

# A run that the machine spoiled is repeated at most this often; every try stays on record.
MAX_REPEATS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A judged run.

    Attributes:
        document: What verdict.json says.
        spoiled: Something was left undecided because of the machine and not of the API, so one more try is worthwhile.
    """

    folder: Path
    variant: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    document: VerdictDocument
    spoiled: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """Of a command that ends with this run."""
        return EXIT_CODES[self.verdict]

    @property
    def violated(self) -> frozenset[str]:
        """Ids of the violated checks."""
        return frozenset(finding.check for finding in self.findings if finding.verdict is Verdict.VIOLATED)


Run = Callable[[Scenario, str, int], RunResult]
"""Runs a scenario on a variant with a seed."""
