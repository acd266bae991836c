"""The commands of drill 6, on a copy of the shop: what they print, and how they end."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from chaos.adapters.samples import sample
from chaos.adapters.scanners import Found
from chaos.cli.commands import deliver as deliver_command
from chaos.drills import attempt as attempts
from chaos.drills import review as reviews
from chaos.drills.deliverables.deliver import ready
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import Shell


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands find attempts and what they are made from, instead of in this checkout."""
    folder = tmp_path / "shop"
    for name in ("naive", sample(3).variant):
        shutil.copytree(attempts.SHOP / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("start", "import_code", "import_sarif", "load", "reveal"):
        monkeypatch.setattr(reviews, name, partial(getattr(reviews, name), shop=folder))
    quiet = partial(reviews.check, shop=folder, scan=lambda files: [Found(scanner="ruff", why="not there")])
    monkeypatch.setattr(reviews, "check", quiet)
    monkeypatch.setattr(deliver_command, "ready", partial(ready, shop=folder))
    return folder


def test_from_start_to_reveal(shell: Shell, shop: Path, scorecard: Http) -> None:
    said = shell("review", "start", "--seed", "3")
    assert said.code == 0
    assert "then: firedrill review check" in said.out
    kept = shell("review", "start", "--seed", "3")
    assert "your old attempt is kept in" in kept.out

    checked = shell("review", "check", "--json")
    assert checked.code == 0
    assert checked.json["grade"]["recall"] == 0
    assert checked.json["grade"]["core"] is False

    asked = shell("review", "reveal")
    assert asked.code == 2
    assert "got no --yes" in asked.err
    for words in (("review", "reveal", "--yes"), ("reveal", "6")):  # without a scorecard that takes it down, nothing
        said = shell(*words)
        assert (said.code, said.out) == (4, "")
        assert "the key is told only when that is on record" in said.err
    assert shell("review", "check", "--json").json["revealed"] is False
    scorecard.json("PUT /api/drills/ai-review/hints/answer-key/", {})
    told = shell("review", "reveal", "--yes")
    assert "SQL" in told.out
    assert shell("reveal", "6").out == told.out == shell("reveal", "ai-review").out
    assert shell("review", "check", "--json").json["revealed"] is True


def test_bad_notes_and_too_many_end_with_2_and_say_where(shell: Shell, shop: Path) -> None:
    shell("review", "start", "--seed", "3")
    notes = shop / "attempt" / "review" / "notes.yaml"
    notes.write_text("- {file: views.py, line: 9999, cwe: CWE-89, severity: high, why: because}\n")
    said = shell("review", "check")
    assert said.code == 2
    assert said.err.startswith("firedrill: notes.yaml: note 1: line: got 9999, expected 1 to ")
    row = "- {{file: views.py, line: {}, cwe: CWE-20, severity: low, why: because}}\n"
    notes.write_text("".join(row.format(line) for line in range(1, 60)))
    said = shell("review", "check")
    assert said.code == 2
    assert "notes: got 59 of them, expected at most 25" in said.err


def test_sarif_goes_out_and_comes_in(shell: Shell, shop: Path, tmp_path: Path) -> None:
    shell("review", "start", "--seed", "3")
    (shop / "attempt" / "review" / "notes.yaml").write_text(
        "- {file: views.py, line: 3, cwe: CWE-89, severity: high, why: because}\n"
    )
    assert shell("review", "export").code == 2
    said = shell("review", "export", "--sarif")
    document = json.loads(said.out)
    assert document["version"] == "2.1.0"
    place = document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "services/shop/attempt/backoffice/views.py"
    out = tmp_path / "n.sarif"
    assert shell("review", "export", "--sarif", "--to", str(out)).code == 0
    assert "0 new note(s)" in shell("review", "import", str(out)).out


def test_code_of_ones_own_tool(shell: Shell, shop: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("x = 1\n")
    assert shell("review", "import", str(own)).code == 0
    told = shell("review", "check")
    assert told.code == 0
    assert f"not graded: {reviews.NO_KEY}" in told.out
    assert shell("review", "import", str(tmp_path / "nothing.py")).code == 2


@pytest.mark.parametrize("name", ["endless.py", "endless.sarif"])
def test_a_file_without_an_end_is_not_read(shell: Shell, shop: Path, tmp_path: Path, name: str) -> None:
    shell("review", "start", "--seed", "3")
    (tmp_path / name).symlink_to("/dev/zero")
    said = shell("review", "import", str(tmp_path / name))
    assert (said.code, said.err) == (2, "firedrill: zero: got a device, expected a regular file\n")


def test_handing_in(shell: Shell, shop: Path) -> None:
    shell("review", "start", "--seed", "3")
    assert shell("deliver", "7").code == 2
    said = shell("deliver", "6")
    assert said.code == 2
    assert "deliver: got no notes" in said.err
