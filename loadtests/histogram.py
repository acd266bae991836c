"""HDR histograms per phase, operation and outcome, which can be added up over workers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from hdrh.histogram import HdrHistogram

HISTOGRAMS_VERSION = 1
LOWEST_US = 1
HIGHEST_US = 60_000_000
DIGITS = 3
BITS = 11
"""So many of a value's leading bits a histogram of three digits tells apart."""
QUANTILES = {"p50_ms": 50.0, "p90_ms": 90.0, "p95_ms": 95.0, "p99_ms": 99.0, "p999_ms": 99.9}


class HistogramCell(msgspec.Struct, frozen=True, kw_only=True):
    """One histogram, with its figures and in encoded form.

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


class Durations:
    """Durations while the load goes on, cheaper to record than in the histogram that they end in.

    Attributes:
        counts: How many there were, by the least of the values in µs that the histogram doesn't tell apart.
    """

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def record(self, seconds: float) -> None:
        """Count one out of range as the nearest limit: `hdrhistogram` would silently drop it."""
        microseconds = min(max(int(seconds * 1e6 + 0.5), LOWEST_US), HIGHEST_US)
        too_fine = microseconds.bit_length() - BITS
        if too_fine > 0:
            microseconds = microseconds >> too_fine << too_fine
        self.counts[microseconds] = self.counts.get(microseconds, 0) + 1

    def histogram(self) -> Any:
        """The same, value by value, as if each had been recorded in it."""
        histogram = new()
        for microseconds, times in self.counts.items():
            histogram.record_value(microseconds, times)
        return histogram


def encoded(durations: Mapping[Key, Durations]) -> list[tuple[Key, str]]:
    """The histograms in the form that a worker hands over."""
    return [(key, each.histogram().encode().decode("ascii")) for key, each in durations.items()]


def merged(parts: Iterable[tuple[Key, str]]) -> dict[Key, Any]:
    """One histogram per key, added up over all workers."""
    result: dict[Key, Any] = {}
    for key, text in parts:
        name = (key[0], key[1], key[2], key[3])
        if name not in result:
            result[name] = new()
        result[name].decode_and_add(text.encode("ascii"))
    return result


def cell(key: Key, histogram: Any) -> HistogramCell:
    """*histogram* with its figures."""
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
