"""The load driver's self-checks: a driver that fell behind or miscounts can't accuse anybody."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from chaos.judge.history import History
from chaos.judge.record import self_check
from chaos.judge.tables import OperationCell
from chaos.model.history import Outcome
from chaos.model.loadplan import DriverReport, WorkerReport
from chaos.model.verdict import Finding

MIN_LAG_LIMIT_S = 0.020
LAG_SHARE_OF_SLO = 0.10
MAX_CPU_RATIO = 0.80

HistogramCounts: TypeAlias = Mapping[tuple[str, str, str], int]
"""Main operations by (phase, operation, `ok` | `refused` | `fail` | `info`)."""

Cells: TypeAlias = Mapping[tuple[str, str], OperationCell]
"""Main operations by (phase, operation)."""


class _HistogramCell(msgspec.Struct):
    phase: str
    op: str
    outcome: str
    kind: str
    count: int


class _Histograms(msgspec.Struct):
    cells: list[_HistogramCell]


def histogram_counts(document: bytes) -> HistogramCounts:
    """The counts of histograms.json. Raises: msgspec.DecodeError."""
    cells = msgspec.json.decode(document, type=_Histograms).cells
    counts: Counter[tuple[str, str, str]] = Counter()
    for cell in cells:
        if cell.kind == "latency":
            counts[cell.phase, cell.op, cell.outcome] += cell.count
    return counts


def driver_findings(
    report: DriverReport | None,
    history: History,
    cells: Cells,
    histograms: HistogramCounts | None,
    *,
    tightest_slo_s: float | None,
) -> Iterator[Finding]:
    """What load.md asks of the driver, one finding each. *history* has been read to its end."""
    yield self_check(
        "history",
        "every operation is on record",
        "; ".join(history.problems) or ("the history has no start line" if history.t0_unix_s is None else ""),
        measured=f"{history.operations} operations in {len(history.files)} file(s)",
    )
    if report is None:
        yield self_check(
            "driver", "the load driver accounts for itself", "driver.json is missing: the driver died early"
        )
        return
    yield _finished(report)
    yield _on_time(report, tightest_slo_s)
    if any(worker.host for worker in report.workers):
        yield _clocks(report, tightest_slo_s)
    yield self_check(
        "driver_cpu",
        f"driver CPU ≤ {MAX_CPU_RATIO:.0%}",
        ""
        if report.cpu_ratio <= MAX_CPU_RATIO
        else f"the driver used {report.cpu_ratio:.0%} of its core: lower the arrivals or give it more workers",
        measured=f"{report.cpu_ratio:.0%}",
    )
    yield self_check(
        "no_hidden_resend",
        "each operation is sent once",
        "" if report.no_hidden_resend else "the self-test did not show that the HTTP client sends just once",
    )
    yield _accounts(report, history, cells)
    yield _histograms_agree(cells, histograms)


def _finished(report: DriverReport) -> Finding:
    if report.workers_finished != report.workers_expected:
        problem = f"{report.workers_finished} of {report.workers_expected} load workers finished"
        problem += "".join(f"; {sentence}" for sentence in report.lost)
    elif report.crashed:
        problem = f"{len(report.crashed)} journeys crashed, the first with {report.crashed[0]}: a defect of the driver"
    elif report.ended != "finished":
        problem = f"the driver ended as {report.ended!r}"
    else:
        problem = ""
    return self_check("driver", "every load worker finished without a crash", problem)


def _limit_s(tightest_slo_s: float | None) -> float:
    return max(MIN_LAG_LIMIT_S, LAG_SHARE_OF_SLO * (tightest_slo_s or 0.0))


def _named(worker: WorkerReport) -> str:
    return f"load worker {worker.worker}{f' on {worker.host}' if worker.host else ''}"


def _clocks(report: DriverReport, tightest_slo_s: float | None) -> Finding:
    """Intended times are wall-clock times: on a wrong clock, a worker's share meets the faults too early or late."""
    limit_s = _limit_s(tightest_slo_s)
    bounds_s = {
        worker.worker: abs(worker.clock_offset_s) + worker.clock_error_s
        for worker in report.workers
        if worker.clock_offset_s is not None and worker.clock_error_s is not None
    }
    problems = []
    for worker in report.workers:
        bound_s = bounds_s.get(worker.worker)
        if bound_s is None:
            problems.append(f"{_named(worker)}: its clock was never compared")
        elif not bound_s <= limit_s:  # so written that NaN is off
            problems.append(
                f"{_named(worker)}: its clock is off by up to {bound_s * 1000:.1f} ms: synchronise the hosts"
            )
    worst_s = max(bounds_s.values(), default=math.nan)
    return self_check(
        "clocks",
        f"clocks of load workers elsewhere within {limit_s * 1000:g} ms",
        "; ".join(problems),
        measured=f"at most {worst_s * 1000:.1f} ms apart (offset and half a round trip)",
        figures={"clock_bound_ms": round(worst_s * 1000, 3), "limit_ms": round(limit_s * 1000, 3)} if bounds_s else {},
    )


