"""`firedrill scenario new`: whatever it begins from, what it writes is valid and says what naive has to violate."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from chaos.drills import new_scenario
from chaos.drills.new_scenario import Asked, compose
from chaos.load import all_scenarios, load_scenario, parse_scenario, scenario_name
from tests.unit.chaos.cli.shell import Shell

MUTANTS_ONLY = "worker-paused"
"""Held on naive: its power is a mutant's."""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command writes, instead of in this checkout."""
    folder = tmp_path / "own"
    command = "chaos.cli.commands.new_scenario"
    monkeypatch.setattr(f"{command}.write", partial(new_scenario.write, folder=folder))
    monkeypatch.setattr(f"{command}.require_name", partial(new_scenario.require_name, folder=folder))
    return folder


def proving() -> Iterator[str]:
    """Scenarios of the lab that have something for naive to violate."""
    for path in all_scenarios():
        if path.parent.name != "own" and (proves := load_scenario(path).proves) and proves.must:
            yield scenario_name(path)


@pytest.mark.parametrize("name", proving())
def test_from_every_scenario_that_there_is(name: str) -> None:
    said = 'Seats: "sold" once, # always'
    text = compose(Asked(name="mine", title="Mine: my own", hypothesis=said, nearest=name, seed=99))
    found = parse_scenario(text, name="own/mine", where="mine.yaml")
    theirs = load_scenario(next(path for path in all_scenarios() if scenario_name(path) == name))
    assert (found.title, found.hypothesis) == ("Mine: my own", said)
    assert found.proves is None or theirs.proves is None or found.proves.must == theirs.proves.must
    assert found.checks == theirs.checks
    assert "mutants:" not in text


def test_options_where_nobody_can_be_asked(shell: Shell, own: Path) -> None:
    said = shell(
        "scenario", "new", "mine", "--title", "Mine", "--hypothesis", "All seats are sold once.", "--seed", "4"
    )
    assert said.code == 0
    assert "next: change it, then firedrill validate own/mine, and firedrill selftest own/mine" in said.out
    found = load_scenario(own / "mine.yaml")
    assert (found.title, found.seed) == ("Mine", 4)
    again = shell("scenario", "new", "mine", "--title", "Mine", "--hypothesis", "x")
    assert again.code == 2
    assert "name: got mine, expected one that is not taken" in again.err


def test_a_terminal_is_asked(shell: Shell, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("Mine\nAll seats are sold once.\nauth/token-forgery\n"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert shell("scenario", "new", "mine").code == 0
    assert load_scenario(own / "mine.yaml").drill == 4


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("mine",), "got no --title and no --hypothesis, expected both where nobody can be asked"),
        (("../mine", "--title", "T", "--hypothesis", "H"), "name: got '../mine', expected small letters"),
        (("a" * 41, "--title", "T", "--hypothesis", "H"), "expected small letters"),
        (("mine", "--title", "T\nload: []", "--hypothesis", "H"), "title: got a control character"),
        (("mine", "--title", "T" * 200, "--hypothesis", "H"), "title: got 200 characters"),
        (("mine", "--title", "T", "--hypothesis", "H", "--from", "nothing"), "scenario: got 'nothing'"),
        (
            ("mine", "--title", "T", "--hypothesis", "H", "--from", f"failure/{MUTANTS_ONLY}"),
            "--from: got failure/worker-paused, which naive does not violate",
        ),
    ],
)
def test_what_makes_no_scenario(shell: Shell, own: Path, words: tuple[str, ...], problem: str) -> None:
    said = shell("scenario", "new", *words)
    assert said.code == 2
    assert problem in said.err
    assert not own.exists()
