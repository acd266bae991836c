"""The beginning and the end of a command: `call` runs it independently of the caller's environment.

Only `os` and `sys` are imported before the process is isolated: any other import could load a file of the same name
from the working directory or from PYTHONPATH.
"""

from __future__ import annotations

import os
import sys

BROKEN = 4
_BEFORE_PYTHON = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_")  # take effect before the first line of a program


def call(module: str, function: str, *, interrupted: int) -> int:
    """Run *function* (`package.module:name`) for `python -m MODULE`; returns its exit code.

    An exception that it did not handle, also of its import, ends with 4 and one sentence on stderr; the traceback goes
    to a file that the sentence names.

    Args:
        interrupted: Exit code for a Ctrl-C that the function did not handle.
    """
    _isolate(module)
    from launch import begin, unforeseen  # noqa: PLC0415  - see above

    begin.set_up()
    program = {"chaos.cli": "firedrill"}.get(module, module)
    if (wrong := begin.wrong_checkout()) is not None:
        sys.stderr.write(f"{program}: {wrong}\n")
        return BROKEN
    try:
        return unforeseen.guarded(program, function, interrupted=interrupted)
    finally:
        begin.flush()


def _isolate(module: str) -> None:
    """Start the process again in Python's isolated and UTF-8 modes, unless it has them already."""
    if sys.flags.isolated and sys.flags.utf8_mode:
        return
    environ = {name: value for name, value in os.environ.items() if not name.startswith(_BEFORE_PYTHON)}
    os.execve(  # noqa: S606
        sys.executable, [sys.executable, "-I", "-X", "utf8", "-m", module, *sys.argv[1:]], environ
    )
