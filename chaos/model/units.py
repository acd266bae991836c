"""Durations, rates and shares as scenario files write them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m)")
RATE = re.compile(r"(?P<number>\d+(?:\.\d+)?)/s")
KB_RATE = re.compile(r"(?P<number>\d+)KB/s")
RATIO = re.compile(r"(?P<number>\d+(?:\.\d+)?)%")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


def parse_duration_s(value: Any) -> float:
    """`500ms`, `10s`, `2m` in seconds. Raises: ValueError, saying what was expected."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"got {value!r}, expected a duration such as 500ms, 10s or 2m")
    return float(match["number"]) * _SECONDS[match["unit"]]


def parse_rate_per_s(value: Any) -> float:
    """`20/s` in arrivals per second. Raises: ValueError."""
    match = RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"got {value!r}, expected a rate with its unit, such as 20/s")
    return float(match["number"])


def parse_kb_per_s(value: Any) -> int:
    """`20KB/s` in thousands of bytes per second, as Toxiproxy counts them. Raises: ValueError."""
    match = KB_RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"got {value!r}, expected a rate with its unit, such as 20KB/s")
    return int(match["number"])


def parse_ratio(value: Any) -> float:
    """`99%` as 0.99. Raises: ValueError."""
    match = RATIO.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 <= float(match["number"]) <= 100:
        raise ValueError(f"got {value!r}, expected a share from 0% to 100%")
    return float(match["number"]) / 100


def _parsed(parse: Any, pattern: re.Pattern[str], example: str) -> Any:
    """A pydantic validator and the JSON Schema that editors see for the same text."""
    json_pattern = "^" + re.sub(r"\?P<\w+>", "", pattern.pattern) + "$"
    return (BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": json_pattern, "examples": [example]}))


Seconds = Annotated[float, *_parsed(parse_duration_s, DURATION, "10s")]
RatePerS = Annotated[float, *_parsed(parse_rate_per_s, RATE, "20/s")]
KilobytesPerS = Annotated[int, *_parsed(parse_kb_per_s, KB_RATE, "20KB/s")]
Ratio = Annotated[float, *_parsed(parse_ratio, RATIO, "99%")]
