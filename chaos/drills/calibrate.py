"""Which share of the scripted load this machine carries, measured once with the reference and kept in the lab.

The shipped scenarios are sized for two cores. On a slower laptop the machine would be the bottleneck and every run
inconclusive; a smaller `--scale` then makes the verdict about the code again. It never goes below a floor: with too few
requests in flight at once the races that the scenarios are about would not happen, and a pass would mean nothing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import msgspec

from chaos.config import lab_dir
from chaos.drills.results import RunResult
from chaos.errors import Inconclusive, InvalidInput
from chaos.evidence.record import read_record
from chaos.files import write_atomic
from chaos.model.evidence import HostSample
from chaos.model.verdict import Verdict

SCENARIO = "concurrency/flash-sale"
FLOOR = 0.75
"""Measured: nine mutants of drills 3 to 5 were all caught there. At 0.5 scenarios of drill 5 have too few operations
for a p95, and a run says so instead of deciding. The scorecard has the same as LEAST_SCALE; a test compares them."""
MOST_BUSY, MOST_API_CORE = 0.60, 0.80
"""Mean of the heaviest phase, machine and API core: above, single seconds are saturated."""
STEP = 0.05


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """calibration.json in the lab's folder.

    Attributes:
        scale: Factor on all rates for this machine, FLOOR to 1.
        busy_ratio, api_core_ratio: Of the heaviest phase in the run that decided, at *scale*.
        run_ids: The runs that it took, the last one confirmed it.
    """

    scale: float
    measured_at: str
    cpus: int
    busy_ratio: float
    api_core_ratio: float
    run_ids: tuple[str, ...]


def calibration_file() -> Path:
    """Where it is kept: with the lab, since it is about this machine."""
    return lab_dir() / "calibration.json"


def read_calibration(path: Path | None = None) -> Calibration | None:
    """None when this machine was not measured, or the file can't be used."""
    try:
        found = msgspec.json.decode((path or calibration_file()).read_bytes(), type=Calibration)
    except (OSError, msgspec.DecodeError):
        return None
    return found if FLOOR <= found.scale <= 1.0 else None


def scale_of(asked: float | None, path: Path | None = None) -> tuple[float, str]:
    """The factor on all rates, and where it comes from: what was asked for, the calibration, or 1."""
    if asked is not None:
        return asked, "as asked"
    known = read_calibration(path)
    return (1.0, "not calibrated") if known is None else (known.scale, f"calibrated {known.measured_at[:10]}")


def require_floor(asked: float | None, path: Path | None = None) -> None:
    """Refuse a scale at which a pass would prove nothing. Raises: InvalidInput."""
    scale, _ = scale_of(asked, path)
    if scale < FLOOR:
        raise InvalidInput(
            f"--scale: got {scale:g}, expected at least {FLOOR:g}: below it a pass says nothing (measured with mutants)"
        )


def aside(scale: float) -> str:
    """A remark on a single run at a *scale* at which a pass proves nothing; empty at any other."""
    if scale >= FLOOR:
        return ""
    return (
        f"scale {scale:g} is below {FLOOR:g}, where a pass says nothing (measured with mutants): "
        "the scorecard does not count this run"
    )


def heaviest(samples: Sequence[HostSample], spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Mean busy ratio of machine and API core in the phase that was the heaviest for it; NaN without readings."""

    def most(values: Callable[[HostSample], float | None]) -> float:
        means = []
        for start_s, end_s in spans:
            inside = [v for s in samples if start_s <= s.at_s - 0.5 < end_s and (v := values(s)) is not None]
            means += [fmean(inside)] if inside else []
        return max(means, default=math.nan)

    return most(lambda sample: sample.cpu_busy), most(lambda sample: sample.api_core)


def fitting(scale: float, busy: float, api_core: float) -> float:
    """The scale at which both would be in their limits, given what they were at *scale*; in steps, at most 1.

    CPU time is nearly proportional to the number of requests.
    """
    share = min(MOST_BUSY / busy if busy > 0 else 1.0, MOST_API_CORE / api_core if api_core > 0 else 1.0)
    steps = math.floor(scale * share / STEP + 1e-9)
    return round(min(1.0, steps * STEP), 2)


def calibrate(
    run: Callable[[float], RunResult], *, say: Callable[[str], None], now: Callable[[], datetime] | None = None
) -> Calibration:
    """Run the reference at full scale, then at what seems to fit, until a run is conclusive and within the limits.

    Raises: Inconclusive when the floor is too much for this machine as it is, or when the reference itself fails.
    """
    scale, run_ids = 1.0, []
    while True:
        say(f"running the reference at scale {scale:g}")
        result = run(scale)
        run_ids.append(result.folder.name)
        if result.verdict is Verdict.VIOLATED:
            raise Inconclusive(f"calibrate: got {result.document.summary!r} on hardened, expected it to hold")
        spans = [(phase.start_s, phase.end_s) for phase in result.document.phases]
        busy, api_core = heaviest(read_record(result.folder).host, spans)
        if math.isnan(busy) or math.isnan(api_core):
            raise Inconclusive("calibrate: got no readings of the CPU, expected one each second")
        say(f"scale {scale:g}: machine {busy:.0%} busy, API core {api_core:.0%}, {result.verdict}")
        fits = fitting(scale, busy, api_core) >= scale
        if fits and result.verdict is Verdict.HELD:
            stamp = (now or (lambda: datetime.now(UTC)))().isoformat(timespec="seconds")
            return Calibration(
                scale=scale,
                measured_at=stamp,
                cpus=os.cpu_count() or 1,
                busy_ratio=round(busy, 3),
                api_core_ratio=round(api_core, 3),
                run_ids=tuple(run_ids),
            )
        if not fits or result.spoiled:
            smaller = max(min(fitting(scale, busy, api_core), round(scale - 2 * STEP, 2)), FLOOR)
        else:
            raise Inconclusive(f"calibrate: got {result.document.summary!r}, expected a run that can tell")
        if scale <= FLOOR:
            raise Inconclusive(
                f"calibrate: got a machine that is {busy:.0%} busy at scale {FLOOR:g}, expected it to carry that much: "
                "below, races become too rare to be seen (close other programs, or use a larger machine)"
            )
        scale = smaller


def keep(calibration: Calibration, path: Path | None = None) -> None:
    """Remember it. Raises: OSError."""
    path = path or calibration_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, msgspec.json.format(msgspec.json.encode(calibration), indent=1) + b"\n", mode=0o600)
