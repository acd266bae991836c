"""`firedrill verify`, `explain` and `compare`: about the evidence of finished runs, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaos.cli.console import Answer, Block, Verdicts, answers
from chaos.cli.options import Json, Run
from chaos.drills import conclude, revision
from chaos.drills.session import folder_of
from chaos.errors import ExitCode
from chaos.files import write_atomic
from chaos.judge import verify as verification
from chaos.model.verdict import plain
from chaos.report import explain as explanation
from chaos.report import pair

app = typer.Typer()


@app.command()
@answers
def verify(
    evidence: Annotated[str, typer.Argument(help="An evidence folder, or a run id.")], as_json: Json = False
) -> Answer:
    """Derive a run's verdict again, offline, from its folder alone, and notice any changed byte."""
    folder = folder_of(evidence)
    problems = verification.verify(folder, conclude.read_judged)
    document = {"folder": str(folder), "problems": problems}
    if problems:
        elsewhere = revision.judged_elsewhere(folder)
        told = [*problems, elsewhere] if elsewhere else problems
        return Answer(document=document, problems=told, code=ExitCode.INVALID)
    verdict = conclude.verdict_of(folder)
    return Answer(
        document=document,
        text=f"{folder.name}: {verdict}: it follows from the evidence, and nothing was changed",
    )


@app.command()
@answers
def explain(
    evidence: Run,
    check: Annotated[str | None, typer.Argument(help="A violated check; all of them when left out.")] = None,
    as_json: Json = False,
) -> Answer:
    """The smallest counterexample of a violation, on one time line: operations, SQL, charges, log lines. Offline."""
    folder = folder_of(evidence)
    found = conclude.explained(folder, check)
    if not found:
        return Answer(document=found, text=f"{folder.name}: nothing is violated, so there is nothing to explain")
    return Answer(document=found, text=Block("\n".join(explanation.text(one) for one in found)))


@app.command()
@answers
def compare(
    before: Annotated[str, typer.Argument(metavar="A", help="The run before: an evidence folder, or a run id.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The run after.")],
    as_html: Annotated[Path | None, typer.Option("--html", metavar="OUT.html", help="One file, offline.")] = None,
    as_markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="OUT.md", help="For a pull request.")
    ] = None,
    as_json: Json = False,
) -> Answer:
    """Two runs of the same scenario and seed side by side, before and after. Offline."""
    both = pair.paired(*(conclude.shown_of(folder_of(name)) for name in (before, after)))
    written = []
    for path, render in ((as_html, pair.html), (as_markdown, pair.markdown)):
        if path is not None:
            write_atomic(path, render(both).encode())
            written.append(f"written: {path}")
    return Answer(
        document={"before": plain(both.before.document), "after": plain(both.after.document)},
        text=written or Verdicts([shown.document for shown in both.runs]),
    )
