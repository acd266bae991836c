"""`lab_fill`: more rows of the same seeded world, or another edition of its rows, while the shop runs."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import transaction

from services.shop.core import world as worlds
from services.shop.core.management.commands import lab_seed


class Command(BaseCommand):
    """Works on any variant, as `lab_seed` does."""

    help = "Fill the seeded world up to so many events and orders, and edit all of them; write the ids of the new ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--world", required=True, help="as it was seeded with")
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--today", type=datetime.fromisoformat, required=True)
        parser.add_argument("--rows", type=int, required=True)
        parser.add_argument("--edition", type=int, default=0, help="0: as planned")

    def handle(
        self, *_: Any, seed: int, world: str, out: Path, today: datetime, rows: int, edition: int = 0, **__: Any
    ) -> None:
        plan = worlds.plan(lab_seed.parsed(world), seed=seed)
        event, tier, order, customer = (
            apps.get_model("shop", name) for name in ("Event", "TicketTier", "Order", "Customer")
        )
        buyer = customer._default_manager.get(username=plan.staff[lab_seed.CAST.index("customer")].username)
        with transaction.atomic():
            known = event._default_manager.filter(slug__in=[one.slug for one in plan.events]).count()
            made = lab_seed.make_events(plan, plan.events[known:rows], today)
            tiers: dict[str, list[Any]] = {}
            for row in tier._default_manager.select_related("event").order_by("pk"):
                tiers.setdefault(row.event.slug, []).append(row)
            # Without the refused order that `lab_seed` always makes, which is not in the plan.
            ordered = order._default_manager.filter(customer=buyer).count() - 1
            orders = lab_seed.make_orders(
                plan, seed, range(ordered, rows), [tiers.get(one.slug, []) for one in plan.events], buyer.pk, today
            )
            if edition:
                _edit(plan, worlds.orders(plan, seed=seed, rows=rows), edition, buyer.pk)
        told = {
            "events": [{"id": one.pk, "slug": one.slug, "tiers": [row.pk for row in own]} for one, own in made],
            "orders": orders,
        }
        out.write_text(json.dumps(told), "utf-8")
        self.stdout.write(f"{len(made)} events and {len(orders)} orders more")


def _edit(plan: worlds.Plan, orders: Sequence[worlds.PlannedOrder], edition: int, buyer: int) -> None:
    """Write titles, names and references in place, as the planned text and the number of the edition.

    No row comes or goes by this, so that numbers of rows do not tell of it. Each row is saved as an application saves
    it, so that signals and `auto_now` tell of it as of any change.
    """
    event, tier, order, venue, performer = (
        apps.get_model("shop", name) for name in ("Event", "TicketTier", "Order", "Venue", "Performer")
    )
    for row, (name, city) in zip(venue._default_manager.order_by("pk"), plan.venues, strict=True):
        row.name, row.city = worlds.edited(name, edition), worlds.edited(city, edition)
        row.save()
    for row, name in zip(performer._default_manager.order_by("pk"), plan.performers, strict=True):
        row.name = worlds.edited(name, edition)
        row.save()
    planned = {one.slug: one for one in plan.events}
    for row in event._default_manager.filter(slug__in=planned):
        row.title = worlds.edited(planned[row.slug].title, edition)
        row.save()
        for own, known in zip(
            tier._default_manager.filter(event=row).order_by("pk"), planned[row.slug].tiers, strict=True
        ):
            own.name = worlds.edited(known.name, edition)
            own.save()
    references = {
        worlds.edited(one.reference, number): one.reference for one in orders for number in range(edition + 1)
    }
    for row in order._default_manager.filter(customer=buyer, reference__in=references):
        row.reference = worlds.edited(references[row.reference], edition)
        row.save()
