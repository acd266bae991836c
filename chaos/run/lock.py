"""One run at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chaos.errors import InvalidInput, LabBroken


@contextmanager
def run_lock(lab_dir: Path, run_id: str) -> Iterator[None]:
    """Hold the lab for the block. The kernel frees the lock when its holder dies, however it dies.

    Raises: InvalidInput naming the run that holds it. LabBroken when there is no place for a lock.
    """
    try:
        lab_dir.mkdir(parents=True, exist_ok=True)
        file = os.open(lab_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LabBroken(f"{lab_dir}: got {error.strerror or error}, expected a folder for the run's lock") from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip() or "another run"
            raise InvalidInput(
                f"run: got a lab that is busy with {holder}, expected a free one (one run at a time)"
            ) from None
        os.ftruncate(file, 0)
        os.write(file, f"{run_id} (pid {os.getpid()})\n".encode())
        yield
    finally:
        os.close(file)
