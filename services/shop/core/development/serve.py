"""Makes tables and data, then runs Django's development server, which reloads edited files."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from typing import Any

from services.shop.core.config import adopt_environment, current

ROWS = 50
"""Events, and orders of the customer: as many as a page has, so that a query per row is noticed."""


def main(port: str) -> int:
    """Serve on *port* of loopback until the process is ended. Returns an exit code."""
    if find_spec("debug_toolbar") is None:
        sys.stderr.write("develop: got no Django Debug Toolbar, expected the packages for development: make install\n")
        return 2
    adopt_environment(current(), role="manage")
    os.environ["DJANGO_SETTINGS_MODULE"] = "services.shop.core.development.settings"
    from services.shop.core import manage  # noqa: PLC0415  (Django's settings are read on import)

    if "RUN_MAIN" not in os.environ:  # not in the reloader's child, which uses the same data
        if code := manage.main(["migrate", "--no-input", "-v", "0"]):
            return code
        _fill()
        sys.stdout.write(f"develop: {current().variant} with Django Debug Toolbar on http://127.0.0.1:{port}/\n")
        sys.stdout.flush()
    return manage.main(["runserver", f"127.0.0.1:{port}"])


def _fill() -> None:
    from django.apps import apps  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    from services.shop.core.development.page import world_file  # noqa: PLC0415
    from services.shop.core.management.commands.lab_seed import _refused_order  # noqa: PLC0415

    file = world_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    call_command("lab_seed", seed=1, world=json.dumps({"events": ROWS, "customers": 10}), out=file, verbosity=0)
    cast = json.loads(file.read_text())["cast"]
    model: Any = apps.get_model("shop", "Customer")
    tier: Any = apps.get_model("shop", "TicketTier").objects.first()
    customer = model.objects.get(pk=cast["customer"]["id"])
    for _ in range(ROWS):
        _refused_order(customer, tier)
