"""`firedrill deliver`: what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.chaos.cli.shell import Shell


def test_a_drill_that_asks_for_nothing(shell: Shell) -> None:
    said = shell("deliver", "3")
    assert (said.code, said.out) == (2, "")
    assert "drill: got '3', expected 1 (api-contract), 2 (orm-queries) or 6 (ai-review)" in said.err


@pytest.mark.parametrize("drill", ["1", "2", "6"])
def test_a_file_where_a_folder_belongs(shell: Shell, tmp_path: Path, drill: str) -> None:
    (tmp_path / "mine").write_text("kept")
    for odd in (tmp_path / "mine", tmp_path / "mine" / "below"):
        said = shell("deliver", drill, "--to", str(odd))
        assert (said.code, said.out) == (2, "")
        assert f"--to: got {odd}, expected a folder, or the name of a new one" in said.err
    assert (tmp_path / "mine").read_text() == "kept"
