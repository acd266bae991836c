"""A variant in Django's development server, with Django Debug Toolbar: without the proxies, on its own database."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from launch import environment
from services.stack import isolation, postgres, programs, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import in_compose, stack_of
from services.stack.layout import MARKER


def become_develop(settings: Settings, variant: str, port: int) -> NoReturn:
    """This process becomes the server; its database is made again from scratch.

    Raises:
        StackError: `unknown_variant`, `not_running`, or `bad_input` in a container, whose image has no toolbar.
    """
    if in_compose(settings):
        raise StackError("bad_input", "develop: got a container, expected a local stack (STACK=local)")
    stack = stack_of(settings)
    shop.require_variant(settings, variant)
    stack.require_running()
    postgres.recreate(stack.lab, stack.ports, f"{shop.database_of(variant)}_develop")
    isolation.share(stack.lab, isolation.current(stack.lab))
    command = isolation.current(stack.lab).command("-m", "services.shop.serve", "develop", str(port))
    own = {MARKER: stack.lab.mark, "SHOP_CODE": ""}  # serve from the learner's own folder, so that edits take effect
    os.chdir(settings.checkout)
    direct = programs.direct_environment(stack.lab, stack.ports, variant)
    os.execve(sys.executable, list(command), environment.for_programs() | direct | own)  # noqa: S606
