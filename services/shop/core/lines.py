"""Which line of the variant makes the statement that is about to run.

The innermost line of the variant's own code on the stack, if there is one. Often there is none: the ORM reads a
relation because a serializer reads a field. Then it is the line of that field, or else of the view. It is looked up on
the stack, so the variant's code need not be changed. A line explains a statement; no verdict depends on it.
"""

from __future__ import annotations

import inspect
import re
import sys
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from services.shop.core.config import current

_SHOP = Path(__file__).resolve().parents[1]
_FARTHEST = 150
_NOT_THE_LEARNERS = ("migrations", "postgres")  # a database backend is below every query


class Place(NamedTuple):
    """`serializers.py:55` below the variant's folder, and its function or field: `EventSerializer.venue`."""

    line: str
    at: str


NOWHERE = Place("", "")


def place() -> Place:
    """The place of the statement that the caller is about to run."""
    folder = _folder()
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_FARTHEST):
        if frame is None:
            break
        code = frame.f_code
        if code.co_filename.startswith(folder) and _is_the_learners(code.co_filename):
            return Place(f"{code.co_filename[len(folder) :]}:{frame.f_lineno}", code.co_qualname)
        if code.co_name == "to_representation" and code.co_filename.endswith("rest_framework/serializers.py"):
            if (found := _field(frame)) != NOWHERE:
                return found
        elif code.co_name == "dispatch" and code.co_filename.endswith("rest_framework/views.py"):
            return _of_class(type(frame.f_locals["self"]))  # type: ignore[arg-type]  # mypy: a class has no hash
        frame = frame.f_back
    return NOWHERE


@cache
def _folder() -> str:
    return f"{_SHOP / current().variant}/"


@cache
def _is_the_learners(file: str) -> bool:
    return not any(part in _NOT_THE_LEARNERS for part in Path(file[len(_folder()) :]).parts)


def _field(frame: FrameType) -> Place:
    """The field that a serializer reads right now."""
    names = frame.f_locals
    field: Any = names.get("field")
    if field is None:
        return NOWHERE
    return _of_field(type(names["self"]), str(field.field_name))  # type: ignore[arg-type]  # as above


@cache
def _of_field(serializer: type, name: str) -> Place:
    """Where *serializer*, or a base of it, declares the field *name*; else where one of them lists it."""
    declares, lists = re.compile(rf"\s+{re.escape(name)}\s*[:=]"), re.compile(rf"\s+.*[\"']{re.escape(name)}[\"']")
    for sign in (declares, lists):
        for base in serializer.__mro__:
            lines, start, file = _source(base)
            for number, line in enumerate(lines):
                if sign.match(line):
                    return Place(f"{file}:{start + number}", f"{serializer.__name__}.{name}")
    return _of_class(serializer)._replace(at=f"{serializer.__name__}.{name}")


@cache
def _of_class(view: type) -> Place:
    """The head of the class, when it is the variant's."""
    _, start, file = _source(view)
    return Place(f"{file}:{start}" if file else "", view.__qualname__)


@cache
def _source(owner: type) -> tuple[tuple[str, ...], int, str]:
    """Lines, number of the first one, and file of a class of the variant's; nothing for others."""
    try:
        file = inspect.getsourcefile(owner) or ""
        if not file.startswith(_folder()):
            return (), 0, ""
        lines, start = inspect.getsourcelines(owner)
    except (OSError, TypeError):
        return (), 0, ""
    head = next((number for number, line in enumerate(lines) if line.lstrip().startswith("class ")), 0)
    return tuple(lines[head:]), start + head, file[len(_folder()) :]
