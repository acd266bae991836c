"""Two runs of one scenario and seed, before and after, on the common axis of `chaos.evidence.comparable`.

Renders; the verdicts are those of the runs. Runs that can't be compared are refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from chaos.errors import InvalidInput
from chaos.evidence import comparable
from chaos.evidence.comparable import Axis
from chaos.evidence.figures import Second, milliseconds
from chaos.model.verdict import OperationRow, VerdictDocument
from chaos.report.chart import nice_ceiling
from chaos.report.compare import ComparedCheck, Side, compared
from chaos.report.html import NARROW, STYLE, WIDE
from chaos.report.markdown import cell
from chaos.report.words import Shown, headline, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two comparable runs."""

    before: Shown
    after: Shown

    @property
    def axis(self) -> Axis:
        """Where their common axis begins."""
        return comparable.axis(self.before.document, self.after.document)

    @property
    def runs(self) -> tuple[Shown, Shown]:
        """First before, then after."""
        return self.before, self.after


def paired(before: Shown, after: Shown) -> Pair:
    """Two runs as a pair. Raises: InvalidInput when the runs did not do the same thing."""
    if found := comparable.problems(before.document, after.document):
        raise InvalidInput([f"compare: {problem}" for problem in found])
    return Pair(before=before, after=after)


def delta_rows(pair: Pair) -> list[tuple[str, ...]]:
    """Phase, operation, then each figure before → after: answered, errors, p50, p95."""
    one, two = pair.before.document.operations, pair.after.document.operations
    rows = []
    for phase in dict.fromkeys([*one, *two]):
        for op in dict.fromkeys([*one.get(phase, {}), *two.get(phase, {})]):
            a, b = one.get(phase, {}).get(op), two.get(phase, {}).get(op)
            rows.append((phase, op, *(f"{_figure(a, name)} → {_figure(b, name)}" for name in _FIGURES)))
    return rows


DELTA_COLUMNS = ("phase", "operation", "answered", "failed, unknown, dropped", "p50 ms", "p95 ms")
_FIGURES = ("answered", "errors", "p50_ms", "p95_ms")


def _figure(row: OperationRow | None, name: str) -> str:
    if row is None:
        return "–"
    if name == "answered":
        return str(row.answered)
    if name == "errors":
        return str(row.errors)
    return milliseconds(row.p50_ms if name == "p50_ms" else row.p95_ms, row.total)


def markdown(pair: Pair) -> str:
    """For a pull request."""
    return "\n".join(_markdown(pair)) + "\n"


def _markdown(pair: Pair) -> Iterator[str]:
    names = [_name(shown.document, pair) for shown in pair.runs]
    document = pair.before.document
    yield f"# {cell(document.title)}: {names[0]} and {names[1]}"
    yield ""
    for name, shown in zip(names, pair.runs, strict=True):
        yield f"- **{name}**: {headline(shown.document)}. {cell(shown.document.summary)} "
        yield f"  Run `{shown.document.run_id}`."
    yield ""
    yield f"Same scenario (`{document.scenario}`), seed {document.seed}, scale {document.scale:g}."
    yield ""
    for caution in pair.axis.cautions:
        yield f"> {cell(caution)}"
        yield ""
    yield f"| check | expected | {names[0]} | {names[1]} |"
    yield "|---|---|---|---|"
    for row in _rows(pair):
        yield f"| `{row.check}` | {cell(row.expected)} | {' | '.join(_side(side) for side in row.sides)} |"
    yield ""
    yield f"| {' | '.join(DELTA_COLUMNS)} |"
    yield "|---|---|---:|---:|---:|---:|"
    for figures in delta_rows(pair):
        yield f"| {' | '.join(map(cell, figures))} |"


def _zero(pair: Pair) -> str:
    return f"{escape(pair.axis.fault)} took effect" if pair.axis.fault else "the start of the load"


def _rows(pair: Pair) -> list[ComparedCheck]:
    return compared([shown.document for shown in pair.runs])


def _side(side: Side) -> str:
    return f"{signed(side.verdict)}: {cell(side.text)}" if side.verdict else "–"


def _name(document: VerdictDocument, pair: Pair) -> str:
    """The variant; with the run's id where both have the same."""
    same = pair.before.document.variant == pair.after.document.variant
    return f"{document.variant} ({document.run_id[:15]})" if same else document.variant


