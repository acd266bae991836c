"""`firedrill`: the command line."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Entry point."""
    from launch.entry import call  # noqa: PLC0415  - what is only imported here is not in the way of who imports us

    sys.exit(call("chaos.cli", "chaos.cli.app:main", interrupted=3))
