"""What explains a run, as its folder has it: the statements of the database's log and the shop's log lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chaos.evidence.files import explaining_lines, is_regular
from chaos.model.folder import File
from chaos.model.trace import LogLine, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What explains the run; None when the folder has no such file."""

    statements: Sequence[Statement] | None
    lines: Sequence[LogLine] | None


def read_trace(folder: Path) -> Trace:
    """The folder's statements and log lines."""
    statements, log = folder / File.STATEMENTS, folder / File.LOG
    return Trace(
        statements=explaining_lines(statements, Statement) if is_regular(statements) else None,
        lines=explaining_lines(log, LogLine) if is_regular(log) else None,
    )


def by_operation(trace: Trace, operations: Mapping[str, str]) -> Trace:
    """*trace* with operations' ids in place of the request ids that were sent for them (request id → operation)."""
    statements = [
        msgspec.structs.replace(statement, request=operations.get(statement.request, statement.request))
        for statement in trace.statements or ()
    ]
    lines = [
        msgspec.structs.replace(line, acting_for=operations.get(line.acting_for, line.acting_for))
        for line in trace.lines or ()
    ]
    return Trace(
        statements=None if trace.statements is None else statements, lines=None if trace.lines is None else lines
    )
