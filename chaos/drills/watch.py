"""`firedrill watch`: a quick look at each save of the attempt's files, and what it says of the check that failed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chaos.adapters.staged import Files, Staged
from chaos.drills.catalogue import Drill
from chaos.drills.conclude import derive
from chaos.drills.latest import Latest
from chaos.drills.pace import expected_s
from chaos.drills.quick_look import PARTNERS, Cut
from chaos.drills.session import Session
from chaos.drills.written import graded_by
from chaos.errors import FiredrillError, LearnerCodeError
from chaos.evidence.files import explaining_lines, is_regular
from chaos.model.exchange import Case
from chaos.model.folder import File
from chaos.model.interleaving import Schedule
from chaos.model.verdict import Finding, Verdict
from chaos.run.under_exchanges import first_rows
from chaos.scenario import Scenario

POLL_S: Final = 0.2
CALM_S: Final = 0.3
"""An editor saves several files one after the other, and a file in several steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What one look came to.

    Attributes:
        verdict: None when the code did not start.
        findings: Of the checks that were looked at; of the run where that leaves them undecided.
        looked_at: `44 exchanges`, `9 s of load`; empty where nothing was sent.
        why: Why it can't tell: the one root and what to do about it; else empty.
        problem: Why the code did not start, or what the lab could not do; else empty.
        took_s: From the save (or the start) to this.
    """

    cut: Cut
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    looked_at: str
    took_s: float
    folder: Path | None = None
    why: str = ""
    problem: str = ""

    def document(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "scenario": self.cut.of.name,
            "verdict": None if self.verdict is None else str(self.verdict),
            "evidence": False,
            "looked_at": self.looked_at,
            "left_out": list(self.cut.left_out),
            "findings": [
                {"check": f.check, "verdict": str(f.verdict), "measured": f.measured, "reason": f.reason}
                for f in self.findings
            ],
            "why": self.why,
            "problem": self.problem,
            "took_s": round(self.took_s, 1),
            "folder": None if self.folder is None else str(self.folder),
        }


def telling(
    one: Drill, runs: Mapping[str, Latest], known: Mapping[str, float], scenario: Callable[[str], Scenario]
) -> tuple[Scenario, Latest | None]:
    """The scenario whose check failed last, core before stretch; without one the quickest of the core.

    None that grades a list or notes: saving code changes nothing of them.
    """
    for part in (one.core, one.stretch):
        for run in runs.values():  # the newest first
            if run.scenario in part and run.failed and not graded_by(found := scenario(run.scenario)):
                return found, run
    of_code = [found for found in map(scenario, one.core) if not graded_by(found)]
    return min(of_code, key=lambda found: expected_s(found, known)), None


def files_of(attempt: Path) -> Files:
    """The attempt's files as they are now, without its tests and what tools leave."""
    found = {}
    for path in sorted(attempt.rglob("*")):
        parts = path.relative_to(attempt).parts
        if parts[0] == "tests" or any(part.startswith(".") or part == "__pycache__" for part in parts):
            continue
        try:
            if path.is_file():
                status = path.stat()
                found["/".join(parts)] = (status.st_mtime_ns, status.st_size)
        except OSError:
            continue  # an editor is saving it
    return found


def await_save(
    seen: Files, files: Callable[[], Files], *, stopped: Callable[[], bool], sleep: Callable[[float], None] = time.sleep
) -> Files | None:
    """Wait until the files differ from *seen* and stay as they are for a moment; None when asked to stop."""
    while not stopped():
        now = files()
        if now != seen:
            sleep(CALM_S)
            if files() == now:
                return now
            continue
        sleep(POLL_S)
    return None


def saved_at_s(before: Files, now: Files) -> float:
    """When the newest of the changed files was saved, by `time.monotonic`; at once for one that was removed."""
    saved_ns = max((stamp for _, (stamp, _) in now.items() - before.items()), default=time.time_ns())
    return time.monotonic() - max(0.0, (time.time_ns() - saved_ns) / 1e9)


class Watcher:
    """Looks again and again at one scenario, each time at a world of its own.

    *looks*: where the newest look's folder is kept. It is no evidence, but has a lease with the agent all the
    same, so that faults are lifted when this process dies.
    """

    def __init__(self, lab: Session, staged: Staged, cut: Cut, *, variant: str, looks: Path) -> None:
        self._lab, self._staged, self._cut, self._variant, self._looks = lab, staged, cut, variant, looks

    def stage(self) -> None:
        """Prepare the world of the next look, where that can be done."""
        scenario = self._cut.scenario
        try:
            self._staged.stage(
                variant=self._variant, seed=scenario.seed, world=scenario.world.asked(), **first_rows(scenario)
            )
        except FiredrillError:
            return  # the next look prepares for itself, and says what is wrong

    def look(self, *, saved_s: float) -> Looked:
        """Run the cut scenario and judge it. What the lab can't do is on record as that: the next save tries again."""
        shutil.rmtree(self._looks, ignore_errors=True)
        scenario = self._cut.scenario
        try:
            folder = self._lab.performed(scenario, self._variant, scenario.seed, look=(self._looks, self._staged))
            derived = derive(folder)
        except FiredrillError as error:
            return Looked(
                cut=self._cut,
                verdict=None if isinstance(error, LearnerCodeError) else Verdict.INCONCLUSIVE,
                findings=(),
                looked_at="",
                took_s=time.monotonic() - saved_s,
                problem=str(error),
            )
        judged = derived.judgement
        return Looked(
            cut=self._cut,
            verdict=judged.verdict,
            why=f"{judged.summary} {judged.advice}".strip() if judged.verdict is Verdict.INCONCLUSIVE else "",
            findings=_told(judged.findings),
            looked_at=_looked_at(folder, self._cut.scenario),
            took_s=time.monotonic() - saved_s,
            folder=folder,
        )


def _told(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The checks of the API, and what of the run leaves them undecided."""
    return tuple(
        finding
        for finding in findings
        if (finding.kind.about_run and finding.verdict is not Verdict.HELD)
        or (not finding.kind.about_run and (finding.check not in PARTNERS or finding.verdict is not Verdict.HELD))
    )


def _looked_at(folder: Path, scenario: Scenario) -> str:
    if not scenario.exchanges:
        return f"{scenario.duration_s:g} s of load"
    cases = len(explaining_lines(folder / File.CASES, Case)) if is_regular(folder / File.CASES) else 0
    found = explaining_lines(folder / File.SCHEDULES, Schedule) if is_regular(folder / File.SCHEDULES) else []
    tried = sum(not schedule.learnt for schedule in found)
    told = [f"{cases} exchanges"] if cases else []
    return " and ".join([*told, f"{tried} schedules"] if tried else told)
