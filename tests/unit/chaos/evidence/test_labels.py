"""A label of a run stands beside its folder, and nothing in the folder changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.errors import InvalidInput
from chaos.evidence import labels
from chaos.evidence.labels import MOST_LABEL
from chaos.evidence.writing import folders
from chaos.model.folder import LABELS


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "20261101-000000-a-naive-s7"
    folder.mkdir()
    (folder / "journal.jsonl").touch()
    return folder


def test_a_label_is_kept_beside_the_folder_changed_and_removed(run: Path) -> None:
    assert labels.of(run) == ""
    assert labels.put(run, "  with a\tlock ") == "with a lock"
    assert labels.of(run) == "with a lock"
    assert labels.all_in(run.parent) == {run.name: "with a lock"}
    assert [path.name for path in run.iterdir()] == ["journal.jsonl"]
    assert folders(run.parent) == [run], "the folder of the labels is no run"
    labels.put(run, "ohne Sperre ✓")
    assert labels.of(run) == "ohne Sperre ✓"
    assert labels.remove(run)
    assert not labels.remove(run)
    assert labels.all_in(run.parent) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", f"label: got no text, expected 1 to {MOST_LABEL} characters"),
        (" \n ", f"label: got no text, expected 1 to {MOST_LABEL} characters"),
        ("x" * (MOST_LABEL + 1), f"label: got {MOST_LABEL + 1} characters, expected 1 to {MOST_LABEL} characters"),
        ("a\x1b[2J", r"label: got 'a\x1b[2J', expected text without control characters"),
        ("\u202eevil", r"label: got '\u202eevil', expected text without control characters"),
        ("\udcff", r"label: got '\udcff', expected text without control characters"),
    ],
)
def test_what_is_no_label_is_refused(run: Path, text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        labels.put(run, text)
    assert str(caught.value) == complaint
    assert not (run.parent / LABELS).exists()


def test_labels_that_somebody_else_made_are_shown_safely_or_not_at_all(run: Path) -> None:
    folder = run.parent / LABELS
    folder.mkdir()
    (folder / "20261102-000000-a.txt").write_bytes(b"\xff\xfe")
    (folder / "20261103-000000-a.txt").write_text("a\x1b[2J\nb")
    (folder / "20261104-000000-a.txt").write_text("y" * 5000)
    (folder / "20261105-000000-a.txt").symlink_to("/etc/hostname")
    (folder / "20261106-000000-a.txt").mkdir()
    (folder / "notes").write_text("no label")
    assert labels.all_in(run.parent) == {"20261103-000000-a": r"a\x1b[2J b"}


def test_a_folder_of_labels_that_is_a_link_is_not_followed(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (run.parent / LABELS).symlink_to(elsewhere)
    with pytest.raises(InvalidInput, match=r"labels: got a symbolic link, expected a folder"):
        labels.put(run, "x")
    assert list(elsewhere.iterdir()) == []
