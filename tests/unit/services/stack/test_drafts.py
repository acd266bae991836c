"""Drafts are composed of a bank's patches; which ones is the seed's, and their key is computed."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.stack import bank, bank_check, drafts, mutants
from services.stack.bank import At, BadFlaw
from services.stack.errors import StackError
from services.stack.fitting_diff import fitting_diff
from services.stack.patched import tree
from services.stack.places import Span, added, span
from services.stack.unified_diff import applied, parse

VIEWS = """\
class List:
    queryset = 1
    page = 2

    def get(self):
        first = self.one()
        return first


def helper():
    return 0
"""
HEADER = """\
title: {name} is wrong
drill: 2
slot: {slot}
flaw: of some kind
caught by: queries_do_not_grow
operation: GET /api/events/, GET /api/events/{{slug}}/
"""
WHY = "\nBecause it is.\nTwice.\n\n"


def diff(old: str, new: str, line: int = 1, path: str = "views.py") -> str:
    return f"--- a/{path}\n+++ b/{path}\n@@ -{line} +{line} @@\n-{old}\n+{new}\n"


class Shop:
    """A small shop with a bank of drill 2."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for variant in ("naive", "hardened"):
            (top / variant).mkdir()
            (top / variant / "views.py").write_text(VIEWS)
            (top / variant / "settings.py").write_text("A = 1\n")
        (top / "mutants").mkdir()
        (top / "drafts" / "2" / "naive").mkdir(parents=True)

    def flaw(self, name: str, slot: str, patch: str, more: str = "") -> Path:
        file = self.top / "drafts" / "2" / f"{name}.patch"
        file.write_text(HEADER.format(name=name, slot=slot) + more + WHY + patch)
        return file

    def filled(self) -> Shop:
        """Two slots of three flaws."""
        for number in (1, 2, 3):
            self.flaw(f"query_{number}", "query", diff("    queryset = 1", f"    queryset = 1{number}", 2))
            self.flaw(f"first_{number}", "first", diff("        first = self.one()", f"        first = {number}", 6))
        return self


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


# What ships


def test_the_banks_that_ship_are_sound() -> None:
    assert list(bank_check.complaints()) == []


@pytest.mark.parametrize("drill", bank.banks())
def test_what_ships_fits_together_as_the_seeds_have_it(drill: int) -> None:
    """Every pair in both orders; and of two hundred seeds each composes, and no flaw is in most of them."""
    flaws = bank.planted(drill)
    apart = {frozenset(pair) for pair in bank_check.conflicts(drill)}
    seen = Counter[str]()
    for seed in range(200):
        _, chosen = drafts.composed(drill, seed)
        names = [flaw.name for flaw in chosen]
        assert len({flaw.slot for flaw in chosen}) == len(chosen)
        assert not any(pair <= set(names) for pair in apart)
        seen.update(names)
    assert set(seen) == {flaw.name for flaw in flaws}
    assert max(seen.values()) <= 100


# Picking


def test_a_seed_picks_at_most_one_of_a_slot_and_always_the_same(shop: Shop) -> None:
    shop.filled()
    picks = {seed: [flaw.name for flaw in drafts.composed(2, seed, shop.top)[1]] for seed in range(60)}
    assert picks == {seed: [flaw.name for flaw in drafts.composed(2, seed, shop.top)[1]] for seed in range(60)}
    for names in picks.values():
        assert 1 <= len(names) <= 2, "of two slots at least one has a flaw"
        assert len({name.split("_")[0] for name in names}) == len(names)
    assert {name for names in picks.values() for name in names} == {
        f"{s}_{n}" for s in ("query", "first") for n in (1, 2, 3)
    }


def test_flaws_that_conflict_are_never_together(shop: Shop) -> None:
    shop.filled()
    shop.flaw("query_1", "query", diff("        first = self.one()", "        first = 9", 6))
    assert {frozenset(pair) for pair in bank_check.conflicts(2, shop.top)} == {
        frozenset({"query_1", f"first_{number}"}) for number in (1, 2, 3)
    }
    for seed in range(60):
        names = {flaw.name for flaw in drafts.composed(2, seed, shop.top)[1]}
        assert not ("query_1" in names and any(name.startswith("first") for name in names))