def _on_time(report: DriverReport, tightest_slo_s: float | None) -> Finding:
    limit_s = _limit_s(tightest_slo_s)
    lag_s = report.send_lag_p99_s
    late = f"the driver fell behind: send lag p99 {lag_s * 1000:.1f} ms; lower the arrivals or free the machine"
    if len(report.workers) > 1:
        late += f" (of {_named(max(report.workers, key=lambda worker: worker.send_lag_p99_s))})"
    return self_check(
        "send_lag",
        f"send lag p99 ≤ {limit_s * 1000:g} ms",
        "" if lag_s <= limit_s else late,  # so written that NaN is late
        measured=f"{lag_s * 1000:.1f} ms",
        figures={"send_lag_p99_ms": round(lag_s * 1000, 3), "limit_ms": round(limit_s * 1000, 3)},
    )


def _accounts(report: DriverReport, history: History, cells: Cells) -> Finding:
    told = {
        "ok": report.ok,
        "fail": report.fail,
        "info": report.info,
        "dropped": report.dropped,
        "scheduled": report.scheduled,
        "operations": report.operations,
    }
    seen = dict.fromkeys(("ok", "fail", "info", "dropped"), 0)
    for cell in cells.values():
        for name, count in cell.counts.items():
            seen["fail" if name == "refused" else name] += count
    seen |= {"scheduled": sum(seen.values()), "operations": history.operations}
    ended = report.ok + report.fail + report.info + report.dropped
    problems = []
    if report.scheduled != ended:
        problems.append(f"{report.scheduled} scheduled, but ok + fail + info + dropped = {ended}")
    problems += [
        f"{name}: driver.json says {told[name]}, the history {seen[name]}" for name in told if told[name] != seen[name]
    ]
    if not report.scheduled:
        problems.append("nothing was scheduled")
    return self_check(
        "accounts",
        "scheduled = ok + fail + info + dropped, in driver.json as in the history",
        "; ".join(problems),
        measured=f"{seen['scheduled']} scheduled: {seen['ok']} ok, {seen['fail']} fail, {seen['info']} info, "
        f"{seen['dropped']} dropped",
        figures=seen,
    )


def _histograms_agree(cells: Cells, histograms: HistogramCounts | None) -> Finding:
    expected = "histograms.json counts what the history holds"
    if histograms is None:
        return self_check("histograms", expected, "histograms.json is missing or unreadable")
    unlike = []
    for (phase, op), cell in sorted(cells.items()):
        for outcome, count in cell.counts.items():
            counted = histograms.get((phase, op, outcome), 0)
            if outcome != Outcome.DROPPED and counted != count:
                unlike.append(f"{phase}/{op}/{outcome}: {counted} in histograms.json, {count} in the history")
    return self_check("histograms", expected, "; ".join(unlike[:3]))
