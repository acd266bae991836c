"""mentor.html: what was handed in, learner by drill, one file without script or network, for ten minutes each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from chaos.model.deliverable import Delivered, PartOf, RunOf
from chaos.model.patch import Change
from chaos.model.text import visible
from chaos.report.html import STYLE
from chaos.report.words import ISOLATION, PASSED, SIGNS

MOST_TRIES: Final = 60
MOST_DIFF_CHARACTERS: Final = 60_000
DRILLS: Final = range(1, 7)
MORE_STYLE: Final = """
.people td,.people th{padding:10px 14px 10px 0}.people a{text-decoration:none}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:12px 0}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
ol.ask{padding-left:22px}ol.ask li{margin:6px 0}
.doubt{border-left:4px solid var(--violated);padding:2px 0 2px 12px;margin:8px 0}
.tries{display:flex;flex-wrap:wrap;gap:2px 6px;margin:6px 0;font-variant-numeric:tabular-nums}
.tries span{white-space:nowrap}.tries .gap{color:var(--soft)}
pre{overflow-x:auto;background:var(--panel);border-radius:6px;padding:12px 14px;
font:.82rem/1.45 ui-monospace,"DejaVu Sans Mono",monospace}
pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}pre .plus{color:var(--held)}pre .minus{color:var(--violated)}
article{border-top:2px solid var(--line);margin-top:40px;padding-top:4px}
@media(max-width:680px){.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:8px}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One deliverable as the page shows it.

    Attributes:
        file: Name of the ZIP.
        similarity: To `hardened`, in words.
        contradictions: Where it says otherwise than its own evidence.
        texts: What the drill asked for, as Markdown, by file name.
        changed: The code, file by file.
    """

    file: str
    told: Delivered
    bytes: int
    similarity: str
    questions: Sequence[str]
    contradictions: Sequence[str]
    texts: Mapping[str, str]
    changed: Sequence[Change]


def page(found: Sequence[Reviewed]) -> str:
    """The whole page."""
    body = [
        "<h1>For the mentor</h1>",
        f"<p>Handed in: {len(found)}, by {len(_people(found))}. Every digest was found right; whether each verdict "
        "follows from its evidence, and what another seed says, shows "
        "<code>firedrill mentor --rerun FILE --seed S</code>.</p>",
        _overview(found),
        *(_article(number, one) for number, one in enumerate(found)),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>For the mentor</title><style>{STYLE}{MORE_STYLE}</style></head><body><main>{''.join(body)}</main>"
        "</body></html>\n"
    )


def _text(text: object) -> str:
    """Whatever a learner wrote becomes no tag and no control character."""
    return escape(visible(str(text)))


def _people(found: Iterable[Reviewed]) -> list[str]:
    return list(dict.fromkeys(one.told.learner for one in found))


def _overview(found: Sequence[Reviewed]) -> str:
    """Learner × drill: a sign with its word, self-score and ceiling."""
    head = "".join(f'<th scope="col">Drill {number}</th>' for number in DRILLS)
    rows = []
    for person in _people(found):
        cells = []
        for number in DRILLS:
            its = [(at, one) for at, one in enumerate(found) if (one.told.learner, one.told.drill) == (person, number)]
            cells.append(f'<td data-name="Drill {number}">{"<br>".join(_brief(at, one) for at, one in its)}</td>')
        rows.append(f'<tr><th scope="row">{_text(person) or "no name"}</th>{"".join(cells)}</tr>')
    return (
        f'<table class="people cards"><thead><tr><th scope="col">Learner</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
        '<p class="soft">Score / ceiling: what the learner gave, and what the evidence in the learner\'s lab supports. '
        "– is none.</p>"
    )


def _brief(at: int, one: Reviewed) -> str:
    verdict = one.told.verdict
    return (
        f'<a href="#d{at}"><span class="sign {verdict}">{SIGNS[verdict]} {PASSED[verdict]}</span> '
        f"{_points(one.told.own.score)} / {_points(one.told.own.ceiling)}</a>"
    )


def _points(value: int | None) -> str:
    return "–" if value is None else str(value)


def _article(at: int, one: Reviewed) -> str:
    told = one.told
    doubts = [*told.doubts, *one.contradictions]
    return "".join([
        f'<article id="d{at}"><h2>Drill {told.drill}, {_text(told.title)}: {_text(told.learner) or "no name"}</h2>',
        f'<p class="sign {told.verdict}">{SIGNS[told.verdict]} {PASSED[told.verdict]}</p>',
        *(f'<p class="doubt">{_text(doubt)}</p>' for doubt in doubts),
        _facts(one),
        "<h3>Ask</h3><ol class=\"ask\">", *(f"<li>{_text(one)}</li>" for one in one.questions), "</ol>",
        "<h3>No machine judged</h3><ul>", *(f"<li>{_text(one)}</li>" for one in told.unjudged), "</ul>",
        _notes(told),
        *(_markdown(name, text) for name, text in one.texts.items()),
        _part(f"Fresh seed {told.fresh_seed}", told.fresh) if told.fresh else "",
        *(_part(name.capitalize(), part) for name, part in told.parts.items()),
        _tries(told.tries),
        _diff(one.changed),
        "</article>",
    ])  # fmt: skip


def _facts(one: Reviewed) -> str:
    told, own = one.told, one.told.own
    away = "the scorecard was away" if not own.asked else ""
    hints = ", ".join(f"{hint.hint}{' (solution)' if hint.solution else ''} {hint.used_at[:10]}" for hint in own.hints)
    mine = [run for run in told.tries if run.variant == "attempt"]
    kinds = list(dict.fromkeys(run.isolation or "not known" for run in mine if run.packed))
    facts = (
        ("Self-score", away or _points(own.score)),
        ("Ceiling", away or f"{_points(own.ceiling)}. {own.reason}"),
        ("Hints", away or hints or "none opened"),
        ("Tries", _tally(mine)),
        ("Isolation", f"{', '.join(kinds)}. {' '.join(ISOLATION.get(kind, ISOLATION['']) for kind in kinds)}"),
        ("Like hardened", f"{one.similarity}. For a conversation: it counts for nothing."),
        ("Changed", f"{len(one.changed)} files, {sum(len(c.added) for c in one.changed)} lines added, "
                    f"{sum(c.removed for c in one.changed)} removed, of {told.base}"),
        ("Lab", told.revision or "revision not known"),
        ("File", f"{one.file}, {one.bytes / 1e6:.1f} MB, {told.written_at[:16]}"),
    )  # fmt: skip
    return f'<dl class="facts">{"".join(f"<dt>{name}</dt><dd>{_text(value)}</dd>" for name, value in facts)}</dl>'


def _tally(runs: Sequence[RunOf]) -> str:
    counts = {verdict: sum(run.verdict == verdict for run in runs) for verdict in SIGNS}
    told = ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number)
    seeds = len({run.seed for run in runs})
    codes = len({run.code for run in runs if run.code})
    return f"{len(runs)} runs ({told or 'none'}), on {seeds} seeds; different code: {codes}"


def _notes(told: Delivered) -> str:
    if not told.own.notes.strip():
        return ""
    return (
        f"<h3>The learner's notes</h3><blockquote>{'<br>'.join(map(_text, told.own.notes.splitlines()))}</blockquote>"
    )


def _markdown(name: str, text: str) -> str:
    return f'<details><summary>{_text(name)}</summary><pre class="wrap" tabindex="0">{_text(text)}</pre></details>'


def _part(name: str, part: PartOf | None) -> str:
    if part is None:
        return f'<h3>{_text(name)}: <span class="soft">not checked</span></h3>'
    rows = "".join(
        f'<tr><td class="sign {line.verdict}">{SIGNS[line.verdict]} {line.verdict}</td><td>{_text(line.name)}</td>'
        f"<td>{_text(line.reason)}</td></tr>"
        for line in part.lines
    )
    return (
        f'<h3>{_text(name)}: <span class="sign {part.verdict}">{SIGNS[part.verdict]} {PASSED[part.verdict]}</span></h3>'
        '<table class="cards"><thead><tr><th scope="col">Verdict</th><th scope="col">What</th>'
        f'<th scope="col">Decided by</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _tries(tries: Sequence[RunOf]) -> str:
    """By scenario, oldest first; a bar where the code changed in between."""
    by_scenario: dict[str, list[RunOf]] = {}
    for run in tries:
        by_scenario.setdefault(f"{run.scenario} on {run.variant}", []).append(run)
    rows = [
        f'<p class="soft">{_text(name)}</p><p class="tries">{"".join(_marks(runs[-MOST_TRIES:]))}</p>'
        for name, runs in by_scenario.items()
    ]
    return (
        f"<details><summary>The way there: {len(tries)} runs</summary>"
        '<p class="soft">Oldest first, the seed behind each sign. A bar: the code was changed in between.</p>'
        f"{''.join(rows)}</details>"
    )


def _marks(runs: Sequence[RunOf]) -> Iterator[str]:
    for at, run in enumerate(runs):
        if at and runs[at - 1].code != run.code:
            yield '<span class="gap">|</span>'
        told = f"{run.verdict}, {run.started_at[:16]}: {run.summary}"
        yield f'<span class="{run.verdict}" title="{_text(told)}">{SIGNS[run.verdict]}&nbsp;{run.seed}</span>'


def _diff(changed: Sequence[Change]) -> str:
    whole = "".join(change.text for change in changed)
    lines = whole[:MOST_DIFF_CHARACTERS].split("\n")
    cut = "" if len(whole) <= MOST_DIFF_CHARACTERS else '<p class="soft">Cut: attempt.patch has the rest.</p>'
    return (
        f"<details><summary>The code: {len(changed)} files</summary>"
        f'<pre tabindex="0">{chr(10).join(map(_diff_line, lines))}</pre>{cut}</details>'
    )


def _diff_line(line: str) -> str:
    kind = "plus" if line.startswith("+") else "minus" if line.startswith("-") else ""
    return f'<span class="{kind}">{_text(line)}</span>' if kind else _text(line)
