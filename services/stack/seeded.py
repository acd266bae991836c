"""The world file: the world that the lab planned, with the ids that the variant's database assigned.

The seeder runs inside the variant, whose code can't be trusted. So only ids and tokens are taken from it; slugs,
names, times, prices and capacities come from the plan, which is made in a process that loads no variant.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from launch.python import PYTHON
from services.stack.errors import StackError

TIMEOUT_S: Final = 30.0
_CAST: Final = ("customer", "other", "support", "admin")


def today_at(now: datetime) -> datetime:
    """The time from which the plan's `days_ahead` count: 19:00 UTC of that day, so every event starts at 19:00."""
    return now.replace(hour=19, minute=0, second=0, microsecond=0)


def planned(
    checkout: Path, *, seed: int, world: Mapping[str, int], environment: Mapping[str, str], rows: int = 0
) -> dict[str, Any]:
    """`services.shop.core.world.Plan` as JSON, with its first *rows* orders. Raises: StackError."""
    command = [*PYTHON, "-m", "services.shop.core.world", str(seed), json.dumps(dict(world)), str(rows)]
    try:
        done = subprocess.run(
            command, cwd=checkout, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=True,
        )  # fmt: skip
        plan: dict[str, Any] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise StackError("not_ready", f"world: got {error}, expected the plan of seed {seed}") from None
    return plan


def world_file(told: str, plan: Mapping[str, Any], *, variant: str, today: datetime, rows: int | None = None) -> str:
    """*told*, the seeder's output, with every field that the plan has replaced by the plan's.

    Args:
        rows: How many of the plan's events were asked for, with as many orders; None for all events and no order.

    Raises:
        StackError: `learner_code` when the variant did not keep what was planned.
    """
    try:
        document = json.loads(told)
        ids = _ids(document)
        guests = set(plan["guests"])
        names = [[customer["username"] for customer in document[kind]] for kind in ("customers", "guests")]
    except (ValueError, KeyError, TypeError) as error:
        raise _not_kept(variant, f"got {error!r} in what was seeded, expected the ids of events and tiers") from None
    people = [person["username"] for person in plan["people"]]
    asked = [[name for place, name in enumerate(people) if (place in guests) == kind] for kind in (False, True)]
    if names != asked:
        got = f"{len(ids)} events and {sum(map(len, names))} customers"
        raise _not_kept(variant, f"got {got}, expected those that were planned")
    for name, person in zip(_CAST, plan["staff"], strict=False):
        if name in document.get("cast", {}):
            document["cast"][name] |= {"username": person["username"], "email": person["email"]}
    mails = {person["username"]: person["email"] for person in plan["people"]}
    for kind in ("customers", "guests"):
        document[kind] = [customer | {"email": mails[customer["username"]]} for customer in document[kind]]
    more = _rows(document, plan, range(len(plan["events"]) if rows is None else rows), variant, today)
    return json.dumps(document | more | {"seeded": {"today": today.isoformat(), "rows": rows}})


def filled(text: str, told: str, plan: Mapping[str, Any], *, variant: str, rows: int) -> str:
    """The world file *text* with the rows that `lab_fill` reports (*told*). Raises: StackError as `world_file`."""
    document = json.loads(text)
    today = datetime.fromisoformat(document["seeded"]["today"])
    try:
        added = json.loads(told)
        new = _rows(added, plan, range(document["seeded"]["rows"], rows), variant, today)
    except (ValueError, KeyError, TypeError) as error:
        raise _not_kept(variant, f"got {error!r} in what was filled in, expected ids of events and orders") from None
    for name, found in new.items():
        document[name] += found
    ids = [event["id"] for event in document["events"]]
    if len(set(ids)) != len(ids):
        raise _not_kept(variant, "got ids that are not unique, expected one for each event and tier")
    document["seeded"]["rows"] = rows
    return json.dumps(document)


def _ids(told: Mapping[str, Any]) -> list[tuple[int, list[int]]]:
    return [(int(event["id"]), [int(tier) for tier in event["tiers"]]) for event in told["events"]]


def _rows(
    told: Mapping[str, Any], plan: Mapping[str, Any], numbers: range, variant: str, today: datetime
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Events, tiers and orders *numbers* of the plan, with their ids in the database."""
    ids, planned_events = _ids(told), [plan["events"][number] for number in numbers]
    wanted = [len(event["tiers"]) for event in planned_events]
    planned_orders = plan["orders"][numbers.start : numbers.stop]
    made = told.get("orders", [])
    if [len(tiers) for _, tiers in ids] != wanted or len(made) != len(planned_orders):
        got = f"{len(ids)} events and {len(made)} orders"
        raise _not_kept(variant, f"got {got}, expected those that were planned")
    tiers = [tier for _, own in ids for tier in own]
    if len(set(tiers)) != len(tiers) or len({event for event, _ in ids}) != len(ids):
        raise _not_kept(variant, "got ids that are not unique, expected one for each event and tier")
    events = [
        {
            "id": event_id,
            "slug": event["slug"],
            "title": event["title"],
            "starts_at": (today + timedelta(days=event["days_ahead"])).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "venue": plan["venues"][event["venue"]][0],
            "city": plan["venues"][event["venue"]][1],
            "performers": [plan["performers"][number] for number in event["performers"]],
            "tiers": own,
        }
        for (event_id, own), event in zip(ids, planned_events, strict=True)
    ]
    rows_of_tiers = [
        {"id": tier_id, "event_slug": event["slug"]} | tier
        for (_, own), event in zip(ids, planned_events, strict=True)
        for tier_id, tier in zip(own, event["tiers"], strict=True)
    ]
    orders = [
        _order(order, planned, events[planned["event"] - numbers.start], plan, today, variant)
        for order, planned in zip(made, planned_orders, strict=True)
    ]
    return {"events": events, "tiers": rows_of_tiers, "orders": orders}


def _order(
    made: Mapping[str, Any], planned: Mapping[str, Any], event: Mapping[str, Any], plan: Mapping[str, Any],
    today: datetime, variant: str,
) -> dict[str, Any]:  # fmt: skip
    """Order number n is for event number n of the plan, so a world of any size has both or neither."""
    tickets = [str(ticket) for ticket in made["tickets"]]
    if len(tickets) != (planned["quantity"] if planned["status"] == "paid" else 0):
        raise _not_kept(variant, f"got {len(tickets)} tickets of an order, expected those that were planned")
    tier = plan["events"][planned["event"]]["tiers"][planned["tier"]]
    return {
        "id": str(made["id"]),
        "customer": plan["staff"][_CAST.index("customer")]["username"],
        "tier": event["tiers"][planned["tier"]],
        "quantity": planned["quantity"],
        "amount_cents": tier["price_cents"] * planned["quantity"],
        "reference": planned["reference"],
        "status": planned["status"],
        "created_at": (today - timedelta(minutes=planned["minutes_ago"])).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tickets": tickets,
    }


def _not_kept(variant: str, what: str) -> StackError:
    where = f"services/shop/{variant}"
    return StackError("learner_code", f"{where}: {what}", file=where)
