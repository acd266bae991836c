"""The timeline as inline SVG: what was offered, served and failed each second, p95, and the faults above it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from chaos.evidence.course import Phase
from chaos.evidence.figures import Second
from chaos.evidence.limits import curves_of, span_s
from chaos.report.words import Shown

MAX_COLUMNS = 240
LANE = 22
PANEL = 130
GAP = 30
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 20, 26
CHARACTER = 6.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One or more seconds drawn as one: rates are means, p95 is the worst second's.

    Attributes:
        p95_ms: None without operations, infinite where the operation at that rank had no promised answer.
    """

    from_s: int
    until_s: int
    offered: float
    served: float
    errors: float
    p95_ms: float | None


def columns(timeline: Sequence[Second]) -> list[Column]:
    """At most 240, so that a long run stays readable."""
    width = max(1, math.ceil(len(timeline) / MAX_COLUMNS))
    return [_column(timeline[start : start + width]) for start in range(0, len(timeline), width)]


def _column(seconds: Sequence[Second]) -> Column:
    values = [math.inf if s.p95_ms is None else s.p95_ms for s in seconds if s.offered]
    return Column(
        from_s=seconds[0].at_s,
        until_s=seconds[-1].at_s + 1,
        offered=sum(s.offered for s in seconds) / len(seconds),
        served=sum(s.served for s in seconds) / len(seconds),
        errors=sum(s.errors for s in seconds) / len(seconds),
        p95_ms=max(values, default=None),
    )


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 5 × 10ⁿ."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999999)


def _unbroken(points: Sequence[tuple[float, float | None]]) -> Iterator[list[tuple[float, float]]]:
    """The stretches without a gap."""
    line: list[tuple[float, float]] = []
    for x, value in [*points, (0.0, None)]:
        if value is not None:
            line.append((x, value))
        elif line:
            yield line
            line = []


