"""One run at a time. The lab stays locked until the load of the run has ended, too."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from chaos.errors import InvalidInput, LabBroken

# How long a load driver whose runner is dead may take to end its operations and to write its files.
LOAD_ENDS_S = 60.0
POLL_S = 0.1


@contextmanager
def run_lock(
    lab_dir: Path, run_id: str, *, say: Callable[[str], None] = lambda _: None, patience_s: float = LOAD_ENDS_S
) -> Iterator[int]:
    """Hold the lab for the block, and yield the lock's file descriptor. The kernel frees the lock of a dead process.

    A process that inherits the descriptor holds the lab as well: so does the load driver, which still writes its
    history after its runner was killed. The next run waits for its end, and says so.

    Raises: InvalidInput naming the run that holds it. LabBroken when there is no place for a lock.
    """
    try:
        lab_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(lab_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LabBroken(f"{lab_dir}: got {error.strerror or error}, expected a folder for the run's lock") from None
    try:
        _take(file, say, patience_s)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{run_id} (pid {os.getpid()})\n".encode(), 0)
        yield file
    finally:
        os.close(file)


def _take(file: int, say: Callable[[str], None], patience_s: float) -> None:
    """Raises: InvalidInput."""
    give_up, said = time.monotonic() + patience_s, False
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(file, 200, 0).decode(errors="replace").strip() or "another run"
        if _alive(holder) or time.monotonic() >= give_up:
            raise InvalidInput(f"run: got a lab that is busy with {holder}, expected a free one (one run at a time)")
        if not said:
            say(f"{holder} is dead; waiting for its load to end")
            said = True
        time.sleep(POLL_S)


def _alive(holder: str) -> bool:
    """Whether the process that *holder* names runs; true when it names none."""
    named = re.search(r"\(pid (\d+)\)", holder)
    if named is None:
        return True
    try:
        return bool(psutil.Process(int(named[1])).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
