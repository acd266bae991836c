"""A folder that was changed is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.evidence.manifest import write_manifest
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.runs import RUN_ID


def test_verify_an_untouched_folder(shell: Shell, folder: Path) -> None:
    for name in (folder.name, str(folder)):
        said = shell("verify", name)
        assert (said.code, said.err) == (0, "")
        assert said.out == f"{RUN_ID}: held: it follows from the evidence, and nothing was changed\n"
    assert shell("verify", folder.name, "--json").json == {"folder": str(folder), "problems": []}


@pytest.mark.parametrize(
    "name", ["journal.jsonl", "scenario.yaml", "verdict.json", "manifest.json", "report.md", "history/worker-0.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe{", b"{}", b"[]", b"changed\n"])
def test_verify_a_folder_that_was_tampered_with(shell: Shell, folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    said = shell("verify", folder.name)
    assert (said.code, said.out) == (2, "")
    assert any(name in line for line in said.err.splitlines())
    said = shell("verify", folder.name, "--json")
    assert said.code == 2
    assert said.json["problems"]


@pytest.mark.parametrize(("now", "told"), [("a" * 40, False), ("b" * 40, True), ("", False)])
def test_verify_says_when_another_revision_judged(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch, now: str, told: bool
) -> None:
    write_manifest(folder, {"git_revision": "a" * 40})
    (folder / "report.md").write_text("changed")
    monkeypatch.setattr("chaos.drills.revision.git_revision", lambda: now)
    said = shell("verify", folder.name)
    assert said.code == 2
    assert ("judged at revision aaaaaaaaaa, this is bbbbbbbbbb" in said.err) == told


def test_verify_what_is_not_there(shell: Shell) -> None:
    said = shell("verify", "20200101-000000-never")
    assert said.code == 2
    assert said.err.startswith("firedrill: run: got '20200101-000000-never', expected last, ")
    assert said.err.endswith("; there is no run yet (firedrill run SCENARIO)\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"20260101-x-\xff-hardened-s7", r"20260101-x-\udcff-hardened-s7"),
        (b"20260101-x\nforged: held\t\x1b[2J-s7", r"20260101-x\nforged: held\t\x1b[2J-s7"),
    ],
)
def test_a_folder_s_name_makes_no_line_of_its_own(shell: Shell, folder: Path, name: bytes, shown: str) -> None:
    odd = folder.with_name(os.fsdecode(name))
    folder.rename(odd)
    for word in (odd.name, str(odd), "20260101-x"):
        said = shell("verify", word)
        assert (said.code, said.out) == (0, f"{shown}: held: it follows from the evidence, and nothing was changed\n")
        assert shell("explain", word).out == f"{shown}: nothing is violated, so there is nothing to explain\n"
    assert shell("verify", "nosuch").err.endswith(f"firedrill:   {shown}\n")
    assert shell("list", "--runs").out.count("\n") == 2
    (odd / "a\nforged: held").touch()
    assert r"a\nforged: held: got a file that the manifest doesn't have" in shell("verify", "20260101-x").err
