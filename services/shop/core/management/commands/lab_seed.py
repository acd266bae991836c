"""`lab_seed`: empty the shop, fill it with a seeded world, issue tokens, write the world file."""

from __future__ import annotations

import hashlib
import json
import uuid
from argparse import ArgumentParser
from collections.abc import Container, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework_simplejwt.settings import api_settings as jwt_settings

from services.shop.core import forged, routes
from services.shop.core import world as worlds
from services.shop.core.config import current

EMPTIED_APPS = ("shop", "token_blacklist")
ROWS_A_STATEMENT = 2_000
OLD_ORDERS_APART_S = 17
SEEDED_ACCESS_LIFETIME = timedelta(hours=1)  # longer than any run, even one that is about short-lived tokens
CAST = ("customer", "other", "support", "admin")
GONE = ("deleted", "disabled", "password_changed")


class Command(BaseCommand):
    """Works on any variant: it looks models up by name."""

    help = "Empty all tables, seed a world, issue tokens, write the world file that the load driver reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--world", default="{}", help='JSON, such as {"events": 5, "hot_tiers": 1}')
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--today", type=datetime.fromisoformat, default=None, help="what `days ahead` counts from")
        parser.add_argument("--rows", type=int, default=None, help="only so many events of the world, and orders")

    def handle(
        self, *_: Any, seed: int, world: str, out: Path, today: datetime | None = None, rows: int | None = None,
        **__: Any,
    ) -> None:  # fmt: skip
        size = parsed(world)
        password = _password(seed)
        hashed = make_password(password)  # once: a hash costs a quarter of a second
        plan = worlds.plan(size, seed=seed)
        with transaction.atomic():
            _empty()
            people = [_with_tokens(customer) for customer in _make_customers(plan, hashed)]
            day = today or timezone.now()
            events = make_events(plan, plan.events[:rows], day)
            cast = _make_cast(plan.staff[: len(CAST)], hashed, tier=events[-1][1][-1])
            ordered = make_orders(
                plan, seed, range(rows or 0), [tiers for _, tiers in events], cast["customer"]["id"], day
            )
            make_old_orders(size.old_orders, events[-1][1][-1], [person["id"] for person in people], day)
            gone = _gone(plan.staff[len(CAST) :], hashed)
            bad_tokens = dict(
                forged.refused(cast["customer"]["access"], cast["customer"]["refresh"], key=settings.SECRET_KEY)
            )
        document = {
            "variant": current().variant,
            "seed": seed,
            "password": password,
            "events": [
                {"id": event.pk, "slug": event.slug, "tiers": [tier.pk for tier in tiers]} for event, tiers in events
            ],
            "orders": ordered,
            "tiers": [
                {
                    "id": tier.pk,
                    "event_slug": event.slug,
                    "capacity": planned.capacity,
                    "price_cents": planned.price_cents,
                    "hot": planned.hot,
                }
                for (event, tiers), planned_event in zip(events, plan.events[:rows], strict=True)
                for tier, planned in zip(tiers, planned_event.tiers, strict=True)
            ],
            "customers": [person for place, person in enumerate(people) if place not in plan.guests],
            "guests": [person for place, person in enumerate(people) if place in plan.guests],
            "cast": cast,
            "bad_tokens": bad_tokens | {name: tokens["access"] for name, tokens in gone.items()},
            "bad_refreshes": {name: tokens["refresh"] for name, tokens in gone.items()},
            "access_lifetime_s": current().access_lifetime_s,
            "routes": routes.served(),
        }
        _write(out, document)
        self.stdout.write(f"{current().variant}: {len(events)} events, {len(people)} customers, world in {out}")


def parsed(world: str) -> worlds.World:
    """The world of `--world`. Raises: CommandError."""
    try:
        described = json.loads(world)
        if isinstance(described, dict):
            return worlds.parse(described)
    except (json.JSONDecodeError, worlds.WorldError) as error:
        raise CommandError(str(error)) from error
    raise CommandError(f"world: got {world}, expected a JSON object")


def _password(seed: int) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}:{seed}".encode()).hexdigest()[:20]


