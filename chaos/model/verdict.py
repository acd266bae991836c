"""Findings and the verdict over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The answer of one check, and of a whole run. Worst wins: held < inconclusive < violated."""

    HELD = "held"
    INCONCLUSIVE = "inconclusive"
    VIOLATED = "violated"


SEVERITY = (Verdict.HELD, Verdict.INCONCLUSIVE, Verdict.VIOLATED)


MOST_PROVING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """The smallest set that shows a violation: pointers, which `explain` looks up and lays on one time line.

    At most three of a kind are kept: more than that is a list, not an explanation.

    Attributes:
        says: One sentence: why just these show it.
        operations: Ids of the client's operations.
        orders: Order ids; their operations, charges and statements are looked up.
        keys: Client intents; every operation and order of each is looked up.
        charges: Charge ids of the gateway's ledger.
        tiers: Tier ids.
    """

    says: str
    operations: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    charges: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name in ("operations", "orders", "keys", "charges", "tiers"):
            object.__setattr__(self, name, tuple(getattr(self, name))[:MOST_PROVING])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check's result.

    Attributes:
        check: Stable id, e.g. `no_oversell` or `slo:success_ratio[spike,buy]`.
        kind: `invariant`, `slo`, `steady_state`, `recovery`, `fault`, `self_check` or `witness`.
        expected: What had to be true, in words with its unit.
        measured: What was found, in words with its unit; empty when nothing could be measured.
        where: Phase, time window or object that the measurement is about; empty for the whole run.
        reason: Why it is inconclusive or violated; empty when held.
        exact: True for an invariant over the whole history: its violation stands whatever else went wrong.
        examples: Ids of operations or orders that show the violation, smallest set first, at most ten.
        figures: The numbers behind *measured*, by name with the unit in the name.
        counterexample: What to look at to understand a violation; None where nothing single shows it.
    """

    check: str
    kind: str
    verdict: Verdict
    expected: str
    measured: str = ""
    where: str = ""
    reason: str = ""
    exact: bool = False
    examples: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    counterexample: Counterexample | None = None


def overall(findings: Iterable[Finding]) -> Verdict:
    """Worst finding wins. No findings means nothing was checked."""
    return max((f.verdict for f in findings), key=SEVERITY.index, default=Verdict.INCONCLUSIVE)
