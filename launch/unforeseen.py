"""Turns unhandled exceptions into one sentence and exit code 4, since 1 means "violated". Tracebacks go to a file."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final

from launch.begin import CHECKOUT

BROKEN: Final = 4
LOG: Final = "unforeseen.log"


def guarded(program: str, function: str, *, interrupted: int) -> int:
    """Import and run *function*. Returns its exit code, *interrupted* after Ctrl-C, 4 after an unhandled exception."""
    threading.excepthook = lambda found: _in_a_thread(program, found)
    module, _, name = function.partition(":")
    try:
        code: int | None = getattr(import_module(module), name)()
    except SystemExit as wish:
        return _code_of(wish)
    except KeyboardInterrupt:
        with suppress(OSError):
            sys.stderr.write(f"{program}: stopped by hand\n")
        return interrupted
    except BrokenPipeError:  # the reader of the output has ended, so no message can reach it
        return BROKEN
    except BaseException as error:
        return tell(program, error)
    return code or 0


def _code_of(wish: SystemExit) -> int:
    if isinstance(wish.code, int | None):
        return wish.code or 0
    sys.stderr.write(f"{wish.code}\n")
    return BROKEN


def tell(program: str, error: BaseException) -> int:
    """Write the sentence to stderr and, with `--json`, the document to stdout. Returns 4."""
    sentence = f"{program}: {sentence_for(error)}"
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{sentence}\n")
    if "--json" in sys.argv:
        problem = {"exit_code": BROKEN, "kind": "unforeseen", "message": sentence, "file": None, "line": None}
        with suppress(OSError, ValueError):
            sys.stdout.write(json.dumps({"error": problem}) + "\n")
    return BROKEN


def sentence_for(error: BaseException) -> str:
    """The exception, and the file that has its traceback."""
    said = " ".join(str(error).split())
    what = f"{type(error).__name__}: {said[:300]}" if said else type(error).__name__
    hint = "make install; " if isinstance(error, ImportError) else ""
    where = _written(error)
    return f"got {what}, expected nothing like it ({hint}the traceback is in {where})"


def _in_a_thread(program: str, found: threading.ExceptHookArgs) -> None:
    if found.exc_value is not None and not isinstance(found.exc_value, SystemExit):
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{program}: {sentence_for(found.exc_value)}\n")


def _written(error: BaseException) -> str:
    """Write the traceback into the lab's log folder, or else into the temporary folder. Returns the file's path."""
    text = f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {' '.join(sys.argv)}\n" + "".join(traceback.format_exception(error))
    lab = Path(os.environ.get("FIREDRILL_LAB_DIR") or CHECKOUT / ".lab").resolve()
    for file in (lab / "log" / LOG, Path(_temporary()) / f"firedrill-{os.getuid()}-{LOG}"):
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as stream:
                stream.write(f"{text}\n")
            return str(file)
    return "no file: none could be written"


def _temporary() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # no folder is writable
        return "/nowhere"
