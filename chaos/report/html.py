"""report.html: one file that needs no network and no script, for a screen of any width, light or dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from chaos.evidence.limits import curves_of
from chaos.model.counterexamples import Race, TimeLine
from chaos.model.verdict import Finding, Verdict, VerdictDocument, worst_first
from chaos.report.chart import Chart
from chaos.report.explain import MOMENT_COLUMNS, moment_rows, operation
from chaos.report.lanes import Lanes
from chaos.report.samples import body, during_faults, request_line, status_line, telling_headers
from chaos.report.words import (
    ABORTED,
    OPERATION_COLUMNS,
    Shown,
    event_rows,
    headline,
    isolation,
    operation_rows,
    run_by,
    signed,
    some,
    what_to_do,
)

WIDE, NARROW = 1040, 360

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--text:#1b2129;--soft:#57616d;--line:#d5dbe2;--panel:#f5f7f9;
--held:#17703a;--inconclusive:#8a5a00;--violated:#b8261d;
--offered:#6b7682;--served:#0b62c4;--errors:#d1571f;--p95:#7440b4;--band:#f2b84a33;--lane:#b97a00}
@media(prefers-color-scheme:dark){:root{--bg:#10151b;--text:#e5ebf1;--soft:#a2afbc;--line:#303a45;--panel:#182029;
--held:#56d47f;--inconclusive:#f0bd4e;--violated:#ff8078;
--offered:#98a5b3;--served:#62adff;--errors:#ff9361;--p95:#c9a0ff;--band:#f2b84a26;--lane:#f0bd4e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1104px;padding:24px 32px 64px;background:var(--bg);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:break-word}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 8px}h2{font-size:1.15rem;margin:36px 0 10px}
p{margin:6px 0}.soft,caption,.key{color:var(--soft);font-size:.9rem}
.verdict{border-left:6px solid;padding:2px 0 2px 16px;margin-bottom:16px}
.held{color:var(--held)}.inconclusive{color:var(--inconclusive)}.violated{color:var(--violated)}
.verdict p{color:var(--text)}.summary{font-size:1.1rem;font-weight:600}
blockquote{margin:14px 0;padding:10px 16px;background:var(--panel);border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:7px 12px 7px 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600}.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.sign{font-weight:600;white-space:nowrap}code{font:.88em ui-monospace,"DejaVu Sans Mono",monospace}
.scroll{overflow-x:auto}.scroll table{white-space:nowrap}.reason{margin-top:3px}
details{margin-top:28px}summary{cursor:pointer;font-size:1.15rem;font-weight:600;padding:6px 0}
a{color:var(--served)}:focus-visible{outline:2px solid var(--served);outline-offset:2px}
svg{display:block;max-width:100%;height:auto;font:11px system-ui,"DejaVu Sans",sans-serif}svg text{fill:var(--text)}
svg .tick{fill:var(--soft)}svg .strong{font-weight:600}.grid,.phase{stroke:var(--line);fill:none}
.phase{stroke-dasharray:2 3}.band{fill:var(--band)}.lane{fill:var(--lane)}
.offered,.served,.p95,.curve,.limit,.noanswer{fill:none;stroke-width:2;stroke-linejoin:round}
.offered{stroke:var(--offered);stroke-dasharray:5 4}.served{stroke:var(--served)}.errors{fill:var(--errors)}
.p95{stroke:var(--p95)}.curve{stroke:var(--p95);stroke-width:1.2;stroke-dasharray:5 2}
.limit{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:1 3}.noanswer{stroke:var(--errors)}
.op{fill:var(--served)}.read{fill:var(--offered)}.write{fill:var(--errors)}
.key .bar.op{background:var(--served)}.key .bar.read{background:var(--offered)}.key .bar.write{background:var(--errors)}
h3{font-size:1rem;margin:22px 0 4px}section{border-top:1px solid var(--line)}section ul{margin:6px 0;padding-left:20px}
section details{margin-top:8px}section summary{font-size:.95rem}
.moments td{font-size:.85rem;padding:4px 10px 4px 0}.moments td:nth-child(-n+3){white-space:nowrap}
.moments td:last-child{font-family:ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
.sample{padding:8px 14px;margin:10px 0;background:var(--panel);border-radius:6px}.sample p{margin:2px 0}
.sample pre{margin:6px 0 0;white-space:pre-wrap;overflow-wrap:anywhere;
font:.82rem ui-monospace,"DejaVu Sans Mono",monospace}
.answer{font-weight:600}.answer.ok{color:var(--held)}.answer.refused{color:var(--inconclusive)}
.answer.fail,.answer.info{color:var(--violated)}
.tip{fill:transparent}.tip:hover{fill:var(--soft);fill-opacity:.12}.narrow{display:none}
.key span{white-space:nowrap;margin-right:16px}.key i{display:inline-block;width:18px;margin-right:6px;
vertical-align:middle;border-top:2px solid}.key .bar{height:10px;border:0;background:var(--errors)}
@media(max-width:680px){body{padding:16px 16px 48px}h1{font-size:1.3rem}.wide{display:none}.narrow{display:block}
.cards thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}
.cards,.cards tbody,.cards tr,.cards td{display:block;width:100%}
.cards tr{padding:10px 0;border-bottom:1px solid var(--line)}
.cards td{border:0;padding:1px 0}.cards td[data-name]::before{content:attr(data-name) ": ";color:var(--soft)}
.cards td:empty{display:none}.moments td:nth-child(-n+3){display:inline-block;width:auto;margin-right:8px}}
@media print{details{display:block}.tip{display:none}}
"""


