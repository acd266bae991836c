"""What Overview tells the learner to do next, for every state of a record."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.next_step import HEADLINE, next_step
from dashboard.scorecard import Drill, Run, Score, Standing

BROKEN = [{"check": "no_oversell", "verdict": "violated"}]


def run(variant: str, verdict: str = "held", scenario: str = HEADLINE, **more: Any) -> Run:
    return Run(
        run_id=f"2026-{variant}",
        scenario=scenario,
        title="Flash sale",
        drill=3,
        variant=variant,
        verdict=verdict,
        **more,
    )


def drills(
    *runs: Run, score: int | None = None, ceiling: int | None = None, core: tuple[str, ...] = (HEADLINE,)
) -> Any:
    third = Drill(
        key="concurrency", number=3, title="Async", core=list(core), latest_runs=list(runs), score=Score(value=score),
        standing=Standing(ceiling=ceiling),
    )  # fmt: skip
    return [Drill(key="api-contract", number=1, title="Audit"), third]


@pytest.mark.parametrize(
    ("known", "start", "page", "says"),
    [
        (drills(), (HEADLINE, "naive"), "", "See an API break first"),
        (drills(run("naive", "violated")), (HEADLINE, "hardened"), "", "Compare shows both"),
        (drills(run("naive", "violated"), run("hardened")), None, "drill", "`firedrill attempt start`"),
        (drills(run("attempt", "violated", findings=BROKEN)), None, "run", "violated `no_oversell`"),
        (drills(run("attempt", "inconclusive")), None, "run", "was not decided"),
        (drills(run("attempt"), core=(HEADLINE, "concurrency/double-submit")), None, "drill", "1 more to go"),
        (drills(run("attempt"), ceiling=2), None, "scores", "supports a score of 2"),
        (drills(run("attempt"), ceiling=2, score=2), None, "drill", "Next is drill 1"),
    ],
)
def test_the_next_step(known: Any, start: Any, page: str, says: str) -> None:
    step = next_step(known)
    assert (step.start, step.page) == (start, page)
    assert says in step.text


def test_when_all_are_scored_the_weakest_is_next() -> None:
    first = Drill(key="api-contract", number=1, title="Audit", score=Score(value=3))
    third = drills(run("attempt"), ceiling=1, score=1)[1]
    assert next_step([first, third]).query == (("drill", "concurrency"),)
