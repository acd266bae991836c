"""A counterexample's operations as bars on one time axis, with what each did in the database: overlaps are visible."""

from __future__ import annotations

from chaos.model.counterexamples import Explained, Moment, Shown
from chaos.model.operations import WATCHING
from dashboard import markup, words

LEAST_S = 0.002
LEAST_SHARE = 0.006
"""Of the width: what was shorter is drawn that long, so that it can be seen."""
MARKED = ("statement", "call", "charge")
LEGEND = (
    "<p class='fd-quiet fd-key'><span><i class='fd-op'></i>at the client, from sending to the answer</span>"
    "<span><i class='fd-read'></i>a read of the database</span>"
    "<span><i class='fd-write'></i>a write, a commit, a charge</span></p>"
)


def lanes(explained: Explained) -> str:
    """As HTML; empty without operations. The tables below it have the same in words."""
    # A poll that only read the outcome, seconds later, would make all other bars too short.
    shown = [op for op in explained.operations if op.op != WATCHING] or list(explained.operations)
    if not shown:
        return ""
    start_s = min(op.sent_s for op in shown)
    end_s = max(*(op.sent_s if op.ended_s is None else op.ended_s for op in shown), start_s + LEAST_S)
    span_s = end_s - start_s
    rows = "".join(_row(op, explained.moments, start_s, span_s) for op in shown)
    ends = "".join(f"<span>+{share * span_s * 1000:.0f} ms</span>" for share in (0.0, 0.5, 1.0))
    told = f"{len(shown)} operations in {span_s * 1000:.0f} ms: " + "; ".join(_told(op, start_s) for op in shown)
    return (
        f"<div class='fd-lanes' role='img' aria-label='{markup.text(told)}'>{rows}"
        f"<div class='fd-lane fd-quiet'><b></b><span></span><div class='fd-axis'>{ends}</div></div></div>{LEGEND}"
    )


def _told(op: Shown, start_s: float) -> str:
    until = "without an answer" if op.ended_s is None else f"answered at +{(op.ended_s - start_s) * 1000:.0f} ms"
    return f"{op.label} {op.op} sent at +{(op.sent_s - start_s) * 1000:.0f} ms, {until}"


def _row(op: Shown, moments: tuple[Moment, ...], start_s: float, span_s: float) -> str:
    ended_s = start_s + span_s if op.ended_s is None else op.ended_s
    took = words.latency_text(None if op.ended_s is None else op.ended_s - op.sent_s)
    bars = _bar("op", op.sent_s - start_s, ended_s - op.sent_s, span_s, f"{op.op}: {op.answer}, {took}")
    for moment in moments:
        if moment.label == op.label and moment.kind in MARKED and start_s <= moment.at_s <= start_s + span_s:
            reads = moment.kind == "statement" and moment.text.upper().startswith("SELECT")
            lasted_s = (moment.until_s or moment.at_s) - moment.at_s
            bars += _bar("read" if reads else "write", moment.at_s - start_s, lasted_s, span_s, moment.text[:200])
    return (
        f"<div class='fd-lane'><b>{markup.text(op.label)}</b><span class='fd-quiet'>{markup.text(op.op)}</span>"
        f"<div class='fd-track fd-two'>{bars}</div></div>"
    )


def _bar(kind: str, at_s: float, lasted_s: float, span_s: float, said: str) -> str:
    left = min(max(at_s / span_s, 0.0), 1 - LEAST_SHARE)
    width = min(max(lasted_s / span_s, LEAST_SHARE), 1 - left)
    return (
        f"<div class='fd-bar fd-{kind}' style='left:{left * 100:.2f}%;width:{width * 100:.2f}%'"
        f" title='{markup.text(said)}'></div>"
    )
