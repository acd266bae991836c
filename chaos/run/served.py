"""Whether a variant serves what the access matrix asks for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from chaos.errors import InvalidInput
from chaos.evidence.files import read_json
from chaos.model import access


def require_served(table: str, world: Path, variant: str) -> None:
    """Check that *variant* serves the endpoint of every row of the access matrix. Raises: InvalidInput."""
    routes = read_json(world, _Routes).routes
    problems = access.unserved(access.parse(table), routes, where=access.TABLE, variant=variant)
    if problems:
        raise InvalidInput("\n".join(problems))


class _Routes(msgspec.Struct):
    routes: list[str] = []
