"""What `firedrill review check` and `reveal` print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from chaos.drills.review import NO_KEY, Report
from chaos.model.cwe import names
from chaos.model.grading import CORE, STRETCH, Grade, Limits, Planted


def next_steps(folder: Path) -> list[str]:
    """What to do with a sample that lies in *folder*, for whoever has just begun."""
    return [
        f"read and annotate {folder}/*.py, in place (`# review: CWE-89 high: why`), in notes.yaml or on the dashboard",
        f"mend the code in {folder.parent}/backoffice/",
        "then: firedrill review check, firedrill check 6",
    ]


def check_text(report: Report) -> str:
    """Both figures together, each note, and what was missed by file and severity alone."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    state, grade = report.review.state, report.grade
    yield f"Drill 6, AI code review, {'imported code' if state.seed is None else f'seed {state.seed}'}"
    if state.revealed:
        yield f"its key was shown on {state.revealed[:10]}: these grades count no more"
    yield ""
    if grade is None:
        yield f"not graded: {NO_KEY}"
        for note in report.review.notes:
            yield f"  {note.file}:{note.lines} CWE-{note.cwe} {note.severity}: {note.why}"
    else:
        figures = f"precision {grade.precision:.0%}, traps {grade.traps:.0%}"
        yield f"recall {grade.recall:.0%} (weighted by severity), {figures}"
        yield f"core:    {_asked(grade, CORE)}"
        yield f"stretch: {_asked(grade, STRETCH)}"
        yield from _notes(grade)
    yield from _scanners(report)


def _asked(grade: Grade, limits: Limits) -> str:
    met = "● met" if grade.meets(limits) else "■ not met"
    return f"{met}: recall ≥ {limits.recall:.0%}, precision ≥ {limits.precision:.0%}, traps ≤ {limits.traps:.0%}"


def _notes(grade: Grade) -> Iterator[str]:
    yield ""
    yield f"your notes ({len(grade.matched)} of {len(grade.notes)} meet a flaw of the key):"
    for at, note in enumerate(grade.notes):
        sign = "●" if at in grade.matched else "○"
        yield f"  {sign} {note.file}:{note.lines} CWE-{note.cwe} {names()[note.cwe]}: {note.why}"
    if grade.unmatched:
        yield f"  ○ is for your mentor: {len(grade.unmatched)} note(s) that count against precision until confirmed"
    document = grade.document()
    if document["missed"]:
        yield ""
        told = "firedrill review reveal --yes says which, and caps the ceiling at 1"
        yield f"missed, {len(grade.missed)} of {len(grade.flaws)} ({told}):"
        for row in document["missed"]:
            yield f"  {row['file']}: {row['count']} {row['severity']}"


def _scanners(report: Report) -> Iterator[str]:
    yield ""
    yield "scanners on the same code:"
    for found, grade in report.scanners:
        if found.notes is None:
            yield f"  {found.scanner}: {found.why}"
        elif grade is None:
            yield f"  {found.scanner}: {len(found.notes)} finding(s)"
        else:
            figures = f"recall {grade.recall:.0%}, precision {grade.precision:.0%}, traps {grade.traps:.0%}"
            yield f"  {found.scanner}: {len(found.notes)} finding(s), {figures}"
    if report.copied:
        everything = " all of them:" if report.copied == len(report.review.notes) else ""
        yield f"of your notes,{everything} {report.copied} stand where a scanner has one of the same number"


def key_text(key: Sequence[Planted], grade: Grade | None) -> str:
    """Every flaw and every trap, with its place; ● for what was found, ■ for what somebody fell for."""
    return "".join(f"{line}\n" for line in _key_lines(key, grade))


def _key_lines(key: Sequence[Planted], grade: Grade | None) -> Iterator[str]:
    found = set() if grade is None else {grade.flaws[at].slot for at in grade.matched.values()}
    caught = [] if grade is None else [grade.notes[at] for at in grade.trapped]
    yield "On record as the solution of drill 6; your notes on this sample count no more."
    for kind, title in (
        ("flaw", "flaws (●: found)"),
        ("trap", "traps, which are harmless (■: a note of yours is on it)"),
    ):
        yield f"{title}:"
        for one in key:
            if one.kind != kind:
                continue
            place = one.places[0]
            shown = "exploit " + one.exploit if one.exploit else "found by reading only"
            about = f"CWE-{one.cwe[0]} {one.severity}, {shown}: " if kind == "flaw" else ""
            fell = "■" if any(one.meets(note) for note in caught) else " "
            sign = fell if kind == "trap" else "●" if one.slot in found else "○"
            yield f"  {sign} {place.file}:{place.line} {place.function}: {about}{one.title}"
