"""Errors that end a stack command with a sentence, not with a traceback."""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal[
    "bad_input",
    "disk",
    "learner_code",
    "lock",
    "missing_part",
    "not_ready",
    "not_running",
    "other_base_port",
    "port_taken",
    "unknown_variant",
]

EXIT_OK: Final = 0
EXIT_BAD_INPUT: Final = 2
EXIT_LAB_BROKEN: Final = 4

_CALLERS_FAULT: Final[frozenset[Kind]] = frozenset({"bad_input", "learner_code", "other_base_port", "unknown_variant"})


class StackError(Exception):
    """A command of the stack could not do its work.

    Attributes:
        kind: Stable word for programs; decides the exit code.
        file: File of a learner's mistake, relative to the checkout; None for every other kind.
        line: Line in *file*, counted from 1.
    """

    def __init__(self, kind: Kind, message: str, *, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.file = file
        self.line = line

    @property
    def exit_code(self) -> int:
        """2 for what the caller can put right in their input or code, 4 for a broken lab."""
        return EXIT_BAD_INPUT if self.kind in _CALLERS_FAULT else EXIT_LAB_BROKEN

    def as_document(self) -> dict[str, object]:
        """The error as it stands on stdout with `--json`."""
        return {"error": {"kind": self.kind, "message": self.message, "file": self.file, "line": self.line}}
