"""Tells the agent that the runner is alive and will heal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from chaos.errors import LabBroken
from chaos.ports import LeaseKeeper

RENEW_EVERY_S = 1.0


class Lease:
    """Renews in the background from `take` to `end`."""

    def __init__(
        self, keeper: LeaseKeeper, *, run_id: str, folder: Path, ttl_s: float, on_trouble: Callable[[str], None]
    ) -> None:
        self._keeper, self._run_id, self._folder, self._ttl_s = keeper, run_id, folder, ttl_s
        self._on_trouble = on_trouble
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def take(self) -> None:
        """Take the lease and keep renewing it. Raises: LabBroken when the agent does not take it."""
        self._keeper.renew(run_id=self._run_id, folder=self._folder, ttl_s=self._ttl_s)
        self._thread.start()

    def end(self, *, release: bool) -> None:
        """Stop renewing. Without *release* the lease runs out, and the agent heals in the runner's place."""
        self._halt.set()
        if not self._thread.ident:
            return  # never taken
        self._thread.join(5.0)
        if release:
            with suppress(LabBroken):  # the lease then runs out, and the agent heals a lab that is healed already
                self._keeper.release(run_id=self._run_id)

    def _renew(self) -> None:
        in_trouble = False
        while not self._halt.wait(RENEW_EVERY_S):
            try:
                self._keeper.renew(run_id=self._run_id, folder=self._folder, ttl_s=self._ttl_s)
                in_trouble = False
            except LabBroken as error:
                if not in_trouble:
                    self._on_trouble(str(error))
                in_trouble = True
