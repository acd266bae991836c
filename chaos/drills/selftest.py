"""The lab's self-test: a scenario has to be violated on `naive` as it says, and to hold on `hardened`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chaos.drills.results import RunResult
from chaos.errors import ExitCode, InvalidInput
from chaos.model.scenario import Scenario
from chaos.model.verdict import Verdict

# A run that the machine spoiled is repeated at most this often; every try stays on record.
MAX_REPEATS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the two runs say about the scenario.

    Attributes:
        complaints: Where they differ from `proves`; empty when the scenario proved itself.
        tries: Every run of the self-test, spoiled ones included, in order.
    """

    scenario: Scenario
    naive: RunResult
    hardened: RunResult
    complaints: tuple[str, ...]
    tries: tuple[RunResult, ...] = field(default=())

    @property
    def exit_code(self) -> ExitCode:
        """0 like `proves`, 1 unlike it, 3 when a run can't tell."""
        if not self.complaints:
            return ExitCode.HELD
        told = Verdict.INCONCLUSIVE not in (self.naive.verdict, self.hardened.verdict)
        return ExitCode.VIOLATED if told else ExitCode.INCONCLUSIVE


def selftest(
    scenario: Scenario, *, run: Callable[[str], RunResult], say: Callable[[str], None], repeats: int = MAX_REPEATS
) -> Proof:
    """Run both variants, each again when the machine spoiled it. Raises: InvalidInput without `proves`."""
    if scenario.proves is None:
        raise InvalidInput(f"{scenario.name}: proves: got nothing, expected what the self-test has to see")
    tries: list[RunResult] = []

    def conclusive(variant: str) -> RunResult:
        for left in range(repeats, -1, -1):
            result = run(variant)
            tries.append(result)
            if not (result.spoiled and left):
                break
            say(f"{variant}: the machine spoiled this run; trying once more ({result.folder.name} stays on record)")
        return result

    naive, hardened = conclusive("naive"), conclusive("hardened")
    return Proof(
        scenario=scenario,
        naive=naive,
        hardened=hardened,
        complaints=tuple(complaints(scenario, naive, hardened)),
        tries=tuple(tries),
    )


def complaints(scenario: Scenario, naive: RunResult, hardened: RunResult) -> list[str]:
    """Each way in which the two runs differ from what the scenario proves."""
    assert scenario.proves is not None
    must, may = set(scenario.proves.must), set(scenario.proves.may)
    found = [f"naive: got {check} not violated, expected it to be" for check in sorted(must - naive.violated)]
    found += [f"naive: got {check} violated, expected it not to be" for check in sorted(naive.violated - must - may)]
    undecided = [
        finding
        for finding in naive.findings
        if finding.verdict is Verdict.INCONCLUSIVE and finding.kind not in ("invariant", "slo", "recovery")
    ]
    found += [f"naive: got {finding.check} inconclusive ({finding.reason})" for finding in undecided]
    if hardened.verdict is not Verdict.HELD:
        reasons = [
            f"{finding.check} {finding.verdict}" for finding in hardened.findings if finding.verdict is not Verdict.HELD
        ]
        found.append(f"hardened: got {hardened.verdict} ({', '.join(reasons)}), expected held")
    return found
