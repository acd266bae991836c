"""The limits of a scenario on latency, and what each of them is about: an operation, a quantile, a phase.

Read from the scenario file of the folder; entries that can't be understood are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from chaos.evidence.files import MOST_SCENARIO_BYTES, Unreadable, read_bytes
from chaos.model.text import all_visible
from chaos.model.units import parse_duration_s

P95 = 0.95
MOST_LIMITS = 20


@dataclass(frozen=True, slots=True, order=True)
class Curve:
    """The figure that a limit is about: a quantile of one operation, or of all for an empty *op*."""

    op: str = ""
    quantile: float = P95

    @property
    def name(self) -> str:
        return f"{self.op} p{self.quantile * 100:g}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit of the scenario that can be drawn as a line.

    Attributes:
        at_most_s: In seconds.
        phase: Empty for the steady state, which is judged on the first phase.
    """

    curve: Curve
    at_most_s: float
    phase: str = ""

    @property
    def text(self) -> str:
        at_most = f"{self.at_most_s * 1000:g} ms" if self.at_most_s < 1 else f"{self.at_most_s:g} s"
        return f"{self.curve.name} ≤ {at_most}"


class _Phase(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float | None: ...


def span_s(limit: Limit, phases: Sequence[_Phase]) -> tuple[float, float | None] | None:
    """Start and end of the time in which it applies; None for a phase that the run does not have."""
    found = next((phase for phase in phases if limit.phase in ("", phase.name)), None)
    return (found.start_s, found.end_s) if found else None


def curves_of(limits: Sequence[Limit]) -> tuple[Curve, ...]:
    """The curves that have a limit, without the one that every chart shows, sorted."""
    return tuple(sorted({limit.curve for limit in limits} - {Curve()}))


def limits_of(scenario: Mapping[str, Any]) -> tuple[Limit, ...]:
    """The latency limits of the steady state and of the SLOs."""
    found: list[Limit] = []
    for where in ("steady_state", "checks"):
        entries = scenario.get(where)
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict) or "latency" not in (entry.get("probe"), entry.get("slo")):
                continue
            try:
                at_most_s = parse_duration_s(entry.get("at_most"))
                quantile = float(entry.get("quantile", P95))
            except (TypeError, ValueError):
                continue
            if not 0 < quantile < 1 or len(found) == MOST_LIMITS:
                continue
            phase = "" if where == "steady_state" else str(entry.get("phase") or "")
            curve = Curve(str(entry.get("op") or ""), quantile)
            found.append(Limit(curve=curve, at_most_s=at_most_s, phase=phase))
    return tuple(found)


def read_scenario(path: Path) -> dict[str, Any]:
    """The mapping in a scenario file; empty when there is none."""
    try:
        content = yaml.load(read_bytes(path, most=MOST_SCENARIO_BYTES), _Plain)  # noqa: S506 - a SafeLoader
    except (Unreadable, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return all_visible(content) if isinstance(content, dict) else {}


class _Plain(yaml.SafeLoader):
    """Refuses aliases: a few of them can expand to more values than fit into memory."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)
