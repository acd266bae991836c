"""`lab_seed`: empty the shop, fill it with a seeded world, issue tokens, write the world file."""

from __future__ import annotations

import hashlib
import json
from argparse import ArgumentParser
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from rest_framework_simplejwt.settings import api_settings as jwt_settings

from services.shop.core import forged, routes
from services.shop.core import world as worlds
from services.shop.core.config import current

EMPTIED_APPS = ("shop", "token_blacklist")
ROWS_A_STATEMENT = 2_000
SEEDED_ACCESS_LIFETIME = timedelta(hours=1)  # outlives any run, however short the tokens are that it is about
CAST = ("customer", "other", "support", "admin")
GONE = ("deleted", "disabled", "password_changed")


class Command(BaseCommand):
    """Works on any variant: it knows models by name only."""

    help = "Empty all tables, seed a world, issue tokens, write the world file that the load driver reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--world", default="{}", help='JSON, such as {"events": 5, "hot_tiers": 1}')
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *_: Any, seed: int, world: str, out: Path, **__: Any) -> None:
        try:
            described = json.loads(world)
            size = worlds.parse(described) if isinstance(described, dict) else None
        except (json.JSONDecodeError, worlds.WorldError) as error:
            raise CommandError(str(error)) from error
        if size is None:
            raise CommandError(f"world: got {world}, expected a JSON object")
        password = _password(seed)
        hashed = make_password(password)  # once: a hash costs a quarter of a second
        plan = worlds.plan(size, seed=seed)
        with transaction.atomic():
            _empty()
            customers = [_with_tokens(customer) for customer in _make_customers(plan, hashed)]
            events = _make_events(plan)
            cast = _make_cast(hashed, tier=events[-1][1][-1])
            gone = _gone(hashed)
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
            "tiers": [
                {
                    "id": tier.pk,
                    "event_slug": event.slug,
                    "capacity": tier.capacity,
                    "price_cents": tier.price_cents,
                    "hot": planned.hot,
                }
                for (event, tiers), planned_event in zip(events, plan.events, strict=True)
                for tier, planned in zip(tiers, planned_event.tiers, strict=True)
            ],
            "customers": customers,
            "cast": cast,
            "bad_tokens": bad_tokens | {name: tokens["access"] for name, tokens in gone.items()},
            "bad_refreshes": {name: tokens["refresh"] for name, tokens in gone.items()},
            "access_lifetime_s": current().access_lifetime_s,
            "routes": routes.served(),
        }
        _write(out, document)
        self.stdout.write(f"{current().variant}: {len(events)} events, {len(customers)} customers, world in {out}")


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
            model(username=name, email=f"{name}@example.org", role="customer", password=hashed)
            for name in plan.usernames
        ],
    )


def _make_cast(hashed: str, *, tier: Any) -> dict[str, dict[str, Any]]:
    """One person per role, and another customer; customers have an order that took no seat.

    `stale` is the customer's token from the time when the customer was an admin.
    """
    model = _model("Customer")
    made: dict[str, dict[str, Any]] = {}
    for name in CAST:
        role = "customer" if name == "other" else name
        person = model.objects.create(
            username=f"cast-{name}", email=f"cast-{name}@example.org", role=role, password=hashed
        )
        made[name] = _with_tokens(person)
        if role == "customer":
            made[name]["order"] = str(_refused_order(person, tier).pk)
    made["customer"]["stale"] = forged.with_claims(made["customer"]["access"], key=settings.SECRET_KEY, role="admin")
    return made


def _refused_order(customer: Any, tier: Any) -> Any:
    """A row that takes no seat and no money. What a variant has beyond the common columns gets some value."""
    model = _model("Order")
    known = {
        "customer": customer,
        "tier": tier,
        "quantity": 1,
        "amount_cents": tier.price_cents,
        "reference": f"cast-{customer.pk}",
        "status": "refused",
    }
    for column in model._meta.concrete_fields:
        bare = not column.has_default() and not column.null and not column.primary_key
        if bare and column.name not in known and not getattr(column, "auto_now", False):
            known[column.name] = _some_value(column.get_internal_type(), customer.pk)
    return model.objects.create(**known)


def _some_value(kind: str, number: int) -> Any:
    if kind.endswith("DateTimeField"):
        return timezone.now()
    return f"cast-{number}" if kind in {"CharField", "TextField", "SlugField"} else 0


def _gone(hashed: str) -> dict[str, dict[str, Any]]:
    """What became of it → an account that had tokens before, with these."""
    found: dict[str, dict[str, Any]] = {}
    model = _model("Customer")
    for name in GONE:
        person = model.objects.create(
            username=f"cast-{name}", email=f"cast-{name}@example.org", role="customer", password=hashed
        )
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


def _make_events(plan: worlds.Plan) -> list[tuple[Any, list[Any]]]:
    venue, performer, event, tier = (_model(name) for name in ("Venue", "Performer", "Event", "TicketTier"))
    venues = _create(venue, [venue(name=name, city=city) for name, city in plan.venues])
    performers = _create(performer, [performer(name=name) for name in plan.performers])
    today = timezone.now().replace(hour=19, minute=0, second=0, microsecond=0)
    events = _create(event, [_event(event, planned, venues, today) for planned in plan.events])
    through = event.performers.through
    _create(
        through,
        [
            through(event_id=made.pk, performer_id=performers[position].pk)
            for made, planned in zip(events, plan.events, strict=True)
            for position in planned.performers
        ],
    )
    tiers = _create(
        tier,
        [
            tier(event_id=made.pk, name=row.name, price_cents=row.price_cents, capacity=row.capacity, sold=0)
            for made, planned in zip(events, plan.events, strict=True)
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
    """All or nothing, and for the owner's eyes: it holds tokens and a password."""
    partial = out.with_name(f".{out.name}.partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(document), "utf-8")
    partial.replace(out)
