"""Django commands on a variant. An error in the variant's own code is reported as such, with file and line.

Exit 0: done. 1: the database does not answer. 2: the variant's code, or the command line; one JSON document on stdout
says where: `{"error": {"kind": "learner_code" | "unknown_variant" | "command", "message", "file", "line"}}`, with null
for file and line when no line can be named. It is for programs: on a terminal only the sentence is written.
"""

from __future__ import annotations

import inspect
import json
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from services.shop.core.config import current

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file."""

    file: str
    line: int


def main(arguments: Sequence[str]) -> int:
    """Run the command *arguments*, the first being its name."""
    import django  # noqa: PLC0415  (the caller has completed the environment)
    from django.core.management import CommandError, call_command  # noqa: PLC0415
    from django.db import OperationalError  # noqa: PLC0415

    variant = current().variant
    folder = PACKAGE_FOLDER / variant
    if not arguments or not folder.is_dir():
        wrong = f"variant: got {variant!r}, expected a package beside core" if arguments else "manage: got no command"
        return _report("unknown_variant" if arguments else "command", wrong, None)
    try:
        django.setup()
        call_command(arguments[0], *arguments[1:])
    except CommandError as error:
        return _report("command", str(error), getattr(error, "place", None) or place_in(folder, error))
    except OperationalError as error:  # the database's fault, not the variant's
        traceback.print_exc()
        sys.stderr.write(f"manage {arguments[0]}: got {error}, expected a database that answers\n")
        return 1
    except (Exception, SystemExit) as error:
        place = place_in(folder, error)
        traceback.print_exc()
        where = f"{place.file}:{place.line}" if place else f"variant {variant}"
        return _report("learner_code", f"{where}: {type(error).__name__}: {error}", place)
    return 0


def place_in(folder: Path, error: BaseException) -> Place | None:
    """The innermost line below *folder* that *error* (or its cause) points at; None when it points elsewhere."""
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        seen.append(link)
        link = link.__cause__ or link.__context__
    for cause in reversed(seen):  # the root first: later links only wrap it
        if isinstance(cause, SyntaxError) and cause.filename and _is_below(folder, cause.filename):
            return Place(cause.filename, cause.lineno or 1)
        if place := _innermost(folder, cause.__traceback__):
            return place
    for cause in seen:
        origin = getattr(cause, "origin", None)  # of NodeNotFoundError: the migration that asks for a missing one
        if place := _migration(folder, cause.__traceback__) or _class_of(folder, origin):
            return place
    return None


def _innermost(folder: Path, trace: TracebackType | None) -> Place | None:
    below = [
        Place(frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(trace)
        if _is_below(folder, frame.f_code.co_filename)
    ]
    return below[-1] if below else None


def _migration(folder: Path, trace: TracebackType | None) -> Place | None:
    """The migration whose SQL failed: the error is raised inside Django, whose frames hold the migration."""
    for frame, _ in traceback.walk_tb(trace):
        if frame.f_code.co_name == "apply_migration":
            return _class_of(folder, frame.f_locals.get("migration"))
    return None


def _class_of(folder: Path, migration: object) -> Place | None:
    kind = type(migration)
    if kind.__module__ == "builtins":
        return None
    file = inspect.getsourcefile(kind)
    return Place(file, inspect.getsourcelines(kind)[1]) if file and _is_below(folder, file) else None


def _is_below(folder: Path, file: str) -> bool:
    return Path(file).resolve().is_relative_to(folder)


def _report(kind: str, message: str, place: Place | None) -> int:
    error = {"kind": kind, "message": message}
    where = {"file": place.file, "line": place.line} if place else {"file": None, "line": None}
    sys.stderr.write(f"{message}\n")
    if not sys.stdout.isatty():  # a person has read the sentence
        sys.stdout.write(json.dumps({"error": {**error, **where}}) + "\n")
    return 2
