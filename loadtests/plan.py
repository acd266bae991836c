"""Reads load-plan.json and reports all its problems at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from chaos.model.loadplan import LOADPLAN_VERSION, LoadPlan, PlanPhase
from loadtests.arrivals import KINDS
from loadtests.protocol import address


class BadPlan(ValueError):
    """A plan that can't be played; each problem is `where: got X, expected Y`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read(path: Path, known_ops: Mapping[str, object]) -> LoadPlan:
    """Read the plan. Raises: BadPlan."""
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=LoadPlan)
    except OSError as error:
        raise BadPlan([f"{path}: got {error.strerror}, expected a load plan"]) from error
    except msgspec.DecodeError as error:
        raise BadPlan([f"{path}: got {error}, expected a load plan"]) from error
    problems = [f"{path}: {problem}" for problem in _problems(plan, known_ops)]
    if problems:
        raise BadPlan(problems)
    return plan


def _problems(plan: LoadPlan, known_ops: Mapping[str, object]) -> Iterator[str]:
    if plan.version != LOADPLAN_VERSION:
        yield f"version: got {plan.version}, expected {LOADPLAN_VERSION}"
    if plan.arrivals not in KINDS:
        yield f"arrivals: got {plan.arrivals!r}, expected one of {', '.join(KINDS)}"
    if plan.workers < 1:
        yield f"workers: got {plan.workers}, expected at least 1"
    if plan.elsewhere is None and plan.t0_unix_s <= 0:
        yield f"t0_unix_s: got {plan.t0_unix_s}, expected a time (0 is for workers elsewhere)"
    if plan.elsewhere is not None:
        try:
            address(plan.elsewhere.listen)
        except ValueError as error:
            yield f"elsewhere: listen: {error}"
    if plan.max_in_flight < max(plan.workers, 1):
        yield f"max_in_flight: got {plan.max_in_flight}, expected at least one for each of {plan.workers} workers"
    if not plan.timeout_s > 0:
        yield f"timeout_s: got {plan.timeout_s}, expected more than 0"
    if not 0 <= plan.double_click_ratio <= 1:
        yield f"double_click_ratio: got {plan.double_click_ratio}, expected 0 to 1"
    if plan.poll_budget < 0 or not plan.poll_every_s > 0:
        yield f"poll_budget, poll_every_s: got {plan.poll_budget}, {plan.poll_every_s}, expected >= 0 and > 0"
    url = urlsplit(plan.base_url)
    if url.scheme != "http" or not url.hostname:
        yield f"base_url: got {plan.base_url!r}, expected http://host:port"
    if not plan.phases:
        yield "phases: got none, expected at least one"
    end_s = -math.inf
    for phase in plan.phases:
        yield from (f"phases: {phase.name}: {problem}" for problem in _phase_problems(phase, end_s, known_ops))
        end_s = phase.start_s + phase.duration_s


def _phase_problems(phase: PlanPhase, previous_end_s: float, known_ops: Mapping[str, object]) -> Iterator[str]:
    if not (phase.duration_s > 0 and math.isfinite(phase.duration_s)):
        yield f"duration_s: got {phase.duration_s}, expected more than 0"
    if phase.start_s < previous_end_s - 1e-9:
        yield f"start_s: got {phase.start_s}, expected at least {previous_end_s}, the end of the phase before"
    for name in ("rate_from_per_s", "rate_to_per_s"):
        rate = getattr(phase, name)
        if not (rate >= 0 and math.isfinite(rate)):
            yield f"{name}: got {rate}, expected 0 or more"
    if not phase.mix or sum(phase.mix.values()) <= 0 or min(phase.mix.values()) < 0:
        yield f"mix: got {phase.mix}, expected weights of which at least one is positive"
    for op in phase.mix:
        if op not in known_ops:
            yield f"mix: got operation {op!r}, expected one of {', '.join(sorted(known_ops))}"
