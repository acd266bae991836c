"""Review: reading and annotating, on the files that the command line reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from chaos.model.notes import Note, from_yaml
from dashboard import review
from dashboard.errors import SourceAway

FILES = {"views.py": 'import os\n\n\ndef f(x):\n    return os.popen(x)  # <b>"\n', "tasks.py": "y = 1\n"}


def begun(folder: Path, **more: Any) -> Path:
    """A review as the command line makes it."""
    own = folder / "attempt" / "review"
    own.mkdir(parents=True)
    (own / ".review.json").write_text(json.dumps({"seed": 4, "package": "backoffice", "files": FILES, **more}))
    for name, text in FILES.items():
        (own / name).write_text(text)
    (own / "notes.yaml").write_text("# how a note is written\nnotes: []\n")
    return own


def note(line: int = 5, why: str = "the name is a command", number: int = 78) -> Note:
    return Note(file="views.py", line=line, last_line=line, cwe=number, severity="high", why=why)


def stored(folder: Path) -> list[tuple[int, int, str]]:
    notes = from_yaml((folder / "notes.yaml").read_text(), FILES)
    return [(one.line, one.cwe, one.why) for one in notes]


def said(app: AppTest) -> str:
    parts = [element.proto.body for element in app.get("html")]
    for kind in ("info", "error", "success", "warning", "markdown"):
        parts += [str(element.value) for element in app.get(kind)]
    return "\n".join(parts)


def filled(app: AppTest, *, line: int, number: int | None, why: str) -> AppTest:
    app.number_input[0].set_value(line)
    if number is not None:
        box = next(box for box in app.selectbox if box.label.startswith("Weakness"))
        box.set_value(number)
    app.text_area[0].set_value(why)
    return next(button for button in app.button if button.label == "Add this note").click().run()


def test_without_a_review_the_page_says_how_to_get_one(lab: Any) -> None:
    app = lab.page("review")
    assert "There is no code to review yet." in said(app)
    assert not app.exception


def test_the_sample_is_shown_with_numbered_lines_and_nothing_of_it_is_markup(lab: Any) -> None:
    begun(lab.folder)
    shown = said(lab.page("review"))
    assert '<div id="L5"><b>5</b>' in shown
    assert "&lt;b&gt;" in shown
    assert '<b>"' not in shown


def test_a_note_is_added_to_the_file_and_shown_below_its_line(lab: Any) -> None:
    own = begun(lab.folder)
    app = filled(lab.page("review"), line=5, number=78, why="the name is a <i>command</i>")
    assert not app.exception
    assert stored(own) == [(5, 78, "the name is a <i>command</i>")]
    assert "Added: line 5." in said(app)
    assert "&lt;i&gt;command" in said(app)
    assert (own / "notes.yaml").read_text().startswith("# how a note is written\n")


@pytest.mark.parametrize(
    ("number", "why", "told"),
    [
        (None, "why not", "Not added: no weakness is chosen."),
        (78, "", "Not added: why: got no reason, expected what is wrong there."),
    ],
)
def test_what_is_no_note_is_not_added_and_what_was_typed_stays(
    lab: Any, number: int | None, why: str, told: str
) -> None:
    own = begun(lab.folder)
    app = filled(lab.page("review"), line=5, number=number, why=why)
    assert told in said(app)
    assert stored(own) == []
    assert app.text_area[0].value == why


def test_a_range_that_ends_before_it_begins_is_not_guessed_at(lab: Any) -> None:
    own = begun(lab.folder)
    app = lab.page("review")
    app.number_input[1].set_value(2)
    app = filled(app, line=5, number=78, why="why not")
    assert "Not added: got lines 5 to 2" in said(app)
    assert stored(own) == []


def test_two_tabs_lose_nothing_of_each_other(lab: Any) -> None:
    own = begun(lab.folder)
    first, second = lab.page("review"), lab.page("review")
    filled(first, line=5, number=78, why="of the first tab")
    filled(second, line=4, number=20, why="of the second tab")
    assert stored(own) == [(4, 20, "of the second tab"), (5, 78, "of the first tab")]


def test_a_note_is_taken_back_once_whatever_another_tab_did(lab: Any) -> None:
    own = begun(lab.folder)
    sample = review.read(own)
    review.add(own, sample, note())
    review.add(own, sample, note(4, "stays there", 20))
    for _ in range(2):
        review.remove(own, sample, note())
    assert stored(own) == [(4, 20, "stays there")]


def test_a_note_in_the_sample_itself_is_shown_and_left_there(lab: Any) -> None:
    own = begun(lab.folder)
    (own / "views.py").write_text(FILES["views.py"].replace("import os", "import os  # review: CWE-20 low: why that"))
    app = lab.page("review")
    assert "stands in the file itself" in said(app)
    assert "why that" in said(app)


def test_notes_that_cannot_be_read_are_told_and_never_overwritten(lab: Any) -> None:
    own = begun(lab.folder)
    (own / "notes.yaml").write_text("notes: [")
    app = filled(lab.page("review"), line=5, number=78, why="why not")
    assert "notes.yaml:2: got" in said(app)
    assert "Nothing was saved" in said(app)
    assert (own / "notes.yaml").read_text() == "notes: ["


def test_a_review_file_that_is_broken_is_told(lab: Any) -> None:
    own = begun(lab.folder)
    (own / ".review.json").write_text("{")
    assert "The review can't be read" in said(lab.page("review"))
    with pytest.raises(SourceAway):
        review.read(own)
