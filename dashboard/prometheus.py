"""A small client of Prometheus' HTTP API."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from dashboard.errors import SourceAway
from dashboard.words import plain

TIMEOUT = httpx.Timeout(2.0, connect=0.5)
WAY_ON = "`make doctor` says what Prometheus needs; verdicts never depend on it."


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one moment. `value` is None where Prometheus says NaN."""

    labels: dict[str, str]
    value: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """One series over time: seconds since the epoch, and a value or None (NaN) for each."""

    labels: dict[str, str]
    times_unix_s: list[float]
    values: list[float | None]


class Prometheus:
    """Instant and range queries, each bounded in time.

    Raises: SourceAway from every call: not reachable, too slow, a refused query or an answer of another shape.
    """

    def __init__(self, base_url: str, *, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(base_url=base_url, timeout=TIMEOUT, trust_env=False)

    def instant(self, promql: str, *, at_unix_s: float | None = None) -> list[Sample]:
        params: dict[str, Any] = {"query": promql}
        if at_unix_s is not None:
            params["time"] = f"{at_unix_s:.3f}"
        result = self._result("/api/v1/query", params)
        try:
            return [Sample(dict(item["metric"]), _number(item["value"][1])) for item in result]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise _odd(error) from error

    def value(self, promql: str, *, at_unix_s: float | None = None) -> float | None:
        """The value of a query with at most one series; None without a series or for NaN."""
        samples = self.instant(promql, at_unix_s=at_unix_s)
        return samples[0].value if samples else None

    def range(self, promql: str, *, start_unix_s: float, end_unix_s: float, step_s: float) -> list[Series]:
        params = {
            "query": promql,
            "start": f"{start_unix_s:.3f}",
            "end": f"{max(end_unix_s, start_unix_s):.3f}",
            "step": f"{step_s:g}",
        }
        result = self._result("/api/v1/query_range", params)
        try:
            return [
                Series(
                    dict(item["metric"]),
                    [float(point[0]) for point in item["values"]],
                    [_number(point[1]) for point in item["values"]],
                )
                for item in result
            ]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise _odd(error) from error

    def _result(self, path: str, params: dict[str, Any]) -> Iterable[Any]:
        try:
            answer = self._client.get(path, params=params)
            body = answer.json()
        except httpx.TimeoutException as error:
            raise SourceAway("Prometheus does not answer in time.", WAY_ON) from error
        except httpx.HTTPError as error:
            raise SourceAway("Prometheus can't be reached.", WAY_ON) from error
        except ValueError as error:
            raise _odd(error) from error
        if not isinstance(body, dict) or body.get("status") != "success":
            reason = body.get("error") if isinstance(body, dict) else None
            raise SourceAway(f"Prometheus refused a query ({plain(reason or answer.status_code, most=200)}).", WAY_ON)
        try:
            result: list[Any] = body["data"]["result"]
        except (KeyError, TypeError) as error:
            raise _odd(error) from error
        return result


def _number(text: str) -> float | None:
    value = float(text)
    return None if math.isnan(value) else value


def _odd(error: Exception) -> SourceAway:
    return SourceAway(f"Something else than Prometheus answers at its address ({type(error).__name__}).", WAY_ON)
