"""`firedrill verify`, `explain` and `compare`: about the evidence of finished runs, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaos.cli import names, new_test
from chaos.cli.console import Answer, Block, Verdicts, answers
from chaos.cli.options import Json, Run
from chaos.drills import conclude, drawn_test, revision
from chaos.errors import ExitCode, InvalidInput
from chaos.files import write_atomic
from chaos.judge import verify as verification
from chaos.model.text import one_line
from chaos.model.verdict import plain
from chaos.report import explain as explanation
from chaos.report import pair

app = typer.Typer()


@app.command()
@answers
def verify(evidence: Run = None, as_json: Json = False) -> Answer:
    """Derive a run's verdict again, offline, from its folder alone, and notice any changed byte."""
    folder = names.run_named(evidence)
    problems = verification.verify(folder, conclude.read_judged)
    document = {"folder": str(folder), "problems": problems}
    if problems:
        elsewhere = revision.judged_elsewhere(folder)
        told = [*problems, elsewhere] if elsewhere else problems
        return Answer(document=document, problems=told, code=ExitCode.INVALID)
    verdict = conclude.verdict_of(folder)
    return Answer(
        document=document,
        text=f"{one_line(folder.name)}: {verdict}: it follows from the evidence, and nothing was changed",
    )


@app.command()
@answers
def explain(
    evidence: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [CHECK]",
            help="A run, the last one when left out; and a violated check, all of them when left out.",
        ),
    ] = None,
    as_test: Annotated[
        Path | None,
        typer.Option(metavar="FILE.py", help="Write what drawn requests showed as a pytest, for your own suite."),
    ] = None,
    as_json: Json = False,
) -> Answer:
    """The smallest counterexample of a violation, on one time line: operations, SQL, charges, log lines. Offline."""
    folder, check = _run_and_check(evidence or [])
    if as_test is not None:
        new_test.write(as_test, drawn_test.test_of(folder))
        return Answer(document={"file": str(as_test)}, text=f"{as_test}: what {one_line(folder.name)} showed")
    found = conclude.explained(folder, check)
    if not found:
        return Answer(
            document=found, text=f"{one_line(folder.name)}: nothing is violated, so there is nothing to explain"
        )
    return Answer(
        document=found, text=Block("\n".join(explanation.text(one, run=one_line(folder.name)) for one in found))
    )


def _run_and_check(words: list[str]) -> tuple[Path, str | None]:
    """A single word that names no run names a check of the last one. Raises: InvalidInput."""
    if len(words) == 1 and not names.is_one(words[0]) and "_" in words[0]:
        words = ["last", *words]
    folder, rest = names.take(words)
    if len(rest) > 1:
        raise InvalidInput(f"check: got {' '.join(rest)!r}, expected one")
    return folder, rest[0] if rest else None


@app.command()
@answers
def compare(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[A] [B]",
            help="The runs before and after. B alone is left out for the newest with A's seed; both for the last two.",
        ),
    ] = None,
    as_html: Annotated[Path | None, typer.Option("--html", metavar="OUT.html", help="One file, offline.")] = None,
    as_markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="OUT.md", help="For a pull request.")
    ] = None,
    as_json: Json = False,
) -> Answer:
    """Two runs of the same scenario and seed side by side, before and after. Offline."""
    both = pair.paired(*(conclude.shown_of(folder) for folder in names.two(runs)))
    written = []
    for path, render in ((as_html, pair.html), (as_markdown, pair.markdown)):
        if path is not None:
            write_atomic(path, render(both).encode())
            written.append(f"written: {path}")
    return Answer(
        document={"before": plain(both.before.document), "after": plain(both.after.document)},
        text=written or Verdicts([shown.document for shown in both.runs]),
    )
