"""Which schedules a finding is about, and how they are told."""

from __future__ import annotations

from chaos.judge.forced import schedules_of, steps
from chaos.model.interleaving import Held, Said, Schedule, Step, Stop
from chaos.model.verdict import Counterexample, Finding, Verdict
from chaos.report.interleaving import lines, rows, title


def schedule(name: str, **more: object) -> Schedule:
    return Schedule(
        id=f"s/{name}",
        section="s",
        pair=("buy", "charge"),
        steps=(
            Step(at=1.0, who="A", kind="starts", what="buy starts"),
            Step(at=1.01, who="B", kind="ended", what="ran"),
        ),
        a=Said(role="buy", actor="r1", operation="1-4", answer="202 pending"),
        b=Said(role="charge", actor="t1", answer="ran"),
        stop=Stop(number=3, kind="commit", statement="UPDATE shop_order", place="services.py:9 pay"),
        held=Held.ANSWERED,
        **more,  # type: ignore[arg-type]
    )


def finding(examples: tuple[str, ...] = (), **pointers: tuple[object, ...]) -> Finding:
    one = Counterexample(says="so", **pointers) if pointers else None  # type: ignore[arg-type]
    return Finding(check="x", kind="invariant", verdict=Verdict.VIOLATED, expected="", examples=examples,
                   counterexample=one)  # fmt: skip


ALL = (
    schedule("w1", tier=1, orders=("o1",), operations=("1-1",)),
    schedule("w2", tier=12, orders=("o2", "o3"), operations=("1-2", "1-3"), keys=("k",)),
    schedule("alone", tier=1, learnt=True),
)


def test_by_tier_order_operation_or_key() -> None:
    assert [each.id for each in schedules_of(finding(tiers=(1,)), ALL)] == ["s/w1"]
    assert [each.id for each in schedules_of(finding(orders=("o3",)), ALL)] == ["s/w2"]
    assert [each.id for each in schedules_of(finding(("1-3",)), ALL)] == ["s/w2"]
    assert [each.id for each in schedules_of(finding(("k",)), ALL)] == ["s/w2"]
    assert [each.id for each in schedules_of(finding(("tier 12: +1",)), ALL)] == ["s/w2"]
    assert schedules_of(finding(("tier 2: +1",)), ALL) == []


def test_steps_become_moments_of_whoever_made_them() -> None:
    first, second = steps(ALL[0])
    assert (first.who, first.lane, first.text) == ("1-4", "gate", "A buy starts")
    assert second.who == "t1"  # a task has no operation


def test_in_words() -> None:
    told = list(lines(ALL[0]))
    assert told[0] == "s/w1: A buy, held before the commit of UPDATE shop_order (services.py:9 pay); B charge"
    assert told[1] == "  +    0.0 ms  A   buy starts"
    assert told[-1] == "  in the end: A (buy) 202 pending; B (charge) ran"
    assert title(ALL[2]) == "buy alone, 0 stops"
    assert [row[0] for row in rows(ALL)] == ["s/w1", "s/w2"]
