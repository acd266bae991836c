"""Every command: exit codes, one JSON document, sentences instead of tracebacks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.errors import Inconclusive, LabBroken, LearnerCodeError
from tests.unit.chaos.cli.shell import FakeLab, Shell

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("command", [("heal",), ("index",), ("export", "--format", "json"), ("import", "map.json")])
def test_commands_that_need_a_stack(shell: Shell, command: tuple[str, ...]) -> None:
    said = shell(*command)
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("firedrill: stack: got a stack that is down (")
    assert said.err.endswith("), expected it up (make up)\n")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"mode": 5}'])
def test_an_address_book_that_can_t_be_read(shell: Shell, content: str) -> None:
    shell.lab.mkdir()
    (shell.lab / "stack.json").write_text(content)
    said = shell("heal", "--json")
    assert said.code == 4
    assert said.json["error"]["exit_code"] == 4


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LearnerCodeError("services/shop/attempt/views.py:3: got a syntax error, expected Python"), 2),
        (Inconclusive("steady on naive: got stopped by SIGINT, expected to run it"), 3),
        (LabBroken("heal: got a toxic\nand another, expected pristine proxies"), 4),
        (OSError(28, "No space left on device", "/evidence/x"), 4),
        (KeyboardInterrupt(), 3),
    ],
)
def test_errors_are_sentences_and_exit_codes(
    shell: Shell, fake: FakeLab, steady: str, error: BaseException, code: int
) -> None:
    fake.results["naive"] = error
    said = shell("run", steady, "--variant", "naive")
    assert said.code == code
    if isinstance(error, KeyboardInterrupt):
        assert said.err == "firedrill: stopped by hand\n"
    elif isinstance(error, OSError):
        assert said.err == "firedrill: /evidence/x: got No space left on device, expected it to work\n"
    else:
        assert said.err == "".join(f"firedrill: {line}\n" for line in str(error).splitlines())


def test_errors_as_json_are_one_document(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results["naive"] = LabBroken("a: got b, expected c")
    said = shell("run", steady, "--variant", "naive", "--json")
    assert said.json == {"error": {"exit_code": 4, "message": "a: got b, expected c"}}


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "x", "--seed", "-1"),
        ("run", "x", "--seed", "much"),
        ("run", "x", "--scale", "0"),
        ("run", "x", "--scale", "nan"),
        ("run", "x", "--workers", "0"),
        ("run", "x", "--workers-elsewhere", "0"),
        ("run", "x\0y"),
        ("run", ""),
        ("run", "/dev/null"),
        ("run", "/etc/shadow-"),
        ("selftest",),
        ("selftest", "--all", "x"),
        ("validate", "/dev/null"),
        ("validate", "/"),
        ("validate", "\udcff"),
        ("verify",),
        ("verify", "a\0b"),
        ("verify", "x" * 5000),
        ("verify", "/dev/null"),
        ("verify", "\udcff"),
        ("deliver",),
        ("deliver", "3\0"),
        ("list", "--nonsense"),
        ("dance",),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_no_bad_input_ends_in_a_traceback(
    shell: Shell, fake: FakeLab, arguments: tuple[str, ...], as_json: bool
) -> None:
    said = shell(*arguments, *(["--json"] if as_json else []))
    assert said.code == 2
    assert said.err or as_json
    assert fake.asked == []


@pytest.mark.parametrize("command", [["list"], ["schema"], ["validate", "/dev/null", "--json"], ["run", "nobody"]])
def test_a_reader_that_has_gone(command: list[str]) -> None:
    """`firedrill list | head -0`, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "chaos.cli", *command],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert process.returncode == (4 if command[0] != "run" else 2)


def test_the_installed_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("firedrill")), "validate", "/dev/null", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem.startswith("scenario: got '/dev/null', expected a file or one of ")


def test_help_names_the_command_as_it_is_typed() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "chaos.cli", "deliver", "--help"],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "Usage: firedrill deliver [OPTIONS]" in said.stdout
