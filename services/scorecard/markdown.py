"""The drill map as Markdown that a Git host renders: mapping, progress, radar, trend, levels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from services.scorecard import rules, services
from services.scorecard.models import Drill
from services.scorecard.progress import Progress, progress
from services.scorecard.status import LEVELS, status_of

_UNSCORED = "–"


def drill_map(*, now: datetime) -> str:
    """Five sections, each a table or a diagram with a legend."""
    drills = services.with_evidence(Drill.objects.select_related("score").prefetch_related("dimensions"))
    shown = progress(now=now)
    name = services.learner().name
    blocks = [
        f"# Backend drill map{' of ' + one_line(name) if name else ''}",
        f"Written by Firedrill on {now:%Y-%m-%d}. Scores are the learner's own, the ceiling is what evidence supports.",
        "## 1. Drills and competencies",
        _mapping(drills),
        f"> Scores: {', '.join(f'{value} = {name}' for value, name in enumerate(LEVELS))}",
        "## 2. Progress",
        _progress(drills),
        "> 🟢 Competent or Owner (2–3) | 🟡 Needs guided practice (1) | 🔴 Critical gap (0) | – not scored",
        "## 3. Radar",
        mermaid(shown.radar, name),
        _axes(shown.radar),
        "## 4. Monthly trend",
        _trend(shown),
        _weakest(shown),
        "## 5. Completion levels",
        _levels(shown),
    ]
    return "\n\n".join(blocks) + "\n"


def one_line(text: str) -> str:
    """*text* on one line, escaped for a cell of a table."""
    return re.sub(r"([\\|<>`*_\[\]#~])", r"\\\1", " ".join(text.split()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(' --- ' for _ in head)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _title(drill: Drill) -> str:
    return f"Drill {drill.number}: {one_line(drill.title)}"


def _mapping(drills: Sequence[Drill]) -> str:
    return _table(
        ["Drill", "Competency dimensions", "AI / risk focus", "Scoring (0–3)"],
        [
            [
                _title(drill),
                ", ".join(one_line(dimension.name) for dimension in drill.dimensions.all()),
                one_line(drill.risk_focus),
                "0–3",
            ]
            for drill in drills
        ],
    )


def _progress(drills: Sequence[Drill]) -> str:
    return _table(
        ["Drill", "Score", "Status", "Notes / lessons learned", "Ceiling by evidence"],
        [
            [_title(drill), _score(drill), _status(drill), one_line(drill.score.notes), _ceiling(drill)]
            for drill in drills
        ],
    )


def _score(drill: Drill) -> str:
    value = drill.score.value
    attested = " (self-attested)" if drill.standing.self_attested else ""
    return _UNSCORED if value is None else f"{value} {LEVELS[value]}{attested}"


def _status(drill: Drill) -> str:
    status = status_of(drill.score.value)
    return _UNSCORED if status is None else f"{status.sign} {status.word}"


def _ceiling(drill: Drill) -> str:
    stands = drill.standing
    if stands.ceiling is None:
        return "no evidence"
    flags = [f"overclaim by {stands.gap}"] if stands.overclaim else []
    flags += ["regression"] if stands.regressed else []
    return f"{stands.ceiling}{' (' + ', '.join(flags) + ')' if flags else ''}"


def mermaid(axes: Sequence[rules.Axis], name: str) -> str:
    """A `radar-beta` diagram; Mermaid does not know `radar` alone. Source: Mermaid's documentation, "Radar Diagram"."""
    quoted = " ".join(name.replace('"', "'").replace("\\", "/").split()) or "Self-score"
    points = ", ".join(f"{axis.mean or 0:g}" for axis in axes)
    # Mermaid cuts names that don't fit into its margins; the longest names need these.
    lines = ["---", "config:", "  radar:", "    width: 500", "    height: 500"]
    lines += ["    marginLeft: 220", "    marginRight: 220", "---"]
    lines += ["radar-beta", "  title Backend competency radar"]
    lines += [f'  axis {axis.key.replace("-", "_")}["{axis.name}"]' for axis in axes]
    lines += [f'  curve learner["{quoted}"]{{{points}}}', "  max 3", "  min 0", "  ticks 3", "  graticule polygon"]
    return "\n".join(["```mermaid", *lines, "```"])


def _axes(axes: Sequence[rules.Axis]) -> str:
    return _table(
        ["Dimension", "Mean score", "Drills"],
        [
            [
                one_line(axis.name),
                f"{axis.mean:.2f}" if axis.mean is not None else "not scored (drawn as 0)",
                f"{', '.join(str(number) for number in axis.drills)} ({axis.scored} scored)",
            ]
            for axis in axes
        ],
    )


def _trend(shown: Progress) -> str:
    rows = []
    for month in shown.months:
        average = (
            f"{month.average:.2f}" if month.average is not None else "none scored" if month.has_data else "no data"
        )
        flags = _flags(month.red_flags) if month.has_data else "no data"
        rows.append([month.month, average, flags, one_line(month.notes)])
    return _table(["Month", "Drill average", "Red flags", "Notes"], rows)


def _flags(flags: Sequence[rules.RedFlag]) -> str:
    said = "; ".join(f"drill {flag.drill} {one_line(flag.text)}" for flag in flags)
    return f"{len(flags)}: {said}" if flags else "0"


def _weakest(shown: Progress) -> str:
    if not shown.weakest:
        return "Every dimension is at 3."
    said = "; ".join(
        f"{one_line(axis.name)} ({'not scored' if axis.mean is None else f'{axis.mean:.2f}'}), raised by "
        f"drill {', '.join(str(number) for number in axis.raise_with)}"
        for axis in shown.weakest
    )
    return f"Weakest dimensions: {said}."


def _levels(shown: Progress) -> str:
    return _table(
        ["Level", "What it takes", "State"],
        [
            [
                f"**{level.name}**",
                one_line(level.asks),
                "reached" if level.reached else "missing: " + "; ".join(one_line(each.text) for each in level.missing),
            ]
            for level in shown.levels
        ],
    )
