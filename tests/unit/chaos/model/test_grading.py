"""Grading against keys of real samples, and the cheats that must not pass."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
import pytest

from chaos.errors import InvalidInput
from chaos.model.grading import CORE, STRETCH, Planted, grade
from chaos.model.notes import Note
from services.stack import samples

SEEDS = range(10)


@cache
def sample(seed: int) -> tuple[dict[str, str], list[Planted]]:
    document = samples.document(seed)
    return document["files"], msgspec.convert(document["key"], list[Planted])


def note(file: str, line: int, cwe: int, *, severity: Any = "high") -> Note:
    return Note(file=file, line=line, last_line=line, cwe=cwe, severity=severity, why="because")


def expert(key: Sequence[Planted], *, last: bool = False) -> list[Note]:
    """A note for each flaw, at the first or the last line of its function, under the first number of its family."""
    flaws = [one for one in key if one.kind == "flaw"]
    return [note((p := one.places[0]).file, p.last if last else p.first, one.cwe[0]) for one in flaws]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("last", [False, True])
def test_an_expert_finds_everything_wherever_in_the_function_the_note_stands(seed: int, last: bool) -> None:
    _, key = sample(seed)
    found = grade(expert(key, last=last), key)
    assert (found.recall, found.precision, found.traps) == (1.0, 1.0, 0.0)
    assert found.meets(STRETCH)


@pytest.mark.parametrize("seed", SEEDS)
def test_who_sees_half_does_not_pass(seed: int) -> None:
    _, key = sample(seed)
    found = grade(expert(key)[::2], key)
    assert found.precision == 1.0
    assert 0.35 < found.recall < 0.65
    assert not found.meets(STRETCH)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_note_on_every_line_is_not_graded(seed: int) -> None:
    files, key = sample(seed)
    notes = [note(file, line, 20) for file, text in files.items() for line in range(1, text.count("\n") + 1)]
    with pytest.raises(InvalidInput, match="expected at most"):
        grade(notes, key)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_note_on_every_function_does_not_pass(seed: int) -> None:
    """With the number that most flaws accept, as somebody would who knows the bank."""
    files, key = sample(seed)
    notes = [
        note(file, node.lineno, 20)
        for file, text in files.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(notes) <= 1.5 * sum(one.kind == "flaw" for one in key)
    found = grade(notes, key)
    assert not found.meets(CORE)


@pytest.mark.parametrize("seed", SEEDS)
def test_naming_every_slot_of_the_bank_is_not_graded_or_does_not_pass(seed: int) -> None:
    """Notes from memory of the whole bank, without reading the sample."""
    _, key = sample(seed)
    flaws = [one for one in key if one.kind == "flaw"]
    known = samples.slots(samples.SHOP / "samples" / "slots")
    if len(known) > 1.5 * len(flaws):
        notes = [note("views.py", 1, 20 + n) for n in range(len(known))]
        with pytest.raises(InvalidInput):
            grade(notes, key)
    else:
        traps = [one for one in key if one.kind == "trap"]
        notes = expert(key) + [note(one.places[0].file, one.places[0].line, one.cwe[0]) for one in traps]
        assert not grade(notes, key).meets(CORE)


def test_one_note_finds_one_flaw_and_one_flaw_takes_one_note() -> None:
    _, key = sample(0)
    one = expert(key)[0]
    again = [msgspec.structs.replace(one, why=f"because {n}") for n in range(5)]
    found = grade(again, key)
    meant = [flaw for flaw in key if flaw.kind == "flaw" and flaw.meets(one)]
    assert len(found.matched) == len(meant)
    assert found.precision == len(meant) / 5


def test_two_flaws_in_one_function_are_both_found_whatever_the_order() -> None:
    """The first note could take either; the second only one of them."""
    place = {"file": "views.py", "line": 5, "last_line": 5, "function": "f", "first": 4, "last": 9}
    row = {"name": "n", "kind": "flaw", "title": "t", "exploit": "", "places": [place]}
    key = msgspec.convert(
        [
            {**row, "slot": "a", "cwe": [20, 89], "severity": "low"},
            {**row, "slot": "b", "cwe": [20], "severity": "critical"},
        ],
        list[Planted],
    )
    for notes in (
        [note("views.py", 5, 20), note("views.py", 6, 89)],
        [note("views.py", 6, 89), note("views.py", 5, 20)],
    ):
        assert grade(notes, key).recall == 1.0
    assert grade([note("views.py", 5, 20)], key).recall == 0.8  # the heavier one


@pytest.mark.parametrize(("line", "found"), [(1, False), (2, True), (11, True), (12, False)])
def test_two_lines_of_slack_around_the_function(line: int, found: bool) -> None:
    place = {"file": "views.py", "line": 5, "last_line": 5, "function": "f", "first": 4, "last": 9}
    row = {"slot": "s", "name": "n", "kind": "flaw", "title": "t", "exploit": "", "cwe": [20], "severity": "low"}
    key = msgspec.convert([{**row, "places": [place]}], list[Planted])
    assert bool(grade([note("views.py", line, 20)], key).matched) is found


def test_a_trap_counts_when_its_note_found_no_flaw() -> None:
    _, key = sample(1)
    trap = next(one for one in key if one.kind == "trap")
    found = grade([note(trap.places[0].file, trap.places[0].line, trap.cwe[0])], key)
    traps = sum(one.kind == "trap" for one in key)
    assert found.matched or found.traps == pytest.approx(1 / traps)


def test_without_notes_nothing_is_found() -> None:
    _, key = sample(2)
    found = grade([], key)
    assert (found.recall, found.precision, found.meets(CORE)) == (0.0, 0.0, False)


def test_the_document_says_nothing_about_what_was_missed_but_file_and_severity() -> None:
    _, key = sample(3)
    text = str(grade(expert(key)[:3], key).document())
    for one in key:
        assert one.title not in text
        assert one.name not in text


def test_of_two_notes_that_meet_a_flaw_the_nearer_one_is_counted() -> None:
    place = {"file": "tasks.py", "line": 9, "last_line": 9, "function": "f", "first": 1, "last": 10}
    row = {"slot": "s", "name": "n", "kind": "flaw", "title": "t", "exploit": "", "cwe": [755, 252], "severity": "low"}
    key = msgspec.convert([{**row, "places": [place]}], list[Planted])
    found = grade([note("tasks.py", 3, 755), note("tasks.py", 9, 252)], key, limited=False)
    assert found.matched == {1: 0}
