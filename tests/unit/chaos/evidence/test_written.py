"""A review and an audit in a run's folder, also in one that somebody else made."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.drills.written import packed
from chaos.evidence.files import Unreadable, digests
from chaos.evidence.written import read_audit, read_review
from chaos.model.audit import Audited, Known, Row
from chaos.model.deviation import Place
from chaos.model.folder import File
from chaos.model.grading import MOST_PLANTED, Planted, Reviewed
from chaos.model.notes import MOST_NOTES, Note

NOTE = Note(file="views.py", line=1, last_line=2, cwe=89, severity="high", why="it is wrong")
FLAW = Planted(slot="a", name="n", kind="flaw", title="t", cwe=(89,), severity="low", exploit="", places=())
PLACE = Place("status", (), frozenset({202, 201}))
AUDIT = Audited(
    seed=3, revealed="", own={"a": ["string"]}, served={"a": True},
    rows=(Row(line=4, operations=frozenset({"GET /a/", "GET /b/"}), every=False, where="status 202/201", place=PLACE,
              kind="status", promised="202", served="201", code="views.py:1"),),
    known=(Known(name="n", title="t", operations=frozenset({"GET /a/"}), places=(PLACE,), kinds=("status",),
                 planted=True),),
)  # fmt: skip
REVIEW = Reviewed(seed=3, revealed="", notes=(NOTE,), key=(FLAW,))


def test_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / File.REVIEW
    path.write_bytes(packed(REVIEW))
    assert read_review(path) == REVIEW
    assert packed(REVIEW) == path.read_bytes()
    assert b"it is wrong" not in path.read_bytes()


def test_an_audit_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / File.AUDIT
    path.write_bytes(packed(AUDIT))
    assert read_audit(path) == AUDIT
    assert digests(tmp_path).keys() == {File.AUDIT}  # which the journal holds, so a change is noticed


@pytest.mark.parametrize(
    "changed",
    [
        lambda audit: {key: value for key, value in audit.items() if key != "known"},
        lambda audit: audit | {"known": None},
        lambda audit: audit | {"known": [{"name": "n"}]},
        lambda audit: audit | {"rows": audit["rows"] * 501},
        lambda audit: audit | {"own": {str(number): 1 for number in range(20_001)}},
    ],
)
def test_what_is_no_audit(tmp_path: Path, changed: Any) -> None:
    path = tmp_path / File.AUDIT
    plain = msgspec.json.decode(msgspec.json.encode(AUDIT))
    path.write_bytes(gzip.compress(msgspec.json.encode(changed(plain)) + b"\n"))
    with pytest.raises(Unreadable):
        read_audit(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "got 0 lines, expected one"),
        (msgspec.json.encode(REVIEW) + b"\n" + msgspec.json.encode(REVIEW) + b"\n", "got 2 lines, expected one"),
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
