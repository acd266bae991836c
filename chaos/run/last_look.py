"""After settling: read each accepted order once more, as its customer sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from chaos.errors import LabBroken
from chaos.evidence.history import History
from chaos.model.dress import Asker
from chaos.model.evidence import Shown
from chaos.model.folder import File
from chaos.model.history import Outcome
from chaos.ports import CustomersView

MOST_ORDERS = 1000
"""A larger number is sampled evenly: each order takes about 10 ms."""
AT_ONCE = 4
MOST_SILENT = 3
"""This many requests of one batch without an answer: the API is away, and the rest is not asked."""


class _Customer(msgspec.Struct):
    id: int
    access: str


class _World(msgspec.Struct):
    customers: list[_Customer]


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
