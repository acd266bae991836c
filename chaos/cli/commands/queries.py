"""`firedrill queries`: what the requests of an exchange run asked the database, from its evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from chaos.cli import names
from chaos.cli.console import Answer, Block, answers
from chaos.cli.options import Json
from chaos.errors import InvalidInput
from chaos.evidence.files import is_regular
from chaos.evidence.newest import Ended
from chaos.evidence.record import read_record
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.model.text import one_line
from chaos.report import queries as report

app = typer.Typer()

_WANTED: Final = "one that counts queries (firedrill run queries/reads --variant attempt)"


@app.command()
@answers
def queries(
    operation: Annotated[
        str | None, typer.Argument(help="Of the contract, such as listEvents; all when left out.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="One of queries/reads, such as 'last attempt'; the last when left out.")
    ] = None,
    before: Annotated[str | None, typer.Option("--before", help="Another run of before the change, beside it.")] = None,
    as_json: Json = False,
) -> Answer:
    """How many statements each request made, with few rows and with many: which, how long, whose line. Offline."""
    folder, after = _compared(names.run_named([run or "last"], fits=_counts, wanted=_WANTED))
    before_run, earlier = (None, None) if before is None else _compared(names.run_named([before], fits=_counts))
    known = report.operations(after)
    if operation is not None and operation not in known:
        words = ", ".join(known) or "none succeeded"
        raise InvalidInput(f"operation: got {operation!r}, expected one that {one_line(folder.name)} counts: {words}")
    chosen = known if operation is None else [operation]
    document = {
        "run": folder.name,
        "before_run": before_run and before_run.name,
        **report.document(after, earlier, chosen),
    }
    lines = (
        report.overview_lines(after, earlier)
        if operation is None
        else report.operation_lines(after, earlier, operation)
    )
    head = one_line(folder.name) if operation is None else f"{operation} in {one_line(folder.name)}"
    return Answer(document=document, text=Block("\n".join([head, *lines]) + "\n"))


def _counts(run: Ended) -> bool:
    """Not one of queries/pages, say."""
    if not is_regular(run.folder / File.QUERIES):
        return False
    exchanged = read_record(run.folder).exchanged
    return not exchanged.unread and report.compares(exchanged)


def _compared(folder: Path) -> tuple[Path, Exchanged]:
    exchanged = _exchanged(folder)
    if not report.compares(exchanged):
        raise InvalidInput(f"{one_line(folder.name)}: got a run that counts no queries, expected one of queries/reads")
    return folder, exchanged


def _exchanged(folder: Path) -> Exchanged:
    exchanged = read_record(folder).exchanged
    if exchanged.unread:
        raise InvalidInput(
            f"{one_line(folder.name)}: got {'; '.join(exchanged.unread.values())}, expected an exchange run"
        )
    return exchanged
