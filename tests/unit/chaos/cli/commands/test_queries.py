"""`firedrill queries`: which run it shows, and what it refuses."""

from __future__ import annotations

import pytest

from chaos.drills.deliverables.queries import PAGES
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.drills.query_runs import paging, ran, reading


@pytest.fixture
def runs(shell: Shell) -> Shell:
    """A run before, one after, and one of pages, which is the newest."""
    shell.evidence.mkdir()
    ran(shell.evidence, "1-before", reading(1), variant="draft_2_4")
    ran(shell.evidence, "2-after", reading(0), variant="attempt")
    ran(shell.evidence, "3-pages", paging(10), variant="attempt", scenario=PAGES)
    return shell


def test_the_newest_run_that_counts_queries_is_shown(runs: Shell) -> None:
    said = runs("queries")
    assert said.code == 0
    assert said.out.startswith("2-after\nlistEvents       2 → 2 queries at 3 and 9 rows")


def test_a_run_of_before_stands_beside_it(runs: Shell) -> None:
    said = runs("queries", "listEvents", "--before", "1-before")
    assert "before:\n" in said.out
    assert "5 → 11 ×" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--run", "3-pages"), "3-pages: got a run that counts no queries, expected one of queries/reads"),
        (("--before", "3-pages"), "3-pages: got a run that counts no queries, expected one of queries/reads"),
        (("nonsense",), "operation: got 'nonsense', expected one that 2-after counts: listEvents"),
    ],
)
def test_what_it_can_not_show_is_refused(runs: Shell, words: tuple[str, ...], told: str) -> None:
    said = runs("queries", *words)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_without_any_run_it_says_how_to_get_one(shell: Shell) -> None:
    said = shell("queries")
    assert said.code == 2
    assert (
        "run: got none on record, expected one that counts queries (firedrill run queries/reads --variant attempt)"
        in said.err
    )
