"""Asks a variant for everything once at each size of data, in this process: `python bank_probe.py ROWS…`.

The last line of stdout is JSON: `[{"rows", "operation", "id", "status", "body"}, …]`. The request's id is in each SQL
statement, so that whoever reads PostgreSQL's log can tell them apart. Runs in the variant's environment, in a folder
whose `services` has the variant; the database has its tables.
"""

from __future__ import annotations

import json
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from services.shop.core.config import adopt_environment, current


def main(sizes: list[int]) -> None:
    """Seed, fill and ask, at each size."""
    adopt_environment(current(), role="manage")  # a deadline would be met on a busy machine
    import django  # noqa: PLC0415  (its settings want the environment)

    django.setup()
    found: list[dict[str, Any]] = []
    for rows in sizes:
        found += [{"rows": rows, **step} for step in _asked(_world(rows), rows)]
    sys.stdout.write(f"\n{json.dumps(found)}\n")  # below what the shop logs


def _world(rows: int) -> dict[str, Any]:
    """So many events, and so many paid orders of the first customer, each with two tickets."""
    from django.apps import apps  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "world.json"
        size = {"events": rows, "hot_tiers": 0, "seats": 100, "customers": 3}
        call_command("lab_seed", seed=7, world=json.dumps(size), out=out, verbosity=0, stdout=sys.stderr)
        world: dict[str, Any] = json.loads(out.read_text())
    order, ticket, tier = (apps.get_model("shop", name) for name in ("Order", "Ticket", "TicketTier"))
    tiers = list(tier.objects.order_by("pk"))
    first = tiers[0]
    world["tier"] = first.pk
    world["orders"] = []
    made, seats = [], []
    for number in range(rows):
        about = {"tier": tiers[number % len(tiers)], "quantity": 2, "amount_cents": 2 * first.price_cents}
        made.append(_row(order, customer_id=world["customers"][0]["id"], status="paid", reference=f"{number}", **about))
    order.objects.bulk_create(made)
    for one in made:
        seats += [_row(ticket, order=one, tier=one.tier, seat=seat) for seat in (1, 2)]
    cancelled = _row(order, customer_id=world["customers"][1]["id"], tier=first, quantity=max(1, rows // 5),
                     status="paid", amount_cents=first.price_cents, reference="to be cancelled")  # fmt: skip
    cancelled.save()
    seats += [_row(ticket, order=cancelled, tier=first, seat=seat + 1) for seat in range(cancelled.quantity)]
    ticket.objects.bulk_create(seats)
    tier.objects.filter(pk__lte=tiers[min(rows, len(tiers)) - 1].pk).update(sold=2)
    tier.objects.filter(pk=first.pk).update(capacity=10 * rows + 100, sold=2 + cancelled.quantity)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    world["order"], world["cancelled"] = str(made[0].pk), str(cancelled.pk)
    return world


def _row(model: Any, **fields: Any) -> Any:
    """With a value for whatever only some variants have."""
    from django.utils import timezone  # noqa: PLC0415

    names = {field.name for field in model._meta.concrete_fields}
    more = {"idempotency_key": uuid.uuid4().hex, "request_hash": "-", "next_dispatch_at": timezone.now()}
    known = {name: value for name, value in fields.items() if name.removesuffix("_id") in names}
    return model(**{name: value for name, value in more.items() if name in names}, **known)


def _asked(world: dict[str, Any], rows: int) -> list[dict[str, Any]]:
    mine, other = world["customers"][0], world["customers"][1]
    cast = world["cast"]
    order = {"tier": world["tier"], "quantity": min(4, max(1, rows // 5)), "reference": "from the probe"}
    found = [
        _call("GET", "/api/events/"),
        _call("GET", "/api/events/{slug}/", world["events"][0]["slug"]),
        _call("GET", "/api/me/", token=mine["access"]),
        _call("GET", "/api/orders/", token=mine["access"]),
        _call("GET", "/api/orders/{id}/", world["order"], token=mine["access"]),
        _call("GET", "/api/support/orders/", token=cast["support"]["access"]),
        _call("GET", "/api/admin/sales/", token=cast["admin"]["access"]),
        _call("POST", "/api/orders/", token=other["access"], body=order),
        _call("POST", "/api/orders/{id}/cancel/", world["cancelled"], token=other["access"]),
        _call("PATCH", "/api/admin/tiers/{id}/", world["tier"], token=cast["admin"]["access"], body={"name": "Stalls"}),
    ]
    return [*found, _task(found[7]["body"]["id"])]


def _call(
    method: str, path: str, argument: object = "", *, token: str = "", body: dict[str, Any] | None = None
) -> dict[str, Any]:
    from django.core.cache import cache  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    cache.clear()
    id_ = uuid.uuid4().hex
    headers = {"X-Request-Id": id_, "Host": "localhost", "Idempotency-Key": id_}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    address = path.replace("{slug}", str(argument)).replace("{id}", str(argument))
    answer = Client(raise_request_exception=False).generic(
        method, address, json.dumps(body) if body else "", content_type="application/json", headers=headers
    )
    text = answer.content.decode()
    told = json.loads(text) if text.startswith(("{", "[")) else text
    return {"operation": f"{method} {path}", "id": id_, "status": answer.status_code, "body": told}


def _task(order_id: str) -> dict[str, Any]:
    """What the worker does with the order that was placed."""
    from services.shop.core.celery import app  # noqa: PLC0415

    app.loader.import_default_modules()
    done = app.tasks["shop.charge_order"].apply(args=[order_id])
    return {"operation": "shop.charge_order", "id": done.id, "status": 200 if done.successful() else 500, "body": ""}


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]])