def test_an_order_in_which_they_do_not_apply_is_a_conflict(shop: Shop) -> None:
    """One adds what the other changes: that order works, the other doesn't."""
    shop.filled()
    shop.flaw("adds", "more", "--- a/views.py\n+++ b/views.py\n@@ -3,1 +3,2 @@\n     page = 2\n+    size = 3\n")
    shop.flaw("needs", "other", diff("    size = 3", "    size = 4", 4))
    assert ("adds", "needs") in bank_check.conflicts(2, shop.top)


def test_flaws_that_hide_each_other_say_so(shop: Shop) -> None:
    shop.filled()
    shop.flaw("query_1", "query", diff("    queryset = 1", "    queryset = 11", 2), more="not with: first_2\n")
    assert bank_check.conflicts(2, shop.top) == [("first_2", "query_1")]


# Making


def test_a_draft_is_naive_with_its_flaws(shop: Shop) -> None:
    before = os.umask(0o077)
    try:
        folder = drafts.make("draft_2_3", shop.filled().top)
    finally:
        os.umask(before)
    assert folder == shop.top / "draft_2_3"
    texts, flaws = drafts.composed(2, 3, shop.top)
    assert tree(folder) == texts != tree(shop.top / "naive")
    assert flaws
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
    made = folder.stat().st_ino
    drafts.make("draft_2_3", shop.top)
    assert folder.stat().st_ino == made, "it is made anew only when something has changed"
    (shop.top / "naive" / "settings.py").write_text("A = 2\n")
    drafts.make("draft_2_3", shop.top)
    assert (folder / "settings.py").read_text() == "A = 2\n"


@pytest.mark.parametrize(
    "name", ["draft_1_3", "draft_2_", "draft_2_03", "draft_2_-1", "draft_2_2147483648", "draft_2", "naive"]
)
def test_there_is_no_such_draft(shop: Shop, name: str) -> None:
    assert drafts.make(name, shop.filled().top) is None


@pytest.mark.parametrize(
    ("drill", "seed", "said"),
    [
        (2, -1, "seed: got -1, expected 0 to 2147483647"),
        (2, 2**31, "seed: got 2147483648, expected 0 to 2147483647"),
        (3, 1, "drill: got 3, expected one with drafts: 2"),
    ],
)
def test_a_seed_or_a_drill_that_is_none(shop: Shop, drill: int, seed: int, said: str) -> None:
    with pytest.raises(StackError) as refused:
        drafts.draft(drill, seed, shop.filled().top)
    assert (refused.value.message, refused.value.exit_code) == (said, 2)


def test_a_flaw_alone_in_hardened_is_a_mutant(shop: Shop) -> None:
    shop.filled()
    folder = mutants.make("mutant_query_2", shop.top)
    assert folder is not None
    assert "queryset = 12" in (folder / "views.py").read_text()
    (shop.top / "drafts" / "2" / "query_2.hardened.patch").write_text(diff("    queryset = 1", "    queryset = 99", 2))
    mutants.make("mutant_query_2", shop.top)
    assert "queryset = 99" in (folder / "views.py").read_text()
    assert [flaw.name for flaw in bank.planted(2, shop.top)].count("query_2") == 1


# The key


def keyed(shop: Shop, name: str) -> dict[str, Any]:
    """What the key of the first seed that has the flaw says of it."""
    for seed in range(200):
        for row in drafts.draft(2, seed, shop.top)["key"]:
            if row["name"] == name:
                return dict(row)
    raise AssertionError(name)


def test_the_key_has_the_lines_after_composition(shop: Shop) -> None:
    shop.filled()
    shop.flaw(
        "longer", "page", "--- a/views.py\n+++ b/views.py\n@@ -1 +1,3 @@\n-class List:\n+import os\n+\n+class List:\n"
    )
    shop.flaw("late", "helper", diff("    return 0", "    return 1", 11), more="at: views.py helper\n")
    lines = set()
    for seed in range(200):
        key = {row["name"]: row for row in drafts.draft(2, seed, shop.top)["key"]}
        if "late" in key:
            moved = 2 if "longer" in key else 0
            (place,) = key["late"]["places"]
            assert place == {"file": "views.py", "line": 10 + moved, "last_line": 11 + moved, "name": "helper"}
            lines.add(place["line"])
    assert lines == {10, 12}
    row = keyed(shop, "query_1")
    assert row["places"] == [
        {"file": "views.py", "line": row["places"][0]["line"], "last_line": row["places"][0]["line"], "name": ""}
    ]
    assert (row["title"], row["why"]) == ("query_1 is wrong", "Because it is. Twice.")
    assert row["operations"] == ["GET /api/events/", "GET /api/events/{slug}/"]
    assert (row["slot"], row["caught_by"], row["in_naive"]) == ("query", "queries_do_not_grow", False)


