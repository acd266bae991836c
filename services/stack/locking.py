"""Locks: only one command at a time may change a stack."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from services.stack.errors import StackError
from services.stack.layout import Lab
from services.stack.progress import say


def foreign_run(lab: Lab) -> str | None:
    """The run that holds the lab, unless it is the one that called this command; None when there is none.

    The engine holds a lock on `run.lock` while a run lasts and writes `<what> (pid <number>)` into it.
    """
    try:
        handle = os.open(lab.root / "run.lock", os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
    finally:
        os.close(handle)
    pid = re.search(r"\(pid (\d+)\)", holder)
    callers = {parent.pid for parent in psutil.Process().parents()}
    return None if pid and int(pid.group(1)) in callers else holder or "a run"


@contextmanager
def exclusive(lock_file: Path, command: str, *, patience_s: float = 120.0) -> Iterator[None]:
    """Hold the lab's lock for the block; the kernel frees it however the process ends.

    Raises:
        StackError: `lock` when another command holds it for longer than *patience_s*.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    deadline, told = time.monotonic() + patience_s, False
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another command"
                if not told:
                    say("lock", f"waiting for {holder}")
                    told = True
                if time.monotonic() > deadline:
                    message = f"{lock_file}: held by {holder} for {patience_s:.0f} s, expected free"
                    raise StackError("lock", message) from None
                time.sleep(0.1)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"`{command}` (pid {os.getpid()})".encode(), 0)
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)
