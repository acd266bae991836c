"""A review in a run's folder, also in one that somebody else made."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.drills.reviewed import packed
from chaos.evidence.files import Unreadable
from chaos.evidence.review import read_review
from chaos.model.folder import File
from chaos.model.grading import MOST_PLANTED, Planted, Reviewed
from chaos.model.notes import MOST_NOTES, Note

NOTE = Note(file="views.py", line=1, last_line=2, cwe=89, severity="high", why="it is wrong")
FLAW = Planted(slot="a", name="n", kind="flaw", title="t", cwe=(89,), severity="low", exploit="", places=())
REVIEW = Reviewed(seed=3, revealed="", notes=(NOTE,), key=(FLAW,))


def test_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / File.REVIEW
    path.write_bytes(packed(REVIEW))
    assert read_review(path) == REVIEW
    assert packed(REVIEW) == path.read_bytes()
    assert b"it is wrong" not in path.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "got 0 reviews, expected one"),
        (msgspec.json.encode(REVIEW) + b"\n" + msgspec.json.encode(REVIEW) + b"\n", "got 2 reviews, expected one"),
        (b"[]\n", "expected what belongs there"),
        (msgspec.json.encode(msgspec.structs.replace(REVIEW, notes=(NOTE,) * (MOST_NOTES + 1))) + b"\n", "length"),
        (msgspec.json.encode(msgspec.structs.replace(REVIEW, key=(FLAW,) * (MOST_PLANTED + 1))) + b"\n", "length"),
        (msgspec.json.encode(msgspec.structs.replace(REVIEW, notes=(1,))) + b"\n", "expected what belongs there"),
    ],
)
def test_what_is_none(tmp_path: Path, content: bytes, expected: Any) -> None:
    path = tmp_path / File.REVIEW
    path.write_bytes(gzip.compress(content))
    with pytest.raises(Unreadable, match=expected):
        read_review(path)
