"""`firedrill mutants`, and `firedrill selftest --mutants`: does each flaw, alone, meet its check?"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import typer

from chaos.cli.console import Answer, answers
from chaos.cli.options import Json
from chaos.config import CHECKOUT
from chaos.drills.fingerprint import stands_on
from chaos.drills.mutants import checked_mutants, chosen
from chaos.drills.power import Outcome, Row, Trial, measure, read_trials, rows, write_trials
from chaos.drills.results import RunResult
from chaos.drills.revision import ask_git, git_revision
from chaos.drills.session import Options, session
from chaos.errors import ExitCode, Inconclusive, InvalidInput
from chaos.files import write_atomic
from chaos.model.journal import BY_USER
from chaos.report.power import PowerRow, markdown, text
from chaos.run.request import View
from chaos.scenario import Scenario

RECORD = CHECKOUT / "docs" / "extend" / "power.jsonl"
PAGE = CHECKOUT / "docs" / "extend" / "power.md"
SEVERITY = (ExitCode.HELD, ExitCode.INCONCLUSIVE, ExitCode.VIOLATED)
app = typer.Typer()

_SIGNS = {ExitCode.HELD: "✔", ExitCode.INCONCLUSIVE: "?", ExitCode.VIOLATED: "✗"}


@app.command()
@answers
def mutants(as_json: Json = False) -> Answer:
    """List the mutants; exit 2 when their patches and the scenarios disagree."""
    listed = [
        {"name": one.name, "drill": one.drill, "scenario": one.scenario, "caught_by": one.check, "title": one.title}
        for one in checked_mutants()[0]
    ]
    return Answer(document=listed, text=["  ".join(str(value) for value in row.values()) for row in listed])


def mutants_selftest(
    globs: Sequence[str],
    *,
    seeds: int,
    first_seed: int,
    some: int | None,
    write: bool,
    again: bool,
    options: Options,
    view: View,
) -> tuple[ExitCode, list[Row]]:
    """Measure and, with *write*, put on record and on the page. The rows are those of this call's mutants and seeds.

    Raises: InvalidInput, LabBroken; what was measured before that is on record.
    """
    known, scenarios = checked_mutants()
    asked = chosen(known, globs, some=some)
    record = _record() if write else []

    def done(trial: Trial) -> None:
        view.say(f"{trial.subject} under {trial.scenario}, seed {trial.seed}: {trial.outcome}")
        if write:
            record.append(trial)
            write_trials(RECORD, record)
            write_page(record)

    with session(options, view, purpose="selftest of mutants") as lab:

        def run(scenario: Scenario, variant: str, seed: int) -> RunResult:
            view.say(f"{scenario.title} on {variant}, seed {seed}")
            result = lab.run(scenario, variant, seed)
            if result.document.aborted == BY_USER:  # says nothing of the mutant: the next call tries it again
                raise Inconclusive(f"{scenario.name} on {variant}: got stopped, expected a run to its end")
            return result

        trials = measure(
            asked,
            scenarios,
            range(first_seed, first_seed + seeds),
            run=run,
            say=view.say,
            revision=revision(),
            known=() if again else list(record),
            done=done,
        )
    if write:
        write_page(record)
    found = rows(trials, asked)
    return max((row.exit_code for row in found), key=SEVERITY.index), found


def _record() -> list[Trial]:
    try:
        return read_trials(RECORD)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{RECORD}: got {error}, expected one trial a line") from None


def write_page(record: Sequence[Trial]) -> None:
    """docs/extend/power.md from the record: every mutant has its row, measured or not."""
    known, scenarios = checked_mutants()
    shown = [shown_row(row, scenarios[row.scenario]) for row in rows(record, known)]
    write_atomic(PAGE, markdown(shown, written=datetime.now(UTC).date().isoformat()).encode())


def shown_row(row: Row, scenario: Scenario) -> PowerRow:
    """*row* in words."""
    dates = sorted(trial.at for trial in row.trials)
    good = Outcome.CAUGHT if row.mutant else Outcome.HELD
    bad = (Outcome.MISSED, Outcome.OTHERS) if row.mutant else (Outcome.ALARM,)
    now = stands_on(scenario, row.mutant)
    return PowerRow(
        subject=row.subject,
        title=row.mutant.title if row.mutant else "",
        drill=row.mutant.drill if row.mutant else scenario.drill,
        scenario=row.scenario,
        check=row.mutant.check if row.mutant else "",
        named=f"{row.count(good)}/{len(row.trials)}",
        missed=row.count(*bad),
        undecided=row.count(Outcome.UNDECIDED),
        others=row.others,
        repeated=sum(len(trial.runs) for trial in row.trials),
        dates=(dates[0], dates[-1]) if dates else ("not yet", "not yet"),
        revisions=tuple(sorted({trial.revision for trial in row.trials})),
        stale=any(trial.stands_on != now for trial in row.trials),
        sign=_SIGNS[row.exit_code] if row.trials else "–",
    )


def table(found: Sequence[Row]) -> str:
    """For a terminal or a log."""
    _, scenarios = checked_mutants()
    return text(shown_row(row, scenarios[row.scenario]) for row in found)


def document(code: ExitCode, found: Sequence[Row]) -> dict[str, Any]:
    """For `--json`."""
    return {
        "exit_code": int(code),
        "rows": [
            {
                "subject": row.subject,
                "scenario": row.scenario,
                "check": row.mutant.check if row.mutant else None,
                "exit_code": int(row.exit_code),
                "others": dict(row.others),
                "trials": [msgspec.to_builtins(trial) for trial in row.trials],
            }
            for row in found
        ],
    }


def revision() -> str:
    """Enough of the checkout's revision to find it, `+changes` when files besides the record differ from it."""
    name = git_revision().partition("+")[0][:10]
    but = [f":!{file.relative_to(CHECKOUT)}" for file in (RECORD, PAGE)]
    try:
        changed = ask_git("status", "--porcelain", "--", ".", *but)
    except (OSError, subprocess.SubprocessError):
        return name
    return f"{name}+changes" if changed.strip() else name
