"""What checks read from an answer's head: its content type and the marks of a stale copy. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

PROBLEM_JSON = "application/problem+json"
STALE_HEADER = "x-stale"


class Marks(msgspec.Struct, frozen=True, gc=False):
    """The fields are those of the history's ending lines."""

    content_type: str = ""
    problem: bool = False
    stale: bool = False
    age_s: int | None = None


NONE = Marks()


class _Problem(msgspec.Struct):
    type: str = "about:blank"
    title: str = ""
    status: int | None = None
    detail: str = ""


_PROBLEM = msgspec.json.Decoder(_Problem)


def marks_of(status: int, body: bytes | None, header: Callable[[str], Any]) -> Marks:
    """The marks of an answer. *header* returns a header's value by its lower-case name, None without one.

    `problem`: an error has the content type of RFC 9457, and its body is the object that RFC 9457 describes.
    """
    if status >= 400:
        content_type = str(header("content-type") or "").partition(";")[0].strip().lower()
        is_problem = content_type == PROBLEM_JSON and _is_problem(status, body)
        return Marks(content_type=content_type or "none", problem=is_problem)
    age, stale = header("age"), header(STALE_HEADER)
    if age is None and stale is None:
        return NONE
    age_s = int(age) if isinstance(age, str) and age.isascii() and age.isdigit() and len(age) <= 9 else None
    return Marks(stale=stale == "true", age_s=age_s)


def _is_problem(status: int, body: bytes | None) -> bool:
    try:
        problem = _PROBLEM.decode(body or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return problem.status in (None, status)
