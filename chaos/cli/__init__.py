"""`firedrill`: the command line."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point."""
    from launch.entry import call  # noqa: PLC0415  - what is only imported here is not in the way of who imports us

    pressed = sys.argv[1:2] == ["__complete"]  # a shell asks what may stand here, and somebody waits for it
    sys.exit(call("chaos.cli", "chaos.cli.complete:main" if pressed else "chaos.cli.app:main", interrupted=3))
