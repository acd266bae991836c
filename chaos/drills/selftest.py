"""The lab's self-test: a scenario has to be violated on `naive` as it says, and to hold on `hardened`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.drills.results import MAX_REPEATS, RunResult
from chaos.errors import ExitCode, InvalidInput
from chaos.model.verdict import Verdict
from chaos.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Complaint:
    """One way in which a run differs from what its scenario proves.

    Attributes:
        certain: False when the run could not tell, so that another one may show it.
    """

    text: str
    certain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the two runs say about the scenario.

    Attributes:
        differences: Where they differ from `proves`; empty when the scenario proved itself.
        tries: Every run of the self-test, spoiled ones included, in order.
    """

    scenario: Scenario
    naive: RunResult
    hardened: RunResult
    differences: tuple[Complaint, ...]
    tries: tuple[RunResult, ...] = field(default=())

    @property
    def complaints(self) -> tuple[str, ...]:
        """The differences in words."""
        return tuple(difference.text for difference in self.differences)

    @property
    def exit_code(self) -> ExitCode:
        """0 like `proves`, 1 certainly unlike it, 3 when a run can't tell."""
        if not self.differences:
            return ExitCode.HELD
        certain = any(difference.certain for difference in self.differences)
        return ExitCode.VIOLATED if certain else ExitCode.INCONCLUSIVE


def selftest(
    scenario: Scenario, *, run: Callable[[str], RunResult], say: Callable[[str], None], repeats: int = MAX_REPEATS
) -> Proof:
    """Run both variants, each again when the machine spoiled it. Raises: InvalidInput without `proves`."""
    require_proves(scenario)
    tries: list[RunResult] = []

    def conclusive(variant: str, complain: Callable[[Scenario, RunResult], list[Complaint]]) -> RunResult:
        for left in range(repeats, -1, -1):
            result = run(variant)
            tries.append(result)
            found = complain(scenario, result)
            # A certain result is kept; only a run that was inconclusive because of the machine is repeated.
            if not left or not found or not result.spoiled or any(complaint.certain for complaint in found):
                break
            say(f"{variant}: the machine spoiled this run; trying once more ({result.folder.name} stays on record)")
        return result

    naive, hardened = conclusive("naive", naive_complaints), conclusive("hardened", hardened_complaints)
    return Proof(
        scenario=scenario,
        naive=naive,
        hardened=hardened,
        differences=(*naive_complaints(scenario, naive), *hardened_complaints(scenario, hardened)),
        tries=tuple(tries),
    )


def require_proves(scenario: Scenario) -> None:
    """Raises: InvalidInput for a scenario that doesn't say what it proves."""
    if scenario.proves is None:
        raise InvalidInput(f"{scenario.name}: proves: got nothing, expected what the self-test has to see")


def naive_complaints(scenario: Scenario, naive: RunResult) -> list[Complaint]:
    """Each way in which the run on naive differs from what the scenario proves."""
    assert scenario.proves is not None
    must, may = set(scenario.proves.must), set(scenario.proves.may)
    held = {finding.check for finding in naive.findings if finding.verdict is Verdict.HELD}
    found = [
        Complaint(f"naive: got {check} {'held' if check in held else 'not decided'}, expected violated", check in held)
        for check in sorted(must - naive.violated)
    ]
    found += [
        Complaint(f"naive: got {check} violated, expected it not to be", True)
        for check in sorted(naive.violated - must - may)
    ]
    return found + [
        Complaint(f"naive: got {finding.check} inconclusive ({finding.reason})", False)
        for finding in naive.findings
        if finding.verdict is Verdict.INCONCLUSIVE and finding.kind.about_run
    ]


def hardened_complaints(_: Scenario, hardened: RunResult) -> list[Complaint]:
    """Each way in which the run on hardened did not hold."""
    if hardened.verdict is Verdict.HELD:
        return []
    reasons = [
        f"{finding.check} {finding.verdict}" for finding in hardened.findings if finding.verdict is not Verdict.HELD
    ]
    text = f"hardened: got {hardened.verdict} ({', '.join(reasons)}), expected held"
    return [Complaint(text, hardened.verdict is Verdict.VIOLATED)]
