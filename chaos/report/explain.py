"""A counterexample in words: for the terminal, for Markdown, and the rows of its table."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.model.counterexamples import LANES, Explained, Moment, Race, Shown, TimeLine
from chaos.model.tracebacks import said as on_one_line
from chaos.report.interleaving import lines as schedule_lines

MOMENT_COLUMNS = ("after", "of", "who", "what")


def text(explained: Explained, *, run: str = "RUN") -> str:
    """For a terminal or a pipe: plain lines. *run*: its id, for commands that can be pasted."""
    return "\n".join(_lines(explained, run)) + "\n"


def _lines(explained: Explained, run: str) -> Iterator[str]:
    where = f" ({explained.where})" if explained.where else ""
    yield f"■ {explained.check}: {explained.measured}{where}"
    yield f"  expected: {explained.expected}"
    yield f"  {explained.says}"
    if explained.operations:
        yield ""
        for shown in explained.operations:
            yield f"  {shown.label}  {operation(shown)}"
    if explained.race is not None:
        yield ""
        yield from _race(explained.race)
    if explained.moments:
        yield ""
        yield f"  time line, from {explained.moments[0].at_s:.3f} s of the load on"
        yield from _rows(explained)
    for schedule in explained.schedules:
        yield ""
        yield from (f"  {line}" for line in schedule_lines(schedule))
    if explained.schedules:
        yield f"  again, by itself: firedrill force {run} {explained.schedules[0].id}"
    if explained.left_out:
        yield f"  … and {explained.left_out} more, reads first left out (counterexamples.json has the same)"
    yield from (f"  not known: {what}" for what in explained.unknown)


def _race(race: Race) -> Iterator[str]:
    """The pair that raced, before everything else that the finding's operations did."""
    yield f"  {race.counted}:"
    yield f"  {race.says}"
    yield from (f"  in the code, {line}" for line in race.lines)
    yield ""
    yield from (f"  {shown.label}  {operation(shown)}" for shown in race.operations)
    yield ""
    yield f"  how they raced, from {race.moments[0].at_s:.3f} s of the load on"
    yield from _rows(race)


def _rows(line: TimeLine) -> Iterator[str]:
    for row in moment_rows(line):
        yield f"  {row[0]:>11}  {row[1]:<2} {row[2]:<24} {row[3]}"


def operation(shown: Shown) -> str:
    """`0-275 buy, 1 seat, customer 128, through /api/orders/: 202 order pending, after 140 ms`"""
    request = f"; {shown.request}" if shown.request else ""
    took = "" if shown.ended_s is None else f", after {(shown.ended_s - shown.sent_s) * 1000:.0f} ms"
    return f"{', '.join([f'{shown.id} {shown.op}', *shown.about])}: {shown.answer}{took}{request}"


def moment_rows(line: TimeLine) -> list[tuple[str, str, str, str]]:
    """Milliseconds after the first moment, label, who and what."""
    first_s = line.moments[0].at_s if line.moments else 0.0
    return [(after(moment, first_s), moment.label or "·", who(moment), what(moment)) for moment in line.moments]


def after(moment: Moment, first_s: float) -> str:
    """`+12.4 ms`"""
    return f"+{(moment.at_s - first_s) * 1000:.1f} ms"


def who(moment: Moment) -> str:
    """`database, session 17241`"""
    lane = LANES.get(moment.lane, moment.lane)
    return f"{lane}, session {moment.session}" if moment.session else lane


def what(moment: Moment) -> str:
    """The moment's text on one line, with its duration if it has one."""
    said = on_one_line(moment.text)
    if moment.until_s is not None and moment.kind != "log":
        took_ms = (moment.until_s - moment.at_s) * 1000
        said = f"{said} ({took_ms:.1f} ms)" if took_ms >= 0.05 else said
    by = ", ".join(filter(None, (moment.where, moment.line)))
    return f"{said} [{by}]" if by and moment.kind == "statement" else said
