"""`firedrill mentor`: what was handed in, on one page; one of them run again in a clean checkout, and signed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from chaos.adapters.clean_checkout import CleanCheckout
from chaos.cli.console import Answer, answers, aside
from chaos.config import CHECKOUT, lab_dir
from chaos.drills.catalogue import PARTS, Part
from chaos.drills.mentor.opening import opened
from chaos.drills.mentor.rerun import Rerun, require_fresh, rerun, worst_of
from chaos.drills.mentor.review import reviewed
from chaos.drills.mentor.sign_off import require_mentor, sign_off
from chaos.errors import ExitCode, InvalidInput, LabBroken
from chaos.files import write_atomic
from chaos.judge.document import EXIT_CODES
from chaos.report.mentor import page
from chaos.report.words import PASSED, SIGNS, signed

app = typer.Typer()


@app.command()
@answers
def mentor(
    files: Annotated[list[Path] | None, typer.Argument(metavar="ZIP...", help="Files of firedrill deliver.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The page (mentor.html), or the sign-off.")] = None,
    again: Annotated[
        Path | None, typer.Option("--rerun", metavar="ZIP", help="Run this one's code again, in a clean checkout.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31 - 100, help="For --rerun: one of your own, that was never run.")
    ] = None,
    part: Annotated[str, typer.Option(help="For --rerun: core or stretch.")] = "core",
    at: Annotated[
        str, typer.Option(metavar="REVISION", help="For --rerun: of this lab; its newest commit when left out.")
    ] = "HEAD",
    base_port: Annotated[
        int, typer.Option(min=1024, max=65000, help="For --rerun: where the clean checkout's stack listens.")
    ] = 24000,
    sign: Annotated[
        str,
        typer.Option(metavar="NAME", help="For --rerun: your name, to sign what held, as a file for import."),
    ] = "",
    notes: Annotated[str, typer.Option(help="For --sign: what you want to tell the learner.")] = "",
) -> Answer:
    """What learners handed in, on one page: results, tries, hints, what no machine judged, what to ask. Offline."""
    if to is not None:
        _require_file(to)
    if again is None:
        if seed is not None or sign or notes:
            raise InvalidInput("mentor: got --seed, --sign or --notes without --rerun, expected --rerun ZIP with them")
        if not files:
            raise InvalidInput("mentor: got no file, expected ZIPs of firedrill deliver")
        return _page(files, to or Path("mentor.html"))
    if files:
        raise InvalidInput(f"mentor: got {files[0]} beside --rerun, expected one or the other")
    if seed is None:
        raise InvalidInput("--seed: got none, expected one of your own with --rerun")
    if part not in PARTS:
        raise InvalidInput(f"--part: got {part!r}, expected core or stretch")
    if sign or notes:
        require_mentor(sign, notes)
    return _again(again, seed, "core" if part == "core" else "stretch", base_port, at, sign, notes, to)


def _require_file(to: Path) -> None:
    try:
        wrong = to.is_dir() or not str(to).encode()
    except ValueError:  # bytes that are no text, or a NUL
        wrong = True
    if wrong:
        raise InvalidInput(f"--to: got {to}, expected a file")


def _page(files: list[Path], to: Path) -> Answer:
    began = time.monotonic()
    found = reviewed(files)
    html = page(found).encode()
    _write(to, html)
    took = time.monotonic() - began
    return Answer(text=f"{to}: {len(found)} handed in, {len(html) / 1e3:.0f} kB, {took:.1f} s")


def _again(
    path: Path, seed: int, part: Part, base_port: int, at: str, sign: str, notes: str, to: Path | None
) -> Answer:
    began = time.monotonic()
    one = opened(path)
    require_fresh(one.told, seed)
    checkout = CleanCheckout(top=lab_dir() / "mentor", base_port=base_port, say=aside)
    found = rerun(one, seed=seed, part=part, source=CHECKOUT, checkout=checkout, say=aside, at=at)
    text = [*_told(found), f"{time.monotonic() - began:.0f} s"]
    if sign:
        name = to or Path(f"{path.stem}-signed.json")
        try:
            content = sign_off(one.told, found, mentor=sign, notes=notes)
        except InvalidInput as error:  # what was found took minutes, and is told all the same
            code = EXIT_CODES[worst_of(found)] or ExitCode.INVALID
            return Answer(text=text, problems=error.problems, code=code)
        _write(name, content)
        text.append(f"signed: {name}, for the learner: firedrill import {name.name}")
    return Answer(text=text, code=EXIT_CODES[worst_of(found)])


def _told(found: Rerun) -> list[str]:
    """Line by line: what was delivered, what was found."""
    text = [f"verified: {found.verified} runs of the deliverable, each verdict follows from its evidence"]
    text += [f"■ not verified: {one}" for one in found.unverified]
    for line in found.lines:
        told = signed(line.told) if line.told else "nothing"
        mark = "  DIFFERS" if line.differs else ""
        text.append(f"{signed(line.found)}  {line.name}: delivered {told}{mark}: {line.reason}")
    differ = len(found.differ)
    text.append(
        f"{SIGNS[found.verdict]} {PASSED[found.verdict]} on seed {found.seed} at revision {found.revision[:10]}; "
        + (f"{differ} of {len(found.lines)} lines differ" if differ else "no line differs from what was delivered")
    )
    return text


def _write(to: Path, content: bytes) -> None:
    try:
        write_atomic(to, content)
    except OSError as error:
        raise LabBroken(f"{to}: got {error.strerror or error}, expected to write it") from None
