"""What a process of the lab sets up before anything else: streams, umask, environment."""

from __future__ import annotations

import codecs
import fcntl
import locale
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from launch import environment

CHECKOUT: Final = Path(__file__).resolve().parents[1]
STAMP: Final = ".installed"  # in the virtual environment; its second line is the checkout for which it was made


def set_up() -> None:
    """Open the standard streams, let them write any text, set at least the umask 022, clean the environment."""
    _open_streams()
    os.umask(os.umask(0o022) | 0o022)
    environment.adopt()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding=_terminal_encoding(), errors="replace")  # type: ignore[union-attr]


def _open_streams() -> None:
    """Open closed standard streams: the next opened file, such as a shell's script, would get their number."""
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        with suppress(OSError):
            if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE in {mode, os.O_RDWR}:
                continue
        nothing = os.open(os.devnull, mode)
        if nothing != number:
            os.dup2(nothing, number)
            os.close(nothing)
    sys.stdin = sys.stdin or _stream(0, "r")
    sys.stdout = sys.stdout or _stream(1, "w")
    sys.stderr = sys.stderr or _stream(2, "w")


def _stream(number: int, mode: str) -> Any:
    return os.fdopen(number, mode, closefd=False)


def _terminal_encoding() -> str:
    """The encoding of the caller's locale; in UTF-8 mode Python would write UTF-8 with any locale."""
    name = locale.getencoding()
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return "utf-8"
    return "utf-8" if found == "ascii" else found  # without a locale Python writes UTF-8, too


def wrong_checkout() -> str | None:
    """Why the virtual environment does not belong to this checkout; None when it does, or has no stamp."""
    here = Path(sys.prefix).parent.resolve()
    try:
        _, made_for, *_ = (Path(sys.prefix) / STAMP).read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return None  # the environment of a container, or one that its owner made by hand
    if Path(made_for) == here == CHECKOUT:
        return None
    return f"got an environment made for {made_for}, expected one for {here}: make install, there"


def flush() -> None:
    """Flush the streams, so that Python does not report a closed pipe or a full disk at its exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
