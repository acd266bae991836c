"""The table of cases: what scores, runs and hints amount to."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from services.scorecard import rules
from services.scorecard.rules import DrillFacts, HintFact, RunFact, ScoreFact

T0 = datetime(2026, 1, 10, tzinfo=UTC)
CORE, CORE2, STRETCH, STRETCH2 = "x/core", "x/core2", "x/stretch", "x/stretch2"
_numbers = count(1)


def run(
    scenario: str = CORE,
    verdict: str = "held",
    *,
    day: float = 0,
    seed: int | None = None,
    variant: str = "attempt",
    scale: float | None = 1.0,
) -> RunFact:
    number = next(_numbers)
    return RunFact(
        run_id=f"r{number:05}",
        scenario=scenario,
        variant=variant,
        seed=number if seed is None else seed,
        verdict=verdict,
        started_at=T0 + timedelta(days=day),
        scale=scale,
    )


def hint(*, day: float, solution: bool = False) -> HintFact:
    return HintFact(key=f"h{day}", solution=solution, used_at=T0 + timedelta(days=day))


def drill(*runs: RunFact, score: int | None = None, number: int = 1, **more: Any) -> DrillFacts:
    facts = {"key": f"d{number}", "number": number, "title": f"Title {number}", "core": (CORE,), "stretch": (STRETCH,)}
    scores = () if score is None else (ScoreFact(value=score, changed_at=T0),)
    return DrillFacts(**{**facts, "runs": runs, "scores": scores, **more})  # type: ignore[arg-type]


OWNED = (run(), run(STRETCH), run(STRETCH, day=7))

CEILINGS: list[tuple[str, DrillFacts, int | None, str]] = [
    ("nothing was run", drill(), None, "No evidence yet"),
    ("only other variants were run", drill(run(variant="naive"), run(variant="hardened")), None, "No evidence yet"),
    ("an inconclusive run is no evidence", drill(run(verdict="inconclusive")), None, "No evidence yet"),
    ("the drill has no scenario", drill(run(), core=(), stretch=()), None, "No scenario"),
    ("core violated", drill(run(verdict="violated")), 0, "x/core violated"),
    ("core held", drill(run()), 2, "x/stretch still to hold"),
    ("half of the core held", drill(run(), core=(CORE, CORE2)), None, "x/core2 still to be run"),
    ("half held, half violated", drill(run(), run(CORE2, "violated"), core=(CORE, CORE2)), 0, "x/core2 violated"),
    ("held after violated", drill(run(verdict="violated"), run(day=1)), 2, "Core passed"),
    ("violated after held", drill(run(), run(verdict="violated", day=1)), 0, "Core not passed"),
    ("inconclusive after held takes nothing away", drill(run(), run(verdict="inconclusive", day=1)), 2, "Core passed"),
    ("solution opened before", drill(run(day=1), hints=(hint(day=0, solution=True),)), 1, "gives the solution away"),
    ("solution opened after", drill(run(day=1), hints=(hint(day=2, solution=True),)), 2, "Core passed"),
    (
        "solution opened before the last part of the core",
        drill(run(), run(CORE2, day=3), core=(CORE, CORE2), hints=(hint(day=2, solution=True),)),
        1,
        "gives the solution away",
    ),
    ("a nudge does not lower the core", drill(run(day=1), hints=(hint(day=0),)), 2, "Core passed"),
    ("no stretch ends at 2", drill(run(), stretch=()), 2, "evidence ends here"),
    ("stretch once", drill(run(), run(STRETCH)), 2, "at least 7 days after"),
    ("stretch twice too early", drill(run(), run(STRETCH), run(STRETCH, day=6.9)), 2, "at least 7 days after"),
    ("stretch twice a week apart", drill(*OWNED), 3, "a week apart"),
    (
        "the second time on the same seed does not count",
        drill(run(), run(STRETCH, seed=5), run(STRETCH, seed=5, day=8)),
        2,
        "at least 7 days after",
    ),
    (
        "a seed tried before, whatever came out, is not fresh",
        drill(
            run(),
            run(STRETCH, "violated", seed=5, day=-1),
            run(STRETCH, seed=5),
            run(STRETCH, "inconclusive", seed=6, day=1),
            run(STRETCH, seed=6, day=9),
        ),
        2,
        "still to hold on a fresh seed",
    ),
    ("a hint in between", drill(*OWNED, hints=(hint(day=3),)), 2, "at least 7 days after"),
    ("a hint before", drill(*OWNED, hints=(hint(day=-1),)), 2, "still to hold on a fresh seed"),
    ("stretch without core", drill(run(STRETCH), run(STRETCH, day=8)), None, "No evidence yet"),
    ("stretch broken since", drill(*OWNED, run(STRETCH, "violated", day=9)), 2, "x/stretch violated"),
    ("a run with too little load is no evidence", drill(run(scale=0.5)), None, "No evidence yet"),
    ("the least load that counts", drill(run(scale=rules.LEAST_SCALE)), 2, "Core passed"),
    ("a run of before, whose scale nobody kept, counts", drill(run(scale=None)), 2, "Core passed"),
    ("too little load after held takes nothing away", drill(run(), run(verdict="violated", scale=0.5, day=1)), 2, ""),
    ("too little load after violated gives nothing", drill(run(verdict="violated"), run(scale=0.5, day=1)), 0, ""),
    ("stretch with too little load", drill(run(), run(STRETCH), run(STRETCH, day=8, scale=0.7)), 2, "7 days after"),
    (
        "a seed tried with too little load is not fresh",
        drill(run(), run(STRETCH, seed=5, scale=0.5), run(STRETCH, seed=5, day=1)),
        2,
        "still to hold on a fresh seed",
    ),
    (
        "core held with too little load before the solution",
        drill(run(scale=0.5), run(day=2), hints=(hint(day=1, solution=True),)),
        1,
        "gives the solution away",
    ),
    ("held on one of three seeds", drill(run(), holds=3), None, "x/core held on 1 of 3 seeds in a row"),
    ("held on three of three seeds", drill(run(), run(), run(), holds=3), 2, "Core passed"),
    ("held three times on one seed", drill(*(run(seed=5) for _ in range(3)), holds=3), None, "held on 1 of 3 seeds"),
    ("three holds, the last one broken", drill(run(), run(), run(), run(verdict="violated"), holds=3), 0, "violated"),
    (
        "a violation in between starts anew",
        drill(run(), run(), run(verdict="violated"), run(), holds=3),
        None,
        "held on 1 of 3 seeds",
    ),
    (
        "the seed that was violated counts once it holds",
        drill(run(seed=5, verdict="violated"), run(seed=5), run(), run(), holds=3),
        2,
        "Core passed",
    ),
    ("in a row past one that can't tell", drill(run(), run(verdict="inconclusive"), run(), run(), holds=3), 2, ""),
    ("in a row without too little load", drill(run(), run(scale=0.5), run(), holds=3), None, "held on 2 of 3 seeds"),
    (
        "what is missing of a core is named, each as far as it is",
        drill(run(), run(), run(), run(CORE2), core=(CORE, CORE2, "x/core3"), holds=3),
        None,
        "No evidence yet for the whole core: x/core2 held on 1 of 3 seeds in a row, "
        "x/core3 still to be run on your own code.",
    ),
    (
        "solution opened before the third seed",
        drill(run(), run(), run(day=2), holds=3, hints=(hint(day=1, solution=True),)),
        1,
        "gives the solution away",
    ),
    (
        "solution opened after the third seed, which was not fresh, and whatever came then",
        drill(
            run(seed=5, verdict="violated"),
            *(run(seed=seed) for seed in (3, 4, 5)),
            run(verdict="violated"),
            *(run(day=3) for _ in range(3)),
            holds=3,
            hints=(hint(day=1, solution=True),),
        ),
        2,
        "Core passed",
    ),
    ("a stretch holds twice however often the core has to", drill(run(), run(), *OWNED, holds=3), 3, "a week apart"),
    (
        "one of two stretches",
        drill(*OWNED, stretch=(STRETCH, STRETCH2)),
        2,
        "x/stretch2 still to hold",
    ),
]


@pytest.mark.parametrize(("facts", "ceiling", "reason"), [c[1:] for c in CEILINGS], ids=[c[0] for c in CEILINGS])
def test_ceiling(facts: DrillFacts, ceiling: int | None, reason: str) -> None:
    stands = rules.standing(facts)
    assert stands.ceiling == ceiling
    assert reason in stands.reason


@pytest.mark.parametrize("facts", [c[1] for c in CEILINGS], ids=[c[0] for c in CEILINGS])
def test_a_ceiling_rests_on_the_essential_runs(facts: DrillFacts) -> None:
    mine = [each for each in facts.runs if each.variant == "attempt"]
    kept = rules.essential(mine, holds=facts.holds, cuts=(each.used_at for each in facts.hints))
    assert rules.standing(replace(facts, runs=kept)) == rules.standing(facts)


@pytest.mark.parametrize(
    ("facts", "gap"),
    [
        (drill(run(), score=3), 1),
        (drill(run(verdict="violated"), score=3), 3),
        (drill(run(verdict="violated"), score=0), 0),
        (drill(run(), score=2), 0),
        (drill(run(), score=0), 0),
        (drill(run()), 0),
        (drill(score=3), 0),  # no run yet is no evidence, and no overclaim
        (drill(run(verdict="inconclusive"), score=3), 0),
    ],
)
def test_gap_and_overclaim(facts: DrillFacts, gap: int) -> None:
    stands = rules.standing(facts)
    assert (stands.gap, stands.overclaim) == (gap, gap > 0)
    flagged = [flag.kind for flag in rules.red_flags([facts])]
    assert ("overclaim" in flagged) is (gap > 0)


@pytest.mark.parametrize(
    ("facts", "regressed"),
    [
        (drill(run(), run(verdict="violated", day=1)), (CORE,)),
        (drill(run(verdict="violated")), ()),
        (drill(run(verdict="violated"), run(day=1)), ()),
        (drill(run(), run(verdict="violated", day=1), run(day=2)), ()),
        (drill(run(), run(verdict="violated", day=1), run(verdict="inconclusive", day=2)), (CORE,)),
        (drill(run("x/other"), run("x/other", "violated", day=1)), ("x/other",)),
        (drill(run(variant="naive"), run(verdict="violated", day=1)), ()),
        (drill(run(scale=0.5), run(verdict="violated", day=1)), ()),
        (drill(run(), run(verdict="violated", day=1, scale=0.5)), ()),
    ],
)
def test_regression(facts: DrillFacts, regressed: tuple[str, ...]) -> None:
    assert rules.standing(facts).regressed == regressed
    assert [flag.kind for flag in rules.red_flags([facts])] == (["regression"] if regressed else [])


def test_the_newest_score_counts_whatever_its_place() -> None:
    late = ScoreFact(value=1, changed_at=T0 + timedelta(days=2))
    facts = drill(scores=(late, ScoreFact(value=3, changed_at=T0)))
    assert facts.value == 1
    assert facts.until(T0 + timedelta(days=1)).value == 3
    assert facts.until(T0).value is None


def test_a_three_is_self_attested_until_a_mentor_confirms_it() -> None:
    confirmed = (rules.ConfirmationFact(mentor="Ada", confirmed_at=T0),)
    assert rules.standing(drill(score=3)).self_attested
    assert not rules.standing(drill(score=3, confirmations=confirmed)).self_attested
    assert not rules.standing(drill(score=2)).self_attested
    assert not rules.standing(drill()).self_attested


def six(*values: int | None) -> list[DrillFacts]:
    return [drill(score=value, number=number) for number, value in enumerate(values, start=1)]


LEVELS: list[tuple[tuple[int | None, ...], bool, list[bool]]] = [
    ((None,) * 6, False, [False, False, False]),
    ((2, 2, 2, 2, None, None), False, [True, False, False]),
    ((2, 2, 2, 1, 3, 3), False, [False, False, False]),
    ((3, 2, 2, 3, 3, 2), False, [True, True, False]),
    ((3, 2, 2, 3, 2, 2), False, [True, False, False]),
    ((2, 2, 2, 3, 3, 3), False, [True, False, False]),
    ((3,) * 6, False, [True, True, False]),
    ((3,) * 6, True, [True, True, True]),
    ((3, 3, 3, 3, 3, 2), True, [True, True, False]),
    ((0,) * 6, True, [False, False, False]),
]


@pytest.mark.parametrize(("values", "own", "reached"), LEVELS)
def test_levels(values: tuple[int | None, ...], own: bool, reached: list[bool]) -> None:
    found = rules.levels(six(*values), own_scenario=own)
    assert [level.reached for level in found] == reached


def test_a_level_says_exactly_what_is_missing() -> None:
    bridge, owner, senior = rules.levels(six(2, 1, None, 2, 3, 3), own_scenario=False)
    assert [missing.text for missing in bridge.missing] == [
        "drill 2 (Title 2): at 1, needs 2",
        "drill 3 (Title 3): not scored, needs 2",
    ]
    assert [missing.drill for missing in owner.missing] == [1, 2, 3, 4]
    assert senior.missing[-1].drill is None
    assert "scenarios/own/" in senior.missing[-1].text


NAMED = {"must": ["a"], "may": ["b"], "naive_verdict": "violated", "hardened_verdict": "held"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"naive_violated": ["a"]}, True),
        ({"naive_violated": ["a", "b"]}, True),
        ({"naive_violated": ["b"]}, False),
        ({"naive_violated": ["a", "c"]}, False),
        ({"naive_violated": ["a"], "hardened_verdict": "violated"}, False),
        ({"naive_violated": ["a"], "hardened_verdict": "inconclusive"}, False),
        ({"naive_violated": [], "must": []}, False),
        ({"naive_violated": ["a"], "naive_open": ["fault:1-latency"]}, False),
    ],
)
def test_a_scenario_that_proves_itself(change: dict[str, Any], expected: bool) -> None:
    assert rules.proves_itself(**{**NAMED, **change}) is expected


@pytest.mark.parametrize(
    ("kind", "verdict", "open_"),
    [
        ("fault", "inconclusive", True),
        ("self_check", "inconclusive", True),
        ("witness", "inconclusive", True),
        ("steady_state", "inconclusive", True),
        ("of another day", "inconclusive", True),
        (None, "inconclusive", True),
        ("fault", "held", False),
        ("invariant", "inconclusive", False),
        ("slo", "inconclusive", False),
        ("recovery", "inconclusive", False),
        ("invariant", "violated", False),
    ],
)
def test_what_a_run_left_open_about_itself(kind: str | None, verdict: str, open_: bool) -> None:
    finding = {"check": "c", "verdict": verdict} | ({} if kind is None else {"kind": kind})
    assert rules.left_open([finding]) == (["c"] if open_ else [])


def test_radar_means_over_what_is_scored_and_names_what_raises_them() -> None:
    drills = [
        drill(score=3, number=1, dimensions=("a", "b")),
        drill(score=0, number=2, dimensions=("a",)),
        drill(number=3, dimensions=("a", "c")),
    ]
    a, b, c, d = rules.radar([("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")], drills)
    assert (a.mean, a.scored, a.drills, a.raise_with) == (1.5, 2, (1, 2, 3), (3, 2))
    assert (b.mean, b.raise_with) == (3.0, ())
    assert (c.mean, c.scored, c.raise_with) == (None, 0, (3,))
    assert [axis.key for axis in rules.weakest((a, b, c, d))] == ["c", "a"]


def at(year: int, month: int, day: int = 15) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def test_trend_has_every_month_and_says_which_have_no_data() -> None:
    facts = drill(
        scores=(ScoreFact(value=0, changed_at=at(2025, 11)), ScoreFact(value=2, changed_at=at(2026, 2, 1))),
        runs=(
            RunFact(run_id="a", scenario=CORE, variant="attempt", seed=1, verdict="held", started_at=at(2026, 2)),
            RunFact(run_id="b", scenario=CORE, variant="attempt", seed=2, verdict="violated", started_at=at(2026, 3)),
        ),
    )
    months = rules.trend([facts], now=at(2026, 4), noted=["2025-10"])
    assert [(month.month, month.has_data, month.average) for month in months] == [
        ("2025-10", False, None),
        ("2025-11", True, 0.0),
        ("2025-12", False, None),
        ("2026-01", False, None),
        ("2026-02", True, 2.0),
        ("2026-03", True, 2.0),
        ("2026-04", False, None),
    ]
    flags = {month.month: [flag.kind for flag in month.red_flags] for month in months}
    assert flags["2025-11"] == ["critical_gap"]
    assert flags["2026-02"] == []
    assert flags["2026-03"] == ["overclaim", "regression"]


def test_a_month_ends_at_its_last_moment_in_utc() -> None:
    last = datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC)
    changes = (ScoreFact(value=1, changed_at=last), ScoreFact(value=3, changed_at=at(2026, 2, 1)))
    january, february = rules.trend([drill(scores=changes)], now=at(2026, 2))
    assert (january.average, february.average) == (1.0, 3.0)
    assert rules.end_of("2026-12") == at(2027, 1, 1)


def test_an_empty_scorecard_has_one_month_without_data() -> None:
    (month,) = rules.trend([drill()], now=at(2026, 4))
    assert (month.month, month.has_data, month.average) == ("2026-04", False, None)


def test_trend_is_bounded() -> None:
    old = drill(scores=(ScoreFact(value=1, changed_at=at(1990, 1)),))
    months = rules.trend([old], now=at(2026, 4))
    assert (len(months), months[-1].month) == (60, "2026-04")


@pytest.mark.parametrize("seed", range(60))
def test_the_essential_runs_say_what_all_of_them_say(seed: int) -> None:
    chance = random.Random(seed)
    tried = [
        run(
            chance.choice((CORE, STRETCH, STRETCH2)),
            chance.choices(("held", "violated", "inconclusive"), (7, 2, 1))[0],
            day=chance.uniform(0, 90),
            seed=chance.randrange(40),
            scale=chance.choice((1.0, 0.75, 0.5, None)),
        )
        for _ in range(chance.choice((3, 30, 150)))
    ]
    hints = tuple(hint(day=chance.uniform(0, 120), solution=chance.random() < 0.3) for _ in range(chance.randrange(3)))
    holds = chance.choice((1, 2, 3))
    all_of_them = drill(*tried, score=3, hints=hints, stretch=(STRETCH, STRETCH2), holds=holds)
    few = replace(all_of_them, runs=rules.essential(tried, holds=holds, cuts=(each.used_at for each in hints)))

    now = T0 + timedelta(days=100)
    assert rules.trend([few], now=now) == rules.trend([all_of_them], now=now)
    ends = [T0 + timedelta(days=90)] + [rules.end_of(month) for month in ("2026-01", "2026-02", "2026-03", "2026-04")]
    for end in ends:
        assert rules.standing(few.until(end)) == rules.standing(all_of_them.until(end))


def test_the_essential_runs_stay_few() -> None:
    many = [run(day=day / 50, seed=day) for day in range(1500)]

    # Three that came first: held, fresh, and with which it had passed; of each of the months the last and last fresh.
    assert len(rules.essential(many, holds=3)) <= 3 + 3 * 2
