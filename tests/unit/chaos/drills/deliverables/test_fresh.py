"""The fresh seed: what is run on the attempt, and what on the code that it was made from."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chaos.drills.catalogue import drill
from chaos.drills.check import Passed
from chaos.drills.deliverables.fresh import run_fresh
from chaos.model.verdict import Verdict

BASE = "draft_6_3"


class Runs:
    """Notes what was run; each run is held."""

    def __init__(self) -> None:
        self.of: list[tuple[str, str, int]] = []

    def __call__(self, scenario, variant, seed):  # type: ignore[no-untyped-def]
        self.of.append((scenario.name, variant, seed))
        return SimpleNamespace(
            folder=Path(f"{scenario.name.rpartition('/')[2]}-{variant}"), variant=variant, verdict=Verdict.HELD,
            findings=(), document=SimpleNamespace(summary="held", seed=seed), spoiled=False, violated=frozenset(),
        )  # fmt: skip


@pytest.fixture
def runs():
    return Runs()


def fresh(runs, besides, key="ai-review"):
    return run_fresh(
        drill(key),
        11,
        base=BASE,
        scenario=lambda name: cast("Any", SimpleNamespace(name=name, title=name)),
        run=runs,
        own_tests=lambda: Passed(name="own tests", verdict=Verdict.HELD, reason=""),
        besides=besides,
        say=lambda text: None,
    )


def test_the_code_before_is_run_once_and_handed_in(runs):
    def besides(part, found, run):
        result = run(SimpleNamespace(name="review/exploits"), BASE, 11)
        return [Passed(name="refactor", verdict=Verdict.HELD, reason=str(result.folder))]

    found = fresh(runs, besides)
    assert found.before == {"review/exploits": Path(f"exploits-{BASE}")}
    assert runs.of.count(("review/exploits", BASE, 11)) == 1
    assert runs.of.count(("review/exploits", "attempt", 11)) == 1
    assert found.lines[-1].reason == f"exploits-{BASE}"


def test_another_run_of_it_is_a_run_of_its_own(runs):
    def besides(part, found, run):
        run(SimpleNamespace(name="review/exploits"), "draft_6_4", 11)
        return []

    fresh(runs, besides)
    assert ("review/exploits", "draft_6_4", 11) in runs.of


def test_what_the_report_of_drill_2_shows_plans_of_is_run_on_both_sides(runs):
    found = fresh(runs, lambda part, found, run: [], key="orm-queries")
    for variant in (BASE, "attempt"):
        assert runs.of.count(("queries/pages", variant, 11)) == 1
    assert found.shown == (Path(f"pages-{BASE}"), Path("pages-attempt"))
    assert [line.name for line in found.lines if line.name == "queries/pages"] == [], "it decides nothing"
    assert fresh(runs, lambda part, found, run: []).shown == ()
