"""What the invariants about accounts share: when a request was refused."""

from __future__ import annotations

from chaos.invariants._common import FAIL
from chaos.model.accounts import FORBIDDEN, NOT_FOUND, TOO_MANY, UNAUTHENTICATED
from chaos.model.history import Operation

REFUSALS = frozenset({UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_MANY})


def refused(op: Operation) -> bool:
    """Whether the API refused the caller. A missing answer, a 5xx or a 400 for the request itself is no refusal."""
    return op.outcome is FAIL and op.status in REFUSALS
