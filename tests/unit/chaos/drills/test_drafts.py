"""Attempts that are made from a draft: their base goes with them, and the key is told on record only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from chaos.drills import attempt, conclude, drafts, index, own_tests, reveal
from chaos.drills.catalogue import Drill
from chaos.drills.drafts import Draft, Key
from chaos.drills.revealed import revealed
from chaos.drills.variants import require_known
from chaos.errors import InvalidInput, LabBroken
from tests.unit.chaos.runs import run_of, write_run

ROW = {
    "name": "venue_by_id",
    "title": "The venue is looked up",
    "slot": "event_relation",
    "flaw": "query per row",
    "caught_by": "queries_do_not_grow",
    "operations": ["GET /api/events/", "GET /api/events/{slug}/"],
    "where": "",
    "family": "",
    "at": "serializers.py EventSerializer.get_venue",
    "places": [{"file": "serializers.py", "line": 88, "last_line": 91, "name": "EventSerializer.get_venue"}],
    "in_naive": False,
    "why": "It asks anyway.",
}
OWN = {
    **ROW,
    **{"name": "own", "title": "No index", "flaw": "sort", "in_naive": True, "where": "page", "family": "deep"},
    "places": [{"file": "views.py", "line": 3, "last_line": 3, "name": ""}],
}
TOLD = {"drill": 2, "seed": 4, "variant": "draft_2_4", "digest": "d", "key": [ROW, OWN]}
QUERIES = Drill(key="orm-queries", number=2, title="ORM")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for variant, text in (("naive", "A = 1\n"), ("draft_2_4", "A = 2\n")):
        (tmp_path / variant).mkdir()
        (tmp_path / variant / "settings.py").write_text(text)
    (tmp_path / "draft_2_4" / ".stamp").write_text("x")
    return tmp_path


def nothing(_: str) -> None:
    """The draft is there already."""


def test_an_attempt_remembers_what_it_was_made_from(shop: Path) -> None:
    attempt.start(shop, base="draft_2_4")
    made = shop / "attempt"
    assert (made / "settings.py").read_text() == "A = 2\n"
    assert not (made / ".stamp").exists()
    assert drafts.base_of(made) == "draft_2_4"
    assert attempt.patch("attempt", shop, make=nothing) == b""
    (made / "settings.py").write_text("A = 3\n")
    patch = attempt.patch("attempt", shop, make=nothing)
    assert patch is not None
    assert b"-A = 2\n+A = 3\n" in patch
    assert b".base" not in patch


def test_its_patch_is_against_the_draft_as_it_is_composed_now(shop: Path) -> None:
    attempt.start(shop, base="draft_2_4")

    def composed_anew(base: str) -> None:
        (shop / base / "settings.py").write_text("A = 7\n")

    assert b"-A = 7\n+A = 2\n" in (attempt.patch("attempt", shop, make=composed_anew) or b"")


def test_another_attempt_keeps_the_old_one_with_its_base(shop: Path) -> None:
    attempt.start(shop, base="draft_2_4")
    made, backup = attempt.reset(shop)
    assert backup is not None
    assert (drafts.base_of(made), drafts.base_of(backup)) == ("naive", "draft_2_4")
    assert (made / "settings.py").read_text() == "A = 1\n"


def test_a_draft_is_the_lab_s_own_variant(shop: Path) -> None:
    assert attempt.patch("draft_2_4", shop, make=pytest.fail) is None
    assert attempt.variants(shop) == ["naive"]


@pytest.mark.parametrize("text", ["draft_2_x", "../../etc", "hardened", "draft_2_99999999999", ""])
def test_a_base_that_is_none(shop: Path, text: str) -> None:
    attempt.start(shop)
    (shop / "attempt" / ".base").write_text(text)
    with pytest.raises(InvalidInput, match=r"\.base: got .*, expected naive or the name of a draft such as draft_2_4"):
        attempt.patch("attempt", shop)


@pytest.mark.parametrize(
    ("name", "draft"),
    [
        ("draft_2_4", Draft(drill=2, seed=4)),
        ("draft_1_0", Draft(drill=1, seed=0)),
        ("draft_2_2147483647", Draft(drill=2, seed=2**31 - 1)),
        ("draft_2_2147483648", None),
        ("draft_2_04", None),
        ("naive", None),
    ],
)
def test_names_of_drafts(name: str, draft: Draft | None) -> None:
    assert drafts.parse(name) == draft
    assert draft is None or draft.variant == name


def test_drafts_are_known_where_there_is_a_bank() -> None:
    require_known("draft_2_4")
    for name in ("draft_9_4", "draft_2_2147483648"):
        with pytest.raises(InvalidInput, match=f"variant: got '{name}', expected one of"):
            require_known(name)


def test_a_drill_with_drafts_wants_an_attempt_of_its_own(shop: Path) -> None:
    attempt.start(shop, base="draft_2_4")
    assert drafts.own_draft(QUERIES, shop / "attempt") == Draft(drill=2, seed=4)
    attempt.reset(shop)
    with pytest.raises(InvalidInput) as refused:
        drafts.own_draft(QUERIES, shop / "attempt")
    assert str(refused.value) == (
        "attempt: got one that was made from naive, expected one from a draft of drill 2 "
        "(firedrill attempt start --drill 2 --seed SEED; the present one is kept)"
    )


def test_drills_by_number_or_key() -> None:
    assert drafts.any_drill("3").key == "concurrency"
    assert drafts.drafted("orm-queries").number == 2
    with pytest.raises(
        InvalidInput, match=r"drill: got '3', expected one with drafts: .*2 \(orm-queries\), 6 \(ai-review\)"
    ):
        drafts.drafted("3")
    with pytest.raises(InvalidInput, match=r"drill: got '7', expected one of 1 \(api-contract\)"):
        drafts.any_drill("7")


# Own tests


def test_own_tests_are_red_on_the_draft(shop: Path) -> None:
    attempt.start(shop, base="draft_2_4")
    tests = shop / "attempt" / "tests"
    for file in tests.glob("*.py"):
        file.unlink()
    (tests / "test_mine.py").write_text(
        "import os\nfrom pathlib import Path\n"
        "def test_a(): assert Path(os.environ['SHOP_WORLD']).read_text() == 'attempt'\n"
    )
    prepared: list[str] = []

    def prepare(variant: str, world: Path) -> None:
        prepared.append(variant)
        world.write_text(variant)

    found = own_tests.own_tests("attempt", prepare=prepare, url="http://x", say=nothing, shop=shop)
    assert prepared == ["attempt", "draft_2_4"]
    assert found.reason == "1 tests are green on your attempt; red on draft_2_4: test_a"


# What the scorecard compares


def test_the_same_patch_of_another_base_is_other_code(tmp_path: Path) -> None:
    codes = []
    for number, versions in enumerate(({}, {"base": "naive"}, {"base": "draft_2_4"}, {"base": "draft_2_5"}), 1):
        folder = write_run(run_of(tmp_path, f"2026-run-{number}", variant="attempt", versions=versions))
        (folder / "attempt.patch").write_bytes(b"diff")
        conclude.conclude(folder, index=None, say=pytest.fail)
        codes.append(index.summary_for_index(folder)["code"])
    assert codes[0] == codes[1] == hashlib.sha256(b"diff").hexdigest()
    assert len(set(codes)) == 3


# The key


class Record:
    """Notes which hints were opened, if it can."""

    def __init__(self, trouble: str = "") -> None:
        self.trouble, self.opened = trouble, list[tuple[str, str]]()

    def open_hint(self, *, drill: str, hint: str) -> None:
        if self.trouble:
            raise OSError(self.trouble)
        self.opened.append((drill, hint))


def key_of(_: Draft) -> Key:
    return drafts.made(Draft(drill=2, seed=4), ask=lambda _: TOLD)


def test_the_key_is_told_once_it_is_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    record = Record()
    key = reveal.reveal_key(QUERIES, Draft(drill=2, seed=4), record, make=key_of)
    assert record.opened == [("orm-queries", "answer-key")]
    assert (revealed(Draft(drill=2, seed=4)) != "", revealed(Draft(drill=2, seed=5))) == (True, "")
    assert reveal.key_text(key) == (
        "draft_2_4: 1 planted, 1 in every draft. On record as the solution of drill 2.\n"
        "\n"
        "planted:\n"
        "  The venue is looked up (query per row)\n"
        "    GET /api/events/, GET /api/events/{slug}/\n"
        "    serializers.py:88-91  EventSerializer.get_venue\n"
        "    It asks anyway.\n"
        "\n"
        "in every draft:\n"
        "  No index (sort)\n"
        "    GET /api/events/, GET /api/events/{slug}/  page  deep\n"
        "    views.py:3\n"
        "    It asks anyway.\n"
    )


def test_without_a_record_the_key_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    with pytest.raises(LabBroken, match=r"scorecard: got ConnectError.*; the key is told only when that is on record"):
        reveal.reveal_key(QUERIES, Draft(drill=2, seed=4), Record("scorecard: got ConnectError"), make=key_of)


def test_a_key_that_can_not_be_written_down_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keep").write_text("no folder")
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    with pytest.raises(LabBroken, match=r"revealed\.json: got "):
        reveal.reveal_key(QUERIES, Draft(drill=2, seed=4), Record(), make=key_of)


def test_an_answer_that_is_no_key() -> None:
    told: dict[str, Any] = {"drill": 2}
    with pytest.raises(LabBroken, match=r"stack draft: got .*, expected the key of draft_2_4"):
        drafts.made(Draft(drill=2, seed=4), ask=lambda _: told)
