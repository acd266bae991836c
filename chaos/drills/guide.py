"""What a learner reads of a drill: its brief, its hints by check, and which files of an attempt a check is about.

Read from the scorecard's data files, so that the terminal and the dashboard say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from chaos.config import CHECKOUT
from chaos.drills.catalogue import Drill
from chaos.errors import LabBroken

DATA: Final = CHECKOUT / "services" / "scorecard" / "data"
PAGES: Final = {
    "api-contract": "docs/learn/contract-audit.md",
    "orm-queries": "docs/extend/exchanges.md",
    "concurrency": "docs/learn/interleaving.md",
    "auth": "docs/learn/authentication.md",
    "system-failure": "docs/learn/failure.md",
    "ai-review": "docs/learn/code-review.md",
}
"""Drill → the page that explains how it is judged, and its commands."""
Level: TypeAlias = Literal["nudge", "direction", "solution"]
LEVELS: Final[tuple[Level, ...]] = ("nudge", "direction", "solution")
Shape = TypeVar("Shape")


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A hint; *checks* are those that it helps with, none for one about the whole drill."""

    key: str
    level: Level
    title: str
    text: str
    checks: tuple[str, ...] = ()


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill asks; texts are Markdown."""

    brief: str
    steps: tuple[str, ...]
    deliverable: tuple[str, ...]
    checked: tuple[str, ...]


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """The hints of a drill, and the files that its checks are about."""

    files: dict[str, tuple[str, ...]]
    hints: tuple[Hint, ...]

    def ladder(self, check: str) -> tuple[Hint, ...]:
        """The hints for *check* from the first to the last level; empty for a check that the drill has not."""
        name = plain_id(check)
        found = [hint for hint in self.hints if name in hint.checks]
        return tuple(sorted(found, key=lambda hint: LEVELS.index(hint.level)))

    def files_of(self, checks: Iterable[str]) -> tuple[str, ...]:
        """Files that any of *checks* is about, each once."""
        return tuple(dict.fromkeys(name for check in checks for name in self.files.get(plain_id(check), ())))

    def checks(self) -> Collection[str]:
        """Ids of all checks that have hints, without brackets."""
        return self.files.keys()


def plain_id(check: str) -> str:
    """A check's id without what stands in brackets: `slo:success_ratio` of `slo:success_ratio[spike,buy]`."""
    return check.partition("[")[0]


def brief_of(one: Drill, data: Path = DATA) -> Brief:
    """Raises: LabBroken when the file can't be read."""
    return _read(data / "briefs" / f"{one.key}.yaml", Brief)


def guide_of(one: Drill, data: Path = DATA) -> Guide:
    """Raises: LabBroken when the file can't be read."""
    return _read(data / "hints" / f"{one.key}.yaml", Guide)


def _read(path: Path, shape: type[Shape]) -> Shape:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=shape)
    except (OSError, msgspec.MsgspecError) as error:
        raise LabBroken(f"{path}: got {error}, expected what a drill says") from None
