"""Traits of each operation that a load mix may name. The only table of them: sets of operations are derived from it.

The journeys that perform them are in `loadtests/journeys`, which the engine does not import; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationTraits:
    """One operation.

    Attributes:
        follow_ups: Operations that its journey sends afterwards: polls after `buy`. Its own second tries are not named.
        reads_only: It reads or logs in, and can't lead to an order or a charge.
        orders: It places an order under a key of its own.
        shows: Its 2xx shows something of the world: a page of events, an order, an account, a list.
        spends_session: It uses up a customer's session, or a user name: no two arrivals may share one.
        for_guests: It needs no account of the load's, so the guest client sends it, too, and must get the same answers.
        asks_matrix: It needs the access matrix, so the scenario needs one.
    """

    follow_ups: tuple[str, ...] = ()
    reads_only: bool = False
    orders: bool = False
    shows: bool = False
    spends_session: bool = False
    for_guests: bool = False
    asks_matrix: bool = False


OPERATIONS: Mapping[str, OperationTraits] = MappingProxyType(
    {
        "browse": OperationTraits(reads_only=True, shows=True, for_guests=True),
        "buy": OperationTraits(follow_ups=("poll",), orders=True, shows=True, for_guests=True),
        "buy_and_cancel": OperationTraits(follow_ups=("cancel", "poll"), orders=True, shows=True),
        "change_password": OperationTraits(follow_ups=("renew", "use"), spends_session=True),
        "detail": OperationTraits(reads_only=True, shows=True, for_guests=True),
        "escalate": OperationTraits(follow_ups=("trespass",)),
        "foreign_order": OperationTraits(follow_ups=("own_list", "own_order"), reads_only=True, shows=True),
        "forged": OperationTraits(reads_only=True),
        "live": OperationTraits(reads_only=True),
        "login": OperationTraits(follow_ups=("use",), reads_only=True, shows=True),
        "login_attack": OperationTraits(spends_session=True),
        "matrix": OperationTraits(follow_ups=("matrix_more",), shows=True, spends_session=True, asks_matrix=True),
        "me": OperationTraits(reads_only=True, shows=True),
        "refresh": OperationTraits(follow_ups=("renew", "use"), shows=True, spends_session=True),
        "refresh_race": OperationTraits(spends_session=True),
        "resubmit": OperationTraits(follow_ups=("poll",), orders=True, shows=True),
        "reuse": OperationTraits(follow_ups=("renew", "use"), spends_session=True),
        "revoke": OperationTraits(follow_ups=("renew", "use"), spends_session=True),
        "support_list": OperationTraits(follow_ups=("trespass",), reads_only=True, shows=True),
    }
)

WATCHING = "poll"
"""The follow-up that only reads an order's status; summaries of the operations leave it out."""


def named(trait: Callable[[OperationTraits], bool]) -> frozenset[str]:
    """Names of the operations of which *trait* is true: `named(lambda operation: operation.orders)`."""
    return frozenset(name for name, operation in OPERATIONS.items() if trait(operation))


def performed(asked: Iterable[str]) -> frozenset[str]:
    """*asked* and their follow-ups. A name that is no operation has none."""
    names = frozenset(asked)
    return names.union(*(OPERATIONS[name].follow_ups for name in names if name in OPERATIONS))
