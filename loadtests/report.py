"""The driver's report on a run: driver.json and histograms.json."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import msgspec

from chaos.model.folder import File
from chaos.model.loadplan import DriverReport, LoadPlan, WorkerReport
from loadtests import histogram
from loadtests.clocks import Offset
from loadtests.protocol import PACKAGES
from loadtests.tally import Figures, Shape
from loadtests.worker import WorkerResult


@dataclass(frozen=True, slots=True)
class Member:
    """What the master knows of a worker elsewhere, even if it was lost."""

    host: str
    clock: Offset | None = None


def assemble(
    *,
    plan: LoadPlan,
    shape: Shape,
    results: Sequence[WorkerResult],
    figures_of_lost: Mapping[int, Figures],
    members: Mapping[int, Member],
    lost: Mapping[int, str],
    own_cpu_ratio: float,
    no_hidden_resend: bool,
    crashed: Sequence[str],
    stopped: bool,
) -> tuple[DriverReport, histogram.Histograms]:
    """Add up the workers' results.

    Args:
        figures_of_lost: Last known figures of lost workers, so that their scheduled and unfinished arrivals are shown.
        members: Workers elsewhere; empty for workers here.
        lost: Worker → how it was lost.
        crashed: Errors of the driver itself, outside the workers.
    """
    figures = shape.summed([*(result.figures for result in results), *figures_of_lost.values()])
    totals, more = figures.totals(), figures.follow_up_totals()
    histograms = histogram.merged(part for result in results for part in result.histograms)
    lag = histograms.get(histogram.LAG) or histogram.new()
    workers = list(_workers(plan, results, figures_of_lost, members))
    fatal = [result.fatal for result in results if result.fatal]
    report = DriverReport(
        scheduled=totals.scheduled,
        ok=totals.ended["ok"],
        fail=totals.ended["fail"] + totals.ended["refused"],
        info=totals.ended["info"],
        dropped=totals.dropped,
        follow_ups_ok=more["ok"],
        follow_ups_fail=more["fail"] + more["refused"],
        follow_ups_info=more["info"],
        operations=figures.operations,
        workers_expected=plan.workers,
        workers_finished=sum(1 for result in results if not result.fatal),
        workers=workers,
        lost=[lost[number] for number in sorted(lost)],
        send_lag_p50_s=histogram.quantile_s(lag, 50.0),
        send_lag_p99_s=max((worker.send_lag_p99_s for worker in workers), default=0.0),
        send_lag_max_s=float(lag.get_max_value()) / 1e6,
        cpu_ratio=max([own_cpu_ratio, *(result.cpu_ratio for result in results)]),
        no_hidden_resend=no_hidden_resend,
        crashed=[*crashed, *fatal, *(line for result in results for line in result.crashed)],
        ended="crashed" if fatal or crashed else "stopped" if stopped else "finished",
        versions={"python": python_version(), **{name: version(name) for name in PACKAGES}},
    )
    return report, histogram.document(histograms)


def _workers(
    plan: LoadPlan,
    results: Sequence[WorkerResult],
    figures_of_lost: Mapping[int, Figures],
    members: Mapping[int, Member],
) -> Iterator[WorkerReport]:
    by_number = {result.worker: result for result in results}
    for number in range(plan.workers):
        member = members.get(number, Member(""))
        clock = member.clock
        result = by_number.get(number)
        figures = result.figures if result else figures_of_lost.get(number)
        lags = dict(result.histograms).get(histogram.LAG) if result else None
        yield WorkerReport(
            worker=number,
            host=member.host,
            ended=result.ended if result else "lost",
            scheduled=figures.totals().scheduled if figures else 0,
            send_lag_p99_s=histogram.quantile_s(histogram.merged([(histogram.LAG, lags)])[histogram.LAG], 99.0)
            if lags
            else 0.0,
            cpu_ratio=result.cpu_ratio if result else 0.0,
            clock_offset_s=clock.offset_s if clock else None,
            clock_error_s=clock.error_s if clock else None,
            stood_still=result.stood_still if result else [],
        )


def write(out_dir: Path, report: DriverReport, histograms: histogram.Histograms) -> None:
    """Write both files, driver.json last: it means that all other files are complete."""
    _write_json(out_dir / File.HISTOGRAMS, histograms)
    _write_json(out_dir / File.DRIVER, report)


def _write_json(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
