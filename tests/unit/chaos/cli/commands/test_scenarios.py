"""Commands about scenario files: every problem is named, nothing else is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.cli import listing
from chaos.drills.conclude import conclude
from chaos.evidence.writing import encode
from chaos.load.schema import exported_schema
from chaos.model.verdict import plain
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.documents import document
from tests.unit.chaos.runs import RUN_ID, run_of, write_run


def test_validate_a_good_file(shell: Shell, good: str) -> None:
    said = shell("validate", good)
    assert (said.code, said.out, said.err) == (0, "1 scenario(s): valid\n", "")
    said = shell("validate", good, "--json")
    assert (said.code, said.json) == (0, {"checked": [good], "problems": []})


def test_validate_what_ships(shell: Shell) -> None:
    assert shell("validate").code == 0


def test_validate_names_every_problem_of_every_file(shell: Shell, good: str, bad: str) -> None:
    said = shell("validate", bad, good, "no-such-scenario")
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert lines[0] == f"firedrill: {bad}: drill: got 9, expected at most 6 (line 2)"
    assert lines[1].startswith(f"firedrill: {bad}: settel: got an unknown key, expected one of ")
    assert lines[2].startswith("firedrill: scenario: got 'no-such-scenario', expected a file or one of ")
    assert len(lines) == 3


def test_validate_as_json(shell: Shell, bad: str) -> None:
    said = shell("validate", bad, "--json")
    assert said.code == 2
    assert said.json["checked"] == [bad]
    assert [problem.partition(": got")[0] for problem in said.json["problems"]] == [f"{bad}: drill", f"{bad}: settel"]


def test_schema(shell: Shell) -> None:
    said = shell("schema")
    assert (said.code, said.json) == (0, exported_schema())


def test_list(shell: Shell) -> None:
    said = shell("list", "--json")
    assert said.code == 0
    assert "concurrency/flash-sale" in [row["name"] for row in said.json]
    assert "concurrency/flash-sale" in shell("list").out


def test_list_has_heads_and_columns_and_the_last_verdicts(shell: Shell) -> None:
    for number, (variant, verdict) in enumerate(
        [("naive", "held"), ("naive", "violated"), ("attempt", "inconclusive")]
    ):
        folder = shell.evidence / f"2026110{number}-x"
        folder.mkdir(parents=True)
        (folder / "journal.jsonl").touch()
        told = document(scenario="concurrency/flash-sale", variant=variant, verdict=verdict)
        (folder / "verdict.json").write_bytes(encode(plain(told)))
    rows = {row["name"]: row for row in shell("list", "--json").json}
    assert rows["concurrency/flash-sale"]["last"] == {"naive": "violated", "attempt": "inconclusive"}
    assert rows["concurrency/double-submit"]["last"] == {}
    lines = shell("list").out.splitlines()
    (head,) = [line for line in lines if line.startswith("Drill 3")]
    (line,) = [line for line in lines if line.startswith("  concurrency/flash-sale ")]
    for title, cell in {"naive": "■ violated", "hardened": "–", "attempt": "▲ inconcl.", "title": "Flash sale"}.items():
        assert line[head.index(title) :].startswith(cell)


def test_list_fits_the_terminal(shell: Shell) -> None:
    rows = shell("list", "--json").json
    lines = listing.scenarios(rows, most=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(row["name"] in "\n".join(lines) for row in rows)
    head = next(line for line in lines if line.startswith("Drill 3"))
    assert head.index("attempt") + len("▲ inconcl.") <= 80  # no verdict is cut


def test_list_runs(shell: Shell) -> None:
    assert shell("list", "--runs", "--json").json == []
    conclude(write_run(run_of(shell.evidence)), index=None, say=pytest.fail)
    write_run(run_of(shell.evidence, "20261124-000000-open"))
    damaged = write_run(run_of(shell.evidence, "20261125-000000-damaged"))
    (damaged / "verdict.json").write_text('{"verdict": "held"}')
    rows = shell("list", "--runs", "--json").json
    assert [(row["run_id"], row["verdict"]) for row in rows] == [
        (RUN_ID, "held"), ("20261124-000000-open", "open"), ("20261125-000000-damaged", "unreadable"),
    ]  # fmt: skip
    assert rows[2]["summary"].startswith("verdict.json: got Object missing required field `run_id`")


def test_a_file_that_is_too_large_for_a_scenario_is_not_read(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "big.yaml"
    with file.open("wb") as big:
        big.truncate(1 << 40)
    said = shell("validate", str(file))
    assert (said.code, said.err) == (2, f"firedrill: {file}: got {1 << 40} bytes, expected at most {1 << 18}\n")
