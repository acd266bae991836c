"""The text of each drill: brief, steps, deliverable, hints, how it is checked. In data/briefs, by the drill's key."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

FOLDER = Path(__file__).parent / "data" / "briefs"


class Hint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hint; its key is stable, since opened ones are logged by it.

    Attributes:
        level: How much it gives away. Opening a `solution` sets the ceiling of this drill to 1.
    """

    key: str
    level: Literal["nudge", "direction", "solution"]
    title: str
    text: str

    @property
    def solution(self) -> bool:
        return self.level == "solution"


class Brief(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a learner reads before a drill. Texts are Markdown.

    Attributes:
        checked: How it is graded; each entry a sentence.
    """

    brief: str
    steps: list[str]
    deliverable: list[str]
    checked: list[str]
    hints: list[Hint]


@cache
def brief_of(key: str) -> Brief | None:
    """The brief of a drill; None for a drill without one.

    Raises:
        msgspec.DecodeError: The file is not what this program expects.
    """
    path = FOLDER / f"{key}.yaml"
    return msgspec.yaml.decode(path.read_bytes(), type=Brief) if path.is_file() else None
