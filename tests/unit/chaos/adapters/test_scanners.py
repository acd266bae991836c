"""Scanners as they are installed, on code whose flaws each of them knows; one that is not there is said."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chaos.adapters import scanners

CODE = {
    "a.py": "import pickle\n\n\ndef f(x, db):\n"
    '    db.execute(f"SELECT a FROM t WHERE b = {x}")\n    return pickle.loads(x)\n'
}
FROZEN = "e292d5ffa4611d2b169cba51216b26ebce91daca375c7c0cd457ace82bb2d636"


def test_ruff_finds_what_it_knows() -> None:
    found = {one.scanner: one for one in scanners.scan(CODE)}["ruff"]
    assert found.notes is not None
    assert {(note.file, note.line, note.cwe) for note in found.notes} == {("a.py", 5, 89), ("a.py", 6, 502)}


def test_a_scanner_that_is_not_there_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scanners, "folder", lambda: tmp_path)
    found = {one.scanner: one for one in scanners.scan(CODE)}
    assert found["semgrep"].notes is None
    assert found["semgrep"].why == "not there (firedrill review scanners gets it)"


@pytest.mark.skipif(
    not (scanners.folder() / "bin" / "semgrep").exists(), reason="firedrill review scanners was not called"
)
def test_bandit_and_semgrep_find_what_they_know() -> None:
    found = {one.scanner: one for one in scanners.scan(CODE)}
    for name in ("bandit", "semgrep"):
        notes = found[name].notes
        assert notes is not None, found[name].why
        assert {(note.line, note.cwe) for note in notes} >= {(5, 89), (6, 502)}


def test_a_scanner_that_says_nonsense_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "bandit"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no json\n")
    program.chmod(0o755)
    monkeypatch.setattr(scanners, "folder", lambda: tmp_path)
    found = {one.scanner: one for one in scanners.scan(CODE)}["bandit"]
    assert (found.notes, found.why) == (None, "could not be asked: JSONDecodeError")


def test_the_rules_are_as_they_were_frozen() -> None:
    """Rules that follow the samples would say nothing about scanners: a change has to be a decision, here too."""
    assert hashlib.sha256(scanners.RULES.read_bytes()).hexdigest() == FROZEN


def test_every_package_of_the_scanners_has_hashes() -> None:
    lines = scanners.LOCK.read_text().splitlines()
    packages = [line for line in lines if line[:1].isalnum()]
    assert len(packages) > 20
    assert all("==" in line for line in packages)
    assert sum("--hash=sha256:" in line for line in lines) >= len(packages)
    assert not [line for line in lines if "index-url" in line or "://" in line]
