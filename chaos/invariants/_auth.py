"""What the invariants about accounts share: when a request was refused."""

from __future__ import annotations

from chaos.invariants._common import FAIL
from chaos.model.accounts import FORBIDDEN, NOT_FOUND, TOO_MANY, UNAUTHENTICATED
from chaos.model.history import Operation

REFUSALS = frozenset({UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_MANY})


def refused(op: Operation) -> bool:
    """The API said no to whoever asked: no missing answer, no 5xx, no complaint about the request itself."""
    return op.outcome is FAIL and op.status in REFUSALS
