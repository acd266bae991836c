"""Compose mode: what has to be there before the shop's containers start. Run by a one-shot container on every `up`."""

from __future__ import annotations

import json

from services.stack import isolation, lifecycle, postgres, programs, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import Stack, changing, in_compose
from services.stack.layout import write_json
from services.stack.readiness import Waiter, toxiproxy_call

_FIRST = ("postgres", "redis", "toxiproxy")


def setup(settings: Settings) -> dict[str, object]:
    """Make the schema and the first data of the variant that is to run, and the address book.

    Raises:
        StackError: `bad_input` outside of Compose mode; what `ensure_schema` and the seeding raise.
    """
    if not in_compose(settings):
        raise StackError("bad_input", "setup: got local mode, expected a container of the Compose stack (make up)")
    with changing(settings, "setup") as stack:
        stack.lab.create()
        Waiter(stack.checks).wait(_FIRST)
        running = stack.supervisor.is_running()
        variant = shop.current_variant(stack.lab) if running else None
        variant = variant or lifecycle.DEFAULT_VARIANT
        if not running:
            postgres.forget_settings(stack.lab, stack.ports)
            shop.choose(settings, stack.lab, variant)
        write_json(
            stack.lab.stack_file,
            programs.address_book(settings, stack.lab, stack.ports, stack.public, _facts(stack)),
        )
        isolation.decide(settings, stack.lab)
        postgres.ensure_roles(stack.lab, stack.ports)
        made = shop.ensure_schema(stack, variant)
        if made:  # a new learner should not find an empty shop
            world_file = stack.lab.root / "world.json"
            shop.seed_world(stack, variant, seed=shop.DEFAULT_SEED, world=shop.DEFAULT_WORLD, world_file=world_file)
        return {"variant": variant, "database_made": made}


def _facts(stack: Stack) -> programs.Facts:
    with postgres.connected(stack.lab, stack.ports) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    _, body = toxiproxy_call(stack.lab, stack.ports, "GET", "/version")
    return programs.Facts(
        has_prometheus=True,
        postgres_log=None,
        postgres_version=str(row[0]) if row else "?",
        toxiproxy={"kind": "real", "version": str(json.loads(body)["version"])},
    )
