"""After settling: read each accepted order once more, as its customer sees it, and what is left of its tier."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import msgspec

from chaos.errors import LabBroken
from chaos.evidence.files import read_json
from chaos.evidence.history import History
from chaos.model.dress import Asker
from chaos.model.evidence import SeatsShown, Shown, Tier
from chaos.model.folder import File
from chaos.model.history import Outcome
from chaos.ports import Clock, CustomersView

MOST_ORDERS = 1000
"""A larger number is sampled evenly: each order takes about 10 ms."""
AT_ONCE = 4
MOST_SILENT = 3
"""This many requests of one batch without an answer: the API is away, and the rest is not asked."""

MOST_EVENTS = 100
"""A larger number is sampled evenly."""
COPIES_AGE_S = 10.0
"""A page may be a copy of this age; `answers_match_the_world` allows no older one."""
AGAIN_S = 0.5


class _Customer(msgspec.Struct):
    id: int
    access: str


class _World(msgspec.Struct):
    customers: list[_Customer]


class _Tier(msgspec.Struct):
    id: int
    event_slug: str


class _Tiers(msgspec.Struct):
    tiers: list[_Tier] = []


def last_look(folder: Path, shop: CustomersView, *, seed: int) -> list[Shown]:
    """What customers are shown now of their accepted orders. Raises: LabBroken without the customers' tokens."""
    try:
        world = msgspec.json.decode((folder / File.WORLD).read_bytes(), type=_World)
    except (OSError, msgspec.DecodeError) as error:
        raise LabBroken(f"world.json: got {error}, expected the customers' tokens") from None
    tokens = {customer.id: customer.access for customer in world.customers}
    history = History.of_run(folder)
    whose = {
        op.order: op.customer
        for op in history
        if op.tier is not None and op.outcome is Outcome.OK and op.order and op.customer in tokens
    }
    asker = Asker(seed=seed, salt=history.salt)

    def look(order: str) -> Shown:
        return shop.order(order, access=tokens[whose[order]], customer=whose[order], asker=asker)

    accepted = sorted(whose)
    chosen = accepted[:: -(-len(accepted) // MOST_ORDERS) or 1]
    found: list[Shown] = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="last-look") as pool:
        for start in range(0, len(chosen), AT_ONCE):
            few = chosen[start : start + AT_ONCE]
            found += pool.map(look, few)
            if sum(not one.http_status for one in found) >= MOST_SILENT:
                break
    return found


def seats_left(
    folder: Path, shop: CustomersView, tiers: Sequence[Tier], clock: Clock, *, seed: int, still: bool
) -> list[SeatsShown]:
    """How many seats anybody is shown as left now, of the tiers that orders were accepted for.

    Pages may be copies of a moment ago. So while a page contradicts *tiers*, what the contract's view says, it is read
    again, until a copy would be too old to be allowed.

    Args:
        still: Whether nothing moves any more; otherwise each page is read once.

    Raises: LabBroken without the world file.
    """
    known = read_json(folder / File.WORLD, _Tiers).tiers
    history = History.of_run(folder)
    bought = {op.tier for op in history if op.tier is not None and op.outcome is Outcome.OK and op.order}
    slugs = sorted({tier.event_slug for tier in known if tier.id in bought})
    chosen = slugs[:: -(-len(slugs) // MOST_EVENTS) or 1]
    stored = {tier.tier_id: tier.capacity - tier.sold for tier in tiers}
    asker = Asker(seed=seed, salt=history.salt)
    until_unix_s = clock.now_unix_s() + COPIES_AGE_S
    found: list[SeatsShown] = []
    silent = 0
    for slug in chosen:
        of_event = [tier.id for tier in known if tier.event_slug == slug]
        for look in count(1):
            shown = shop.seats(slug, of_event, look=look, asker=asker)
            agrees = all(one.http_status and one.remaining == stored.get(one.tier_id) for one in shown)
            if agrees or not still or clock.now_unix_s() >= until_unix_s:
                break
            clock.sleep(AGAIN_S)
        found += shown
        silent += not any(one.http_status for one in shown)
        if silent >= MOST_SILENT:
            break
    return found
