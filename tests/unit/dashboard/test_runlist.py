from __future__ import annotations

from dataclasses import replace
from typing import Any

from chaos.evidence.growing import read_run
from dashboard import runlist, trend
from dashboard.runlist import Row, Wanted
from dashboard.words import verdict_sign

ROW = Row(
    run_id="20261129-000813-flash-sale-naive-s7", title="Flash sale", variant="naive", seed=7,
    sign=verdict_sign("violated"), started_unix_s=None, duration_s=None, scenario="concurrency/flash-sale", drill=3,
    verdict="violated",
)  # fmt: skip


def test_a_row_fits_by_every_word_that_is_asked_for() -> None:
    assert Wanted().everything
    for wanted in (
        Wanted(), Wanted(drill="3"), Wanted(scenario="concurrency/flash-sale"), Wanted(variant="naive"),
        Wanted(verdict="violated"), Wanted(text="FLASH"), Wanted(text="000813"), Wanted(drill="3", text="sale"),
    ):  # fmt: skip
        assert wanted.fits(ROW), wanted
    for wanted in (
        Wanted(drill="4"), Wanted(scenario="auth/x"), Wanted(variant="hardened"), Wanted(verdict="held"),
        Wanted(text="brown"), Wanted(drill="3", verdict="held"),
    ):  # fmt: skip
        assert not wanted.fits(ROW), wanted


def test_what_the_index_knows_stands_before_the_folder_and_newest_is_first() -> None:
    newer = replace(ROW, run_id="20261129-010000-flash-sale-attempt-s7", variant="attempt")
    folder = replace(ROW, title="as its folder says")
    found = runlist.together([ROW], [folder, newer], Wanted(), most=9)
    assert [row.title for row in found] == ["Flash sale", "Flash sale"]
    assert [row.variant for row in found] == ["attempt", "naive"]
    assert runlist.together([ROW], [newer], Wanted(), most=1) == [newer]


def test_a_label_finds_a_run_whole_and_by_a_part_of_it() -> None:
    labels = {ROW.run_id: "With a lock", "20261101-000000-a": "Without"}
    (row,) = runlist.together([ROW], [], Wanted(label="With a lock"), most=9, labels=labels)
    assert row.label == "With a lock"
    assert runlist.together([ROW], [], Wanted(label="With"), most=9, labels=labels) == []
    assert runlist.together([ROW], [], Wanted(text="a LOCK"), most=9, labels=labels) == [row]
    assert Wanted(text="with").named(labels) == [ROW.run_id, "20261101-000000-a"]
    assert Wanted(label="Without").named(labels) == ["20261101-000000-a"]
    assert Wanted(verdict="held").named(labels) == [], "a label alone finds none of them"
    assert not Wanted(label="x").everything


def test_a_figure_is_the_first_number_of_what_was_measured() -> None:
    assert trend.figure("271 of 150 seats taken", "violated") == "271"
    assert trend.figure("91.2 % over 390 operations", "violated") == "91.2 %"
    assert trend.figure("", "held") == "held"


def test_the_trend_of_a_check_goes_from_the_oldest_run_to_the_newest(lab: Any) -> None:
    ids = [
        lab.run(ago_s=3000, variant="attempt", verdict="violated", broken=("no_oversell",)),
        lab.run(ago_s=2000, variant="attempt", verdict="held"),
    ]
    found = trend.trends(read_run(lab.evidence, each) for each in reversed(ids))
    assert list(found) == ["no_oversell"], "what always held has no trend"
    assert [(point.run_id, point.verdict) for point in found["no_oversell"]] == [(ids[0], "violated"), (ids[1], "held")]
    assert trend.trends([read_run(lab.evidence, ids[0])]) == {}, "one run is no trend"
