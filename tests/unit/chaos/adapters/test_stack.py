"""The stack as a subprocess: its document, its errors, and what they are to the engine."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from chaos.adapters.stack import ask_stack, flatten_identities
from chaos.errors import ExitCode, FiredrillError, InvalidInput, LabBroken, LearnerCodeError


def stack(stdout: str = "", code: int = 0, stderr: str = "", sleep_s: float = 0.0) -> tuple[str, ...]:
    """A stack that says that."""
    program = f"import sys, time; sys.stdout.write({stdout!r}); sys.stderr.write({stderr!r}); time.sleep({sleep_s}); "
    return (sys.executable, "-c", program + f"sys.exit({code})")


def failing(kind: str, code: int, message: str = "a: got b, expected c") -> tuple[str, ...]:
    return stack(json.dumps({"error": {"kind": kind, "message": message, "file": None, "line": None}}), code)


def test_a_document() -> None:
    assert ask_stack(["status"], program=stack('{"mode": "local"}', stderr="progress\n")) == {"mode": "local"}


def test_it_is_asked_for_a_document_and_gets_no_input() -> None:
    echo = (sys.executable, "-c", "import json, sys; print(json.dumps({'a': sys.argv[1:], 'in': sys.stdin.read()}))")
    assert ask_stack(["prepare", "--seed", "7"], program=echo) == {"a": ["prepare", "--seed", "7", "--json"], "in": ""}


@pytest.mark.parametrize(
    ("kind", "code", "error", "exit_code"),
    [
        ("learner_code", 2, LearnerCodeError, ExitCode.INVALID),
        ("unknown_variant", 2, InvalidInput, ExitCode.INVALID),
        ("bad_input", 2, InvalidInput, ExitCode.INVALID),
        ("other_base_port", 2, InvalidInput, ExitCode.INVALID),
        ("port_taken", 4, LabBroken, ExitCode.LAB_BROKEN),
        ("not_ready", 4, LabBroken, ExitCode.LAB_BROKEN),
        ("missing_part", 4, LabBroken, ExitCode.LAB_BROKEN),
        ("disk", 4, LabBroken, ExitCode.LAB_BROKEN),
        ("something_new", 4, LabBroken, ExitCode.LAB_BROKEN),
    ],
)
def test_the_stack_s_own_sentence(kind: str, code: int, error: type[FiredrillError], exit_code: ExitCode) -> None:
    with pytest.raises(FiredrillError) as caught:
        ask_stack(["up"], program=failing(kind, code))
    assert type(caught.value) is error
    assert str(caught.value) == "a: got b, expected c"
    assert caught.value.exit_code is exit_code


def test_several_lines_stay_several_lines() -> None:
    with pytest.raises(LabBroken) as caught:
        ask_stack(["up"], program=failing("port_taken", 4, "port 1: got x\nport 2: got y"))
    assert str(caught.value).splitlines() == ["port 1: got x", "port 2: got y"]


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (stack("{}", 4), "stack up: got exit code 4 without a reason, expected one"),
        (stack('{"error": "x"}', 4), "stack up: got exit code 4 without a reason, expected one"),
        (stack("[]", 4), "stack up: got exit code 4, expected a JSON document (make logs)"),
        (stack("", 0), "stack up: got exit code 0, expected a JSON document (make logs)"),
        (
            stack("", 1, "Traceback\nImportError: no django\n"),
            "stack up: got exit code 1 (ImportError: no django), expected a JSON document (make logs)",
        ),
        (stack("{} {}", 0), "stack up: got exit code 0, expected a JSON document (make logs)"),
        (("/nowhere/python",), "stack up: got No such file or directory, expected it to start"),
    ],
)
def test_a_stack_that_speaks_another_language(program: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(LabBroken) as caught:
        ask_stack(["up"], program=program)
    assert str(caught.value) == sentence


def test_a_stack_that_does_not_end() -> None:
    with pytest.raises(LabBroken, match=r"^stack prepare: got nothing in 0.2 s, expected an answer \(make logs\)$"):
        ask_stack(["prepare"], timeout_s=0.2, program=stack(sleep_s=30))


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ({"api": {"pid": 1, "started_unix_s": 5.0}}, {"api": {"pid": 1, "started_unix_s": 5.0, "pids": [1, 2]}}, True),
        ({"api": {"pid": 1, "started_unix_s": 5.0}}, {"api": {"pid": 1, "started_unix_s": 6.0}}, False),
        ({"api": {"pid": 1, "started_unix_s": 5.0}}, {"api": {"pid": 2, "started_unix_s": 5.0}}, False),
        ({"postgres": 12.5}, {"postgres": 12.5}, True),
        ({"postgres": 12.5}, {"postgres": 13.5}, False),
        ({"relay": None}, {}, True),
    ],
)
def test_an_identity_changes_when_its_part_restarts(before: dict[str, Any], after: dict[str, Any], same: bool) -> None:
    assert (flatten_identities(before) == flatten_identities(after)) is same
