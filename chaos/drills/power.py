"""How well the checks detect: each mutant on several seeds, and `hardened` on the same ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from chaos.drills.fingerprint import stands_on
from chaos.drills.mutants import Mutant
from chaos.drills.results import MAX_REPEATS, RunResult
from chaos.errors import ExitCode
from chaos.files import write_atomic
from chaos.model.verdict import Verdict
from chaos.scenario import Scenario

GOAL_RATIO: Final = 0.9
HARDENED: Final = "hardened"

Run = Callable[[Scenario, str, int], RunResult]


class Outcome(StrEnum):
    """What a trial showed. The first four are a mutant's, the last three `hardened`'s."""

    CAUGHT = "caught"
    OTHERS = "others"
    MISSED = "missed"
    UNDECIDED = "undecided"
    HELD = "held"
    ALARM = "alarm"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One variant under one scenario with one seed, repeats included.

    Attributes:
        subject: The mutant's name, or `hardened`.
        violated: Checks that the last try found violated, in order of their names.
        runs: Ids of all tries, the deciding one last.
        at: Date in UTC, ISO 8601.
        revision: Of the checkout.
        stands_on: Changes with the patch, `hardened`, the scenario and the named check.
    """

    subject: str
    scenario: str
    seed: int
    outcome: Outcome
    violated: list[str]
    runs: list[str]
    at: str
    revision: str
    stands_on: str

    @property
    def key(self) -> tuple[str, str, int]:
        """What a later trial replaces."""
        return self.subject, self.scenario, self.seed


def try_mutant(
    mutant: Mutant, scenario: Scenario, seed: int, *, run: Run, say: Callable[[str], None], revision: str
) -> Trial:
    """Run the mutant until its named check is decided, or the repeats are used up."""

    def outcome(result: RunResult) -> Outcome:
        if mutant.check in result.violated:
            return Outcome.CAUGHT
        named = [finding.verdict for finding in result.findings if finding.check == mutant.check]
        if Verdict.HELD not in named:
            return Outcome.UNDECIDED
        return Outcome.OTHERS if result.violated else Outcome.MISSED

    return _trial(mutant.name, mutant.variant, scenario, seed, outcome, stands_on(scenario, mutant), run, say, revision)


def try_hardened(scenario: Scenario, seed: int, *, run: Run, say: Callable[[str], None], revision: str) -> Trial:
    """Run `hardened`, which has to hold: every violation is a false alarm."""

    def outcome(result: RunResult) -> Outcome:
        if result.violated:
            return Outcome.ALARM
        return Outcome.HELD if result.verdict is Verdict.HELD else Outcome.UNDECIDED

    return _trial(HARDENED, HARDENED, scenario, seed, outcome, stands_on(scenario), run, say, revision)


