"""Which variants can be run."""

from __future__ import annotations

from chaos.drills import attempt, drafts, mutants
from chaos.errors import InvalidInput


def require_known(variant: str) -> None:
    """Raises: InvalidInput naming the variants that there are; mutants and drafts are known too."""
    known = attempt.variants()
    draft = drafts.parse(variant)
    on_demand = draft is not None and draft.drill in drafts.with_drafts()
    if not on_demand and variant not in (*known, *mutants.variants()):
        hint = " (firedrill attempt start makes one)" if variant == "attempt" else ""
        raise InvalidInput(f"variant: got {variant!r}, expected one of {', '.join(known)}{hint}")
