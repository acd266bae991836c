"""Sections that the deliverables of drills 3, 4 and 5 have in common, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaos.drills.deliverables.work import Work
from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import read_verdict
from chaos.model.patch import MOST_OF_A_KIND, changes, protections
from chaos.model.verdict import Verdict, VerdictDocument
from chaos.report.markdown import code, inline, table
from chaos.report.words import signed


def head(work: Work, title: str) -> Iterator[str]:
    """Title, and what came of the fresh seed."""
    yield f"# Drill {work.one.number}: {title}"
    yield ""
    if work.fresh:
        held = sum(line.verdict == Verdict.HELD for line in work.fresh.lines)
        yield (
            f"A fresh attempt of {code(work.base)} with the changes below, on seed {work.fresh.seed}, which was drawn "
            f"when this was written: {held} of {len(work.fresh.lines)} parts of the core held."
        )


def shown(work: Work) -> Iterator[str]:
    """Each line of the core on the fresh seed, then each check of each run with what it measured."""
    yield from ("", "## What it was shown on")
    lines = work.fresh.lines if work.fresh else ()
    yield from table(("verdict", "what", "decided by"), [(signed(one.verdict), one.name, one.reason) for one in lines])
    for folder, document in documents(work):
        yield from ("", f"### {code(document.scenario)}: {signed(document.verdict)} ({code(folder.name)})")
        rows = [(signed(f.verdict), code(f.check), f.expected, f.measured or f.reason) for f in document.checks]
        yield from table(("verdict", "check", "expected", "measured"), rows)


def documents(work: Work) -> Iterator[tuple[Path, VerdictDocument]]:
    """The last run of each scenario on the fresh seed."""
    for line in work.fresh.lines if work.fresh else ():
        folder = work.fresh.run_of(line.name) if work.fresh else None
        if folder is not None:
            try:
                yield folder, read_verdict(folder)
            except Unreadable:
                continue  # it never ended, and its line says so


def changed(work: Work) -> Iterator[str]:
    """File by file, and which added lines look like a protection."""
    found = changes(work.patch)
    yield from ("", "## What was changed")
    rows = [(code(each.name), str(len(each.added)), str(each.removed)) for each in found]
    yield from table(("file", "lines added", "lines removed"), rows, right_from=1, escape=str)
    guards = list(protections(found))
    yield from ("", "## Protections in it", "")
    if not guards:
        yield "No added line has a lock, a transaction, a constraint, a retry or a timeout by name."
        return
    yield (
        f"The first {MOST_OF_A_KIND} of each kind in a file, found by their words; that they protect is shown by the "
        "runs, not by this list."
    )
    yield from table(
        ("kind", "where", "line"),
        [(each.kind, code(f"{each.file}:{each.line}"), code(each.text[:160]).replace("|", "\\|")) for each in guards],
        escape=str,
    )


def words(work: Work) -> Iterator[str]:
    """The learner's own."""
    yield from ("", "## In the learner's words", "")
    if not work.notes.strip():
        yield "No notes on the scorecard (firedrill score, or the page Scores)."
    yield from (f"> {inline(line) if line.strip() else ''}".rstrip() for line in work.notes.splitlines())


def diff(work: Work) -> Iterator[str]:
    """The change whole."""
    yield from ("", "## The code", "")
    text = "".join(each.text for each in changes(work.patch)).rstrip()
    fence = "```"
    while fence in text:
        fence += "`"
    yield from (f"{fence}diff", text, fence)


def document(lines: Iterator[str]) -> bytes:
    """As a file."""
    return ("\n".join(lines) + "\n").encode(errors="replace")
