"""The load driver's self-checks: when it fell behind or miscounted, its figures say nothing about the API."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

from chaos.evidence.figures import OperationCell
from chaos.evidence.histograms import HistogramCounts
from chaos.evidence.history import History
from chaos.judge.clocks import MOST_TOLD
from chaos.judge.record import self_check
from chaos.model.folder import File
from chaos.model.history import Outcome
from chaos.model.loadplan import DriverReport, WorkerReport
from chaos.model.verdict import Finding

MIN_LAG_LIMIT_S = 0.020
LAG_SHARE_OF_SLO = 0.10
MAX_CPU_RATIO = 0.80

Cells: TypeAlias = Mapping[tuple[str, str, bool], OperationCell]
"""By (phase, operation, main)."""

_AGAIN = "_again"


def driver_findings(
    report: DriverReport | None,
    history: History,
    cells: Cells,
    histograms: HistogramCounts | None,
    *,
    unread: Mapping[str, str] = MappingProxyType({}),
    tightest_slo_s: float | None,
) -> Iterator[Finding]:
    """The driver's self-checks, one finding each. *history* has been read to its end."""
    yield self_check(
        "history",
        "every operation is on record",
        "; ".join(history.problems) or ("the history has no start line" if history.t0_unix_s is None else ""),
        measured=f"{history.operations} operations in {len(history.files)} file(s)",
    )
    if report is None:
        why = unread.get(File.DRIVER, f"{File.DRIVER} is missing")
        why += ": the driver died early" if why == f"{File.DRIVER} is missing" else ""
        yield self_check("driver", "the load driver accounts for itself", why)
        return
    yield _finished(report)
    yield _ran(report)
    yield _on_time(report, tightest_slo_s)
    if any(worker.host for worker in report.workers):
        yield _clocks(report, tightest_slo_s)
    yield self_check(
        "driver_cpu",
        f"driver CPU ≤ {MAX_CPU_RATIO:.0%}",
        "" if report.cpu_ratio <= MAX_CPU_RATIO else f"the driver used {report.cpu_ratio:.0%} of its core",
        measured=f"{report.cpu_ratio:.0%}",
    )
    yield self_check(
        "no_hidden_resend",
        "each operation is sent once",
        "" if report.no_hidden_resend else "the self-test did not show that the HTTP client sends just once",
    )
    yield _accounts(report, history, cells)
    yield _histograms_agree(cells, histograms, unread.get(File.HISTOGRAMS, f"{File.HISTOGRAMS} is missing"))


def _finished(report: DriverReport) -> Finding:
    if len(report.workers) != report.workers_expected:
        problem = f"{len(report.workers)} load workers told of themselves, expected {report.workers_expected}"
    elif report.workers_finished != report.workers_expected:
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
        elif not bound_s <= limit_s:  # NaN counts as off, too
            problems.append(f"{_named(worker)}: its clock is off by up to {bound_s * 1000:.1f} ms")
    worst_s = max(bounds_s.values(), default=math.nan)
    return self_check(
        "clocks",
        f"clocks of load workers elsewhere within {limit_s * 1000:g} ms",
        "; ".join(problems),
        measured=f"at most {worst_s * 1000:.1f} ms apart (offset and half a round trip)",
        figures={"clock_bound_ms": round(worst_s * 1000, 3), "limit_ms": round(limit_s * 1000, 3)} if bounds_s else {},
    )


def _ran(report: DriverReport) -> Finding:
    stops = [
        f"{_named(worker) if len(report.workers) > 1 else 'the load driver'} stood still for {stop.for_s:.1f} s, "
        f"until {stop.until_s:.1f} s"
        for worker in report.workers
        for stop in worker.stood_still
    ]
    return self_check("driver_ran", "the load driver never stood still", "; ".join(stops[:MOST_TOLD]))


