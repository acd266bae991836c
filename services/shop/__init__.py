"""The box office: one API contract, several implementations of it (variants), each a whole Django app beside `core`.

`SHOP_CODE` names a copy of this folder's code that holds only what is on record (see services.stack.code). Where it is
set, all of the shop comes from there, in this process and in those that it starts; this file alone is read here.
"""

import os
import sys
from pathlib import Path

if _asked := os.environ.get("SHOP_CODE"):
    _copy = Path(_asked).resolve() / "services" / "shop"  # resolved: a link may point elsewhere when a child starts
    if not _copy.is_dir():
        sys.stderr.write(f"SHOP_CODE: got {_asked!r}, expected the copy that the shop runs from\n")
        raise SystemExit(2)
    os.environ["SHOP_CODE"] = str(_copy.parents[1])
    sys.dont_write_bytecode = True  # no bytecode cache may be used in place of a file of the copy
    __path__[:] = [str(_copy)]
