"""The load driver as a subprocess: started before its schedule, watched by its progress, ended by closing its stdin."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from chaos.errors import LabBroken
from chaos.model.folder import File
from chaos.model.loadplan import LoadPlan, Progress
from launch.python import PYTHON

# Closing stdin asks the driver to stop; it then still has to write its files.
STOP_PATIENCE_S = 15.0
LOAD_DRIVER = (*PYTHON, "-m", "loadtests")


class Driver:
    """The process `COMMAND PLAN`. It ends with the runner, even with a killed one: the kernel then closes its stdin.

    Args:
        keep_open: File descriptors that it holds while it lives, such as the lab's lock.
    """

    def __init__(
        self,
        command: Sequence[str],
        plan_file: Path,
        plan: LoadPlan,
        *,
        on_progress: Callable[[Progress], None],
        keep_open: Sequence[int] = (),
    ) -> None:
        self._on_progress = on_progress
        self._decoder = msgspec.json.Decoder(Progress)
        _write(plan_file, plan)
        self._errors = (plan_file.parent / File.DRIVER_LOG).open("wb")
        self._process = subprocess.Popen(
            [*command, str(plan_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # a Ctrl-C must reach only the runner, which heals first and then stops
            pass_fds=keep_open,
        )
        self.ready = threading.Event()
        self.mustered = threading.Event()
        self._plan_file = plan_file
        self._reader = threading.Thread(target=self._read, name="driver-progress", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                progress = self._decoder.decode(line)
            except msgspec.DecodeError:
                continue  # printed by a library, no progress
            if progress.mustered:
                self.mustered.set()
            if progress.ready:
                self.ready.set()
            self._on_progress(progress)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def play(self, plan: LoadPlan) -> None:
        """Give a driver that was started with a plan without a start time the final *plan*, which has one."""
        _write(self._plan_file, plan)
        if self._process.stdin is not None:
            with suppress(OSError):  # the driver has ended; the loop that reads its exit code reports it
                self._process.stdin.write(b"\n")
                self._process.stdin.flush()

    def stop(self) -> None:
        """Ask it to stop; kill it when it has not ended in time. Idempotent."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(2.0)
        self._errors.close()

    def complaint(self) -> str:
        """Last line of its log."""
        lines = Path(self._errors.name).read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_ready(self, timeout_s: float) -> None:
        """Raises: LabBroken with the last line of the driver's log when it ended or took too long."""
        if self.ready.wait(timeout_s):
            return
        if self.exit_code is not None:
            raise LabBroken(f"load driver: got exit code {self.exit_code} before the start: {self.complaint()}")
        raise LabBroken(f"load driver: got no word that it is ready, expected one in time ({self.complaint()})")


def _write(plan_file: Path, plan: LoadPlan) -> None:
    """Replace the file atomically."""
    part = plan_file.with_name(f"{plan_file.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1))
    part.replace(plan_file)