def _on_time(report: DriverReport, tightest_slo_s: float | None) -> Finding:
    limit_s = _limit_s(tightest_slo_s)
    lag_s = max(report.send_lag_p99_s, *(worker.send_lag_p99_s for worker in report.workers))
    late = f"the driver fell behind: send lag p99 {lag_s * 1000:.1f} ms"
    if len(report.workers) > 1:
        late += f" (of {_named(max(report.workers, key=lambda worker: worker.send_lag_p99_s))})"
    return self_check(
        "send_lag",
        f"send lag p99 ≤ {limit_s * 1000:g} ms",
        "" if lag_s <= limit_s else late,  # NaN counts as late, too
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
        "follow_ups_ok": report.follow_ups_ok,
        "follow_ups_fail": report.follow_ups_fail,
        "follow_ups_info": report.follow_ups_info,
        "operations": report.operations,
    }
    main, more = (_ended(cells, main=main) for main in (True, False))
    seen = {
        **main,
        "scheduled": sum(main.values()),
        **{f"follow_ups_{name}": more[name] for name in ("ok", "fail", "info")},
        "operations": history.operations,
    }
    ended = report.ok + report.fail + report.info + report.dropped
    all_ = ended + report.follow_ups_ok + report.follow_ups_fail + report.follow_ups_info
    problems = []
    if report.scheduled != ended:
        problems.append(f"{report.scheduled} scheduled, but ok + fail + info + dropped = {ended}")
    if report.operations != all_:
        problems.append(f"{report.operations} operations, but scheduled and follow-ups = {all_}")
    problems += [
        f"{name}: driver.json says {told[name]}, the history {seen[name]}" for name in told if told[name] != seen[name]
    ]
    if not report.scheduled:
        problems.append("nothing was scheduled")
    return self_check(
        "accounts",
        "scheduled = ok + fail + info + dropped, and follow-ups, in driver.json as in the history",
        "; ".join(problems),
        measured=f"{seen['scheduled']} scheduled: {seen['ok']} ok, {seen['fail']} fail, {seen['info']} info, "
        f"{seen['dropped']} dropped; {sum(more.values())} follow-ups: {more['ok']} ok, {more['fail']} fail, "
        f"{more['info']} info",
        figures=seen,
    )


def _ended(cells: Cells, *, main: bool) -> dict[str, int]:
    """Operations by outcome; a documented refusal is a failure here, as in driver.json."""
    seen = dict.fromkeys(("ok", "fail", "info", "dropped"), 0)
    for (_, _, its_main), cell in cells.items():
        if its_main is main:
            for name, count in cell.counts.items():
                seen["fail" if name == "refused" else name] += count
    return seen


def _histograms_agree(cells: Cells, histograms: HistogramCounts | None, why: str) -> Finding:
    """Compares in both directions: an operation that only one of the two has is missing in the other."""
    expected = "histograms.json counts what the history holds"
    if histograms is None:
        return self_check("histograms", expected, why)
    seen = {(*key, outcome): count for key, cell in cells.items() for outcome, count in cell.counts.items()}
    unlike = [
        f"{phase}/{op}/{outcome}: {counted} in histograms.json, {count} in the history"
        for (phase, op, main, outcome), count in sorted(seen.items())
        if main and outcome != Outcome.DROPPED and (counted := histograms.get((phase, op, outcome), 0)) != count
    ]
    # The history does not name second tries apart: they are compared together with the first ones.
    in_history, in_histograms = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for (phase, op, _, outcome), count in seen.items():
        in_history[phase, op, outcome] += 0 if outcome == Outcome.DROPPED else count
    for (phase, series, outcome), count in histograms.items():
        in_histograms[phase, series.removesuffix(_AGAIN), outcome] += count
    unlike += [
        f"{phase}/{op}/{outcome}, second tries included: {in_histograms[phase, op, outcome]} in histograms.json, "
        f"{in_history[phase, op, outcome]} in the history"
        for phase, op, outcome in sorted(in_history.keys() | in_histograms.keys())
        if in_history[phase, op, outcome] != in_histograms[phase, op, outcome]
    ]
    return self_check("histograms", expected, "; ".join(unlike[:3]))
