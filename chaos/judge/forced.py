"""Which forced schedules a violated finding is about, and what happened in them, as moments of its time line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chaos.model.counterexamples import Moment
from chaos.model.interleaving import Schedule
from chaos.model.verdict import Finding

_TIER = re.compile(r"tier (\d+)\b")


def schedules_of(finding: Finding, schedules: Sequence[Schedule]) -> list[Schedule]:
    """The schedules whose tier, orders, operations or keys the finding names, in the order in which they were tried."""
    pointers = finding.counterexample
    names, tiers = set(finding.examples), set[int]()
    if pointers is not None:
        names |= {*pointers.operations, *pointers.orders, *pointers.keys}
        tiers |= set(pointers.tiers)
    tiers |= {int(found[1]) for example in finding.examples if (found := _TIER.match(example)) is not None}
    return [
        each
        for each in schedules
        if not each.learnt and (each.tier in tiers or names & {*each.orders, *each.operations, *each.keys})
    ]


def steps(schedule: Schedule) -> Iterator[Moment]:
    """The steps of *schedule* as moments: which actor was held, waited, or went on."""
    names = {"A": schedule.a.operation or schedule.a.actor, "B": schedule.b.operation or schedule.b.actor}
    for step in schedule.steps:
        yield Moment(
            at_s=step.at, lane="gate", kind="step", who=names.get(step.who, ""), text=f"{step.who} {step.what}"
        )
