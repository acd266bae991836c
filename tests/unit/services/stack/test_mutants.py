"""Mutants become packages; a patch that no longer fits is told, and every patch that ships fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.stack import mutants
from services.stack.errors import StackError

PATCH = """\
title: It says two

--- a/views.py
+++ b/views.py
@@ -1,2 +1,2 @@
-x = 1
+x = 2
 y = 1
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "hardened" / "migrations").mkdir(parents=True)
    (tmp_path / "hardened" / "views.py").write_text("x = 1\ny = 1\n")
    (tmp_path / "hardened" / "settings.py").write_text("")
    (tmp_path / "hardened" / "migrations" / "0001.py").write_text("")
    (tmp_path / "mutants").mkdir()
    (tmp_path / "mutants" / "two.patch").write_text(PATCH)
    return tmp_path


def test_every_patch_that_ships_applies() -> None:
    assert mutants.names()
    assert list(mutants.complaints()) == []


def test_it_is_hardened_with_the_change(shop: Path) -> None:
    folder = mutants.make("mutant_two", shop)
    assert folder == shop / "mutant_two"
    assert (folder / "views.py").read_text() == "x = 2\ny = 1\n"
    assert (folder / "migrations" / "0001.py").exists()
    assert (shop / "hardened" / "views.py").read_text() == "x = 1\ny = 1\n"


def test_it_is_made_anew_when_hardened_or_the_patch_changed_and_only_then(shop: Path) -> None:
    mutants.make("mutant_two", shop)
    before = (shop / "mutant_two").stat().st_ino
    mutants.make("mutant_two", shop)
    assert (shop / "mutant_two").stat().st_ino == before
    (shop / "hardened" / "views.py").write_text("x = 1\ny = 1\nz = 1\n")
    mutants.make("mutant_two", shop)
    assert (shop / "mutant_two" / "views.py").read_text() == "x = 2\ny = 1\nz = 1\n"
    (shop / "mutants" / "two.patch").write_text(PATCH.replace("+x = 2", "+x = 3"))
    mutants.make("mutant_two", shop)
    assert (shop / "mutant_two" / "views.py").read_text() == "x = 3\ny = 1\nz = 1\n"


@pytest.mark.parametrize("name", ["mutant_three", "two", "mutant_", "hardened"])
def test_there_is_no_such_mutant(shop: Path, name: str) -> None:
    assert mutants.make(name, shop) is None


def test_a_patch_that_no_longer_applies(shop: Path) -> None:
    (shop / "hardened" / "views.py").write_text("x = 0\ny = 1\n")
    [complaint] = mutants.complaints(shop)
    assert complaint.startswith("services/shop/mutants/two.patch: views.py: hunk 1 (line 1): got other lines")
    with pytest.raises(StackError) as caught:
        mutants.make("mutant_two", shop)
    assert (caught.value.kind, caught.value.exit_code) == ("learner_code", 2)
    assert not (shop / "mutant_two").exists()
    assert [path.name for path in shop.iterdir() if path.name.startswith(".")] == []


def test_a_patch_that_is_no_python(shop: Path) -> None:
    (shop / "mutants" / "two.patch").write_text(PATCH.replace("+x = 2", "+x = ("))
    [complaint] = mutants.complaints(shop)
    assert "expected Python" in complaint


def test_a_patch_that_changes_nothing(shop: Path) -> None:
    (shop / "mutants" / "two.patch").write_text(PATCH.replace("+x = 2", "+x = 1"))
    assert list(mutants.complaints(shop)) == ["services/shop/mutants/two.patch: views.py: got no change, expected one"]


def test_what_somebody_changed_goes_back_into_the_patch(shop: Path) -> None:
    folder = mutants.make("mutant_two", shop)
    assert folder is not None
    (folder / "views.py").write_text("x = 9\ny = 1\n")
    (folder / "extra.py").write_text("z = 1\n")
    mutants.save("two", shop)
    text = (shop / "mutants" / "two.patch").read_text()
    assert text.startswith("title: It says two\n\n--- /dev/null\n+++ b/extra.py\n")
    (folder / ".stamp").unlink()
    mutants.make("mutant_two", shop)
    assert (folder / "views.py").read_text() == "x = 9\ny = 1\n"
    assert (folder / "extra.py").read_text() == "z = 1\n"


def test_nothing_to_save(shop: Path) -> None:
    with pytest.raises(StackError, match="got no folder, expected the changed copy of hardened"):
        mutants.save("three", shop)
