"""The lease: a runner that injects faults has to renew it; when it runs out, the watchdog heals."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import InvalidInput
from chaos.model.folder import File

MAX_TTL_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease: whose, where its evidence is, and until when (monotonic seconds)."""

    run_id: str
    folder: Path
    until_s: float


class Watchdog:
    """Knows at most one lease, since one run is going on at most.

    Args:
        heal: Lifts everything; returns what it lifted and what is left. Called outside the lock.
        roots: Folders of leases have to lie directly below one of them: evidence, and the quick looks of `watch`.
    """

    def __init__(
        self,
        *,
        heal: Callable[[], tuple[Sequence[str], Sequence[str]]],
        roots: Sequence[Path],
        monotonic_s: Callable[[], float],
        now_unix_s: Callable[[], float],
    ) -> None:
        self._heal, self._roots = heal, [root.resolve() for root in roots]
        self._monotonic_s, self._now_unix_s = monotonic_s, now_unix_s
        self._held: Held | None = None
        self._lock = threading.Lock()

    @property
    def run_id(self) -> str | None:
        """The run that holds the lease."""
        held = self._held
        return held.run_id if held else None

    def renew(self, run_id: str, folder: str, ttl_s: float) -> None:
        """Take or prolong the lease. Raises: InvalidInput."""
        try:
            path = Path(folder).resolve()
        except (OSError, ValueError) as error:  # a loop of links, or a NUL in it
            raise InvalidInput(f"folder: got {folder!r} ({error}), expected the evidence folder of {run_id}") from None
        if not 0 < ttl_s <= MAX_TTL_S:
            raise InvalidInput(f"ttl_s: got {ttl_s}, expected more than 0 and at most {MAX_TTL_S:g}")
        if path.parent not in self._roots or path.name != run_id:
            raise InvalidInput(f"folder: got {folder!r}, expected the evidence folder of {run_id}")
        with self._lock:
            self._held = Held(run_id=run_id, folder=path, until_s=self._monotonic_s() + ttl_s)

    def release(self, run_id: str) -> None:
        """The run healed by itself. A lease of another run stays."""
        with self._lock:
            if self._held is not None and self._held.run_id == run_id:
                self._held = None

    def look(self) -> bool:
        """Heal when the lease has run out; True when that happened. What is left is tried again at the next look."""
        with self._lock:
            held = self._held
            if held is None or self._monotonic_s() < held.until_s:
                return False
        try:
            lifted, left = self._heal()
        except Exception as error:  # whatever the error is, the watchdog has to look again
            lifted, left = (), (f"healing itself failed: {error!r}",)
        self._note(held, lifted, left)
        with self._lock:
            if not left and self._held is held:
                self._held = None
        return True

    def _note(self, held: Held, lifted: Sequence[str], left: Sequence[str]) -> None:
        """A file of its own: the journal never has two writers."""
        line: dict[str, Any] = {
            "at_unix_s": round(self._now_unix_s(), 6),
            "event": "watchdog",
            "data": {
                "run_id": held.run_id,
                "action": "failed" if left else "healed",
                "reason": "the runner's lease ran out",
                "lifted": list(lifted),
                "left": list(left),
            },
        }
        with suppress(OSError):  # a full disk must not keep it from healing again
            file = os.open(held.folder / File.WATCHDOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(file, msgspec.json.encode(line) + b"\n")
                os.fsync(file)
            finally:
                os.close(file)
