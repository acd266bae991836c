"""The learner's own variant: a copy of naive that is never lost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from chaos.drills import attempt
from chaos.errors import InvalidInput, LabBroken


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    naive = tmp_path / "naive"
    (naive / "migrations").mkdir(parents=True)
    (naive / "settings.py").write_text("A = 1\n")
    (naive / "migrations" / "0001_initial.py").write_text("")
    (naive / "__pycache__").mkdir()
    (naive / "__pycache__" / "settings.pyc").write_text("")
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "base.py").write_text("")
    return tmp_path


def test_start_copies_naive_without_what_python_left_there(shop: Path) -> None:
    made = attempt.start(shop)
    assert made == shop / "attempt"
    assert sorted(path.relative_to(made).as_posix() for path in made.rglob("*")) == [
        "migrations",
        "migrations/0001_initial.py",
        "settings.py",
        "tests",
        "tests/conftest.py",
        "tests/test_access.py",
    ]
    assert not (shop / "attempt.part").exists()


def test_start_keeps_its_hands_off_an_attempt_that_is_there(shop: Path) -> None:
    (attempt.start(shop) / "settings.py").write_text("MINE = 1\n")
    with pytest.raises(InvalidInput, match=r"attempt: got an attempt that is there already, expected none"):
        attempt.start(shop)
    assert (shop / "attempt" / "settings.py").read_text() == "MINE = 1\n"


def test_start_sweeps_up_after_a_copy_that_was_cut_off(shop: Path) -> None:
    (shop / "attempt.part").mkdir()
    (shop / "attempt.part" / "half").write_text("")
    assert not (attempt.start(shop) / "half").exists()


def test_an_attempt_from_a_draft_has_what_its_drill_begins_with(shop: Path) -> None:
    shutil.copytree(shop / "naive", shop / "draft_1_4")
    made = attempt.start(shop, base="draft_1_4")
    found = {path.relative_to(made).as_posix() for path in made.rglob("*")}
    assert found >= {"tests/conftest.py", "contract/BRIEF.md", "contract/openapi.yaml", "contract/discrepancies.md"}
    assert attempt.patch("attempt", shop, make=lambda _: None) == b""
    (made / "contract" / "openapi.yaml").write_text("mine\n")
    assert b"+++ b/contract/openapi.yaml" in (attempt.patch("attempt", shop, make=lambda _: None) or b"")


def test_start_without_naive(tmp_path: Path) -> None:
    with pytest.raises(LabBroken, match=r"attempt: got .*, expected a copy of naive$"):
        attempt.start(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_reset_keeps_the_old_one(shop: Path) -> None:
    (attempt.start(shop) / "settings.py").write_text("MINE = 1\n")
    made, backup = attempt.reset(shop)
    assert backup is not None
    assert (made / "settings.py").read_text() == "A = 1\n"
    assert (backup / "settings.py").read_text() == "MINE = 1\n"
    assert backup.name.startswith("attempt.backup-")


def test_two_resets_in_a_second_keep_both(shop: Path) -> None:
    attempt.start(shop)
    backups = {attempt.reset(shop)[1] for _ in range(3)}
    assert len(backups) == 3
    assert all(backup is not None and backup.is_dir() for backup in backups)


def test_reset_without_an_attempt_makes_one(shop: Path) -> None:
    assert attempt.reset(shop) == (shop / "attempt", None)


def test_a_reset_that_fails_loses_nothing(shop: Path) -> None:
    (attempt.start(shop) / "settings.py").write_text("MINE = 1\n")
    (shop / "naive").rename(shop / "gone")
    with pytest.raises(LabBroken, match="expected a copy of naive"):
        attempt.reset(shop)
    assert (shop / "attempt" / "settings.py").read_text() == "MINE = 1\n"
    assert sorted(path.name for path in shop.iterdir()) == ["attempt", "core", "gone"]


def test_variants_are_folders_with_settings_and_no_backup(shop: Path) -> None:
    assert attempt.variants(shop) == ["naive"]
    attempt.start(shop)
    attempt.reset(shop)
    assert attempt.variants(shop) == ["attempt", "naive"]


def test_a_fresh_attempt_has_changed_nothing_and_what_ships_is_nobodys(shop: Path) -> None:
    made = attempt.start(shop)
    (made / "__pycache__").mkdir()
    (made / "__pycache__" / "settings.pyc").write_bytes(b"\xff")
    (made / ".#settings.py").symlink_to("me@host.1")  # an editor's lock
    (made / ".pytest_cache").mkdir()
    (made / ".pytest_cache" / "README.md").write_text("x")
    assert attempt.patch("attempt", shop) == b""
    assert [attempt.patch(variant, shop) for variant in ("naive", "hardened", "mutant_early_ack")] == [None] * 3


def test_the_patch_makes_the_attempt_of_a_fresh_one(shop: Path, tmp_path: Path) -> None:
    """With git, as a mentor does it."""
    (shop / "naive" / "views.py").write_text("one\ntwo\x0cstill two\nthree")
    (shop / "naive" / "gone.py").write_text("x\n")
    (shop / "naive" / "latin.py").write_bytes(b"# \xe8\n")
    (shop / "naive" / "gone.bin").write_bytes(b"\xff")
    made = attempt.start(shop)
    (made / "settings.py").write_text("A = 2\r\nB = 'é'\n")
    (made / "views.py").write_text("one\ntwo\x0cstill two\n3")
    (made / "gone.py").unlink()
    (made / "gone.bin").unlink()
    (made / "migrations" / "0001_initial.py").unlink()
    (made / "money").mkdir()
    (made / "money" / "__init__.py").write_text("")
    (made / "money" / "sums.py").write_text("def total():\n    return 1\n")
    (made / "tests" / "test_access.py").write_text("def test_mine(): pass\n")
    (made / "logo.png").write_bytes(b"\x89PNG\xff" + bytes(range(256)) * 3)
    (made / "latin.py").write_bytes(b"# \xe9\n")
    (made / "helper.pyc").write_bytes(b"\xff\x00")

    found = attempt.patch("attempt", shop)

    assert found is not None
    _, backup = attempt.reset(shop)
    assert backup is not None
    (tmp_path / "a.patch").write_bytes(found)
    git = shutil.which("git")
    assert git is not None
    done = subprocess.run(
        [git, "apply", str(tmp_path / "a.patch")], check=False, cwd=shop / "attempt", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    def content(top: Path) -> dict[str, bytes]:
        return {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}

    assert content(shop / "attempt") == content(backup)
