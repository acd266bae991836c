"""HDR histograms per phase, operation and outcome; those of several workers add up to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from hdrh.histogram import HdrHistogram

HISTOGRAMS_VERSION = 1
LOWEST_US = 1
HIGHEST_US = 60_000_000
DIGITS = 3
QUANTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p95_ms": 95.0, "p99_ms": 99.0, "p999_ms": 99.9}


class HistogramCell(msgspec.Struct, frozen=True, kw_only=True):
    """One histogram, readable and mergeable.

    Attributes:
        op: Operation; a second click counts as `<op>_again`, so that `<op>` holds main operations only.
        outcome: `ok`, `refused` (a documented refusal), `fail` or `info`.
        kind: `latency` from the intended start, or `service` from sending.
        quantiles_ms: By name, `p50_ms` to `p999_ms`.
        hdr: The encoded histogram in microseconds (HdrHistogram V2, compressed, base64).
    """

    phase: str
    op: str
    outcome: str
    kind: str
    count: int
    min_ms: float
    mean_ms: float
    max_ms: float
    quantiles_ms: dict[str, float]
    hdr: str


class Histograms(msgspec.Struct, frozen=True, kw_only=True):
    """histograms.json."""

    version: int = HISTOGRAMS_VERSION
    lowest_us: int = LOWEST_US
    highest_us: int = HIGHEST_US
    digits: int = DIGITS
    cells: list[HistogramCell]
    send_lag: HistogramCell


Key = tuple[str, str, str, str]
LAG: Key = ("", "", "", "send_lag")


def new() -> Any:
    """An empty histogram, 1 µs to 60 s, three digits."""
    return HdrHistogram(LOWEST_US, HIGHEST_US, DIGITS)


def record(histogram: Any, seconds: float) -> None:
    """Record a duration. What is out of range counts at its edge: `hdrhistogram` would drop it without a word."""
    microseconds = int(seconds * 1e6 + 0.5)
    histogram.record_value(min(max(microseconds, LOWEST_US), HIGHEST_US))


def encoded(histograms: dict[Key, Any]) -> list[tuple[Key, str]]:
    """What a worker hands over."""
    return [(key, histogram.encode().decode("ascii")) for key, histogram in histograms.items()]


def merged(parts: Iterable[tuple[Key, str]]) -> dict[Key, Any]:
    """One histogram per key from those of all workers."""
    result: dict[Key, Any] = {}
    for key, text in parts:
        name = (key[0], key[1], key[2], key[3])
        if name not in result:
            result[name] = new()
        result[name].decode_and_add(text.encode("ascii"))
    return result


def cell(key: Key, histogram: Any) -> HistogramCell:
    """*histogram* with the figures that a reader wants."""
    values = histogram.get_percentile_to_value_dict(list(QUANTILES.values())) if histogram.total_count else {}
    phase, op, outcome, kind = key
    return HistogramCell(
        phase=phase,
        op=op,
        outcome=outcome,
        kind=kind,
        count=histogram.total_count,
        min_ms=_ms(histogram.get_min_value() if histogram.total_count else 0),
        mean_ms=_ms(histogram.get_mean_value()),
        max_ms=_ms(histogram.get_max_value()),
        quantiles_ms={name: _ms(values.get(percentile, 0)) for name, percentile in QUANTILES.items()},
        hdr=histogram.encode().decode("ascii"),
    )


def document(histograms: dict[Key, Any]) -> Histograms:
    """histograms.json from the merged histograms of a run."""
    cells = [cell(key, histogram) for key, histogram in sorted(histograms.items()) if key != LAG]
    return Histograms(cells=cells, send_lag=cell(LAG, histograms.get(LAG) or new()))


def quantile_s(histogram: Any, percentile: float) -> float:
    """Seconds; 0 for an empty histogram."""
    return float(histogram.get_value_at_percentile(percentile)) / 1e6 if histogram.total_count else 0.0


def _ms(microseconds: float) -> float:
    return round(float(microseconds) / 1000, 4)
