"""Ends a server's process whose master was killed: else it would go on answering, beside the next master's."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # Source: prctl(2)


def end_with_parent() -> None:
    """From now on this process ends at once when its parent does. Only Linux can do that; elsewhere nothing changes."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # the parent ended before prctl
        os.kill(os.getpid(), signal.SIGKILL)
