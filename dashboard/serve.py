"""What `python -m dashboard` runs: the pages, which refuse every request whose Host is not a name of the lab.

Streamlit's own `server.allowedHosts` is about websockets only; this check covers all requests (DNS rebinding).
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # Streamlit puts the script's own folder on the path, not the checkout
    sys.path.insert(0, str(HERE.parent))

from starlette.middleware import Middleware  # noqa: E402
from starlette.middleware.trustedhost import TrustedHostMiddleware  # noqa: E402
from streamlit.web.server.starlette import App  # noqa: E402

from dashboard import openapi  # noqa: E402
from dashboard.config import hostnames  # noqa: E402

app = App(
    HERE / "app.py",
    routes=openapi.ROUTES,
    middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hostnames(), www_redirect=False)],
)