def html(pair: Pair) -> str:
    """One file that needs no network and no script."""
    document = pair.before.document
    names = [_name(shown.document, pair) for shown in pair.runs]
    verdicts = "".join(
        f'<div class="verdict {shown.document.verdict}"><p class="summary">{escape(name)}: '
        f'<span class="{shown.document.verdict}">{escape(headline(shown.document))}</span></p>'
        f"<p>{escape(shown.document.summary)}</p>"
        f'<p class="soft">run <code>{escape(shown.document.run_id)}</code></p></div>'
        for name, shown in zip(names, pair.runs, strict=True)
    )
    wide, narrow = (_charts(pair, names, width) for width in (WIDE, NARROW))
    body = [
        f"<h1>{escape(document.title)}: {escape(names[0])} and {escape(names[1])}</h1>",
        f'<p class="soft">scenario <code>{escape(document.scenario)}</code> · seed {document.seed} · '
        f"scale {document.scale:g}</p>",
        verdicts,
        "<h2>Checks</h2>",
        _checks(pair, names),
        f"<h2>Timeline, in seconds since {_zero(pair)}</h2>",
        *(f'<p class="reason">{escape(caution)}</p>' for caution in pair.axis.cautions),
        '<p class="key"><span><i style="color:var(--served)"></i>served</span>'
        '<span><i style="border-top-style:dashed;color:var(--offered)"></i>offered</span>'
        '<span><i class="bar"></i>errors (failed, unknown, dropped)</span></p>',
        f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>',
        "<h2>Figures</h2>",
        _deltas(pair),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(document.title)}: {escape(' and '.join(names))}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def _checks(pair: Pair, names: Sequence[str]) -> str:
    def side(name: str, found: Side) -> str:
        if not found.verdict:
            return f'<td data-name="{escape(name)}">–</td>'
        return (
            f'<td data-name="{escape(name)}"><span class="sign {found.verdict}">{escape(signed(found.verdict))}</span>'
            f"<div>{escape(found.text)}</div></td>"
        )

    rows = "".join(
        f"<tr><td><code>{escape(row.check).replace('[', '<wbr>[').replace(',', ',<wbr>')}</code></td>"
        f'<td data-name="expected">{escape(row.expected)}</td>'
        f"{''.join(side(name, found) for name, found in zip(names, row.sides, strict=True))}</tr>"
        for row in _rows(pair)
    )
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("check", "expected", *names))
    return f'<table class="cards"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _deltas(pair: Pair) -> str:
    head = "".join(
        f'<th scope="col"{" class=number" if n > 1 else ""}>{escape(name)}</th>' for n, name in enumerate(DELTA_COLUMNS)
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{' class=number' if n > 1 else ''}>{escape(v)}</td>" for n, v in enumerate(row)) + "</tr>"
        for row in delta_rows(pair)
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="figures">{table}</div>'


LEFT, RIGHT, TOP, PANEL, GAP, BOTTOM = 46, 12, 20, 120, 44, 24


def _charts(pair: Pair, names: Sequence[str], width: int) -> str:
    """Both runs on one axis, one below the other, on the same scale."""
    origins = pair.axis.zero_s
    spans = [
        (-origin, max([p.end_s for p in shown.document.phases], default=1.0) - origin)
        for origin, shown in zip(origins, pair.runs, strict=True)
    ]
    start_s, end_s = min(start for start, _ in spans), max(end for _, end in spans)
    seconds = [s for shown in pair.runs for s in shown.timeline]
    ceiling = nice_ceiling(max((max(s.offered, s.served, s.errors) for s in seconds), default=1))

    def x(at_s: float) -> float:
        share = (at_s - start_s) / max(end_s - start_s, 1.0)
        return round(LEFT + (width - LEFT - RIGHT) * min(max(share, 0.0), 1.0), 1)

    parts: list[str] = []
    for row, (name, shown, origin) in enumerate(zip(names, pair.runs, origins, strict=True)):
        top = TOP + row * (PANEL + GAP)
        parts += _panel(name, shown, origin, top, ceiling, x, width)
    bottom = TOP + 2 * PANEL + GAP
    step = nice_ceiling((end_s - start_s) * 48 / (width - LEFT - RIGHT))
    at_s = -(-start_s // step) * step
    while at_s <= end_s:
        parts.append(f'<text class="tick" x="{x(at_s)}" y="{bottom + 17}" text-anchor="middle">{at_s:g} s</text>')
        at_s += step
    height = bottom + BOTTOM
    label = escape(f"Served and failed each second: {names[0]} above, {names[1]} below")
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{label}">'
        f"{''.join(parts)}</svg>"
    )


def _panel(name: str, shown: Shown, origin: float, top: int, ceiling: float, x: Any, width: int) -> Iterator[str]:
    def y(value: float) -> float:
        return round(top + PANEL * (1 - min(value / ceiling, 1.0)), 1)

    yield f'<text class="strong" x="{LEFT}" y="{top - 6}">{escape(name)}</text>'
    for fault in shown.document.faults:
        if fault.injected_s is not None:
            until_s = shown.document.phases[-1].end_s if fault.lifted_s is None else fault.lifted_s
            left = x(fault.injected_s - origin)
            room = max(3.0, x(until_s - origin) - left)
            tip = escape(fault.text)
            yield f'<rect class="band" x="{left}" y="{top}" width="{room:.1f}" height="{PANEL}">'
            yield f"<title>{tip}</title></rect>"
    for share in (0.0, 0.5, 1.0):
        level = y(share * ceiling)
        yield f'<path class="grid" d="M{LEFT} {level}H{width - RIGHT}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{level + 4}" text-anchor="end">{share * ceiling:g}</text>'
    seconds: Sequence[Second] = shown.timeline
    for second in seconds:
        if second.errors:
            left, right = x(second.at_s - origin), x(second.at_s + 1 - origin)
            level = y(second.errors)
            yield (
                f'<rect class="errors" x="{left}" y="{level}" width="{max(1.0, right - left - 1):.1f}" '
                f'height="{top + PANEL - level:.1f}"/>'
            )
    for line in ("offered", "served"):
        points = [f"{x(s.at_s + 0.5 - origin)} {y(getattr(s, line))}" for s in seconds]
        if points:
            yield f'<path class="{line}" d="M{"L".join(points)}"/>'
