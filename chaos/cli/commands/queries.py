"""`firedrill queries`: what the requests of an exchange run asked the database, from its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaos.cli.console import Answer, Block, answers
from chaos.cli.options import Json
from chaos.config import evidence_dir
from chaos.drills.session import folder_of
from chaos.errors import InvalidInput
from chaos.evidence.files import is_regular
from chaos.evidence.record import read_record
from chaos.evidence.writing import folders
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.report import queries as report

app = typer.Typer()


@app.command()
@answers
def queries(
    operation: Annotated[
        str | None, typer.Argument(help="Of the contract, such as listEvents; all when left out.")
    ] = None,
    run: Annotated[str | None, typer.Option("--run", help="One of queries/reads; the newest when left out.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="Another run of before the change, beside it.")] = None,
    as_json: Json = False,
) -> Answer:
    """How many statements each request made, with few rows and with many: which, how long, whose line. Offline."""
    folder, after = _newest() if run is None else _compared(folder_of(run))
    earlier = None if before is None else _compared(folder_of(before))[1]
    known = report.operations(after)
    if operation is not None and operation not in known:
        words = ", ".join(known) or "none succeeded"
        raise InvalidInput(f"operation: got {operation!r}, expected one that {folder.name} counts: {words}")
    chosen = known if operation is None else [operation]
    document = {"run": folder.name, "before_run": before, **report.document(after, earlier, chosen)}
    lines = (
        report.overview_lines(after, earlier)
        if operation is None
        else report.operation_lines(after, earlier, operation)
    )
    head = folder.name if operation is None else f"{operation} in {folder.name}"
    return Answer(document=document, text=Block("\n".join([head, *lines]) + "\n"))


def _newest() -> tuple[Path, Exchanged]:
    """Past those that count no queries, such as one of queries/pages."""
    for folder in reversed(folders(evidence_dir())):
        if is_regular(folder / File.QUERIES) and report.compares(exchanged := _exchanged(folder)):
            return folder, exchanged
    raise InvalidInput("run: got no run that counts queries, expected one (firedrill run queries/reads)")


def _compared(folder: Path) -> tuple[Path, Exchanged]:
    exchanged = _exchanged(folder)
    if not report.compares(exchanged):
        raise InvalidInput(f"{folder.name}: got a run that counts no queries, expected one of queries/reads")
    return folder, exchanged


def _exchanged(folder: Path) -> Exchanged:
    exchanged = read_record(folder).exchanged
    if exchanged.unread:
        raise InvalidInput(f"{folder.name}: got {'; '.join(exchanged.unread.values())}, expected an exchange run")
    return exchanged