class Chart:
    """One drawing of a given width in pixels; a phone gets a narrow one, so that its text is not shrunk."""

    def __init__(self, shown: Shown, width: int) -> None:
        document = shown.document
        self.shown, self.document, self.width = shown, document, width
        self.phases = [Phase(name=p.name, start_s=p.start_s, end_s=p.end_s) for p in document.phases]
        self.columns = columns(shown.timeline)
        planned = max((phase.end_s for phase in document.phases), default=0.0)
        self.end_s = max(planned, self.columns[-1].until_s if self.columns else 1.0, 1.0)
        self.faults = [fault for fault in document.faults if fault.injected_s is not None]
        self.rates_top = TOP + 18 + LANE * len(self.faults)
        self.p95_top = self.rates_top + PANEL + GAP
        self.height = self.p95_top + PANEL + BOTTOM

    def svg(self) -> str:
        """The `<svg>` element, without a namespace, which HTML does not need."""
        head = (
            f'<svg viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" role="img" '
            f'aria-label="{escape(self._label())}">'
        )
        parts = [*self._phases(), *self._faults(), *self._rates(), *self._latency(), *self._seconds(), *self._tips()]
        return head + "".join(parts) + "</svg>"

    def _label(self) -> str:
        offered = sum((c.until_s - c.from_s) * c.offered for c in self.columns)
        errors = sum((c.until_s - c.from_s) * c.errors for c in self.columns)
        faults = ", ".join(f"{f.kind} on {f.on} from {f.injected_s:.0f} s" for f in self.faults) or "none"
        return f"Timeline of {self.end_s:.0f} s: {offered:.0f} offered, {errors:.0f} errors; faults: {faults}"

    def _x(self, at_s: float) -> float:
        return round(LEFT + (self.width - LEFT - RIGHT) * min(max(at_s / self.end_s, 0.0), 1.0), 1)

    @staticmethod
    def _y(top: float, value: float, ceiling: float) -> float:
        return round(top + PANEL * (1 - min(value / ceiling, 1.0)), 1)

    def _phases(self) -> Iterator[str]:
        bottom = self.p95_top + PANEL
        for phase in self.document.phases:
            x, room = self._x(phase.start_s), self._x(phase.end_s) - self._x(phase.start_s)
            yield f'<path class="phase" d="M{x} {TOP - 12}V{bottom}"/>'
            name = str(phase.name)[: max(0, int(room / CHARACTER))]
            yield f'<text class="strong" x="{x + 4}" y="{TOP - 4}">{escape(name)}</text>'

    def _faults(self) -> Iterator[str]:
        bottom = self.p95_top + PANEL
        for lane, fault in enumerate(self.faults):
            until_s = self.end_s if fault.lifted_s is None else fault.lifted_s
            x, top = self._x(fault.injected_s or 0.0), TOP + 4 + LANE * lane
            width = max(3.0, round(self._x(until_s) - x, 1))
            yield f'<rect class="band" x="{x}" y="{top}" width="{width}" height="{bottom - top}"/>'
            yield f'<rect class="lane" x="{x}" y="{top}" width="{width}" height="3"/>'
            name = fault.text
            fits = x + 4 + len(name) * CHARACTER < self.width
            anchor = "" if fits else ' text-anchor="end"'
            yield f'<text x="{x + 4 if fits else self.width - 4}" y="{top + 16}"{anchor}>{escape(name)}</text>'

    def _axis(self, top: float, ceiling: float, unit: str) -> Iterator[str]:
        for share in (0.0, 0.5, 1.0):
            y = self._y(top, share, 1.0)
            yield f'<path class="grid" d="M{LEFT} {y}H{self.width - RIGHT}"/>'
            yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{ceiling * share:g}</text>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{top - 8}" text-anchor="end">{unit}</text>'

    def _rates(self) -> Iterator[str]:
        top = self.rates_top
        ceiling = nice_ceiling(max((max(c.offered, c.served, c.errors) for c in self.columns), default=1.0))
        yield from self._axis(top, ceiling, "per s")
        for c in self.columns:
            if c.errors:
                x, y = self._x(c.from_s), self._y(top, c.errors, ceiling)
                width = max(1.0, self._x(c.until_s) - x - 1)
                yield f'<rect class="errors" x="{x}" y="{y}" width="{width:.1f}" height="{top + PANEL - y:.1f}"/>'
        for name in ("offered", "served"):
            points = [f"{self._middle(c)} {self._y(top, getattr(c, name), ceiling)}" for c in self.columns]
            if points:
                yield f'<path class="{name}" d="M{"L".join(points)}"/>'

    def _latency(self) -> Iterator[str]:
        top = self.p95_top
        finite = [c.p95_ms for c in self.columns if c.p95_ms is not None and math.isfinite(c.p95_ms)]
        limits = list(self._limits())
        curves = list(self._curves())
        finite += [value for _, points in curves for _, value in points if value is not None]
        ceiling = nice_ceiling(max([*finite, *(limit for _, _, limit, _ in limits)], default=1.0))
        yield from self._axis(top, ceiling, "ms")
        for start_s, end_s, limit, name in limits:
            y, x = self._y(top, limit, ceiling), self._x(start_s)
            yield f'<path class="limit" d="M{x} {y}H{self._x(end_s)}"><title>{escape(name)}</title></path>'
        for name, points in curves:
            for line in _unbroken([(self._x(at_s), value) for at_s, value in points]):
                path = "L".join(f"{x} {self._y(top, value, ceiling)}" for x, value in line)
                stub = "h2" if len(line) == 1 else ""
                yield f'<path class="curve" d="M{path}{stub}"><title>{escape(name)}</title></path>'
        run: list[str] = []
        for c in [*self.columns, None]:
            if c is not None and c.p95_ms is not None and math.isfinite(c.p95_ms):
                run.append(f"{self._middle(c)} {self._y(top, c.p95_ms, ceiling)}")
                continue
            if run:  # a single point gets a stub, else it would be invisible
                yield f'<path class="p95" d="M{"L".join(run)}{"h2" if len(run) == 1 else ""}"/>'
                run = []
            if c is not None and c.p95_ms is not None:
                x = self._middle(c)
                yield f'<path class="noanswer" d="M{x - 3.5} {top + 1.5}l7 7m0 -7l-7 7"/>'

    def _limits(self) -> Iterator[tuple[float, float, float, str]]:
        """(start, end, limit in ms, words) of every limit on a latency, for the time in which it applies."""
        for limit in self.shown.limits:
            span = span_s(limit, self.phases)
            if span is not None:
                end_s = self.end_s if span[1] is None else span[1]
                yield span[0], end_s, limit.at_most_s * 1000, limit.text

    def _curves(self) -> Iterator[tuple[str, list[tuple[float, float | None]]]]:
        """Name and points (middle of the column, worst milliseconds) of each figure that has a limit."""
        width = self.columns[0].until_s - self.columns[0].from_s if self.columns else 1
        for curve in curves_of(self.shown.limits):
            worst: dict[int, float] = {}
            for at_s, value_ms in self.shown.timelines.of(curve.op).quantiles_ms(curve.quantile):
                start_s = at_s - at_s % width
                worst[start_s] = max(worst.get(start_s, 0.0), math.inf if value_ms is None else value_ms)
            yield curve.name, [(at_s + width / 2, v if math.isfinite(v) else None) for at_s, v in worst.items()]

    def _middle(self, column: Column) -> float:
        return self._x((column.from_s + column.until_s) / 2)

    def _seconds(self) -> Iterator[str]:
        step = nice_ceiling(self.end_s * 48 / (self.width - LEFT - RIGHT))
        y = self.p95_top + PANEL + 17
        at_s = 0.0
        while at_s <= self.end_s:
            x = self._x(at_s)
            anchor = "end" if x > self.width - RIGHT - 12 else "middle"
            yield f'<text class="tick" x="{x}" y="{y}" text-anchor="{anchor}">{at_s:g} s</text>'
            at_s += step

    def _tips(self) -> Iterator[str]:
        top = TOP - 12
        for c in self.columns:
            x = self._x(c.from_s)
            p95 = "none" if c.p95_ms is None else "no answer" if math.isinf(c.p95_ms) else f"{c.p95_ms:.0f} ms"
            tip = (
                f"{c.from_s}–{c.until_s} s: {c.offered:g} offered, {c.served:g} served, {c.errors:g} errors, p95 {p95}"
            )
            yield (
                f'<rect class="tip" x="{x}" y="{top}" width="{self._x(c.until_s) - x:.1f}" '
                f'height="{self.height - top}"><title>{tip}</title></rect>'
            )
