"""One exception tree; each branch carries the exit code that the command line returns for it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """What `firedrill` tells its caller. Documented in docs/operate/exit-codes.md."""

    HELD = 0
    VIOLATED = 1
    INVALID = 2
    INCONCLUSIVE = 3
    LAB_BROKEN = 4


class FiredrillError(Exception):
    """Anything that ends a command with a sentence instead of a traceback."""

    exit_code: ExitCode = ExitCode.LAB_BROKEN


class InvalidInput(FiredrillError):
    """A scenario, an evidence folder or a command line that can't be used; nothing was started.

    Attributes:
        problems: Every problem found, each `where: got X, expected Y`.
    """

    exit_code = ExitCode.INVALID

    def __init__(self, problems: Sequence[str] | str) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class LearnerCodeError(InvalidInput):
    """The code of a variant can't start: a syntax error, a failing migration. Names file and line."""


class LabBroken(FiredrillError):
    """The lab itself can't be trusted: a part is down, a fault could not be lifted."""

    exit_code = ExitCode.LAB_BROKEN


class Inconclusive(FiredrillError):
    """The run can't tell: aborted, or a witness is missing."""

    exit_code = ExitCode.INCONCLUSIVE
