"""Small pieces of HTML. Every text that comes from outside is escaped here, nowhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

from chaos.model.text import visible
from dashboard.scorecard import Standing
from dashboard.words import Sign, score_text, status_sign

# Streamlit sets `color-scheme` to its theme, so light-dark() follows it without a rerun. It also fades to a third what
# waits for a rerun: in a block that moves by itself that would be on a busy machine, when a run is worth watching.
STYLE = """<style>
.fd-good{color:light-dark(#14683a,#7fdca4)} .fd-warn{color:light-dark(#8a4b00,#ffc26b)}
.fd-bad{color:light-dark(#b3261e,#ff9a91)} .fd-none,.fd-quiet{color:light-dark(#5a5e6b,#b0b4c2)}
.fd-sign{font-weight:600;white-space:nowrap}.fd-sign.fd-wrap{white-space:normal}
.fd-dot{display:inline-block;width:.78em;height:.78em;border-radius:50%;overflow:hidden;color:transparent;
  text-indent:2em;vertical-align:-.04em;white-space:nowrap}
.fd-dot.fd-good{background:#2e9e5b;color:transparent}.fd-dot.fd-warn{background:#e0a100;color:transparent}
.fd-dot.fd-bad{background:#d3372c;color:transparent}
ul.fd-strip{display:flex;flex-wrap:wrap;gap:.4rem .5rem;margin:0;padding:0;list-style:none}
ul.fd-strip li{border:1px solid light-dark(#d5d8e0,#444a5a);border-radius:.5rem;padding:.15rem .6rem;
  font-size:.9rem;margin:0}
.fd-strip b{font-weight:600}
.fd-table{width:100%;border-collapse:collapse;font-size:.92rem}
.fd-table th{text-align:left;font-weight:600;color:light-dark(#5a5e6b,#b0b4c2)}
.fd-table th,.fd-table td{padding:.4rem .6rem .4rem 0;border-bottom:1px solid light-dark(#e3e5ea,#3a3f4d);
  vertical-align:top;overflow-wrap:normal}
.fd-long{overflow-wrap:anywhere}
.fd-table td.fd-tight,.fd-table th.fd-tight{white-space:nowrap;overflow-wrap:normal}
.fd-table code{font-size:.85em;white-space:normal}
.fd-table a,.fd-card a,.fd-banner a{color:light-dark(#1d5fc4,#7fb2ff)}
.fd-card h3{font-size:1.05rem;margin:0 0 .1rem;padding:0;line-height:1.3}
.fd-card p{margin:0 0 .5rem!important}
.fd-card dl{display:grid;grid-template-columns:auto 1fr;gap:.15rem .8rem;margin:0!important;padding:0!important}
.fd-card dt{font-weight:400;color:light-dark(#5a5e6b,#b0b4c2)}
.fd-card dl dt,.fd-card dl dd{margin:0!important;padding:0!important}.fd-card dd{overflow-wrap:break-word;min-width:0}
.fd-banner{border-left:.3rem solid light-dark(#1d5fc4,#7fb2ff);background:light-dark(#eef4fd,#1b2536);
  border-radius:.4rem;padding:.6rem .9rem;line-height:1.5;overflow-wrap:anywhere}
.fd-banner.fd-hot{border-color:light-dark(#b3261e,#ff9a91);background:light-dark(#fdf0ee,#33201f)}
.fd-banner p{margin:0}
p.fd-quiet{margin:0}
.fd-track.fd-two{height:1.9rem}.fd-two .fd-op{bottom:45%}.fd-two .fd-read,.fd-two .fd-write{top:58%}
.fd-op{background:light-dark(#1d5fc4,#7fb2ff)}.fd-read{background:light-dark(#6b6f7d,#a3a8b8)}
.fd-write{background:light-dark(#c22f25,#ff8a80)}
.fd-axis{display:flex;justify-content:space-between}
.fd-key span{margin-right:1rem;white-space:nowrap}
.fd-key i{display:inline-block;width:1.1rem;height:.6rem;margin-right:.35rem;border-radius:.1rem}
.fd-before{margin:0}.fd-before a{color:light-dark(#1d5fc4,#7fb2ff)}
.fd-progress ul{display:flex;gap:3px;list-style:none;margin:.2rem 0 0!important;padding:0}
.fd-progress li{min-width:1.2rem;margin:0;padding:0;overflow:hidden}
.fd-done{display:block;height:.55rem;border-radius:.2rem;background:light-dark(#dfe3ea,#343a48);overflow:hidden}
.fd-done i{display:block;height:100%;background:light-dark(#1d5fc4,#7fb2ff)}
.fd-stage{display:block;font-size:.8rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis;
  color:light-dark(#5a5e6b,#b0b4c2)}
.fd-lanes{display:grid;gap:.35rem;margin:.2rem 0}
.fd-lane{display:grid;grid-template-columns:1.2rem 5.5rem 1fr;align-items:center;font-size:.9rem}
.fd-track{position:relative;height:1.3rem;background:light-dark(#f1f2f5,#262a35);border-radius:.25rem;overflow:hidden}
.fd-bar{position:absolute;top:0;bottom:0;box-sizing:border-box}.fd-runs{background:light-dark(#1d5fc4,#7fb2ff)}
.fd-held{background:repeating-linear-gradient(45deg,light-dark(#b3261e,#ff9a91) 0 5px,transparent 5px 10px)}
.fd-waits{border:2px solid light-dark(#8a4b00,#ffc26b)}
.fd-label{border:1px solid light-dark(#b9bfcc,#565d70);border-radius:.4rem;padding:0 .4rem;font-size:.85em}
ul.fd-list{margin:0;padding:0 0 0 1.2rem}ul.fd-list li{margin:0 0 .15rem;padding:0}
.fd-list a{color:light-dark(#1d5fc4,#7fb2ff)}
ul.fd-faults{margin:0;padding:0;list-style:none;font-size:.9rem}ul.fd-faults li{margin:0 0 .15rem;padding:0}
.stMainBlockContainer{padding-top:4.5rem!important;padding-bottom:3rem!important}
.stMainBlockContainer h2{font-size:1.5rem}.stMainBlockContainer h3{font-size:1.15rem}
.st-key-cards{display:grid!important;grid-template-columns:repeat(4,minmax(0,1fr));gap:.75rem}
[class*=st-key-moving-] [data-stale=true]{opacity:1!important;transition:none!important}
.st-key-filters{display:grid!important;grid-template-columns:2fr 1fr 2fr 1fr 1fr 1.5fr;gap:.75rem}
.st-key-phone-nav,.fd-narrow{display:none}
@media (max-width:640px){
  .st-key-phone-nav{display:flex}
  .fd-narrow{display:block}
  .st-key-cards{grid-template-columns:repeat(2,minmax(0,1fr))}
  .st-key-filters{grid-template-columns:repeat(2,minmax(0,1fr))}
  .st-key-filters>:first-child{grid-column:1/-1}
  .st-key-cards [data-testid=stMetric]{padding:.6rem .7rem}
  .st-key-cards [data-testid=stMetricValue]{font-size:1.5rem}
  .st-key-cards [data-testid=stMetric] :is([data-testid=stMetricValue],[data-testid=stMetricDelta],p,div){
    white-space:normal!important;overflow:visible;text-overflow:clip}
  .fd-key span{white-space:normal}
  .fd-wide{display:none}
  .stMainBlockContainer{padding-left:1rem!important;padding-right:1rem!important;padding-top:4.2rem!important}
  .stMainBlockContainer h1{font-size:1.7rem;padding-top:.4rem}
}
</style>"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A table's cell: its HTML, and whether a phone leaves its column out."""

    html: str
    wide_only: bool = False
    tight: bool = False


def text(value: object) -> str:
    return escape(visible(str(value)))


def sign(value: Sign) -> str:
    """The mark with its word. Coloured circles are drawn: not every machine has an emoji font."""
    if value.mark in "🟢🟡🔴":
        dot = f'<span class="fd-dot fd-{value.tone}" aria-hidden="true">{value.mark}</span>'
        return f'<span class="fd-sign fd-{value.tone}">{dot} {text(value.word)}</span>'
    return f'<span class="fd-sign fd-{value.tone}">{text(value.text)}</span>'


def strip(items: Sequence[tuple[str, Sign]], *, label: str) -> str:
    """A row of chips, each a name with its sign; wraps on a narrow page."""
    chips = "".join(f"<li><b>{text(name)}</b> {sign(value)}</li>" for name, value in items)
    return f'<ul class="fd-strip" aria-label="{text(label)}">{chips}</ul>'


def label(value: str) -> str:
    """What the learner calls a run."""
    return f'<span class="fd-label">{text(value)}</span>'


def table(head: Sequence[Cell], rows: Sequence[Sequence[Cell]], *, label: str) -> str:
    def cells(tag: str, row: Sequence[Cell]) -> str:
        return "".join(f"<{tag}{_classes(cell)}>{whole_words(cell.html)}</{tag}>" for cell in row)

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    top = f"<thead><tr>{cells('th', head)}</tr></thead>"
    return f'<table class="fd-table" aria-label="{text(label)}">{top}<tbody>{body}</tbody></table>'


_TAG_OR_LONG_WORD = re.compile(r"<[^>]*>|[^\s<>]{19,}")


def whole_words(html: str) -> str:
    """Lets a narrow column break what is no word, such as an order's id; words stay whole."""
    return _TAG_OR_LONG_WORD.sub(
        lambda found: found[0] if found[0].startswith("<") else f'<span class="fd-long">{found[0]}</span>', html
    )


def _classes(cell: Cell) -> str:
    names = [name for name, wanted in (("fd-wide", cell.wide_only), ("fd-tight", cell.tight)) if wanted]
    return f' class="{" ".join(names)}"' if names else ""


def link(page: str, label: str, **query: str) -> str:
    """A link to another page of the dashboard, in the same tab."""
    asked = "&amp;".join(f"{quote(name)}={quote(value)}" for name, value in query.items())
    return f'<a href="{quote(page)}?{asked}" target="_self">{text(label)}</a>'


def card(heading: str, focus: str, facts: Sequence[tuple[str, str]]) -> str:
    """A drill's card; the facts' values are HTML."""
    listed = "".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in facts)
    return f'<div class="fd-card"><h3>{text(heading)}</h3><p class="fd-quiet">{text(focus)}</p><dl>{listed}</dl></div>'


def name(identifier: str) -> str:
    """An identifier that a narrow column may break behind its underscores and brackets."""
    return re.sub(r"([_\[:,/])", r"\1<wbr>", text(identifier))


def bullets(items: Sequence[str], *, label: str) -> str:
    """A list; its items are HTML."""
    return f'<ul class="fd-list" aria-label="{text(label)}">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def quiet(html: str) -> str:
    """A remark that steps back behind the rest."""
    return f'<p class="fd-quiet">{html}</p>'


def banner(lines: Sequence[str], *, hot: bool = False) -> str:
    """Lines of HTML; *hot* while something is broken on purpose."""
    said = "".join(f"<p>{line}</p>" for line in lines)
    return f'<div class="fd-banner{" fd-hot" if hot else ""}" role="status">{said}</div>'


def code(sentence: str) -> str:
    """A sentence in which `backticks` mark code, as HTML."""
    parts = text(sentence).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def standing_facts(value: int | None, standing: Standing) -> list[tuple[str, str]]:
    """Score, status, ceiling and the gap between them: what is shown beside a score wherever it stands."""
    attested = ' <span class="fd-quiet">self-attested, until a mentor confirms it</span>' * standing.self_attested
    ceiling = "no evidence" if standing.ceiling is None else str(standing.ceiling)
    facts = [
        ("Self-score", text(score_text(value)) + attested),
        ("Status", sign(status_sign(value))),
        ("Ceiling", f'{text(ceiling)} <span class="fd-quiet">{text(standing.reason)}</span>'),
    ]
    if standing.overclaim:
        gap = f"{standing.gap} above what the evidence supports"
        facts.append(("Gap", sign(Sign("▲", gap, "warn"))))
    if standing.regressed:
        said = f"{', '.join(standing.regressed)} held before, violated now"
        facts.append(("Regression", sign(Sign("■", said, "bad")).replace("fd-sign", "fd-sign fd-wrap")))
    return facts
