"""Drill 2's report of before and after: what has to be there for it, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.drills import strategy
from chaos.drills.attempt import STARTER
from chaos.drills.catalogue import drill
from chaos.drills.deliverables.queries import PAGES, deliver, missing_plans, require
from chaos.errors import InvalidInput
from tests.unit.chaos.drills.query_runs import paging, ran, reading
from tests.unit.chaos.invariants.exchanged import Shop

WHY = "The venue of each event was read in a query of its own; one join reads all of them."
TEMPLATE = STARTER / "drill_2" / strategy.FILE


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A shop with an attempt from a draft, beside the folder of evidence."""
    attempt = tmp_path / "shop" / "attempt"
    (attempt / "queries").mkdir(parents=True)
    (attempt / ".base").write_text("draft_2_4\n")
    (attempt / strategy.FILE).write_text(TEMPLATE.read_text())
    (tmp_path / "evidence").mkdir()
    return tmp_path


def say(lab: Path, text: str) -> None:
    (lab / "shop" / "attempt" / strategy.FILE).write_text(text)


def delivered(lab: Path) -> str:
    (path,) = deliver(lab / "to", root=lab / "evidence", shop=lab / "shop")
    return path.read_text()


def refused(lab: Path) -> str:
    with pytest.raises(InvalidInput) as error:
        delivered(lab)
    assert not (lab / "to").exists()
    return str(error.value)


def before_and_after(lab: Path) -> None:
    ran(lab / "evidence", "1-before", reading(1), variant="draft_2_4")
    ran(lab / "evidence", "2-first", reading(1), variant="attempt")
    ran(lab / "evidence", "3-after", reading(0), variant="attempt")


def test_counts_statements_lines_and_words_side_by_side(lab: Path) -> None:
    before_and_after(lab)
    say(lab, f"## listEvents\n\n{WHY}\n")
    page = delivered(lab)
    assert "- before: `1-before` (violated)\n- after: `3-after` (violated)" in page
    assert "| listEvents | 5 → 11 queries at 3 and 9 rows | 2 → 2 queries at 3 and 9 rows |" in page
    assert f"> {WHY}" in page
    assert "| 5 → 11 | 0 | serializers.py:55 EventSerializer.venue | `SELECT * FROM shop_event WHERE id = ?` |" in page
    assert "Not measured: there is no run of queries/pages" in page
    assert "## As before\n\ngetEvent, getMe, listOrders" in page


def test_plans_and_rows_read_of_pages(lab: Path) -> None:
    before_and_after(lab)
    ran(lab / "evidence", "4-before", paging(400), variant="draft_2_4", scenario=PAGES)
    ran(lab / "evidence", "5-after", paging(10), variant="attempt", scenario=PAGES)
    say(lab, f"## listEvents, listOrders\n\n{WHY}\n")
    page = delivered(lab)
    assert "| listOrders | 1 | 400 | 10 |" in page
    assert "Page 1: 400 rows read. The statement that read the most:" in page
    assert "    Limit: 10 rows\n      Sort: 400 rows" in page


def test_a_report_without_plans_says_how_to_get_them(lab: Path) -> None:
    before_and_after(lab)
    assert missing_plans(lab / "evidence", lab / "shop") == [
        "no plans and rows read: they take firedrill run queries/pages --variant draft_2_4 and --variant attempt"
    ]
    ran(lab / "evidence", "4-before", paging(400), variant="draft_2_4", scenario=PAGES)
    ran(lab / "evidence", "5-after", paging(10), variant="attempt", scenario=PAGES)
    assert missing_plans(lab / "evidence", lab / "shop") == []


def test_without_a_run_of_the_draft_the_attempts_first_one_is_before(lab: Path) -> None:
    ran(lab / "evidence", "1-first", reading(1), variant="attempt")
    ran(lab / "evidence", "2-of-another-draft", reading(1), variant="attempt", base="draft_2_5")
    ran(lab / "evidence", "3-after", reading(0), variant="attempt")
    say(lab, f"## listEvents\n\n{WHY}\n")
    assert "- before: `1-first` (violated)\n- after: `3-after` (violated)" in delivered(lab)


@pytest.mark.parametrize(
    "text",
    [
        TEMPLATE.read_text(),
        "",
        "## listEvents\n\n<!-- one two three four five six seven eight nine -->\n",
        "## listEvents\n\n... ... ... 1 2 3 4 5 6 7 8 9\n",
        f"## getEvent\n\n{WHY}\n",
        "## listEvents\n\nfaster now\n",
    ],
    ids=["the template", "empty", "a comment", "no words", "of another request", "too few"],
)
def test_what_got_cheaper_and_is_not_explained_is_refused(lab: Path, text: str) -> None:
    before_and_after(lab)
    say(lab, text)
    assert "attempt/queries/strategy.md: listEvents: got" in refused(lab)


PATCH = b"diff --git a/views.py b/views.py\n@@ -1 +1 @@\n+joined\n"


def required(lab: Path, patch: bytes = PATCH) -> None:
    require(drill("2"), lab / "shop", lab / "evidence", patch)


def test_what_is_not_explained_is_refused_before_minutes_of_running(lab: Path) -> None:
    """Runs on record tell what got cheaper, as long as they were of this code."""
    with pytest.raises(InvalidInput, match="got no section with 8 words, expected one for each request"):
        required(lab)
    before_and_after(lab)
    (lab / "evidence" / "3-after" / "attempt.patch").write_bytes(PATCH)
    say(lab, f"## getEvent\n\n{WHY}\n")
    with pytest.raises(InvalidInput, match=r"strategy\.md: listEvents: got 0 words"):
        required(lab)
    required(lab, PATCH.replace(b"joined", b"another"))
    say(lab, f"## listEvents\n\n{WHY}\n")
    required(lab)


def test_a_missing_file_is_refused(lab: Path) -> None:
    before_and_after(lab)
    (lab / "shop" / "attempt" / strategy.FILE).unlink()
    assert "got No such file or directory" in refused(lab)


def test_nothing_to_compare_is_refused(lab: Path) -> None:
    assert "got 0 runs of queries/reads (none), expected one of before" in refused(lab)
    ran(lab / "evidence", "1-after", reading(0), variant="attempt")
    assert "got 1 runs of queries/reads (attempt), expected one of before" in refused(lab)


def test_nothing_cheaper_is_refused(lab: Path) -> None:
    ran(lab / "evidence", "1-before", reading(1), variant="draft_2_4")
    ran(lab / "evidence", "2-after", reading(1), variant="attempt")
    assert "got the same counts in 1-before and 2-after" in refused(lab)


def test_an_attempt_from_elsewhere_is_refused(lab: Path) -> None:
    (lab / "shop" / "attempt" / ".base").write_text("draft_1_4\n")
    assert "made from draft_1_4" in refused(lab)


def test_words_of_the_learner_break_out_of_no_cell(lab: Path) -> None:
    before_and_after(lab)
    say(lab, f"## listEvents\n\n{WHY}\n\n<img src=x> | # no heading\n")
    page = delivered(lab)
    assert "<img" not in page
    assert "> &lt;img src=x> \\| # no heading" in page


def test_the_template_has_a_section_for_each_request_that_can_get_cheaper() -> None:
    heads = [line[3:] for line in TEMPLATE.read_text().splitlines() if line.startswith("## ")]
    reads = {case.operation for case in Shop("reads", rows=[3, 9]).cases}
    assert set(heads) == reads | {"placeOrder", "cancelOrder", "changeTier"}
    assert strategy.read(TEMPLATE) == {}
