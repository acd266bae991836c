"""Notes in place and in YAML: what they are about, and what is refused with which words."""

from __future__ import annotations

import pytest

from chaos.errors import InvalidInput
from chaos.model.notes import Note, as_yaml, distinct, from_yaml, in_place, text_of

SAMPLE = 'import os\n\n\ndef f(x: str) -> str:\n    """Ü."""\n    y = x  # fine\n    return y\n'
FILES = {"views.py": SAMPLE}


def placed(text: str) -> list[tuple[int, int, str, str]]:
    return [(note.line, note.cwe, note.severity, note.why) for note in in_place("views.py", text, SAMPLE)]


def problems(call: object, *given: object) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        call(*given)  # type: ignore[operator]
    return list(caught.value.problems)


def test_behind_a_line_it_is_about_that_line() -> None:
    assert placed(SAMPLE.replace("# fine", "# fine  # review: CWE-20 low: nobody checks it")) == [
        (6, 20, "low", "nobody checks it")
    ]


def test_on_lines_of_their_own_they_are_about_the_next_line_of_the_sample() -> None:
    notes = "    # review: CWE-20 low: one thing\n    # review: CWE-89 high: another: with a colon\n"
    text = SAMPLE.replace("    return y", f"{notes}    return y").replace(
        "import os", "import os # review: CWE-22 low: why"
    )
    assert placed(text) == [
        (1, 22, "low", "why"),
        (7, 20, "low", "one thing"),
        (7, 89, "high", "another: with a colon"),
    ]


def test_at_the_end_it_is_about_the_last_line() -> None:
    assert placed(f"{SAMPLE}# review: CWE-20 low: no tests\n") == [(7, 20, "low", "no tests")]


def test_line_ends_and_a_mark_of_the_byte_order_change_nothing() -> None:
    text = SAMPLE.replace("return y", "return y  # review: CWE-20 low: größer als nötig").replace("\n", "\r\n")
    assert placed(text_of(b"\xef\xbb\xbf" + text.encode(), "views.py")) == [(7, 20, "low", "größer als nötig")]


def test_a_changed_sample_is_refused_with_the_diff() -> None:
    told = problems(in_place, "views.py", SAMPLE.replace("return y", "return y.strip()"), SAMPLE)
    assert told[0].startswith("review/views.py: got a sample that was changed")
    assert "-    return y" in told
    assert "+    return y.strip()" in told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("CWE-89: no severity", "views.py:6: got 'CWE-89: no severity', expected `# review: CWE-89 high: why`"),
        ("CWE-89, CWE-22 high: all of them", "views.py:6: got"),
        ("", "views.py:6: got ''"),
        ("CWE-99999 high: what is it", "views.py:6: cwe: got 'CWE-99999', expected one of the CWE"),
        ("CWE-89 urgent: quick", "views.py:6: severity: got 'urgent'"),
        ("CWE-89 high: ", "views.py:6: why: got no reason"),
        ("CWE-89 high: ?!", "views.py:6: why: got no reason"),
    ],
)
def test_a_note_that_says_too_little_is_refused(said: str, told: str) -> None:
    assert problems(in_place, "views.py", SAMPLE.replace("# fine", f"# fine  # review: {said}"), SAMPLE)[0].startswith(
        told
    )


def test_yaml_and_back() -> None:
    notes = [Note(file="views.py", line=4, last_line=7, cwe=89, severity="high", why="Ä: »quotes«, and # signs")]
    assert [(n.line, n.last_line, n.cwe, n.why) for n in from_yaml(as_yaml(notes), FILES)] == [
        (4, 7, 89, "Ä: »quotes«, and # signs")
    ]


@pytest.mark.parametrize("text", ["", "notes:\n", "notes: []\n", "[]\n"])
def test_no_notes_yet(text: str) -> None:
    assert from_yaml(text, FILES) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("notes: [", "notes.yaml:2: got"),
        ("a: 1", "notes.yaml: got"),
        ("notes: 3", "notes.yaml: got"),
        ("- 3", "notes.yaml: note 1: got '3', expected file, line, cwe, severity, why"),
        ("- {file: views.py, line: 1, cwe: 20, severity: low}", "notes.yaml: note 1: got no why"),
        ("- {file: views.py, line: 1, cwe: 20, severity: low, why: abc, x: 1}", "notes.yaml: note 1: got x"),
        ("- {file: other.py, line: 1, cwe: 20, severity: low, why: abc}", "notes.yaml: note 1: file: got 'other.py'"),
        (
            "- {file: views.py, line: 8, cwe: 20, severity: low, why: abc}",
            "notes.yaml: note 1: line: got 8, expected 1 to 7",
        ),
        ("- {file: views.py, line: 6-2, cwe: 20, severity: low, why: abc}", "notes.yaml: note 1: line: got 6-2"),
        ("- {file: views.py, line: 0, cwe: 20, severity: low, why: abc}", "notes.yaml: note 1: line: got '0'"),
        (
            "- {file: views.py, line: 1, cwe: [20, 89], severity: low, why: abc}",
            "notes.yaml: note 1: cwe: got '[20, 89]'",
        ),
        ("- {file: views.py, line: 1, cwe: 20, severity: low, why: }", "notes.yaml: note 1: why: got no reason"),
        ("&a [*a]", "notes.yaml: note 1: got"),
    ],
)
def test_bad_yaml_is_told_where_it_is(text: str, told: str) -> None:
    assert problems(from_yaml, text, FILES)[0].startswith(told)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(from_yaml, "[1, 2, 3]", FILES)) == 3


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"\xff\xfe", "x.py: got a byte that is no UTF-8 at 0"), (b"a" * (10 << 20), "x.py: got 10.5 MB")],
)
def test_what_is_no_text_is_refused(content: bytes, told: str) -> None:
    assert problems(text_of, content, "x.py")[0].startswith(told)


def test_what_is_said_twice_counts_once() -> None:
    note = Note(file="views.py", line=1, last_line=1, cwe=20, severity="low", why="abc")
    assert distinct([note, Note(file="views.py", line=1, last_line=1, cwe=20, severity="high", why="def")]) == [note]
