"""Drill 6 from its start to what is handed in, in a copy of the shop; and every bad input on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.samples import sample
from chaos.adapters.scanners import Found
from chaos.cli.review_text import check_text, key_text
from chaos.drills import attempt as attempts
from chaos.drills import review as reviews
from chaos.drills.deliverables.review import deliver
from chaos.errors import InvalidInput, LabBroken
from chaos.model import cwe
from chaos.model.notes import Note
from chaos.review import sarif

SEED = 3
NO_SCANNERS = [Found(scanner="ruff", why="not there")]


class Record:
    """A scorecard's record of hints; one that is *down* takes none."""

    def __init__(self, *, down: bool = False) -> None:
        self.down, self.opened = down, list[tuple[str, str]]()

    def open_hint(self, *, drill: str, hint: str) -> None:
        if self.down:
            raise OSError("scorecard: got no answer, expected one")
        self.opened.append((drill, hint))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The variants that an attempt is made from, elsewhere."""
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "lab"))
    variant = sample(SEED).variant
    for name in ("naive", variant):
        shutil.copytree(attempts.SHOP / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def begun(shop: Path) -> Path:
    reviews.start(SEED, shop=shop)
    return shop


def noted(shop: Path, found: str, said: str, file: str = "views.py") -> None:
    path = shop / "attempt" / "review" / file
    text = path.read_text()
    assert found in text
    at = text.index("\n", text.index(found))
    path.write_text(f"{text[:at]}  # review: {said}{text[at:]}")


def report(shop: Path, scanned: list[Found] | None = None) -> reviews.Report:
    return reviews.check(shop=shop, scan=lambda files: NO_SCANNERS if scanned is None else scanned)


def test_the_sample_is_there_twice_to_be_read_and_to_be_mended(begun: Path) -> None:
    attempt = begun / "attempt"
    for name in ("views.py", "serializers.py", "tasks.py"):
        assert (attempt / "review" / name).read_text() == (attempt / "backoffice" / name).read_text()
    assert (attempt / ".base").read_text() == f"draft_6_{SEED}\n"
    assert reviews.load(begun).notes == []


def test_notes_in_place_and_in_yaml_are_graded_together(begun: Path) -> None:
    noted(begun, "where=[f", "CWE-89 critical: the term becomes SQL")
    reviews.save_notes(
        begun / "attempt" / "review",
        [Note(file="tasks.py", line=1, last_line=2, cwe=22, severity="low", why="nothing is there")],
    )
    grade = report(begun).grade
    assert grade is not None
    assert len(grade.matched) == 1
    assert grade.precision == 0.5
    told = check_text(report(begun))
    assert "recall 9% (weighted by severity), precision 50%, traps 0%" in told
    assert "○ is for your mentor: 1 note(s)" in told


def test_a_mentor_gets_notes_and_code_by_the_patch(begun: Path, tmp_path: Path) -> None:
    attempt = begun / "attempt"
    for folder, after in (("review", "  # review: CWE-20 low: because"), ("backoffice", "  # mended")):
        views = attempt / folder / "views.py"
        views.write_text(views.read_text().replace("\nPAGE = 50\n", f"\nPAGE = 50{after}\n"))
    patch, notes = attempts.patch("attempt", begun), reviews.load(begun).notes
    assert patch
    assert b"new file" not in patch
    reviews.start(SEED, shop=begun)
    subprocess.run(["git", "apply", "-"], cwd=attempt, input=patch, check=True, env={"GIT_CEILING_DIRECTORIES": "/"})
    assert reviews.load(begun).notes == notes != []
    assert "# mended" in (attempt / "backoffice" / "views.py").read_text()


def test_who_begins_anew_on_the_same_sample_has_still_seen_its_key(begun: Path) -> None:
    reviews.reveal(Record(), shop=begun)
    reviews.start(SEED, shop=begun)
    assert reviews.load(begun).state.revealed
    another = sample(SEED + 1).variant
    shutil.copytree(attempts.SHOP / another, begun / another)
    reviews.start(SEED + 1, shop=begun)
    assert not reviews.load(begun).state.revealed
    reviews.start(SEED, shop=begun)
    assert reviews.load(begun).state.revealed


def test_a_key_that_can_t_go_on_record_is_not_told(begun: Path) -> None:
    with pytest.raises(LabBroken, match="the key is told only when that is on record"):
        reviews.reveal(Record(down=True), shop=begun)
    assert not reviews.load(begun).state.revealed


def test_the_key_says_which_trap_somebody_fell_for(begun: Path) -> None:
    trap = next(one for one in sample(SEED).key if one.slot == "document_path")
    place = trap.places[0]
    note = Note(file=place.file, line=place.line, last_line=place.line, cwe=22, severity="high", why="a path")
    reviews.save_notes(begun / "attempt" / "review", [note])
    _, key, grade = reviews.reveal(Record(), shop=begun)
    told = [line for line in key_text(key, grade).splitlines() if line.startswith("  ■")]
    assert [line.endswith(trap.title) for line in told] == [True]


def test_what_was_missed_is_told_by_file_and_severity_until_it_is_revealed(begun: Path) -> None:
    text = check_text(report(begun)) + json.dumps(report(begun).document())
    key = sample(SEED).key
    assert not [one.title for one in key if one.title in text]
    review, shown, grade = reviews.reveal(record := Record(), shop=begun)
    assert not [one.title for one in key if one.title not in key_text(shown, grade)]
    assert reviews.load(begun).state.revealed
    assert record.opened == [("ai-review", "answer-key")]
    assert "these grades count no more" in check_text(report(begun))
    assert review.state.seed == SEED


def test_notes_that_scanners_have_too_are_graded_and_shown_as_such(begun: Path) -> None:
    noted(begun, "where=[f", "CWE-89 critical: the term becomes SQL")
    (note,) = reviews.load(begun).notes
    found = [Found(scanner="ruff", notes=[note])]
    told = check_text(report(begun, found))
    assert "of your notes, all of them: 1 stand where a scanner has one of the same number" in told
    assert "ruff: 1 finding(s), recall 9%, precision 100%, traps 0%" in told


def test_a_sample_that_was_changed_instead_of_the_code_is_refused_with_the_diff(begun: Path) -> None:
    path = begun / "attempt" / "review" / "views.py"
    path.write_text(path.read_text().replace("PAGE = 50", "PAGE = 20"))
    with pytest.raises(InvalidInput) as caught:
        report(begun)
    assert "expected it with notes only" in caught.value.problems[0]
    assert {"-PAGE = 50", "+PAGE = 20"} <= set(caught.value.problems)


def test_everything_that_is_wrong_is_told_whatever_file_it_is_in(begun: Path) -> None:
    noted(begun, "where=[f", "CWE-89: no severity")
    (begun / "attempt" / "review" / "notes.yaml").write_text("notes: 1")
    with pytest.raises(InvalidInput) as caught:
        reviews.load(begun)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["views.py", "notes.yaml"]


def test_there_is_nothing_to_check_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got no review, expected one"):
        reviews.load(tmp_path)


def test_an_attempt_that_is_there_is_kept(begun: Path) -> None:
    _, kept = reviews.start(SEED, shop=begun)
    assert kept is not None
    assert (kept / "review" / ".review.json").is_file()


def test_imported_code_has_the_same_flow_and_no_key(shop: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_text("import os\n\n\ndef f(name):\n    return os.popen(name)\n")
    reviews.import_code(own, shop=shop)
    noted(shop, "os.popen", "CWE-78 high: the name is a command", "mine.py")
    its = report(shop)
    assert its.grade is None
    assert its.document()["ceiling"] == reviews.NO_KEY
    assert f"not graded: {reviews.NO_KEY}" in check_text(its)
    with pytest.raises(InvalidInput, match="imported code"):
        reviews.reveal(Record(), shop=shop)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"def f(:\n", "mine.py:1: got invalid syntax, expected Python"),
        (b"\xff\xfe\x00", "mine.py: got a byte that is no UTF-8"),
        (b"x = 1\n" * 2_000_000, "mine.py: got 12.0 MB, expected at most 1 MiB"),
        (b"x = '\0'\n", "mine.py"),
        (b"\n\n", "mine.py: got an empty file"),
        (b"(" * 5_000, "mine.py"),
    ],
)
def test_what_is_no_python_is_not_imported(content: bytes, told: str, shop: Path, tmp_path: Path) -> None:
    own = tmp_path / "mine.py"
    own.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        reviews.import_code(own, shop=shop)
    assert caught.value.problems[0].startswith(told)
    assert not (shop / "attempt").exists()


def test_sarif_goes_out_and_comes_back(begun: Path, tmp_path: Path) -> None:
    noted(begun, "where=[f", "CWE-89 critical: the term becomes SQL, ünd »more«")
    notes = reviews.load(begun).notes
    document = sarif.exported(notes, folder="services/shop/attempt/backoffice")
    out = tmp_path / "notes.sarif"
    out.write_text(json.dumps(document))
    assert reviews.import_sarif(out, shop=begun) == (1, [])
    back = reviews.yaml_notes(begun / "attempt" / "review", reviews.load(begun).state.files)
    assert [(n.file, n.line, n.cwe, n.severity, n.why) for n in back] == [
        (n.file, n.line, n.cwe, n.severity, n.why) for n in notes
    ]
    assert len(reviews.load(begun).notes) == 1  # said twice, counted once


def test_what_sarif_cannot_say_is_left_out_and_told(begun: Path, tmp_path: Path) -> None:
    out = tmp_path / "notes.sarif"
    place = {"physicalLocation": {"artifactLocation": {"uri": "x/views.py"}, "region": {"startLine": 9999}}}
    results = [{"ruleId": "style"}, {"ruleId": "CWE-89", "locations": [place]}, {"ruleId": "CWE-89"}, 3]
    out.write_text(json.dumps({"runs": [{"results": results}]}))
    new, left = reviews.import_sarif(out, shop=begun)
    assert new == 0
    assert [one.partition("left out: ")[2] for one in left] == [
        "it names no CWE",
        "line 9999 is not in views.py",
        "no file is no file of the sample",
        "no result",
    ]
    out.write_text("[1]")
    with pytest.raises(InvalidInput, match="got no SARIF"):
        reviews.import_sarif(out, shop=begun)


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"locations": [{"physicalLocation": None}]}, "no file is no file"),
        ({"locations": [{"physicalLocation": {"artifactLocation": None, "region": None}}]}, "no file is no file"),
        ({"locations": [{"physicalLocation": {"artifactLocation": {"uri": "views.py"}, "region": None}}]}, "line None"),
        ({"locations": [3], "message": "text"}, "no file is no file"),
        ({"region": {"startLine": True}}, "line True is not in"),
        ({"region": {"startLine": 3, "endLine": None}}, ""),
        ({"properties": {"severity": []}}, ""),
        ({"uri": "x/views%2Epy"}, ""),
        ({"message": {"text": "."}}, ""),
        ({"message": {"text": "a\x1b[31mred\nline"}}, ""),
        ({"level": {"a": 1}}, ""),
    ],
)
def test_odd_sarif_leaves_notes_that_can_be_read(
    result: dict[str, Any], told: str, begun: Path, tmp_path: Path
) -> None:
    uri, region = result.pop("uri", "views.py"), result.pop("region", {"startLine": 3})
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
    out = tmp_path / "notes.sarif"
    told_of = {"runs": [{"results": [{"ruleId": "CWE-89", "locations": [place], **result}]}]}
    out.write_text(json.dumps(told_of), encoding="utf-8-sig")
    new, left = reviews.import_sarif(out, shop=begun)
    assert (new, [told in one for one in left]) == ((0, [True]) if told else (1, []))
    assert len(reviews.load(begun).notes) == new


def test_sarif_adds_no_more_notes_than_can_be_read_again(begun: Path, tmp_path: Path) -> None:
    def results(line: int) -> str:
        place = {"physicalLocation": {"artifactLocation": {"uri": "views.py"}, "region": {"startLine": line}}}
        numbers = sorted(cwe.names())[:600]
        return json.dumps({"runs": [{"results": [{"ruleId": f"CWE-{n}", "locations": [place]} for n in numbers]}]})

    out = tmp_path / "notes.sarif"
    out.write_text(results(3))
    assert reviews.import_sarif(out, shop=begun)[0] == 600
    out.write_text(results(4))
    with pytest.raises(InvalidInput, match="expected at most 1000"):
        reviews.import_sarif(out, shop=begun)
    assert len(reviews.load(begun).notes) == 600


def test_what_is_handed_in(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "make_base", lambda base: None)  # the draft is in the copy already
    with pytest.raises(InvalidInput, match="got no notes"):
        deliver(tmp_path / "out", shop=begun)
    noted(begun, "where=[f", "CWE-89 critical: <script> | `becomes` SQL")
    with pytest.raises(InvalidInput, match="got the code as it was given"):
        deliver(tmp_path / "out", shop=begun)
    code = begun / "attempt" / "backoffice" / "views.py"
    code.write_text(code.read_text().replace("PAGE = 50", "PAGE = 40"))
    paths = deliver(tmp_path / "out", shop=begun)
    assert [path.name for path in paths] == ["review.md", "review.html", "refactor.patch"]
    markdown, page, patch = (path.read_text() for path in paths)
    assert "**CWE-89, critical** (line" in markdown
    assert "<script>" not in page
    assert 'id="views.py-L1"' in page
    assert "+PAGE = 40" in patch
    assert "review/" not in patch
