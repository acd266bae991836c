"""What is put into the scorecard, and what comes out of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from chaos.evidence.manifest import write_manifest
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.runs import RUN_ID, run_of, write_run


def test_index_any_time_without_duplicates(shell: Shell, folder: Path, scorecard: Http) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    write_run(run_of(shell.evidence, "20261124-000000-open"))  # without a verdict there is nothing to index
    assert shell("index").out == "indexed 1 run(s)\n"
    said = shell("index", "--json")
    assert (said.code, said.json) == (0, {"indexed": 1, "problems": []})
    assert scorecard.paths() == [f"PUT /api/runs/{RUN_ID}/"] * 2
    assert scorecard.asked[0][3] == scorecard.asked[1][3]


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("verdict.json", "verdict.json: got "),
        ("manifest.json", "manifest.json: got no such file, expected a readable file"),
        ("notes.txt", "notes.txt: got a file that the manifest doesn't have, expected none"),
    ],
)
def test_index_takes_no_folder_that_was_changed_since(
    shell: Shell, folder: Path, scorecard: Http, name: str, got: str
) -> None:
    """What the scorecard has sets ceilings, and may confirm a 3."""
    if name == "manifest.json":
        (folder / name).unlink()
    else:
        with (folder / name).open("a") as file:
            file.write("\n")
    said = shell("index", "--json")
    assert (said.code, said.json["indexed"]) == (2, 0)
    assert said.json["problems"][0].startswith(f"not indexed: {folder.name}: {got}")
    assert said.json["problems"][0].endswith(" (firedrill verify says the rest)")
    assert scorecard.paths() == []


@pytest.mark.parametrize("name", ["manifest.json", "verdict.json", "scenario.yaml", "attempt.patch", "journal.jsonl"])
def test_a_hostile_folder_keeps_no_other_from_being_indexed(
    shell: Shell, folder: Path, scorecard: Http, name: str
) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    for number, put in enumerate(
        (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path))
    ):
        bad = shell.evidence / f"20261124-10000{number}-steady-hardened-s7"
        shutil.copytree(folder, bad)
        (bad / name).unlink(missing_ok=True)
        put(bad / name)
    said = shell("index", "--json")
    assert said.json["indexed"] == 1
    assert scorecard.paths() == [f"PUT /api/runs/{RUN_ID}/"]
    if name != "verdict.json":  # a run without a verdict is no run yet
        assert said.code == 2


@pytest.mark.parametrize("verdict", ['{"a":' * 100_000, "{", "[]"], ids=["deep", "cut", "list"])
def test_a_verdict_that_nobody_can_read_is_the_folder_s_fault(
    shell: Shell, folder: Path, scorecard: Http, verdict: str
) -> None:
    """Sealed anew, so that only the reading of it tells: neither the lab is broken, nor will it help to ask later."""
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    bad = shell.evidence / "20261124-100000-steady-hardened-s7"
    shutil.copytree(folder, bad)
    (bad / "manifest.json").unlink()
    (bad / "verdict.json").write_text(verdict)
    write_manifest(bad, {"seed": 7, "git_revision": "abc"})
    said = shell("index", "--json")
    assert (said.code, said.json["indexed"]) == (2, 1)
    assert said.json["problems"][0].startswith(f"not indexed: {bad.name}: verdict.json: got ")
    assert said.json["problems"][0].endswith(" (firedrill verify says the rest)")


def test_index_when_the_scorecard_is_down(shell: Shell, folder: Path) -> None:
    shell.stack()
    said = shell("index", "--json")
    assert said.code == 4
    assert said.json["indexed"] == 0
    assert said.json["problems"] == [
        "not indexed: scorecard: got ConnectError, expected it to take the run (firedrill index does it later)"
    ]


def test_export_to_stdout_and_to_a_file(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    scorecard.answers["GET /api/drill-map.md"] = (200, "# Drill map 🟢\n".encode())
    scorecard.answers["GET /api/drill-map/"] = (200, b'{"format": "firedrill-drill-map"}')
    assert (shell("export", "--format", "markdown").out) == "# Drill map 🟢\n"
    assert shell("export", "--format", "json").json == {"format": "firedrill-drill-map"}
    said = shell("export", "--format", "json", "--to", str(tmp_path / "map.json"))
    assert (said.code, said.out) == (0, f"exported to {tmp_path / 'map.json'}\n")
    assert (tmp_path / "map.json").read_bytes() == b'{"format": "firedrill-drill-map"}'


def test_import_says_what_was_added(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text('{"format": "firedrill-drill-map"}')
    scorecard.json("POST /api/drill-map/", {"scores": 3, "hints": 0, "runs": 2})
    assert shell("import", str(file)).out == "imported: 3 scores, 2 runs\n"
    assert scorecard.asked[0][3] == {"format": "firedrill-drill-map"}
    scorecard.json("POST /api/drill-map/", {"scores": 0})
    assert shell("import", str(file)).out == "imported: nothing new, all of it was here already\n"
    assert shell("import", str(file), "--json").json == {"added": {"scores": 0}}


def test_a_damaged_drill_map_is_the_callers(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text("{}")
    scorecard.json("POST /api/drill-map/", {"detail": "/document/0: digest: got one that does not fit"}, 400)
    said = shell("import", str(file))
    assert (said.code, said.out) == (2, "")
    assert said.err == "firedrill: drill map: nothing was imported: digest: got one that does not fit\n"
    scorecard.answers["POST /api/drill-map/"] = (413, b"<html>")
    assert shell("import", str(file)).code == 2


def test_a_file_that_is_none(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    said = shell("import", str(tmp_path / "nothing.json"))
    assert said.code == 2
    assert "expected a drill map" in said.err
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (4 * 2**20 + 1))
    assert shell("import", str(big)).code == 2
    assert scorecard.asked == []


@pytest.mark.parametrize("status", [401, 500])
def test_a_scorecard_that_takes_nothing(shell: Shell, scorecard: Http, tmp_path: Path, status: int) -> None:
    (tmp_path / "map.json").write_text("{}")
    scorecard.answers["POST /api/drill-map/"] = (status, b"no")
    scorecard.answers["GET /api/drill-map/"] = (status, b"no")
    assert shell("import", str(tmp_path / "map.json")).code == 4
    assert shell("export", "--format", "json").code == 4
    scorecard.answers["GET /api/drill-map/"] = (200, b"{}")
    assert shell("export", "--format", "json", "--to", str(tmp_path / "no" / "map.json")).code == 4


def test_a_drill_map_when_the_scorecard_is_down(shell: Shell, tmp_path: Path) -> None:
    shell.stack()
    (tmp_path / "map.json").write_text("{}")
    assert shell("export", "--format", "markdown").err.startswith("firedrill: scorecard: got ConnectError")
    assert shell("import", str(tmp_path / "map.json")).code == 4
    assert shell("export").code == 2
    assert shell("export", "--format", "yaml").code == 2


def test_a_folder_whose_name_is_no_text_keeps_no_other_from_being_indexed(
    shell: Shell, folder: Path, scorecard: Http
) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    shutil.copytree(folder, shell.evidence / os.fsdecode(b"20260101-x-\xff-hardened-s7"))
    shown = r"20260101-x-\udcff-hardened-s7"
    problem = f"not indexed: {shown}: got a name that is not UTF-8, expected the run's id"
    said = shell("index")
    assert (said.code, said.out) == (2, f"{problem}\nindexed 1 run(s)\n")
    assert shell("index", "--json").json["indexed"] == 1
    assert scorecard.paths() == [f"PUT /api/runs/{RUN_ID}/"] * 2
