"""Completion: what a shell is told, by the scripts in the real shells where they are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.cli import complete, completing
from chaos.cli.commands import COMMANDS
from chaos.evidence.writing import encode
from chaos.model.verdict import plain
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.cli.test_imports import CHECKOUT, LIBRARIES
from tests.unit.chaos.documents import document

FIREDRILL = Path(sys.executable).with_name("firedrill")
RUNS = ("20261101-101500-flash-sale-naive-s7", "20261102-101500-database-down-attempt-s3")
ZSH = r"""
autoload -Uz compinit && compinit -u -d "$HOME/dump"
source "$1"
compadd() {
  local -a found
  builtin compadd -O found "$@" 2>/dev/null
  print -rl -- $found >>"$HOME/found"
  builtin compadd "$@"
}
zle -C complete complete-word _main_complete
"""


def finding(check: str, verdict: str) -> dict[str, str]:
    return {"check": check, "kind": "invariant", "verdict": verdict, "expected": "", "measured": ""}


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs, of which the newest is violated, and folders that nobody wants in a shell."""
    root = tmp_path / "evidence"
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(root))
    for name in (*RUNS, "20261103-$(touch x)", "20261103-a\nb"):
        (root / name).mkdir(parents=True)
        (root / name / "journal.jsonl").touch()
    findings = [finding("no_oversell", "violated"), finding("sells_out", "held")]
    (root / RUNS[1] / "verdict.json").write_bytes(encode(plain(document(findings=findings))))
    return root


def told(*words: str) -> list[str]:
    """What may become of the last of *words*."""
    *before, current = words
    return [word for word, _ in complete.candidates(before, current) if word.startswith(current)]


def test_the_shapes_are_those_of_the_commands() -> None:
    """Written by `python -m chaos.cli.completing > chaos/cli/shapes.json`."""
    assert json.loads(complete.SHAPES.read_bytes()) == completing.shapes()


def test_commands_and_options() -> None:
    assert told("") == list(COMMANDS)
    assert told("attempt", "") == ["start", "reset", "manage", "serve"]
    assert told("run", "x", "--se") == ["--seed"]
    assert told("run", "x", "--seed", "") == []  # a number
    assert told("export", "--format", "m") == ["markdown"]
    assert told("check", "3", "--part", "") == ["core", "stretch", "all"]
    assert told("try", "placeO") == ["placeOrder"]
    assert told("dance", "") == told("attempt", "dance", "") == []


def test_scenarios_variants_and_drills() -> None:
    assert told("run", "concurrency/fl") == ["concurrency/flash-sale"]
    assert told("run", "flash") == ["flash-sale"]
    assert told("run", "refresh-r") == []  # of two folders: neither alone
    assert told("run", "--seed", "3", "concurrency/fl") == ["concurrency/flash-sale"]
    assert {"naive", "hardened"} <= set(told("run", "x", "--variant", ""))
    assert told("run", "x", "--variant", "=", "nai") == ["naive"]  # as bash splits it
    assert told("selftest", "a", "flash") == ["flash-sale"]
    assert told("check", "") == ["1", "2", "3", "4", "5", "6"]


def test_runs_and_checks(evidence: Path) -> None:
    assert told("verify", "") == ["last", RUNS[1], RUNS[0]]
    assert told("verify", "last", "nai") == ["naive"]
    assert told("queries", "--run", "2026") == [RUNS[1], RUNS[0]]
    assert told("compare", RUNS[0], "2026") == [RUNS[1], RUNS[0]]
    for words in ((), ("last",), ("last", "attempt"), (RUNS[1],)):
        assert told("explain", *words, "no_") == ["no_oversell"]
    assert told("explain", RUNS[0], "no_") == []


def test_it_is_never_an_error(evidence: Path) -> None:
    (evidence / RUNS[1] / "verdict.json").write_text("[")
    (evidence / RUNS[0]).chmod(0o700)
    done = subprocess.run([FIREDRILL, "__complete", "explain", ""], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert subprocess.run([FIREDRILL, "__complete"], capture_output=True, text=True, check=True).stderr == ""


def test_it_imports_next_to_nothing(evidence: Path) -> None:
    """A person waits for it at each press of the key."""
    program = (
        "import sys; sys.argv = ['firedrill', '__complete', 'explain', 'last', '']\n"
        "from chaos.cli.complete import main; main(); print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    found = set(done.stdout.splitlines()[-1].split())
    assert "chaos.cli.complete" in found
    never = (
        *LIBRARIES,
        "typer",
        "click",
        "pydantic",
        "yaml",
        "rich",
        "chaos.load",
        "chaos.drills",
        "chaos.model.faults",
    )
    assert [name for name in never if name in found] == []


def in_bash(home: Path, *words: str) -> list[str]:
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _firedrill; printf "%s\\n" "${COMPREPLY[@]}"; '
        "complete -p firedrill >&2"
    )
    return _asked(["bash", "--norc", "-c", script, "bash", str(_script(home, "bash")), *words], home)


def in_fish(home: Path, *words: str) -> list[str]:
    line = " ".join([str(words[0]), *words[1:]])
    ask = f"source {_script(home, 'fish')}; complete --do-complete '{line}'"
    found = _asked(["fish", "--no-config", "-c", ask], home)
    return [each.partition("\t")[0] for each in found]


def in_zsh(home: Path, *words: str) -> list[str]:
    """In a terminal of its own: zsh completes nowhere else."""
    import pty  # noqa: PLC0415 - of Unix alone

    (home / ".zshrc").write_text(
        ZSH.replace("$1", str(_script(home, "zsh"))) + "PS1='ready> '\nbindkey '^I' complete\n"
    )
    keys = " ".join(words) + "\t"
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"HOME": str(home), "ZDOTDIR": str(home), "TERM": "dumb"}
        os.execv(shutil.which("zsh") or "", ["zsh", "-i"])
    seen = b""
    while b"ready> " not in seen:
        seen += os.read(terminal, 4096)
    os.write(terminal, keys.encode())
    found = home / "found"
    for _ in range(200):
        if found.exists() and found.read_text().strip():
            break
        subprocess.run(["sleep", "0.1"], check=True)
    os.write(terminal, b"\x03exit\n")
    os.close(terminal)
    os.waitpid(pid, 0)
    return list(dict.fromkeys(found.read_text().split("\n")))


def _script(home: Path, shell: str) -> Path:
    path = home / f"script.{shell}"
    done = subprocess.run([FIREDRILL, "completion", shell], capture_output=True, text=True, check=True)
    path.write_text(done.stdout)
    return path


def _asked(command: list[str], home: Path) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=home)
    return done.stdout.splitlines()


SHELLS = {"bash": in_bash, "fish": in_fish, "zsh": in_zsh}


@pytest.mark.parametrize("shell", SHELLS)
def test_in_the_real_shell(shell: str, evidence: Path, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    asked: Callable[..., list[str]] = SHELLS[shell]

    def said(*words: str) -> list[str]:
        (tmp_path / "found").unlink(missing_ok=True)
        return [each for each in asked(tmp_path, str(FIREDRILL), *words) if each]

    assert {"replay", "review", "reveal"} <= set(said("re"))
    assert {"naive", "hardened"} <= set(said("run", "flash-sale", "--variant", ""))
    assert {"last", *RUNS} == set(said("verify", ""))


def test_every_shell_has_its_script(shell: Shell) -> None:
    for name in SHELLS:
        said = shell("completion", name)
        assert (said.code, said.err) == (0, "")
        assert "__complete" in said.out
    assert shell("completion", "tcsh").code == 2
