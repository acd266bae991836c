"""How the lab starts Python."""

from __future__ import annotations

import sys
from typing import Final

# -I: no PYTHON… variable, no working directory and no personal packages on the search path.
# utf8: text is read and written in the same way with any locale.
FLAGS: Final = ("-I", "-X", "utf8")
PYTHON: Final = (sys.executable, *FLAGS)
