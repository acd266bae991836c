"""What may be compared, and on which axis: one rule for the command, the reports and the page. Pure.

Two runs are comparable when they did the same thing: the same scenario, seed, scale, phases and faults. Their common
axis begins where one fault took effect in both. Where a fault took effect in only one of them, or in neither, the axis
begins with the load, and a caution says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaos.model.verdict import VerdictDocument

SAME = ("scenario", "seed", "scale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Second 0 of two compared runs.

    Attributes:
        zero_s: On each run's own clock.
        fault: The fault that took effect then, `latency on shop_to_gateway`; empty when second 0 is the load's start.
        cautions: What has to be said beside the comparison, one sentence each.
    """

    zero_s: tuple[float, float] = (0.0, 0.0)
    fault: str = ""
    cautions: tuple[str, ...] = ()


def problems(one: VerdictDocument, two: VerdictDocument) -> list[str]:
    """Why two runs can't be compared, each `what: got X, expected Y`; none: they can."""
    if one.run_id == two.run_id:
        return [f"got {one.run_id} twice, expected two runs"]
    found = [
        f"{name}: got {mine!r} in {one.run_id} and {theirs!r} in {two.run_id}, expected the same"
        for name in SAME
        if (mine := getattr(one, name)) != (theirs := getattr(two, name))
    ]
    if found:
        return found
    parts = {
        "hypothesis": (one.hypothesis, two.hypothesis),
        "phases": (_phases(one), _phases(two)),
        "faults": (_planned(one), _planned(two)),
    }
    return [
        f"scenario {one.scenario}: got two different files of that name, expected the same {part}"
        for part, (mine, theirs) in parts.items()
        if mine != theirs
    ]


def axis(one: VerdictDocument, two: VerdictDocument) -> Axis:
    """For two comparable runs."""
    pairs = list(zip(one.faults, two.faults, strict=False))
    cautions = []
    for pair in pairs:
        absent = [run.run_id for run, fault in zip((one, two), pair, strict=True) if fault.injected_s is None]
        if absent:
            cautions.append(f"{pair[0].text} never took effect in {' and '.join(absent)}.")
    both = [
        (fault.injected_s, other.injected_s, fault)
        for fault, other in pairs
        if fault.injected_s is not None and other.injected_s is not None
    ]
    if cautions or not both:
        if cautions:
            cautions.append("Both are shown from the start of the load: no moment of the one is that of the other.")
        return Axis(cautions=tuple(cautions))
    mine_s, theirs_s, fault = min(both, key=lambda each: each[0])
    return Axis(zero_s=(mine_s, theirs_s), fault=fault.text)


def _phases(run: VerdictDocument) -> list[tuple[object, ...]]:
    """What of its phases was the same in every run of the scenario: how long exchanges take is measured."""
    return [(phase.name, phase.start_s, phase.end_s) if run.paced else (phase.name,) for phase in run.phases]


def _planned(run: VerdictDocument) -> list[tuple[str, str, str]]:
    """What the scenario wanted of each fault, in its order."""
    return [(fault.id, fault.kind, fault.on) for fault in run.faults]
