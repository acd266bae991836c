"""What the invariants about accounts share: how the journeys name the state of a token."""

from __future__ import annotations

from chaos.invariants._common import FAIL
from chaos.model.history import Operation

VALID, EXPIRED, FOREIGN, UNPRIVILEGED = "valid", "expired", "foreign", "unprivileged"
REVOKED, USED_UP, ENDS_SESSION = "revoked", "used_up", "ends_session"
GUESS, GUESS_UNKNOWN, RACE, FORGED = "guess", "guess_unknown", "race", "forged"

UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_MANY = 401, 403, 404, 429
REFUSALS = frozenset({UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_MANY})


def refused(op: Operation) -> bool:
    """The API said no to whoever asked: no missing answer, no 5xx, no complaint about the request itself."""
    return op.outcome is FAIL and op.status in REFUSALS
