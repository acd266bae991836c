"""`python -m dashboard [FLAGS]`: `streamlit run dashboard/serve.py FLAGS`, with what the pages need imported before.

Streamlit imports on the first request what its script and elements name; pandas alone takes longer than a page does.
Here nobody waits for it yet: the first chart after a start comes a quarter sooner (`bench/pages.py`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from streamlit.web.cli import main

NEEDED = ("httpx", "msgspec.json", "pandas", "PIL.Image", "yaml")

if __name__ == "__main__":
    for name in NEEDED:
        import_module(name)
    main(["run", str(Path(__file__).with_name("serve.py")), *sys.argv[1:]], prog_name="streamlit")
