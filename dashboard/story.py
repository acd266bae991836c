"""A counterexample as two tables: its operations, and one time line of what they did and who saw it."""

from __future__ import annotations

from chaos.model import tracebacks
from chaos.model.counterexamples import LANES, Explained, Moment, Race, Shown, TimeLine
from dashboard import markup, words
from dashboard.markup import Cell

LEAST_SHOWN_S = 5e-5
Table = tuple[list[Cell], list[list[Cell]]]


def operations(explained: TimeLine) -> Table:
    """Head and rows: one operation each, in the order of sending."""
    head = [
        Cell(html="Letter", tight=True),
        Cell(html="Operation"),
        Cell(html="Sent", wide_only=True),
        Cell(html="Took", tight=True),
        Cell(html="Answer", wide_only=True),
    ]
    return head, [_operation(shown) for shown in explained.operations]


def _operation(shown: Shown) -> list[Cell]:
    about = [f"request {shown.id}", *shown.about]
    took_s = None if shown.ended_s is None else shown.ended_s - shown.sent_s
    answer = markup.text(shown.answer)
    op = f"{markup.text(shown.op)}<span class='fd-narrow'>{answer}</span>"
    return [
        Cell(html=f"<strong>{markup.text(shown.label)}</strong>", tight=True),
        Cell(html=f"{op}<br><span class='fd-quiet'>{markup.text(', '.join(about))}</span>"),
        Cell(html=f"{shown.sent_s:.3f} s", wide_only=True, tight=True),
        Cell(html=words.latency_text(took_s), tight=True),
        Cell(html=answer, wide_only=True),
    ]


def requests(explained: Explained) -> list[str]:
    """Each request of an exchange run as a line to paste, with the letter of its operation."""
    return [f"{shown.request}  # {shown.label}" for shown in explained.operations if shown.request]


def moments(explained: TimeLine) -> Table:
    """Head and rows: what happened, by time, with the letter of the operation that it came of."""
    head = [
        Cell(html="After", tight=True),
        Cell(html="Of", tight=True),
        Cell(html="Who", wide_only=True, tight=True),
        Cell(html="What"),
    ]
    first_s = explained.moments[0].at_s if explained.moments else 0.0
    return head, [_moment(moment, first_s) for moment in explained.moments]


def _moment(moment: Moment, first_s: float) -> list[Cell]:
    lane = markup.text(LANES.get(moment.lane, moment.lane))
    session = f"session {moment.session}" if moment.session else ""
    said = markup.text(tracebacks.said(moment.text))
    if moment.kind == "statement":
        said = f"<code>{said}</code>"
    lasted_s = None if moment.until_s is None or moment.kind == "log" else moment.until_s - moment.at_s
    after = [f"{lasted_s * 1000:.1f} ms"] if lasted_s is not None and lasted_s >= LEAST_SHOWN_S else []
    after += [markup.text(said_by) for said_by in (moment.where, moment.line) if said_by]
    quiet = f" <span class='fd-quiet'>{', '.join(after)}</span>" if after else ""
    return [
        Cell(html=f"+{(moment.at_s - first_s) * 1000:.1f} ms", tight=True),
        Cell(html=markup.text(moment.label or "·"), tight=True),
        Cell(
            html=f"{lane}<br><span class='fd-quiet'>{session}</span>" if session else lane, wide_only=True, tight=True
        ),
        Cell(html=f"<span class='fd-narrow fd-quiet'>{lane} {session}</span>{said}{quiet}"),
    ]


def race(found: Race) -> list[str]:
    """A lost update in words: how many there were, what happened to the row, and where in the code."""
    return [f"{found.counted}.", f"{found.says}.", *(f"In the code, {line}." for line in found.lines)]


def origin(explained: Explained) -> str:
    """Where the time line begins, and what was left out of it."""
    first_s = explained.moments[0].at_s if explained.moments else 0.0
    said = f"The time line begins {first_s:.3f} s into the load. SQL and log lines explain; the finding stands without."
    return f"{said} {explained.left_out} more moments were left out, reads first." if explained.left_out else said
