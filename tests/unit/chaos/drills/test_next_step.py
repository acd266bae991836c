"""The next command: from an empty lab to a drill that is handed in."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from chaos.adapters.scores import Score, ScoredDrill, Standing
from chaos.drills.catalogue import Drill, drills
from chaos.drills.latest import Latest
from chaos.drills.next_step import current, next_step
from chaos.drills.standing import Stands
from chaos.model.verdict import Finding, FindingKind, Verdict

ONE = Drill(key="concurrency", number=3, title="Async", core=("a/x", "a/y"), stretch=("a/z",), holds=3)
QUERIES = Drill(key="orm-queries", number=2, title="ORM", core=("q/x",))


def ran(scenario: str, verdict: str = "held", *failed: str, at: str = "2026-11-28T10:00:00Z") -> Latest:
    findings = tuple(
        Finding(check=name, kind=FindingKind.SLO, verdict=Verdict.VIOLATED, expected="", measured="7 of 5")
        for name in failed
    )
    return Latest(
        name=f"run-{scenario[-1]}", scenario=scenario, seed=1, verdict=Verdict(verdict), started_at=at, summary="sum",
        advice="calm down", failed=findings,
    )  # fmt: skip


def scored(ceiling: int | None, value: int | None = None) -> ScoredDrill:
    return ScoredDrill(
        key="concurrency", number=3, score=Score(value=value), standing=Standing(ceiling=ceiling, reason="why")
    )


def stands(*runs: Latest, one: Drill = ONE, base: str | None = "naive", card: ScoredDrill | None = None) -> Stands:
    by_name: Mapping[str, Latest] = {run.scenario: run for run in runs}
    return Stands(drill=one, base=base, runs=by_name, scored=card)


REVIEW = Drill(key="ai-review", number=6, title="Review", core=("review/notes", "review/exploits"))
BOTH = (ran("a/x"), ran("a/y"))


@pytest.mark.parametrize(
    ("at", "command"),
    [
        (stands(base=None), "firedrill attempt start"),
        (stands(one=QUERIES, base=None), "firedrill attempt start --drill 2"),
        (stands(one=QUERIES), "firedrill attempt start --drill 2"),
        (stands(one=QUERIES, base="draft_2_4"), "firedrill run q/x --variant attempt"),
        (stands(one=REVIEW, base="draft_6_4"), "firedrill review check"),
        (stands(ran("review/notes"), one=REVIEW, base="draft_6_4"), "firedrill check 6 --part core"),
        (stands(base="draft_2_4"), "firedrill attempt start --drill 3"),
        (stands(), "firedrill run a/x --variant attempt"),
        (stands(ran("a/x", "violated", "no_oversell")), "firedrill explain run-x no_oversell"),
        (stands(ran("a/x", "violated", "slo:p[a,b]")), "firedrill explain run-x 'slo:p[a,b]'"),
        (stands(ran("a/x")), "firedrill check 3 --part core"),
        (stands(ran("a/x", "inconclusive"), ran("a/y")), "firedrill run a/x --variant attempt"),
        (stands(*BOTH), "make up"),
        (stands(*BOTH, card=scored(None)), "firedrill check 3 --part core"),
        (stands(*BOTH, card=scored(2)), 'firedrill score 3 2 --notes "…"'),
        (stands(*BOTH, card=scored(2, 1)), 'firedrill score 3 2 --notes "…"'),
        (stands(*BOTH, card=scored(2, 2)), "firedrill check 3 --part stretch"),
        (stands(*BOTH, ran("a/z", "violated", "told_once"), card=scored(2, 2)), "firedrill explain run-z told_once"),
        (stands(*BOTH, ran("a/z"), card=scored(2, 3)), "firedrill deliver 3"),
    ],
)
def test_the_next_command(at: Stands, command: str) -> None:
    step = next_step(at, first_run=False, stack_up=False)
    assert step.command == command
    assert step.why


def test_the_headline_comes_first() -> None:
    step = next_step(stands(base=None), first_run=True, stack_up=False)
    assert step.command == "make scenario"
    assert step.besides[0][0] == "firedrill attempt start"


def test_a_violated_check_names_what_helps() -> None:
    step = next_step(stands(ran("a/x", "violated", "no_oversell")), first_run=False, stack_up=True)
    assert [command for command, _ in step.besides] == ["firedrill hint 3", "firedrill watch 3"]
    assert "7 of 5" in step.why


def test_the_current_drill() -> None:
    six = drills()
    nothing = tuple(Stands(drill=one, base=None, runs={}) for one in six)
    assert current(nothing).drill.number == 3
    begun = tuple(Stands(drill=one, base="draft_2_9", runs={}) for one in six)
    assert current(begun).drill.number == 2
    run = ran(six[4].core[0])
    begun_after = tuple(Stands(drill=one, base="draft_1_9", runs={run.scenario: run}) for one in six)
    assert current(begun_after).drill.number == 1, "an attempt that was made anew is where the learner is"
    ran_last = tuple(Stands(drill=one, base="naive", runs={run.scenario: run}) for one in six)
    assert current(ran_last).drill.number == 5
    done = ScoredDrill(key="x", number=0, score=Score(value=2), standing=Standing(ceiling=2))
    passed = tuple(
        Stands(drill=one, base="naive", runs={run.scenario: run}, scored=done if one.number in (5, 6) else None)
        for one in six
    )
    assert current(passed).drill.number == 1