def render(shown: Shown) -> str:
    """The whole page, verdict first."""
    document = shown.document
    aborted = ABORTED if document.aborted else ""
    title = f"{document.verdict}{aborted}: {document.title} on {document.variant}"
    about_run = document.about_run
    spoiled = any(finding.verdict is not Verdict.HELD for finding in about_run)
    body = [
        _verdict(document),
        f"<blockquote><strong>Hypothesis.</strong> {escape(document.hypothesis)}</blockquote>",
        _run_line(document),
        "<h2>Checks</h2>",
        _findings(worst_first(document.checks)),
        _counterexamples(shown),
        "<h2>Timeline</h2>",
        _timeline(shown),
        "<h2>Operations</h2>",
        _table(OPERATION_COLUMNS, operation_rows(document), numbers_from=2),
        '<p class="soft">Latency counts from the intended start. <em>no answer</em>: the operation at that rank got no '
        "promised answer. <em>refused</em> is a documented refusal such as sold out; <em>unknown</em> may have "
        "happened (timeout, reset, 5xx).</p>",
        _samples(shown),
        _folded(f"The run itself: {_tally(about_run)}", _findings(worst_first(about_run)), opened=spoiled),
        _folded("Event log", _table(("at", "event", "details"), event_rows(shown.events), cards=True), opened=False),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _verdict(document: VerdictDocument) -> str:
    verdict = document.verdict
    return (
        f'<div class="verdict {verdict}"><h1>{escape(headline(document))}: {escape(document.title)} '
        f"on {escape(document.variant)}</h1>"
        f'<p class="summary">{escape(document.summary)}</p>'
        f'<p class="soft">{escape(what_to_do(document))}</p></div>'
    )


def _run_line(document: VerdictDocument) -> str:
    return (
        f'<p class="soft">Run <code>{escape(document.run_id)}</code> · scenario '
        f"<code>{escape(document.scenario)}</code> · drill {document.drill} · seed {document.seed} · scale "
        f"{document.scale:g} · {escape(document.started_at)} · {document.duration_s:.0f} s"
        f"{escape(run_by(document))}</p>"
        f'<p class="soft">Isolation: {escape(isolation(document.isolation))}</p>'
    )


def _findings(findings: Sequence[Finding]) -> str:
    rows = "".join(
        f'<tr><td><span class="sign {f.verdict}">{escape(signed(f.verdict))}</span></td>'
        f"<td><code>{_breakable(f.check)}</code></td>"
        f'<td data-name="expected">{escape(f.expected)}</td>'
        f"{_measured(f)}</tr>"
        for f in findings
    )
    return (
        '<table class="cards"><thead><tr><th scope="col">verdict</th><th scope="col">check</th>'
        f'<th scope="col">expected</th><th scope="col">measured</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _breakable(check: str) -> str:
    """*check* as HTML that may break before its parts, not within a word."""
    return escape(check).replace("[", "<wbr>[").replace(",", ",<wbr>")


def _measured(finding: Finding) -> str:
    parts = [escape(finding.measured)] if finding.measured else []
    if finding.where:
        parts.append(f'<div class="soft">{escape(finding.where)}</div>')
    if finding.reason and finding.reason not in finding.measured:
        parts.append(f'<div class="reason">{escape(finding.why)}</div>')
    if finding.examples:
        examples, more = some(finding.examples)
        shown = ", ".join(f"<code>{escape(example)}</code>" for example in examples)
        parts.append(f'<div class="soft">e.g. {shown}{more}</div>')
    return f'<td data-name="measured">{"".join(parts)}</td>' if parts else "<td></td>"


def _timeline(shown: Shown) -> str:
    if not shown.timeline:
        return '<p class="soft">No operation is on record.</p>'
    wide, narrow = (Chart(shown, width).svg() for width in (WIDE, NARROW))
    limited = "".join(
        f'<span><i style="border-top-style:dashed;color:var(--p95)"></i>{escape(curve.name)}</span>'
        for curve in curves_of(shown.limits)
    )
    if shown.limits:
        said = ", ".join(dict.fromkeys(limit.text for limit in shown.limits))
        limited += f'<span><i style="border-top-style:dotted;color:var(--soft)"></i>limit: {escape(said)}</span>'
    key = (
        '<p class="key"><span><i style="border-top-style:dashed;color:var(--offered)"></i>offered</span>'
        '<span><i style="color:var(--served)"></i>served</span>'
        '<span><i class="bar"></i>errors (failed, unknown, dropped)</span>'
        '<span><i style="color:var(--p95)"></i>p95 from intended, all operations</span>'
        f"{limited}"
        '<span style="color:var(--errors)">✕</span><span>p95 without an answer</span></p>'
    )
    return f'{key}<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'


def _counterexamples(shown: Shown) -> str:
    parts = ["<h2>Counterexamples</h2>"] if shown.counterexamples else []
    for explained in shown.counterexamples:
        parts.append(
            f"<section><h3><code>{_breakable(explained.check)}</code></h3><p>{escape(explained.says)}.</p><ul>"
            + "".join(
                f"<li><strong>{escape(op.label)}</strong> {escape(operation(op))}</li>" for op in explained.operations
            )
            + "</ul>"
        )
        parts += [] if explained.race is None else [_race(explained.race)]
        parts.append(_lanes(explained))
        if explained.moments:
            first_s = explained.moments[0].at_s
            title = f"Every moment, with SQL and log lines, from {first_s:.3f} s on ({len(explained.moments)})"
            table = _table(MOMENT_COLUMNS, moment_rows(explained), cards=True)
            parts.append(_folded(title, f'<div class="moments">{table}</div>', opened=False))
        if explained.left_out:
            parts.append(f'<p class="soft">… and {explained.left_out} more; reads were left out first.</p>')
        parts += [f'<p class="soft">Not known: {escape(what)}.</p>' for what in explained.unknown]
        parts.append("</section>")
    return "".join(parts)


def _race(race: Race) -> str:
    """The pair that raced, with lanes and a time line of their own."""
    operations = "".join(
        f"<li><strong>{escape(op.label)}</strong> {escape(operation(op))}</li>" for op in race.operations
    )
    lines = "".join(f"<li>in the code, {escape(line)}</li>" for line in race.lines)
    table = _table(MOMENT_COLUMNS, moment_rows(race), cards=True)
    return (
        f"<p><strong>{escape(race.counted)}.</strong> {escape(race.says)}.</p><ul>{operations}{lines}</ul>"
        f'{_lanes(race)}<div class="moments">{table}</div>'
        '<p class="soft">What the operations above did:</p>'
    )


def _lanes(line: TimeLine) -> str:
    wide, narrow = (Lanes(line, width).svg() for width in (WIDE, NARROW))
    if not wide:
        return ""
    return (
        f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>'
        '<p class="key"><span><i class="bar op"></i>at the client, from sending to the answer</span>'
        '<span><i class="bar read"></i>a read of the database</span>'
        '<span><i class="bar write"></i>a write, a commit, a charge</span></p>'
    )


def _samples(shown: Shown) -> str:
    found = during_faults(shown.document, shown.samples)
    if not found:
        return ""
    during = "while a fault was there" if shown.document.faults else "of the run"
    parts = [f"<h2>Sampled answers {during}</h2>"]
    for sample in found:
        headers = "".join(f"{escape(name)}: {escape(value)}\n" for name, value in telling_headers(sample))
        parts.append(
            f'<div class="sample"><p><strong>{escape(request_line(sample))}</strong> <span class="soft">at '
            f"{sample.ended:.2f} s, phase {escape(sample.phase)}, request {escape(sample.id)}</span></p>"
            f'<p class="answer {escape(sample.outcome)}">{escape(status_line(sample))}</p>'
            f"<pre>{headers}\n{escape(body(sample))}</pre></div>"
        )
    return "".join(parts)


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int | None = None, cards: bool = False
) -> str:
    first = len(columns) if numbers_from is None else numbers_from
    style = [' class="number"' if position >= first else "" for position in range(len(columns))]
    head = "".join(f'<th scope="col"{css}>{escape(name)}</th>' for name, css in zip(columns, style, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{css}>{escape(value)}</td>' for value, css in zip(row, style, strict=True))}</tr>"
        for row in rows
    )
    table = f"<table{' class=cards' if cards else ''}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return table if cards else f'<div class="scroll" tabindex="0" role="region" aria-label="table">{table}</div>'


def _folded(title: str, content: str, *, opened: bool) -> str:
    return f"<details{' open' if opened else ''}><summary>{escape(title)}</summary>{content}</details>"


def _tally(findings: Sequence[Finding]) -> str:
    bad = sum(finding.verdict is not Verdict.HELD for finding in findings)
    return f"{bad} of {len(findings)} spoil it" if bad else f"all {len(findings)} self-checks held"
