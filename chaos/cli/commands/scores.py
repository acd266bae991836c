"""`firedrill index`, `export` and `import`: what the scorecard keeps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from chaos.adapters.scorecard import Scorecard
from chaos.cli import names
from chaos.cli.console import Answer, answers
from chaos.cli.lab import running
from chaos.cli.options import Json, Run
from chaos.config import evidence_dir
from chaos.drills import drill_map
from chaos.drills.index import code_of, put
from chaos.errors import ExitCode
from chaos.evidence.files import Unreadable
from chaos.evidence.manifest import unchanged
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import folders
from chaos.model.folder import File
from chaos.model.text import is_text, one_line

app = typer.Typer()


@app.command()
@answers
def index(which: Run = None, as_json: Json = False) -> Answer:
    """Put every run of the evidence folder into the scorecard, or one; any time, without duplicates.

    A folder that isn't as its run left it is named and left out.
    """
    scorecard = _scorecard()
    done, changed, troubles = 0, list[str](), list[str]()
    for folder in [names.run_named(which)] if which else folders(evidence_dir()):
        if not (folder / File.VERDICT).exists():
            continue
        if not is_text(folder.name):
            changed.append(f"not indexed: {one_line(folder.name)}: got a name that is not UTF-8, expected the run's id")
        elif problems := _unusable(folder):
            changed.append(f"not indexed: {one_line(folder.name)}: {problems[0]} (firedrill verify says the rest)")
        else:
            done += put(scorecard, folder, troubles.append)
    return Answer(
        document={"indexed": done, "problems": [*changed, *troubles]},
        text=[*changed, *troubles, f"indexed {done} run(s)"],
        code=ExitCode.LAB_BROKEN if troubles else ExitCode.INVALID if changed else ExitCode.HELD,
    )


def _unusable(folder: Path) -> Sequence[str]:
    """What is wrong with the folder itself; asking later won't help."""
    if problems := unchanged(folder):
        return problems
    try:
        read_verdict(folder)
        code_of(folder)
    except Unreadable as error:
        return error.problems
    return ()


@app.command()
@answers
def export(
    format: Annotated[drill_map.Format, typer.Option("--format", help="markdown for people, json to import.")],
    to: Annotated[Path | None, typer.Option("--to", help="A file instead of stdout.")] = None,
) -> Answer:
    """The whole drill map: scores with their history, months, hints, and what it all amounts to."""
    document = drill_map.export(_scorecard(), format, to)
    if to is not None:
        return Answer(text=f"exported to {to}")
    sys.stdout.buffer.write(document + (b"" if document.endswith(b"\n") else b"\n"))
    sys.stdout.flush()
    return Answer()


@app.command("import")
@answers
def import_(
    file: Annotated[Path, typer.Argument(help="A drill map that was exported as JSON, or a mentor's sign-off.")],
    as_json: Json = False,
) -> Answer:
    """Put a drill map back: adds what is not here yet, and never drops what is."""
    added = drill_map.import_(_scorecard(), file)
    return Answer(document={"added": added}, text=drill_map.told(added))


def _scorecard() -> Scorecard:
    stack = running()
    return Scorecard(stack.url("scorecard"), stack.lab_token)
