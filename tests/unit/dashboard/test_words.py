from __future__ import annotations

import math
from pathlib import Path

import pytest

from dashboard import words


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        (None, "○ No score yet"),
        (0, "🔴 Critical gap"),
        (1, "🟡 Needs guided practice"),
        (2, "🟢 Competent"),
        (3, "🟢 Owner"),
    ],
)
def test_the_status_follows_from_the_score_and_has_a_word(score: int | None, shown: str) -> None:
    assert words.status_sign(score).text == shown


def test_the_words_of_a_status_are_those_of_the_scorecard() -> None:
    """Two parts that must not import each other say the same."""
    stated = (Path(__file__).parents[3] / "services" / "scorecard" / "status.py").read_text("utf-8")
    for score in range(4):
        sign = words.status_sign(score)
        assert f'Status("{sign.mark}", "{sign.word}")' in stated
        assert words.SCORES[score] in stated


@pytest.mark.parametrize(
    ("verdict", "shown"),
    [("held", "● held"), ("inconclusive", "▲ inconclusive"), ("violated", "■ violated"), ("", "○ no verdict")],
)
def test_every_verdict_has_a_mark_and_its_word(verdict: str, shown: str) -> None:
    assert words.verdict_sign(verdict).text == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "just now"),
        (59, "just now"),
        (61, "1 min ago"),
        (7300, "2 h ago"),
        (90000, "1 day ago"),
        (864000, "10 days ago"),
    ],
)
def test_ages(seconds: float, shown: str) -> None:
    assert words.age_text(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "top", "shown"),
    [
        (None, None, "–"),
        (math.nan, 30.0, "–"),
        (0.0871, 30.0, "87 ms"),
        (1.25, 30.0, "1.25 s"),
        (30.0, 30.0, "≥ 30 s"),
        (math.inf, 30.0, "≥ 30 s"),
        (math.inf, None, "–"),
    ],
)
def test_a_quantile_in_the_top_bucket_is_a_lower_bound(seconds: float | None, top: float | None, shown: str) -> None:
    assert words.latency_text(seconds, top_bucket_s=top) == shown


@pytest.mark.parametrize(
    ("ratio", "shown"), [(None, "–"), (0.0, "0 %"), (0.0004, "< 0.1 %"), (0.125, "12.5 %"), (math.nan, "–")]
)
def test_ratios(ratio: float | None, shown: str) -> None:
    assert words.ratio_text(ratio) == shown


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_number_is_a_dash(value: float | None) -> None:
    assert words.rate_text(value) == words.count_text(value) == words.duration_text(value) == "–"


def test_text_from_outside_is_no_markdown() -> None:
    assert words.plain("![x](http://evil/)") == r"\!\[x\]\(http\:\/\/evil\/\)"
    assert words.plain("a\n b " + "c" * 100) == "a b " + "c" * 75 + "…"