def _empty() -> None:
    tables = [
        connection.ops.quote_name(model._meta.db_table)
        for label in EMPTIED_APPS
        if apps.is_installed(label) or label in apps.app_configs
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
        if model._meta.managed
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")  # names come from the models


def _make_customers(plan: worlds.Plan, hashed: str) -> list[Any]:
    model: Any = apps.get_model("shop", "Customer")
    return _create(
        model,
        [
            model(username=person.username, email=person.email, role="customer", password=hashed)
            for person in plan.people
        ],
    )


def _make_cast(people: Sequence[worlds.Person], hashed: str, *, tier: Any) -> dict[str, dict[str, Any]]:
    """One person per role, and a second customer; each customer gets a refused order, which takes no seat.

    `stale` is the customer's token from the time when the customer was an admin.
    """
    model = _model("Customer")
    made: dict[str, dict[str, Any]] = {}
    for name, who in zip(CAST, people, strict=True):
        role = "customer" if name == "other" else name
        person = model.objects.create(username=who.username, email=who.email, role=role, password=hashed)
        made[name] = _with_tokens(person)
        if role == "customer":
            made[name]["order"] = str(_refused_order(person, tier).pk)
    made["customer"]["stale"] = forged.with_claims(made["customer"]["access"], key=settings.SECRET_KEY, role="admin")
    return made


def _refused_order(customer: Any, tier: Any) -> Any:
    """An order that takes no seat and no money. Columns that only this variant has get an arbitrary value."""
    model = _model("Order")
    known = {
        "customer": customer,
        "tier": tier,
        "quantity": 1,
        "amount_cents": tier.price_cents,
        "reference": str(uuid.uuid4()),
        "status": "refused",
    }
    known |= {name: _some_value(kind) for name, kind in bare_columns(model, known).items()}
    return model.objects.create(**known)


def bare_columns(model: Any, known: Container[str]) -> dict[str, str]:
    """Columns besides *known* that need a value and have no default → their type."""
    return {
        column.name: column.get_internal_type()
        for column in model._meta.concrete_fields
        if not column.has_default() and not column.null and not column.primary_key and column.name not in known
        and not getattr(column, "auto_now", False) and not getattr(column, "auto_now_add", False)
    }  # fmt: skip


def _some_value(kind: str) -> Any:
    if kind.endswith("DateTimeField"):
        return timezone.now()
    return str(uuid.uuid4()) if kind in {"CharField", "TextField", "SlugField"} else 0


def _gone(people: Sequence[worlds.Person], hashed: str) -> dict[str, dict[str, Any]]:
    """Change (`deleted`, …) → an account that was changed so after its tokens were issued, with these tokens."""
    found: dict[str, dict[str, Any]] = {}
    model = _model("Customer")
    for name, who in zip(GONE, people, strict=True):
        person = model.objects.create(username=who.username, email=who.email, role="customer", password=hashed)
        found[name] = _with_tokens(person)
        match name:
            case "deleted":
                person.delete()
            case "disabled":
                person.is_active = False
                person.save()
            case _:
                person.set_unusable_password()
                person.save()
    return found


def make_orders(
    plan: worlds.Plan, seed: int, numbers: range, tiers: Sequence[Sequence[Any]], customer: int, day: datetime
) -> list[dict[str, Any]]:
    """The planned orders *numbers* of *customer*, with the tickets of those that are paid, and their ids.

    Args:
        tiers: The tiers of every existing event, in the plan's order.
    """
    planned = worlds.orders(plan, seed=seed, rows=numbers.stop)[numbers.start :]
    order, ticket, tier = _model("Order"), _model("Ticket"), _model("TicketTier")
    bare = bare_columns(order, ("customer", "tier", "quantity", "amount_cents", "reference", "status"))
    rows = [
        order(
            customer_id=customer, tier=tiers[row.event][row.tier], quantity=row.quantity, reference=row.reference,
            amount_cents=tiers[row.event][row.tier].price_cents * row.quantity, status=row.status,
            created_at=day - timedelta(minutes=row.minutes_ago),
            **{name: _some_value(kind) for name, kind in bare.items()},
        )
        for row in planned
    ]  # fmt: skip
    _create_dated(order, rows)
    seat = any(column.name == "seat" for column in ticket._meta.concrete_fields)
    tickets = [
        ticket(order=made, tier=made.tier, **({"seat": number + 1} if seat else {}))
        for made, row in zip(rows, planned, strict=True)
        for number in range(row.quantity if row.status == "paid" else 0)
    ]
    _create(ticket, tickets)
    for made in {made.tier_id: made.tier for made in rows}.values():
        sold = sum(row.quantity for row in rows if row.tier_id == made.pk and row.status == "paid")
        tier._default_manager.filter(pk=made.pk).update(sold=F("sold") + sold)
    return [
        {"id": str(made.pk), "tickets": [str(one.pk) for one in tickets if one.order_id == made.pk]} for made in rows
    ]


def make_old_orders(number: int, tier: Any, customers: Sequence[int], day: datetime) -> None:
    """*number* refused orders, each of the next of *customers*: they take no seat, and lists of orders are long.

    They are spread over the time of the cast's orders, so that a list in that order meets many before one of them.
    """
    order = _model("Order")
    bare = bare_columns(order, ("customer", "tier", "quantity", "amount_cents", "reference", "status"))
    rows = [
        order(
            customer_id=customers[place % len(customers)], tier=tier, quantity=1, reference=str(uuid.uuid4()),
            amount_cents=tier.price_cents, status="refused",
            created_at=day - timedelta(days=1, seconds=OLD_ORDERS_APART_S * place),
            **{name: _some_value(kind) for name, kind in bare.items()},
        )
        for place in range(number)
    ]  # fmt: skip
    _create_dated(order, rows)


def make_events(plan: worlds.Plan, some: Sequence[worlds.PlannedEvent], now: datetime) -> list[tuple[Any, list[Any]]]:
    """*some* of the plan's events, with their tiers; venues and performers are made when none are there."""
    venue, performer, event, tier = (_model(name) for name in ("Venue", "Performer", "Event", "TicketTier"))
    venues = list(venue._default_manager.order_by("pk")) or _create(
        venue, [venue(name=name, city=city) for name, city in plan.venues]
    )
    performers = list(performer._default_manager.order_by("pk")) or _create(
        performer, [performer(name=name) for name in plan.performers]
    )
    today = now.replace(hour=19, minute=0, second=0, microsecond=0)
    events = _create(event, [_event(event, planned, venues, today) for planned in some])
    through = event.performers.through
    _create(
        through,
        [
            through(event_id=made.pk, performer_id=performers[position].pk)
            for made, planned in zip(events, some, strict=True)
            for position in planned.performers
        ],
    )
    tiers = _create(
        tier,
        [
            tier(event_id=made.pk, name=row.name, price_cents=row.price_cents, capacity=row.capacity, sold=0)
            for made, planned in zip(events, some, strict=True)
            for row in planned.tiers
        ],
    )
    by_event: dict[int, list[Any]] = {made.pk: [] for made in events}
    for row in tiers:
        by_event[row.event_id].append(row)
    return [(made, by_event[made.pk]) for made in events]


def _event(model: Any, planned: worlds.PlannedEvent, venues: list[Any], today: datetime) -> Any:
    return model(
        slug=planned.slug,
        title=planned.title,
        venue_id=venues[planned.venue].pk,
        starts_at=today + timedelta(days=planned.days_ahead),
    )


def _model(name: str) -> Any:
    return apps.get_model("shop", name)


def _create_dated(model: Any, rows: list[Any]) -> None:
    """Create *rows* with the `created_at` that they have, where the model would set the present time."""
    column = model._meta.get_field("created_at")
    set_by_itself, column.auto_now_add = column.auto_now_add, False
    try:
        _create(model, rows)
    finally:
        column.auto_now_add = set_by_itself


def _create(model: Any, rows: list[Any]) -> list[Any]:
    created: list[Any] = model._default_manager.bulk_create(rows, batch_size=ROWS_A_STATEMENT)
    return created


def _with_tokens(customer: Any) -> dict[str, Any]:
    """Tokens as the variant's own login issues them."""
    refresh = import_string(jwt_settings.TOKEN_OBTAIN_SERIALIZER).get_token(customer)
    access = refresh.access_token
    access.set_exp(lifetime=SEEDED_ACCESS_LIFETIME)
    return {
        "id": customer.pk,
        "username": customer.username,
        "access": str(access),
        "refresh": str(refresh),
    }


def _write(out: Path, document: dict[str, Any]) -> None:
    """Write all or nothing, readable by the owner only: it holds tokens and a password."""
    partial = out.with_name(f".{out.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(document), "utf-8")
    partial.replace(out)
