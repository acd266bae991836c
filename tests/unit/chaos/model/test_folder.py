"""Names of the files of a folder have one home, and each is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaos.model.folder import File

CHECKOUT = Path(__file__).resolve().parents[4]
PROGRAMS = sorted(path for part in ("chaos", "loadtests", "dashboard") for path in (CHECKOUT / part).rglob("*.py"))


@pytest.mark.parametrize("file", File)
def test_each_file_is_explained(file: File) -> None:
    assert f"`{file}`" in (CHECKOUT / "docs" / "operate" / "evidence.md").read_text()


def test_no_program_writes_the_name_of_a_file_again() -> None:
    name = re.compile(rf"""["']({"|".join(map(re.escape, File))})["']""")
    again = {
        f"{path.relative_to(CHECKOUT)}: {found[1]}"
        for path in PROGRAMS
        if path.name != "folder.py" and "starter" not in path.parts
        for found in name.finditer(path.read_text())
    }
    assert again == OTHER_FOLDERS | WITHOUT_THE_MODEL


OTHER_FOLDERS = {
    "chaos/cli/commands/watch.py: world.json",
    "chaos/cli/commands/try_out.py: world.json",
    "chaos/drills/contract_audit.py: world.json",
    "chaos/drills/own_tests.py: junit.xml",
    "chaos/drills/own_tests.py: world.json",
}
"""Files of the same name that are not of a run's folder."""

WITHOUT_THE_MODEL = {"chaos/cli/complete.py: verdict.json"}
"""A person waits for completion at each press of a key: it imports nothing of the model."""
