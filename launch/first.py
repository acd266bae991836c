"""Makes imports of the lab's packages come from this checkout, not from a working directory or PYTHONPATH.

`make install` puts it into the virtual environment, whose Python imports it at each start.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

CHECKOUT: Final = str(Path(sys.prefix).parent)
NAMES: Final = frozenset({"chaos", "dashboard", "launch", "loadtests", "services"})


class First:
    """A finder that is asked before the search path."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`. Never raises; None leaves the name to the other finders."""
        return PathFinder.find_spec(name, [CHECKOUT]) if name in NAMES else None


sys.meta_path.insert(0, First)
