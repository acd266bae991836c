"""A counterexample's operations as bars below each other, with what each did in the database: overlaps are visible."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from chaos.model.counterexamples import Moment, TimeLine
from chaos.model.operations import WATCHING
from chaos.report.explain import operation, what

ROW, BAR, LEFT, RIGHT, TOP, BOTTOM = 46, 12, 34, 14, 10, 26
LEAST_S = 0.002


class Lanes:
    """One drawing of a given width; clipped to the time of the operations, since what comes later is in the table."""

    def __init__(self, explained: TimeLine, width: int) -> None:
        self.explained, self.width = explained, width
        # A poll that only read the outcome, seconds later, would make all other bars too short.
        shown = [op for op in explained.operations if op.op != WATCHING] or list(explained.operations)
        self.operations = shown
        starts = [op.sent_s for op in shown]
        ends = [op.sent_s if op.ended_s is None else op.ended_s for op in shown]
        self.start_s, end_s = min(starts, default=0.0), max(ends, default=0.0)
        self.end_s = max(end_s, self.start_s + LEAST_S)
        self.height = TOP + ROW * len(shown) + BOTTOM

    def svg(self) -> str:
        """The `<svg>` element; empty without operations."""
        if not self.operations:
            return ""
        label = f"Time line of {len(self.operations)} operations, {(self.end_s - self.start_s) * 1000:.0f} ms"
        head = (
            f'<svg viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" role="img" '
            f'aria-label="{escape(label)}">'
        )
        return head + "".join([*self._axis(), *self._rows()]) + "</svg>"

    def _x(self, at_s: float) -> float:
        share = (at_s - self.start_s) / (self.end_s - self.start_s)
        return round(LEFT + (self.width - LEFT - RIGHT) * min(max(share, 0.0), 1.0), 1)

    def _axis(self) -> Iterator[str]:
        bottom = TOP + ROW * len(self.operations)
        for share, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            at_s = self.start_s + share * (self.end_s - self.start_s)
            yield f'<path class="grid" d="M{self._x(at_s)} {TOP}V{bottom}"/>'
            yield (
                f'<text class="tick" x="{self._x(at_s)}" y="{bottom + 17}" text-anchor="{anchor}">'
                f"+{(at_s - self.start_s) * 1000:.0f} ms</text>"
            )

    def _rows(self) -> Iterator[str]:
        for row, shown in enumerate(self.operations):
            top = TOP + ROW * row
            until_s = self.end_s if shown.ended_s is None else shown.ended_s
            x, width = self._x(shown.sent_s), max(3.0, self._x(until_s) - self._x(shown.sent_s))
            yield f'<text class="strong" x="4" y="{top + 16}">{escape(shown.label)}</text>'
            yield (
                f'<rect class="op" x="{x}" y="{top + 6}" width="{width:.1f}" height="{BAR}">'
                f"<title>{escape(operation(shown))}</title></rect>"
            )
            for moment in self._of(shown.label):
                yield self._mark(moment, top + 6 + BAR + 5)

    def _of(self, label: str) -> Iterator[Moment]:
        for moment in self.explained.moments:
            if moment.label == label and moment.kind in ("statement", "call", "charge") and moment.at_s <= self.end_s:
                yield moment

    def _mark(self, moment: Moment, y: int) -> str:
        x = self._x(moment.at_s)
        width = max(2.0, self._x(moment.until_s or moment.at_s) - x)
        style = "read" if moment.kind == "statement" and moment.text.upper().startswith("SELECT") else "write"
        tip = escape(what(moment))
        return f'<rect class="{style}" x="{x}" y="{y}" width="{width:.1f}" height="10"><title>{tip}</title></rect>'
