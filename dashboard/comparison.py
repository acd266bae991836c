"""Two runs of one scenario beside each other: what differs, in figures and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from chaos.evidence import comparable
from chaos.evidence.figures import Timeline, Totals
from chaos.evidence.growing import Run
from chaos.model.operations import WATCHING
from chaos.model.verdict import Finding
from dashboard import words
from dashboard.details import Operation
from dashboard.timeline import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run with what is compared of it."""

    run: Run
    findings: Sequence[Finding]
    operations: Sequence[Operation]
    timeline: Timeline

    @property
    def name(self) -> str:
        return self.run.variant or self.run.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A figure of both runs. `better` is `a`, `b` or empty when they are alike or can't be compared."""

    what: str
    a: str
    b: str
    delta: str = ""
    better: str = ""


def refusal(a: Run, b: Run) -> str:
    """Why two runs can't be compared; empty when they can."""
    for run in (a, b):
        if run.unreadable_verdict:
            return f"{words.plain(run.run_id)}: {words.plain(run.summary, most=300)} Pick another run."
    if a.document is None or b.document is None:
        open_ = a if a.document is None else b
        return f"The run {words.plain(open_.run_id)} has no verdict yet. Wait for it, or pick another one."
    found = comparable.problems(a.document, b.document)
    if not found:
        return ""
    told = "; ".join(words.plain(problem, most=300) for problem in found)
    return f"These two can't be compared: {told}. No difference between them would mean anything."


def names(a: Side, b: Side) -> tuple[str, str]:
    """What the legend calls them: their variants, told apart by seed or by letter where they are the same."""
    if a.name != b.name:
        return a.name, b.name
    if a.run.seed != b.run.seed:
        return f"{a.name}, seed {a.run.seed}", f"{b.name}, seed {b.run.seed}"
    return f"A: {a.name}", f"B: {b.name}"


def lines(side: Side, name: str, zero_s: float) -> list[Line]:
    """Served, errors and p95 on the common axis, whose second 0 is at *zero_s* of this run."""
    seconds = side.timeline.seconds()
    ats = tuple(round(second.at_s - zero_s, 2) for second in seconds)
    p95 = tuple(None if second.p95_ms is None else second.p95_ms / 1000 for second in seconds)
    return [
        Line(name=name, panel="served", times_s=ats, values=tuple(float(second.served) for second in seconds)),
        Line(name=name, panel="errors", times_s=ats, values=tuple(float(second.errors) for second in seconds)),
        Line(name=name, panel="p95", times_s=ats, values=p95),
    ]


def check_rows(a: Side, b: Side) -> list[Row]:
    """Checks that either run has, those that differ first; the lab's own only where they differ."""
    of_a, of_b = ({finding.check: finding for finding in side.findings} for side in (a, b))
    rows = []
    for check in dict.fromkeys([*of_a, *of_b]):
        left, right = of_a.get(check), of_b.get(check)
        if left and right and left.kind.about_run and left.verdict is right.verdict:
            continue
        verdicts = [each.verdict if each else "" for each in (left, right)]
        # Only held against violated is better or worse: an inconclusive check is neither a pass nor a failure.
        better = {("held", "violated"): "a", ("violated", "held"): "b"}.get((verdicts[0], verdicts[1]), "")
        rows.append(Row(what=check, a=_told(left), b=_told(right), better=better))
    return sorted(rows, key=lambda row: (row.better == "", words.WARN not in row.a + row.b))


def _told(finding: Finding | None) -> str:
    if finding is None:
        return "not checked"
    return f"{words.verdict_sign(finding.verdict).text}: {finding.measured or words.UNKNOWN}"


def figure_rows(a: Side, b: Side) -> list[Row]:
    """Share of errors and p95, over the whole run and while the faults lasted; p95 of each phase's operations."""
    whole = [side.timeline.totals() for side in (a, b)]
    faulted = [_faulted(side) for side in (a, b)]
    rows = [
        _ratio_row("errors, whole run", *map(_errors, whole)),
        _ratio_row("errors, while faults lasted", *map(_errors, faulted)),
        _latency_row("p95, while faults lasted", *((each.p95_ms, each.offered) for each in faulted)),
    ]
    keys = dict.fromkeys((each.phase, each.op) for each in (*a.operations, *b.operations) if each.op != WATCHING)
    for phase, op in keys:
        rows.append(_latency_row(f"p95 of {op}, {phase}", _cell(a, phase, op), _cell(b, phase, op)))
    return rows


