"""Progress lines on stderr: stdout belongs to the answer."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.stack.text import visible

_LOCK = threading.Lock()


def say(part: str, text: str) -> None:
    """One line: `part          text`."""
    with _LOCK:
        sys.stderr.write(f"{part:<13} {visible(text)}\n")
        sys.stderr.flush()


@contextmanager
def heartbeat(part: str, text: str, *, every_s: float = 5.0) -> Iterator[None]:
    """Say *text* at once, and every *every_s* seconds with the time that has passed, while the block lasts."""
    done = threading.Event()
    start = time.monotonic()
    say(part, text)

    def beat() -> None:
        while not done.wait(every_s):
            say(part, f"{text} … {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
