"""Reads all proxies again and again during a run, for what nobody of the lab did: its own faults are not told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chaos.errors import FiredrillError
from chaos.ports import ProxyControl

READ_S = 0.25
LAST_READ_TRIES = 3


class ProxiesRead:
    """One run's reading, in a thread of its own, so that a server that hangs holds nothing else up.

    *tell* gets each difference once.
    """

    def __init__(self, proxies: ProxyControl, *, tell: Callable[[str], None]) -> None:
        self._proxies, self._tell = proxies, tell
        self._told: set[str] = set()
        self._halt = threading.Event()
        self._problem = ""
        self._thread = threading.Thread(target=self._read_until_stopped, name="proxies", daemon=True)

    def start(self) -> None:
        """Read once before anything else happens, then every READ_S."""
        self._read()
        self._thread.start()

    def stop(self) -> str:
        """Read a last time. Returns why nobody can say what was on the proxies; empty when the last read could."""
        self._halt.set()
        if self._thread.ident is not None:
            self._thread.join()
        for _ in range(LAST_READ_TRIES):
            self._read()
            if not self._problem:
                break
        return self._problem

    def _read_until_stopped(self) -> None:
        while not self._halt.wait(READ_S):
            self._read()

    def _read(self) -> None:
        try:
            found = self._proxies.uninvited()
        except (FiredrillError, OSError) as error:  # a fault may hold it up; what was there before is still seen after
            self._problem = f"the proxies could not be read: {error}"
            return
        self._problem = ""
        for what in found:
            if what not in self._told:
                self._told.add(what)
                self._tell(f"somebody else than the lab changed its proxies: {what}")
