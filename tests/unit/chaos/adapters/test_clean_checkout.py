"""A clean checkout, of a small repository with a `make install` and a `firedrill` of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from chaos.adapters.clean_checkout import ATTEMPT, CleanCheckout
from chaos.errors import InvalidInput, LabBroken

FIREDRILL = f"""\
#!/bin/sh
if [ "$1 $2" = "attempt start" ]; then mkdir -p {ATTEMPT} && printf 'one\\ntwo\\n' > {ATTEMPT}/a.py; exit; fi
if [ "$1" = broken ]; then echo 'firedrill: lab: got nothing' >&2; exit 4; fi
if [ "$1" = slow ]; then sleep 30; fi
echo "$@ port=$FIREDRILL_BASE_PORT evidence=$FIREDRILL_EVIDENCE_DIR"
"""
MAKEFILE = """\
install:
\tmkdir -p .venv/bin && cp firedrill .venv/bin/firedrill && chmod +x .venv/bin/firedrill
"""
PATCH = b"diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n"


def git(top: Path, *words: str) -> str:
    named = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    return subprocess.run(["git", *named, *words], cwd=top, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    top = tmp_path / "source"
    top.mkdir()
    (top / "firedrill").write_text(FIREDRILL)
    (top / "Makefile").write_text(MAKEFILE)
    (top / ".gitignore").write_text(f".venv/\n{ATTEMPT}/\n")
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    return top


@pytest.fixture
def checkout(tmp_path: Path) -> CleanCheckout:
    return CleanCheckout(top=tmp_path / "lab" / "mentor", base_port=24000, say=lambda _: None)


def test_it_has_what_is_committed_and_one_patch(
    source: Path, checkout: CleanCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", "/mine")
    (source / "Makefile").write_text("install:\n\tfalse\n")  # not committed
    (source / "mine.txt").write_text("")
    assert checkout.make(source) == git(source, "rev-parse", "HEAD").strip()
    assert not (checkout.top / "mine.txt").exists()
    checkout.attempt([], PATCH)
    assert (checkout.top / ATTEMPT / "a.py").read_text() == "one\nthree\n"
    assert checkout.command("check", "3").out == "check 3 port=24000 evidence=\n", "nothing of the mentor's own lab"


def test_the_mentors_own_git_settings_change_nothing(
    source: Path, checkout: CleanCheckout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config" / "git").mkdir(parents=True)
    (home / ".config" / "git" / "ignore").write_text("left.txt\n")
    (home / ".config" / "git" / "attributes").write_text("* text eol=crlf\n")
    (home / ".gitconfig").write_text("[core]\n\tautocrlf = true\n[apply]\n\twhitespace = error\n")
    monkeypatch.setenv("HOME", str(home))
    checkout.make(source)
    (checkout.top / "left.txt").write_text("")
    checkout.make(source)
    assert not (checkout.top / "left.txt").exists()
    assert (checkout.top / "firedrill").read_bytes() == FIREDRILL.encode()
    checkout.attempt([], PATCH.replace(b"+three", b"+three "))
    assert (checkout.top / ATTEMPT / "a.py").read_bytes() == b"one\nthree \n"


def test_it_is_used_again_and_nothing_of_before_is_left(source: Path, checkout: CleanCheckout) -> None:
    checkout.make(source)
    checkout.attempt([], PATCH)
    (checkout.top / "evidence").mkdir()
    (checkout.top / "firedrill").write_text("changed")
    (checkout.top / "left.txt").write_text("")
    (source / "more.txt").write_text("")
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "second")
    checkout.make(source)
    left = {path.name for path in checkout.top.iterdir()} - {".git"}
    assert left == {"firedrill", "Makefile", ".gitignore", ".venv", "more.txt", "services"}
    assert list((checkout.top / "services").rglob("*.py")) == []
    assert (checkout.top / "firedrill").read_text() == FIREDRILL


def test_at_a_revision_that_is_asked_for(source: Path, checkout: CleanCheckout) -> None:
    first = git(source, "rev-parse", "HEAD").strip()
    (source / "more.txt").write_text("")
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "second")
    assert checkout.make(source, at=first[:10]) == first
    assert not (checkout.top / "more.txt").exists()
    for odd in ("nothing", "--help", "-x", "a..b c", ""):
        with pytest.raises(InvalidInput, match="--at: got"):
            checkout.make(source, at=odd)


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        (PATCH.replace(b"-two", b"-2"), "expected it to apply to a fresh attempt"),
        (
            b"diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+/etc\n",
            "a file of mode 120000",
        ),
        (b"diff --git a/../../../x b/../../../x\n--- /dev/null\n+++ b/../../../x\n@@ -0,0 +1 @@\n+1\n", "to apply"),
        (
            b"diff --git a/.git/x b/.git/x\nnew file mode 100755\n--- /dev/null\n+++ b/.git/x\n@@ -0,0 +1 @@\n+1\n",
            "mode 100755",
        ),
        (b"no patch", "expected it to apply"),
    ],
)
def test_a_patch_that_is_none_or_leaves_the_attempt(
    source: Path, checkout: CleanCheckout, patch: bytes, problem: str
) -> None:
    checkout.make(source)
    with pytest.raises(InvalidInput, match=r"attempt\.patch: got") as refused:
        checkout.attempt([], patch)
    assert problem in str(refused.value)
    assert not (checkout.top.parent / "x").exists()
    assert git(checkout.top, "status", "--short") == ""


def test_what_goes_wrong_is_a_sentence(source: Path, checkout: CleanCheckout, tmp_path: Path) -> None:
    checkout.make(source)
    assert checkout.command("broken").code == 4
    with pytest.raises(LabBroken, match="got firedrill: lab: got nothing, expected it to work in"):
        checkout.command("broken", must=True)
    with pytest.raises(LabBroken, match=r"got nothing in 0\.2 s"):
        checkout.command("slow", timeout_s=0.2)
    with pytest.raises(LabBroken, match="expected a clean checkout"):
        checkout.make(tmp_path / "nowhere")
