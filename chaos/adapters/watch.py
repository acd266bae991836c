"""`python -m services.stack watch` during a run: looks for processes and clients that are not part of the lab."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from chaos.config import CHECKOUT
from chaos.errors import LabBroken
from launch import environment
from launch.python import PYTHON

WATCH = (*PYTHON, "-m", "services.stack", "watch", "--json")
READY_S = 20.0
END_S = 20.0


class _Line(msgspec.Struct):
    ready: bool = False
    stranger: str = ""
    what: str = ""
    ended: bool = False
    trouble: list[str] = []


class StackWatch:
    """One watch, for one run. Implements `chaos.ports.Watch`."""

    def __init__(self, command: Sequence[str] = WATCH) -> None:
        self._command = command
        self._ready, self._over = threading.Event(), threading.Event()
        self._problem = "it ended before it was asked to"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, tell: Callable[[str], None]) -> None:
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=CHECKOUT,
                env=environment.for_commands(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C must reach only the runner
            )
        except OSError as error:
            raise LabBroken(f"watch: got {error.strerror or error}, expected it to start") from None
        threading.Thread(target=self._read, args=(self._process, tell), name="watch", daemon=True).start()

    def wait_ready(self) -> None:
        if not self._ready.wait(READY_S):
            raise LabBroken(f"watch: got nothing in {READY_S:g} s, expected it to look (make logs)")

    def stop(self) -> str:
        process = self._process
        if process is None:
            return "it was never started"
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        if not self._over.wait(END_S):
            process.kill()
            self._problem = f"it had not ended {END_S:g} s after it was asked to"
        process.wait()
        return self._problem

    def _read(self, process: subprocess.Popen[bytes], tell: Callable[[str], None]) -> None:
        assert process.stdout is not None
        try:
            for text in process.stdout:
                with suppress(msgspec.DecodeError):
                    self._take(msgspec.json.decode(text, type=_Line), tell)
        finally:
            self._ready.set()
            self._over.set()

    def _take(self, line: _Line, tell: Callable[[str], None]) -> None:
        if line.ready:
            self._ready.set()
        elif line.stranger:
            tell(line.what)
        elif line.ended:
            self._problem = "; ".join(line.trouble)
