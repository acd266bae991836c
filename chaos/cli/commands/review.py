"""`firedrill review …`: drill 6."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from chaos.adapters import scanners
from chaos.cli.console import Answer, Block, answers, aside
from chaos.cli.options import Json
from chaos.cli.review_key import revealed
from chaos.cli.review_text import check_text, next_steps
from chaos.config import CHECKOUT
from chaos.drills import review as reviews
from chaos.errors import InvalidInput
from chaos.files import write_atomic
from chaos.review import sarif

review = typer.Typer(
    no_args_is_help=True, help="Drill 6: a sample of code to read, your notes on it, and how they are graded."
)
app = typer.Typer()
app.add_typer(review, name="review")


def _shown(path: Path) -> Path:
    return path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path


@review.command()
@answers
def start(
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Which sample; the same seed gives the same.")],
) -> Answer:
    """Make your attempt with a sample of code in it, as an assistant would write it; one that is there is kept."""
    folder, kept = reviews.start(seed)
    old = [f"your old attempt is kept in {_shown(kept)}"] if kept else []
    return Answer(
        text=[
            *old,
            *next_steps(_shown(folder)),
        ]
    )


@review.command("check")
@answers
def check_command(as_json: Json = False) -> Answer:
    """Grade your notes: what you found, how much of it was right, how many traps you fell into."""
    report = reviews.check()
    return Answer(document=report.document(), text=Block(check_text(report)))


@review.command()
@answers
def reveal(
    yes: Annotated[
        bool, typer.Option("--yes", help="It goes on record like a solution; this sample counts no more.")
    ] = False,
    as_json: Json = False,
) -> Answer:
    """The key of the sample: what was planted, where, and which of it you found."""
    if not yes:
        raise InvalidInput("reveal: got no --yes, expected it: the key goes on record, and this sample counts no more")
    return revealed()


@review.command("import")
@answers
def import_command(
    file: Annotated[Path, typer.Argument(help="Python of your own AI tool, or notes as SARIF (.sarif).")],
) -> Answer:
    """Review code of your own AI tool, without a key; or take notes from a SARIF file."""
    if file.suffix in (".sarif", ".json"):
        new, left = reviews.import_sarif(file)
        return Answer(text=[*left, f"{new} new note(s) in notes.yaml"])
    folder = reviews.import_code(file)
    return Answer(
        text=[f"read and annotate {_shown(folder / file.name)}; {reviews.NO_KEY}", "then: firedrill review check"]
    )


@review.command()
@answers
def export(
    as_sarif: Annotated[bool, typer.Option("--sarif", help="SARIF 2.1.0, for editors and Git hosts.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="A file instead of stdout.")] = None,
) -> Answer:
    """Your notes for other tools."""
    if not as_sarif:
        raise InvalidInput("export: got no format, expected --sarif")
    its = reviews.load()
    folder = f"services/shop/attempt/{its.state.package or reviews.FOLDER}"
    document = msgspec.json.format(msgspec.json.encode(sarif.exported(its.notes, folder=folder)), indent=2)
    if to is None:
        return Answer(text=Block(document.decode() + "\n"))
    write_atomic(to, document + b"\n")
    return Answer(text=f"written: {to}")


@review.command("scanners")
@answers
def scanners_command() -> Answer:
    """Get the scanners that stand beside you: bandit and semgrep, in an environment of their own."""
    return Answer(text=f"scanners are in {_shown(scanners.get(aside))}")
