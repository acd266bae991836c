"""Patches of mutants: exact about lines, easy about their numbers."""

from __future__ import annotations

import pytest

from services.stack.unified_diff import DoesNotApply, applied, parse

OLD = "one\ntwo\nthree\nfour\nfive\n"
DIFF = """\
Prose before it. --- is no file.

--- a/x.py
+++ b/x.py
@@ -2,3 +2,3 @@
 two
-three
+THREE
 four
"""


def once(text: str, old: str | None) -> str | None:
    [diff] = parse(text)
    return applied(diff, old)


def test_it_applies() -> None:
    assert once(DIFF, OLD) == "one\ntwo\nTHREE\nfour\nfive\n"


def test_lines_may_have_moved() -> None:
    assert once(DIFF, "zero\nzero\n" + OLD) == "zero\nzero\none\ntwo\nTHREE\nfour\nfive\n"


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(OLD.replace("two", "2"), id="other context"),
        pytest.param(OLD.replace("three", "3"), id="other line"),
        pytest.param("zero\n" + OLD + OLD, id="two places, neither where it was"),
        pytest.param("", id="nothing there"),
    ],
)
def test_what_does_not_fit_is_refused(old: str) -> None:
    with pytest.raises(DoesNotApply, match=r"x\.py: hunk 1 \(line 2\): got other lines"):
        once(DIFF, old)


def test_of_two_places_the_one_where_it_was() -> None:
    assert once(DIFF, OLD + OLD) == "one\ntwo\nTHREE\nfour\nfive\n" + OLD


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(DoesNotApply, match="got no such file, expected one"):
        once(DIFF, None)


def test_files_come_and_go() -> None:
    new = "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n"
    gone = "--- a/old.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n---- b\n"
    assert once(new, None) == "a\nb\n"
    assert once(gone, "a\n--- b\n") is None
    with pytest.raises(DoesNotApply, match="got a file that is there already, expected none"):
        once(new, "a\n")
    with pytest.raises(DoesNotApply, match="got 1 more lines, expected the diff to remove all"):
        once(gone, "a\n--- b\nc\n")


def test_several_hunks_and_files() -> None:
    text = (
        "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n one\n+1.5\n@@ -5 +6 @@\n-five\n+5\n"
        "--- a/y\n+++ b/y\n@@ -1,2 +1,2 @@\n \n-b\n+B\n"
    )
    first, second = parse(text)
    assert applied(first, OLD) == "one\n1.5\ntwo\nthree\nfour\n5\n"
    assert applied(second, "\nb\n") == "\nB\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("nothing", "got no `---`", id="no diff"),
        pytest.param("--- a/x\n+++ b/x\n", "x: got no hunk", id="no hunk"),
        pytest.param("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n one\n", "expected more lines", id="cut short"),
        pytest.param("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", "expected a/PATH or b/PATH", id="elsewhere"),
        pytest.param("--- a//x\n+++ b//x\n@@ -1 +1 @@\n-a\n+b\n", "expected a/PATH or b/PATH", id="absolute"),
    ],
)
def test_what_is_no_diff_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DoesNotApply, match=reason):
        parse(text)