def test_naive_s_own_flaws_are_in_every_key_unless_another_took_their_place(shop: Shop) -> None:
    shop.filled()
    header = HEADER.format(name="own", slot="query").replace("caught by: queries_do_not_grow\n", "")
    file = shop.top / "drafts" / "2" / "naive" / "own.flaw"
    file.write_text(header + "at: views.py List.queryset\n" + WHY)
    for seed in range(40):
        key = {row["name"]: row for row in drafts.draft(2, seed, shop.top)["key"]}
        assert ("own" in key) == (not any(name.startswith("query") for name in key))
        assert "own" not in key or key["own"]["in_naive"]
    file.write_text(header.replace("slot: query\n", "") + "at: views.py List.queryset '= 1'\n" + WHY)
    assert all("own" in {row["name"] for row in drafts.draft(2, seed, shop.top)["key"]} for seed in range(40))
    file.write_text(header.replace("slot: query\n", "not with: first_1\n") + "at: views.py List.queryset\n" + WHY)
    for seed in range(40):
        names = {row["name"] for row in drafts.draft(2, seed, shop.top)["key"]}
        assert ("own" in names) == ("first_1" not in names)
    assert list(bank_check.complaints(shop.top)) == []
    file.with_suffix(".hardened.patch").write_text(diff("    queryset = 7", "    queryset = 8", 2))
    file.write_text(file.read_text().replace("not with: first_1", "not with: first_9"))
    assert [line.partition(": ")[2][:40] for line in bank_check.complaints(shop.top)] == [
        "not with: got first_9, expected names of",
        "on hardened: views.py: hunk 1 (line 2): ",
    ]
    file.write_text("title: broken\n")
    with pytest.raises(
        StackError, match=r"services/shop/drafts/naive/own.flaw: got no drill, expected it in the header"
    ):
        drafts.draft(2, 1, shop.top)


# Bad banks


def test_a_sound_bank_has_no_complaint(shop: Shop) -> None:
    assert list(bank_check.complaints(shop.filled().top)) == []


