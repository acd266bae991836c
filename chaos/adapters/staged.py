"""A world that was prepared ahead, so that a run on changed code need not wait for it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from chaos.adapters.stack import PREPARE_TIMEOUT_S, ask_stack, flatten_identities
from chaos.errors import FiredrillError, LearnerCodeError
from chaos.ports.run import StackControl

MOST_AGE_S: Final = 480.0
"""Tokens of a world live fifteen minutes in the reference; a run needs a few of them."""
Files: TypeAlias = Mapping[str, tuple[int, int]]
"""File of the variant → when it was saved (ns), and its size."""
Reload: TypeAlias = Callable[[str, Mapping[str, int]], Mapping[str, Any]]


def _reload(variant: str, world: Mapping[str, int]) -> Mapping[str, Any]:
    asked = ["--variant", variant, "--world", msgspec.json.encode(dict(world)).decode()]
    return ask_stack(["reload", *asked], timeout_s=PREPARE_TIMEOUT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    asked: Mapping[str, Any]
    answer: Mapping[str, Any]
    files: Files
    at_s: float


class Staged:
    """See `chaos.ports.StackControl`. A world that was staged serves one run; without one it prepares as always.

    *files*: the variant's files as they are now.
    """

    def __init__(
        self,
        real: StackControl,
        scratch: Path,
        files: Callable[[], Files],
        *,
        reload: Reload = _reload,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._real, self._file, self._files, self._reload, self._now_s = real, scratch, files, reload, now_s
        self._held: _Held | None = None
        self._fresh: Any = None

    def stage(self, *, variant: str, seed: int, world: Mapping[str, int], rows: int | None = None) -> None:
        """Prepare a world ahead. Raises: as `prepare`; then nothing is staged."""
        self._held = None
        files = self._files()
        answer = self._real.prepare(variant=variant, seed=seed, world=world, world_file=self._file, **_rows(rows))
        asked = {"variant": variant, "seed": seed, "world": dict(world), "rows": rows}
        self._held = _Held(asked=asked, answer=answer, files=files, at_s=self._now_s())

    def prepare(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
    ) -> Mapping[str, Any]:
        """The staged world where it is the one that is asked for and no migration or setting changed since."""
        answer = self._prepared(variant=variant, seed=seed, world=world, world_file=world_file, rows=rows)
        self._fresh = answer.get("identities")
        return answer

    def _prepared(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None
    ) -> Mapping[str, Any]:
        asked = {"variant": variant, "seed": seed, "world": dict(world), "rows": rows}
        afresh = partial(
            self._real.prepare, variant=variant, seed=seed, world=world, world_file=world_file, **_rows(rows)
        )
        held, self._held = self._held, None
        if held is None or held.asked != asked or self._now_s() - held.at_s > MOST_AGE_S:
            return afresh()
        files = self._files()
        if files == held.files:
            answer = held.answer
        elif any(_schema(name) for name in held.files.items() ^ files.items()):
            return afresh()
        else:
            try:
                answer = self._reload(variant, world)
            except LearnerCodeError:
                self._held = held  # nothing has touched its world
                raise
            except FiredrillError:
                return afresh()
        shutil.move(self._file, world_file)
        return answer

    def fill(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int, edition: int = 0
    ) -> None:
        """As the stack does."""
        self._real.fill(variant=variant, seed=seed, world=world, world_file=world_file, rows=rows, edition=edition)

    def identities(self) -> Mapping[str, str]:
        """As the stack has them; right after `prepare` those that it told, which takes no time."""
        told, self._fresh = self._fresh, None
        return flatten_identities(told) if isinstance(told, Mapping) else self._real.identities()

    def worker_answers(self, timeout_s: float) -> bool:
        """As the stack says."""
        return self._real.worker_answers(timeout_s)


def _rows(rows: int | None) -> dict[str, int]:
    return {} if rows is None else {"rows": rows}


def _schema(entry: tuple[str, tuple[int, int]]) -> bool:
    """Whether the schema may depend on that file."""
    name = entry[0]
    return "migrations/" in name or name == "settings.py"
