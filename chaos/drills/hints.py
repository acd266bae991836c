"""Which hint comes next: that of the check which failed last, one level after the other."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chaos.drills.catalogue import Drill
from chaos.drills.guide import LEVELS, Guide, Hint, plain_id
from chaos.drills.latest import Latest
from chaos.errors import InvalidInput

WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """For which check a hint is wanted; *run* is the one in which it failed, None when it was named by hand."""

    check: str
    run: Latest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NextHint:
    """The hint to open.

    Attributes:
        number, of: Which one of the check's hints it is.
        again: All of the check's hints were open already: this is the last one once more.
        first: None of the drill's hints was open before.
        files: Files of the attempt that the check is about.
    """

    asked: Asked
    hint: Hint
    number: int
    of: int
    again: bool
    first: bool
    files: tuple[str, ...] = ()

    def document(self, one: Drill) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "drill": one.number,
            "check": self.asked.check,
            "run": self.asked.run.name if self.asked.run else None,
            "hint": self.hint.key,
            "level": self.hint.level,
            "number": self.number,
            "of": self.of,
            "title": self.hint.title,
            "text": self.hint.text,
            "files": list(self.files),
        }

    def lines(self, one: Drill) -> list[str]:
        """For people."""
        return list(self._lines(one))

    def _lines(self, one: Drill) -> Iterator[str]:
        run = self.asked.run
        failed = next((f for f in run.failed if f.check == self.asked.check), None) if run else None
        yield f"{self.asked.check}{f': {failed.measured}' if failed and failed.measured else ''}"
        if run:
            yield f"failed last in {run.name}"
        yield ""
        yield f"Hint {self.number} of {self.of} ({self.hint.level}): {self.hint.title}"
        text = " ".join(self.hint.text.split())
        yield from textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
        if self.files:
            yield ""
            yield from textwrap.wrap(
                f"Files in services/shop/attempt that this check is about: {', '.join(self.files)}", WIDTH
            )
        yield ""
        if self.hint.level == "solution":
            yield f"On record as a solution: the ceiling of drill {one.number} is 1, unless its core held before."
        elif self.first:
            yield "On record, as the first hint of this drill: its stretch counts only for runs before now."
        else:
            yield "On record."
        if self.number < self.of:
            after = LEVELS[self.number]
            named = "" if run else f" --check {plain_id(self.asked.check)}"
            yield f"Still stuck: firedrill hint {one.number}{named} (opens the {after})"


def failed_last(one: Drill, runs: Mapping[str, Latest]) -> Asked:
    """The first check that failed in the newest violated run of the core, else of the stretch.

    Raises: InvalidInput without one.
    """
    for part in (
        one.core,
        one.stretch,
    ):  # core first, although the stretch, which a check runs last, has the newest runs
        for run in runs.values():  # the newest first
            if run.scenario in part and run.failed:
                return Asked(check=run.failed_check, run=run)
    names = [*one.core, *one.stretch]
    first = next((name for name in names if name not in runs), names[0])
    raise InvalidInput(
        f"hint: got no failed check of drill {one.number} on your attempt, expected a run that was violated "
        f"(firedrill run {first} --variant attempt), or --check"
    )


def next_hint(guide: Guide, asked: Asked, opened: Collection[str]) -> NextHint:
    """The check's first hint that is not open yet; the last one again when all are. Raises: InvalidInput."""
    ladder = guide.ladder(asked.check)
    if not ladder:
        known = ", ".join(sorted(guide.checks()))
        raise InvalidInput(f"check: got {plain_id(asked.check)!r}, expected one of {known}")
    closed = [hint for hint in ladder if hint.key not in opened]
    hint = closed[0] if closed else ladder[-1]
    return NextHint(
        asked=asked, hint=hint, number=ladder.index(hint) + 1, of=len(ladder), again=not closed,
        first=not opened, files=guide.files_of([asked.check]),
    )  # fmt: skip
