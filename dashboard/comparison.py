"""Two runs of one scenario beside each other: what differs, in figures and in words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard import words
from dashboard.details import Finding, Operation
from dashboard.evidence import Run, Second
from dashboard.timeline import Line, nearest_rank

LAB_KINDS = ("fault", "self_check", "witness", "steady_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One run with what is compared of it."""

    run: Run
    findings: Sequence[Finding]
    operations: Sequence[Operation]
    seconds: dict[int, Second]

    @property
    def name(self) -> str:
        return self.run.variant or self.run.run_id

    @property
    def fault_s(self) -> float:
        """When the first fault took effect; 0 without any, so that the loads' starts are aligned instead."""
        return min((fault.injected_s for fault in self.run.faults), default=0.0)


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
    if a.run_id == b.run_id:
        return "This is the same run twice. Pick another one as B."
    if a.scenario != b.scenario:
        return (
            f"These are runs of different scenarios ({words.plain(a.scenario)} and {words.plain(b.scenario)}): other "
            "load, other faults, other checks, so no difference between them would mean anything. "
            "Pick two runs of one scenario."
        )
    open_ = [run for run in (a, b) if not run.verdict]
    if open_:
        return f"The run {words.plain(open_[0].run_id)} has no verdict yet. Wait for it, or pick another one."
    return ""


def caution(a: Run, b: Run) -> str:
    """What to keep in mind; empty for the same scenario on the same seed."""
    if a.seed != b.seed:
        return (
            f"Different seeds ({a.seed} and {b.seed}): the customers came at other moments. Small differences mean "
            f"nothing; run both with `--seed {a.seed}` to compare them second by second."
        )
    return ""


def names(a: Side, b: Side) -> tuple[str, str]:
    """What the legend calls them: their variants, told apart by seed or by letter where they are the same."""
    if a.name != b.name:
        return a.name, b.name
    if a.run.seed != b.run.seed:
        return f"{a.name}, seed {a.run.seed}", f"{b.name}, seed {b.run.seed}"
    return f"A: {a.name}", f"B: {b.name}"


def lines(side: Side, name: str) -> list[Line]:
    """Served, errors and p95 on the axis of seconds since the fault's start."""
    last = max(side.seconds, default=-1)
    ats = tuple(round(at - side.fault_s, 2) for at in range(last + 1))
    each = [side.seconds.get(at, Second()) for at in range(last + 1)]
    return [
        Line(name=name, panel="served", times_s=ats, values=tuple(float(second.served) for second in each)),
        Line(name=name, panel="errors", times_s=ats, values=tuple(float(second.errors) for second in each)),
        Line(
            name=name, panel="p95", times_s=ats, values=tuple(nearest_rank(second.latencies_s, 0.95) for second in each)
        ),
    ]


def check_rows(a: Side, b: Side) -> list[Row]:
    """Checks that either run has, those that differ first; the lab's own only where they differ."""
    of_a, of_b = ({finding.check: finding for finding in side.findings} for side in (a, b))
    rows = []
    for check in dict.fromkeys([*of_a, *of_b]):
        left, right = of_a.get(check), of_b.get(check)
        verdicts = [each.verdict if each else "" for each in (left, right)]
        kind = (left or right or Finding(check=check)).kind
        if kind in LAB_KINDS and verdicts[0] == verdicts[1]:
            continue
        # Only held against violated is better or worse: what was not decided is no pass, and no failure either.
        better = {("held", "violated"): "a", ("violated", "held"): "b"}.get((verdicts[0], verdicts[1]), "")
        rows.append(Row(what=check, a=_told(left), b=_told(right), better=better))
    return sorted(rows, key=lambda row: (row.better == "", words.WARN not in row.a + row.b))


def _told(finding: Finding | None) -> str:
    if finding is None:
        return "not checked"
    return f"{words.verdict_sign(finding.verdict).text}: {finding.measured or words.UNKNOWN}"


def figure_rows(a: Side, b: Side) -> list[Row]:
    """Share of errors, p95 of each phase's main operations, over the whole run and while the faults lasted."""
    rows = [
        _ratio_row("errors, whole run", _errors(a, None), _errors(b, None)),
        _ratio_row("errors, while faults lasted", _errors(a, _faulted(a)), _errors(b, _faulted(b))),
        _latency_row("p95, while faults lasted", _p95(a, _faulted(a)), _p95(b, _faulted(b))),
    ]
    keys = dict.fromkeys((each.phase, each.op) for each in (*a.operations, *b.operations) if each.op != "poll")
    for phase, op in keys:
        left, right = _cell(a, phase, op), _cell(b, phase, op)
        if left or right:
            rows.append(_latency_row(f"p95 of {op} (ok), {phase}", left, right))
    return rows


def _cell(side: Side, phase: str, op: str) -> float | None:
    found = [each for each in side.operations if (each.phase, each.op, each.outcome) == (phase, op, "ok")]
    return found[0].p95_ms / 1000 if found and found[0].p95_ms is not None else None


def _faulted(side: Side) -> range:
    """The seconds in which some fault was active; none without faults."""
    faults = side.run.faults
    if not faults:
        return range(0)
    ends = [fault.lifted_s if fault.lifted_s is not None else fault.injected_s for fault in faults]
    return range(int(side.fault_s), int(max(ends)) + 1)


def _errors(side: Side, window: range | None) -> float | None:
    chosen = [second for at, second in side.seconds.items() if window is None or at in window]
    ended = sum(second.served + second.errors for second in chosen)
    return sum(second.errors for second in chosen) / ended if ended else None


def _p95(side: Side, window: range) -> float | None:
    return nearest_rank([latency for at in window if (s := side.seconds.get(at)) for latency in s.latencies_s], 0.95)


def _ratio_row(what: str, a: float | None, b: float | None) -> Row:
    if a is None or b is None:
        return Row(what=what, a=words.ratio_text(a), b=words.ratio_text(b))
    points = (b - a) * 100
    delta = "alike" if abs(points) < 0.1 else f"{points:+.1f} points"
    return Row(
        what=what,
        a=words.ratio_text(a),
        b=words.ratio_text(b),
        delta=delta,
        better="" if delta == "alike" else "a" if a < b else "b",
    )


def _latency_row(what: str, a: float | None, b: float | None) -> Row:
    shown = Row(what=what, a=words.latency_text(a), b=words.latency_text(b))
    if a is None or b is None or a <= 0 or b <= 0:
        return shown
    factor = b / a
    # Below a quarter, or five milliseconds, a difference between two runs is noise on a machine like this.
    if 0.8 <= factor <= 1.25 or abs(a - b) < 0.005:
        return Row(what=what, a=shown.a, b=shown.b, delta="alike")
    delta = f"{factor:.2g} times as long"
    return Row(what=what, a=shown.a, b=shown.b, delta=delta, better="a" if factor > 1 else "b")


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
