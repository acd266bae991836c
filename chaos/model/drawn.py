"""A request that was drawn from the contract: by schemathesis, in an environment of its own."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Drawn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request, as it would go on the wire.

    Attributes:
        operation: `METHOD /path/{parameter}/`.
        valid: Whether it was drawn to be as the contract says; the others were drawn not to be.
        path: Percent-encoded, with its query.
        headers: Without those that every client sends.
        body: As text; None for a request without one.
    """

    operation: str
    valid: bool
    path: Annotated[str, msgspec.Meta(min_length=1)]
    headers: dict[str, str] = {}
    body: str | None = None
