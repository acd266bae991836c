"""What `firedrill` alone, `drill` and `score` print: where the learner stands, and what to type next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from chaos.adapters.scores import ScoredDrill
from chaos.cli.next_steps import program
from chaos.drills.catalogue import PARTS, Part
from chaos.drills.drafts import parse
from chaos.drills.guide import PAGES, Brief, Guide
from chaos.drills.latest import Latest
from chaos.drills.next_step import Step
from chaos.drills.standing import DRAFTED, Stands

SIGNS = {"held": "●", "inconclusive": "▲", "violated": "■"}
SCORES = {0: "Unfamiliar", 1: "Assisted", 2: "Independent", 3: "Owner"}
NONE = "–"
ATTEMPT = "services/shop/attempt"
WIDTH = 100


def overview(drills: Sequence[Stands], *, at: Stands, step: Step, stack: str, away: str) -> str:
    """All six drills, and the next command."""
    return "".join(f"{line}\n" for line in _overview(drills, at, step, stack, away))


def _overview(drills: Sequence[Stands], at: Stands, step: Step, stack: str, away: str) -> Iterator[str]:
    base = drills[0].base
    made = f"made from {base}" if base else "none yet"
    yield f"Your attempt: {f'{ATTEMPT}, ' if base else ''}{made}. Stack: {stack}."
    yield ""
    head = ("", "Drill", "Attempt", "Core, last runs", "Stretch, last runs", "Score", "Ceiling")
    rows = [(_mark(one, at), *_cells(one, unknown=bool(away))) for one in drills]
    yield from _table([head, *rows])
    if away:
        yield ""
        yield f"? Scores and ceilings are kept in the scorecard, which can't be asked: {away}"
    yield ""
    yield from next_lines(step, at)


def _mark(one: Stands, at: Stands) -> str:
    return ">" if one is at else ""


def _cells(one: Stands, *, unknown: bool) -> tuple[str, ...]:
    return (
        f"{one.drill.number} {one.drill.title}",
        _attempt(one),
        _counted(one, "core"),
        _counted(one, "stretch"),
        *score_cells(one.scored, unknown=unknown),
    )


def _attempt(one: Stands) -> str:
    """Seed or base of the attempt; a dash where it is not one for this drill."""
    if one.base is None or not one.fits:
        return NONE
    draft = parse(one.base)
    return f"seed {draft.seed}" if draft and one.drill.number in DRAFTED else f"from {one.base}"


def _counted(one: Stands, part: Part) -> str:
    """`2 held, 1 violated of 8`"""
    of = one.of(part)
    counts = Counter(str(run.verdict) for _, run in of if run is not None)
    if not counts:
        return f"{NONE} of {len(of)}"
    told = ", ".join(f"{SIGNS[verdict]} {counts[verdict]} {verdict}" for verdict in SIGNS if counts[verdict])
    return f"{told} of {len(of)}"


def score_cells(scored: ScoredDrill | None, *, unknown: bool) -> tuple[str, str]:
    """Score and ceiling."""
    if scored is None:
        return ("?", "?") if unknown else (NONE, NONE)
    value, ceiling = scored.score.value, scored.standing.ceiling
    gap = f" (gap of {scored.standing.gap})" if scored.standing.overclaim else ""
    return (NONE if value is None else f"{value}{gap}", "no evidence" if ceiling is None else str(ceiling))


def next_lines(step: Step, at: Stands) -> Iterator[str]:
    """The next command, and those that help beside it."""
    yield f"Next, drill {at.drill.number}: {_typed(step.command)}"
    yield f"      {step.why}"
    besides = [(_typed(command), why) for command, why in step.besides]
    width = max((len(command) for command, _ in besides), default=0)
    for command, why in besides:
        yield f"  or  {command:<{width}}  {why}"
    yield f"      {_typed(f'firedrill drill {at.drill.number}')}  says what the drill asks"


def _typed(command: str) -> str:
    """As the learner has to type it: by its path where the shell does not find `firedrill`."""
    return f"{program()} {command.removeprefix('firedrill ')}" if command.startswith("firedrill ") else command


def drill_page(one: Stands, brief: Brief, guide: Guide, step: Step, *, opened: int | None, away: str) -> str:
    """One drill: brief, steps, scenarios, files, hints, score, next command."""
    return "".join(f"{line}\n" for line in _drill_page(one, brief, guide, step, opened, away))


def _drill_page(one: Stands, brief: Brief, guide: Guide, step: Step, opened: int | None, away: str) -> Iterator[str]:
    yield f"Drill {one.drill.number}: {one.drill.title}"
    yield from ("", *_wrapped("", brief.brief), "", "Steps")
    for number, text in enumerate(brief.steps, start=1):
        yield from _wrapped(f"  {number}. ", text)
    yield from ("", "What to hand in")
    for text in brief.deliverable:
        yield from _wrapped("  - ", text)
    if page := PAGES.get(one.drill.key):
        yield from ("", f"Read more: {page}")
    for part in PARTS:
        holds = f", each held on {one.drill.holds} seeds in a row" if one.drill.holds > 1 and part == "core" else ""
        yield from ("", f"{part.capitalize()}{holds}")
        yield from _table([(f"  {name}", *_last(run)) for name, run in one.of(part)])
    yield ""
    yield from _files(one, guide)
    told = "?" if opened is None else str(opened)
    yield f"Hints: {told} of {len(guide.hints)} opened. The stretch counts only for runs before the first one."
    score, ceiling = score_cells(one.scored, unknown=bool(away))
    reason = one.scored.standing.reason if one.scored else f"Not known: {away}"
    yield from _wrapped("", f"Score: {score}. Ceiling: {ceiling}. {reason}")
    yield ""
    yield f"Next: {_typed(step.command)}"
    yield f"      {step.why}"
    for command, why in step.besides:
        yield f"  or  {_typed(command)}  {why}"


def _last(run: Latest | None) -> tuple[str, str]:
    if run is None:
        return "not run yet", ""
    failed = ", ".join(finding.check for finding in run.failed)
    return f"{SIGNS[run.verdict]} {run.verdict}", f"seed {run.seed}, {_when(run)}{f': {failed}' if failed else ''}"


def _when(run: Latest) -> str:
    try:
        return f"{datetime.fromisoformat(run.started_at):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return run.started_at


def _files(one: Stands, guide: Guide) -> Iterator[str]:
    """Which files it is about: of the checks that failed last, else of all."""
    failed = list(dict.fromkeys(f.check for run in one.runs.values() if run.scenario in _own(one) for f in run.failed))
    named = guide.files_of(failed) or guide.files_of(guide.checks())
    about = (
        f"Files in {ATTEMPT} that the failing checks are about ({len(failed)})"
        if failed
        else f"Files in {ATTEMPT} that it is about"
    )
    yield from _wrapped(f"{about}: ", ", ".join(named))


def _own(one: Stands) -> set[str]:
    return {*one.drill.core, *one.drill.stretch}


def _wrapped(begin: str, text: str) -> list[str]:
    return textwrap.wrap(
        " ".join(text.split()), WIDTH, initial_indent=begin, subsequent_indent=" " * min(len(begin), 8)
    )


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