LEAST_POINTS = 0.5
"""Less of a difference between two shares of errors is as likely to be chance."""
LEAST_OPERATIONS = 20
"""The p95 of fewer is the slowest of them."""
Quantile: TypeAlias = tuple[float | None, int]
"""Milliseconds, and of how many operations: None of some is no answer."""


def _cell(side: Side, phase: str, op: str) -> Quantile:
    found = next((each for each in side.operations if (each.phase, each.op) == (phase, op)), None)
    return (found.row.p95_ms, found.row.total) if found else (None, 0)


def _faulted(side: Side) -> Totals:
    """The seconds in which some fault was active; nothing without faults."""
    faults = side.run.faults
    if not faults:
        return Totals()
    ends = [fault.lifted_s if fault.lifted_s is not None else fault.injected_s for fault in faults]
    return side.timeline.totals(int(min(fault.injected_s for fault in faults)), int(max(ends)) + 1)


def _errors(totals: Totals) -> float | None:
    return totals.errors / totals.offered if totals.offered else None


def _change(factor: float) -> str:
    """`−64 %`; from ten times on the factor says more."""
    return f"{factor:.0f} times" if factor >= 10 else f"{(factor - 1) * 100:+.0f} %".replace("-", "−")


def _ratio_row(what: str, a: float | None, b: float | None) -> Row:
    if a is None or b is None:
        return Row(what=what, a=words.ratio_text(a), b=words.ratio_text(b))
    points = (b - a) * 100
    delta = "alike" if abs(points) < LEAST_POINTS else f"{points:+.1f} points".replace("-", "−")
    return Row(
        what=what,
        a=words.ratio_text(a),
        b=words.ratio_text(b),
        delta=delta,
        better="" if delta == "alike" else "a" if a < b else "b",
    )


def _latency_row(what: str, a: Quantile, b: Quantile) -> Row:
    shown = Row(what=what, a=words.quantile_text(*a), b=words.quantile_text(*b))
    if not a[1] or not b[1]:
        return shown
    if min(a[1], b[1]) < LEAST_OPERATIONS:
        return replace(shown, delta=f"too few: {min(a[1], b[1])}")
    if a[0] is None or b[0] is None:  # no answer is slower than any
        better = "" if a[0] == b[0] else "a" if b[0] is None else "b"
        return replace(shown, delta="" if better else "alike", better=better)
    if a[0] <= 0 or b[0] <= 0:
        return shown
    factor = b[0] / a[0]
    # Below a quarter, or five milliseconds, a difference between two runs is noise on a machine like this.
    if 0.8 <= factor <= 1.25 or abs(a[0] - b[0]) < 5:
        return replace(shown, delta="alike")
    return replace(shown, delta=_change(factor), better="a" if factor > 1 else "b")


def in_words(a: Side, b: Side) -> list[str]:
    """The difference in two to four sentences."""
    left, right = names(a, b)
    checks = check_rows(a, b)
    said = []
    for side, name, other in (("b", right, left), ("a", left, right)):
        better = [row for row in checks if row.better == side]
        if better:
            listed = ", ".join(row.what for row in better[:4]) + (
                f" and {len(better) - 4} more" if len(better) > 4 else ""
            )
            said.append(f"{name} held what {other} violated: {listed}.")
    undecided = [name for side, name in ((a, left), (b, right)) if side.run.verdict == "inconclusive"]
    if undecided:
        said.append(f"{' and '.join(undecided)} decided too little (inconclusive): that is no pass. Run it again.")
    elif not said:
        said.append(f"Both ended alike in every check that was decided: {a.run.verdict} and {b.run.verdict}.")
    faulted = figure_rows(a, b)[1:3]
    for row in faulted:
        if row.better:
            said.append(f"{row.what.capitalize()}: {row.a} on {left}, {row.b} on {right}.")
    if all(row.delta == "alike" for row in faulted):
        said.append("While the faults lasted, neither errors nor latency differ by more than noise.")
    return said
