"""The text of each drill: brief, steps, deliverable, how it is checked (data/briefs), and its hints (data/hints)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

DATA = Path(__file__).parent / "data"


class Hint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hint; its key is stable, since opened ones are logged by it.

    Attributes:
        level: How much it gives away. Opening a `solution` sets the ceiling of this drill to 1.
        checks: Ids of the checks that it helps with, without their brackets; empty for one about the whole drill.
    """

    key: str
    level: Literal["nudge", "direction", "solution"]
    title: str
    text: str
    checks: list[str] = []

    @property
    def solution(self) -> bool:
        return self.level == "solution"


class Hints(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The hints of a drill, in order of what they give away.

    Attributes:
        files: Check → the files of an attempt that it is about.
    """

    files: dict[str, list[str]]
    hints: list[Hint]


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a learner reads before a drill. Texts are Markdown.

    Attributes:
        checked: How it is graded; each entry a sentence.
    """

    brief: str
    steps: list[str]
    deliverable: list[str]
    checked: list[str]


class Brief(Text, frozen=True, kw_only=True):
    """A drill's text with its hints, and the files that its checks are about."""

    hints: list[Hint]
    files: dict[str, list[str]]


@cache
def brief_of(key: str) -> Brief | None:
    """The brief of a drill; None for a drill without one.

    Raises:
        OSError, msgspec.DecodeError: A file is not what this program expects.
    """
    path = DATA / "briefs" / f"{key}.yaml"
    if not path.is_file():
        return None
    text = msgspec.yaml.decode(path.read_bytes(), type=Text)
    hints = msgspec.yaml.decode((DATA / "hints" / f"{key}.yaml").read_bytes(), type=Hints)
    return Brief(**msgspec.structs.asdict(text), hints=hints.hints, files=hints.files)
