"""`firedrill force`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaos.cli import names, new_test
from chaos.cli.commands.run import run_document
from chaos.cli.console import Answer, Block, Verdicts, answers, progress
from chaos.cli.options import Heal, Json, NoUp
from chaos.drills import force as forcing
from chaos.drills.as_test import test_of
from chaos.drills.results import RunResult
from chaos.drills.session import Options, session
from chaos.drills.variants import require_known
from chaos.errors import InvalidInput
from chaos.evidence.files import explaining_lines, is_regular
from chaos.evidence.journal import read_events
from chaos.model.folder import File
from chaos.model.interleaving import Schedule
from chaos.model.journal import EventKind
from chaos.model.text import one_line
from chaos.report import interleaving

app = typer.Typer()


@app.command()
@answers
def force(
    which: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] SCHEDULE",
            help="A run, the last with schedules when left out; and a schedule's id, as last_seats/w2 (see explain).",
        ),
    ],
    variant: Annotated[str, typer.Option(help="The run's own when left out.")] = "",
    as_test: Annotated[
        Path | None, typer.Option(metavar="FILE.py", help="Write it as a pytest instead, for your own suite.")
    ] = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """One forced schedule of a run once more, on the code as it is now: until the code is right."""
    folder, schedule = _run_and_schedule(which)
    if as_test is not None:
        return _written(forcing.schedule_of(folder, schedule), as_test)
    again = forcing.again(folder, schedule)
    chosen = variant or _variant_of(folder)
    require_known(chosen)
    options = Options(bring_up=not no_up, heal_first=heal_first)
    purpose = f"{again.schedule.id} on {chosen}"
    with progress(as_json=as_json) as view, session(options, view, purpose=purpose) as lab:
        result = lab.run(again.scenario, chosen, None)
    return Answer(document=run_document(result), text=_text(result), code=result.exit_code)


def _run_and_schedule(words: list[str]) -> tuple[Path, str]:
    """Raises: InvalidInput."""
    alone = len(words) == 1 and not names.is_one(words[0])
    folder, rest = names.take(
        ["last", *words] if alone else words,
        fits=lambda run: is_regular(run.folder / File.SCHEDULES),
        wanted="one with forced schedules (firedrill run interleaving/last-seats)",
    )
    if len(rest) != 1:
        raise InvalidInput(f"schedule: got {' '.join(rest) or 'none'!r}, expected the id of one, such as last_seats/w2")
    return folder, rest[0]


def _written(schedule: Schedule, file: Path) -> Answer:
    new_test.write(file, test_of(schedule))
    return Answer(document={"file": str(file)}, text=f"{file}: {interleaving.title(schedule)}; it needs a running shop")


def _variant_of(folder: Path) -> str:
    for event in read_events(folder / File.JOURNAL):
        if event.event is EventKind.RUN_STARTED:
            return str(event.data.get("variant", ""))
    raise InvalidInput(f"{one_line(folder.name)}: got no variant on record, expected --variant")


def _text(result: RunResult) -> list[str | Verdicts | Block]:
    tried = [each for each in explaining_lines(result.folder / File.SCHEDULES, Schedule) if not each.learnt]
    steps = [Block("\n".join(interleaving.lines(each)) + "\n\n") for each in tried]
    return [*steps, Verdicts([result.document]), f"evidence: {result.folder / File.REPORT_PAGE}"]