def _trial(
    subject: str,
    variant: str,
    scenario: Scenario,
    seed: int,
    outcome: Callable[[RunResult], Outcome],
    fingerprint: str,
    run: Run,
    say: Callable[[str], None],
    revision: str,
) -> Trial:
    runs = list[str]()
    for left in range(MAX_REPEATS, -1, -1):
        result = run(scenario, variant, seed)
        runs.append(result.folder.name)
        came = outcome(result)
        if came is not Outcome.UNDECIDED or not result.spoiled or not left:
            break
        say(f"{variant}: the machine spoiled this run; trying once more ({result.folder.name} stays on record)")
    return Trial(
        subject=subject,
        scenario=scenario.name,
        seed=seed,
        outcome=came,
        violated=sorted(result.violated),
        runs=runs,
        at=datetime.now(UTC).date().isoformat(),
        revision=revision,
        stands_on=fingerprint,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A subject over its seeds under one scenario."""

    subject: str
    scenario: str
    trials: tuple[Trial, ...]
    mutant: Mutant | None = None

    def count(self, *outcomes: Outcome) -> int:
        """Trials that ended so."""
        return sum(trial.outcome in outcomes for trial in self.trials)

    @property
    def others(self) -> Mapping[str, int]:
        """Checks besides the named one that were violated, with how often; the most frequent first."""
        named = self.mutant.check if self.mutant else ""
        counted = Counter(check for trial in self.trials for check in trial.violated if check != named)
        return dict(counted.most_common())

    @property
    def exit_code(self) -> ExitCode:
        """0 when the goal is met, 1 when it certainly is not, 3 when undecided trials could still meet it."""
        if not self.trials:
            return ExitCode.INCONCLUSIVE
        goal = math.ceil(GOAL_RATIO * len(self.trials))
        if self.mutant is None:
            if self.count(Outcome.ALARM):
                return ExitCode.VIOLATED
            return ExitCode.HELD if self.count(Outcome.HELD) >= goal else ExitCode.INCONCLUSIVE
        caught, open_ = self.count(Outcome.CAUGHT), self.count(Outcome.UNDECIDED)
        if caught >= goal:
            return ExitCode.HELD
        return ExitCode.INCONCLUSIVE if caught + open_ >= goal else ExitCode.VIOLATED


def rows(trials: Iterable[Trial], mutants: Sequence[Mutant]) -> list[Row]:
    """One row per mutant, in their order, then one per scenario for `hardened`. A later trial replaces an earlier."""
    latest = {trial.key: trial for trial in trials}
    by: dict[tuple[str, str], list[Trial]] = {}
    for trial in latest.values():
        by.setdefault((trial.subject, trial.scenario), []).append(trial)

    def of(subject: str, scenario: str) -> tuple[Trial, ...]:
        return tuple(sorted(by.get((subject, scenario), ()), key=lambda trial: trial.seed))

    found = [
        Row(subject=mutant.name, scenario=mutant.scenario, trials=of(mutant.name, mutant.scenario), mutant=mutant)
        for mutant in mutants
    ]
    scenarios = sorted({mutant.scenario for mutant in mutants})
    return found + [Row(subject=HARDENED, scenario=name, trials=of(HARDENED, name)) for name in scenarios]


def measure(
    mutants: Sequence[Mutant],
    scenarios: Mapping[str, Scenario],
    seeds: Sequence[int],
    *,
    run: Run,
    say: Callable[[str], None],
    revision: str,
    known: Iterable[Trial] = (),
    done: Callable[[Trial], None] = lambda _: None,
) -> list[Trial]:
    """Every trial of *mutants* over *seeds*, scenario by scenario, `hardened` first.

    Args:
        known: Trials on record; one that stands on the same files and was decided is not repeated.
        done: Told of each new trial at once, so that a run of hours loses nothing.
    """
    settled = {trial.key: trial for trial in known if trial.outcome is not Outcome.UNDECIDED}
    found = list[Trial]()

    def once(key: tuple[str, str, int], fingerprint: str, attempt: Callable[[], Trial]) -> None:
        trial = settled.get(key)
        if trial is None or trial.stands_on != fingerprint:
            trial = attempt()
            done(trial)
        found.append(trial)

    for name in dict.fromkeys(mutant.scenario for mutant in mutants):
        scenario = scenarios[name]
        for seed in seeds:
            once(
                (HARDENED, name, seed),
                stands_on(scenario),
                lambda scenario=scenario, seed=seed: try_hardened(  # type: ignore[misc]
                    scenario, seed, run=run, say=say, revision=revision
                ),
            )
            for mutant in mutants:
                if mutant.scenario == name:
                    once(
                        (mutant.name, name, seed),
                        stands_on(scenario, mutant),
                        lambda mutant=mutant, scenario=scenario, seed=seed: try_mutant(  # type: ignore[misc]
                            mutant, scenario, seed, run=run, say=say, revision=revision
                        ),
                    )
    return found


def read_trials(path: Path) -> list[Trial]:
    """The record, one JSON object a line; none yet is none. Raises: msgspec.DecodeError, OSError."""
    if not path.exists():
        return []
    decoder = msgspec.json.Decoder(Trial)
    return [decoder.decode(line) for line in path.read_bytes().splitlines() if line.strip()]


def write_trials(path: Path, trials: Iterable[Trial]) -> None:
    """The latest trial per subject, scenario and seed, sorted, so that two sessions' records merge line by line."""
    latest = {trial.key: trial for trial in trials}
    lines = [msgspec.json.encode(latest[key]) + b"\n" for key in sorted(latest)]
    write_atomic(path, b"".join(lines))
