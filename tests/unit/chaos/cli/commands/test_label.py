"""`firedrill label`: a few words on a run, which leave its evidence as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.evidence import labels
from chaos.model.verdict import plain
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished


def test_a_run_is_labelled_shown_and_unlabelled_and_still_verifies(shell: Shell, folder: Path) -> None:
    said = shell("label", "last", "with", "a", "lock")
    assert (said.code, said.out, said.err) == (0, f"{folder.name}: labelled “with a lock”\n", "")
    assert shell("verify", folder.name).code == 0
    said = shell("label", folder.name, "--json")
    assert (said.code, said.json) == (0, {"run_id": folder.name, "label": "with a lock"})
    assert shell("label").out == f"{folder.name}: “with a lock”\n", "no word at all is the last run"
    said = shell("label", folder.name, "--remove")
    assert (said.code, said.out) == (0, f"{folder.name}: label removed\n")
    assert shell("label", folder.name, "--remove").out == f"{folder.name}: no label\n"
    assert shell("label", folder.name).out == f"{folder.name}: no label\n"
    assert shell("verify", folder.name).code == 0


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (("no-such-run", "x"), "run: got 'no-such-run', expected "),
        (("last", "x" * 61), "label: got 61 characters, expected 1 to 60 characters"),
        (("last", ""), "label: got no text, expected 1 to 60 characters"),
        (("last", "x", "--remove"), "label: got 'x' and --remove, expected one of them"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    shell: Shell, folder: Path, asked: tuple[str, ...], complaint: str
) -> None:
    labels.put(folder, "as it was")
    said = shell("label", *asked)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"firedrill: {complaint}")
    assert labels.of(folder) == "as it was"


def test_the_list_of_runs_shows_labels_and_finds_by_them(shell: Shell, folder: Path) -> None:
    assert "label" not in shell("list", "--runs").out.splitlines()[0]
    shell("label", "last", "With a lock")
    assert shell("list", "--runs").out.splitlines()[0].split() == ["run", "verdict", "label", "summary"]
    assert shell("list", "--runs", "--json").json[0]["label"] == "With a lock"
    assert [row["run_id"] for row in shell("list", "--runs", "--label", "LOCK", "--json").json] == [folder.name]
    assert shell("list", "--runs", "--label", "rows", "--json").json == []
    said = shell("list", "--label", "lock")
    assert (said.code, said.err) == (2, "firedrill: --label: got it without --runs, expected both\n")


def test_run_labels_what_it_ran(shell: Shell, fake: FakeLab, steady: str) -> None:
    result = finished(shell.evidence, "naive")
    fake.results["naive"] = result
    said = shell("run", steady, "--variant", "naive", "--label", "before the lock", "--json")
    assert said.code == 0
    assert said.json == {
        **plain(result.document), "folder": str(result.folder), "label": "before the lock", "next": said.json["next"],
    }  # fmt: skip
    assert labels.of(result.folder) == "before the lock"
    assert "label: before the lock" in shell("run", steady, "--variant", "naive", "--label", "before the lock").out


def test_a_label_that_is_none_is_refused_before_the_run(shell: Shell, fake: FakeLab, steady: str) -> None:
    said = shell("run", steady, "--variant", "naive", "--label", "x" * 61)
    assert said.code == 2
    assert said.err.startswith("firedrill: label: got 61 characters, expected 1 to 60 characters")
    assert fake.asked == []