def test_a_patch_that_no_longer_applies_is_told_with_the_variant(shop: Shop) -> None:
    shop.filled()
    (shop.top / "hardened" / "views.py").write_text(VIEWS.replace("queryset = 1", "queryset = 7"))
    complaints = list(bank_check.complaints(shop.top))
    assert len(complaints) == 3
    assert complaints[0].startswith(
        "services/shop/drafts/2/query_1.patch: on hardened: views.py: hunk 1 (line 2): got other lines"
    )
    (shop.top / "naive" / "views.py").write_text(VIEWS.replace("queryset = 1", "queryset = 7"))
    assert len(list(bank_check.complaints(shop.top))) == 6
    with pytest.raises(StackError, match=r"services/shop/drafts/2/query_\d.patch: views.py: hunk 1") as broken:
        list(map(partial(drafts.draft, 2, shop=shop.top), range(20)))
    assert broken.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("slot: query\n", "", "2/query_1.patch: got no slot, expected it in the header"),
        ("drill: 2", "drill: 1", "2/query_1.patch: drill: got '1', expected 2"),
        ("title:", "titel:", "2/query_1.patch:1: got 'titel: query_1 is wrong', expected one of title, drill"),
        ("operation: GET ", "operation: get ", "operation: got 'get /api/events/', expected METHOD /path/{parameter}/"),
        ("slot: query", "slot: query\nat: views.py", "at: got 'views.py', expected FILE.py Class.name"),
        ("slot: query", "slot: query\nat: views.py List.no", "on naive: at: got views.py List.no '', expected a place"),
        ("slot: query", "slot: alone", "services/shop/drafts/2: slot alone: got 1 flaws, expected at least 3"),
        ("slot: query", "slot: query\nnot with: nonesuch", "not with: got nonesuch, expected names of the bank"),
        ("queryset = 11", "queryset = (", "on naive: views.py:2: got '(' was never closed, expected Python"),
        ("queryset = 11", "queryset = 1", "on naive: views.py: got no change, expected one"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(shop: Shop, old: str, new: str, said: str) -> None:
    file = shop.filled().top / "drafts" / "2" / "query_1.patch"
    file.write_text(file.read_text().replace(old, new, 1))
    assert any(said in line for line in bank_check.complaints(shop.top))


def test_names_are_used_once(shop: Shop) -> None:
    shop.filled()
    (shop.top / "mutants" / "query_1.patch").write_text(
        "title: x\n\n" + diff("    queryset = 1", "    queryset = 3", 2)
    )
    (complaint,) = bank_check.complaints(shop.top)
    assert complaint == (
        "services/shop/drafts/2/query_1.patch: got a name that mutants/query_1.patch has, expected one of its own"
    )


def test_a_file_that_is_no_patch(shop: Shop) -> None:
    file = shop.flaw("query_1", "query", "nothing\n")
    with pytest.raises(BadFlaw, match=r"2/query_1.patch: got no `---` and `\+\+\+` lines, expected a unified diff"):
        bank.read(file)


# Places


@pytest.mark.parametrize(
    ("place", "text", "lines"),
    [
        ("List", "", (1, 1)),
        ("List.queryset", "", (2, 2)),
        ("List.get", "", (5, 7)),
        ("List.get", "self.one", (6, 6)),
        ("helper", "", (10, 11)),
        ("List.gone", "", None),
        ("List.get", "nowhere", None),
    ],
)
def test_a_place_is_found_by_name(place: str, text: str, lines: tuple[int, int] | None) -> None:
    assert span(VIEWS, At("views.py", place, text)) == (Span(*lines) if lines else None)


def test_a_field_that_only_meta_lists_is_where_it_is_listed() -> None:
    text = 'class A:\n    class Meta:\n        fields = (\n            "id",\n            "name",\n        )\n'
    assert span(text, At("serializers.py", "A.name")) == Span(5, 5)


def test_added_lines() -> None:
    assert added("a\nb\nc\n", "a\nx\ny\nb\nc\nz\n") == [Span(2, 3), Span(6, 6)]
    assert added("a\nb\nc\n", "a\nc\n") == [Span(2, 2)]


# Back into a patch


def test_a_changed_package_becomes_a_patch_that_fits_both(shop: Shop) -> None:
    shop.filled()
    (shop.top / "naive" / "views.py").write_text("import os\n" + VIEWS.replace("page = 2", "page = 5"))
    file = shop.flaw("helper_1", "helper", "")
    folder = shop.top / "mutant_helper_1"
    folder.mkdir()
    (folder / "settings.py").write_text("A = 1\n")
    (folder / "views.py").write_text(VIEWS.replace("return 0", "return 5"))
    assert bank_check.save("helper_1", shop.top) == file
    assert "-    return 0\n+    return 5\n" in file.read_text()
    assert file.read_text().startswith("title: helper_1 is wrong\n")
    assert not any("helper_1" in line for line in bank_check.complaints(shop.top) if "slot" not in line)


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [
        ("a\nb\nc\n", "a\nx\nc\n", "z\na\nb\nd\n"),
        ("a\nb\nc\n", "a\nb\nx\nc\n", "z\nb\nd\n"),
        ("a\n\n\nb\n", "a\nx\n\n\nb\n", "c\n\n\nb\n"),
        ("p\na\np\nb\n", "p\na\np\nx\n", "b\n"),
        ("a\nb\nc\nd\ne\nf\n", "a\nX\nc\nd\ne\nY\n", "b\nc\nq\nf\n"),
    ],
)
def test_a_diff_has_so_little_context_that_it_fits_the_other_too(old: str, new: str, other: str) -> None:
    text = fitting_diff("x.txt", old, new, [other])
    (found,) = parse(text)
    assert applied(found, old) == new
    assert applied(found, other) not in (None, other)


def test_a_file_that_comes_or_goes() -> None:
    (comes,) = parse(fitting_diff("x.txt", None, "a\n", []))
    (goes,) = parse(fitting_diff("x.txt", "a\n", None, []))
    assert (applied(comes, None), applied(goes, "a\n")) == ("a\n", None)
    assert fitting_diff("x.txt", "a\n", "a\n", []) == ""


def test_nothing_to_save(shop: Shop) -> None:
    with pytest.raises(StackError, match=r"got no drafts/<drill>/none\.patch with a header, expected it"):
        bank_check.save("none", shop.top)
