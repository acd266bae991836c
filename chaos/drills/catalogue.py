"""Which scenarios make a drill's core (its own steps) and its stretch (what a production owner would add).

Read from the scorecard's data file, so that what `check` runs is what the ceilings rest on.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput, LabBroken

DATA_FILE = CHECKOUT / "services" / "scorecard" / "data" / "drills.json"
Part: TypeAlias = Literal["core", "stretch"]
PARTS: tuple[Part, ...] = ("core", "stretch")


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill and the names of its scenarios.

    Attributes:
        holds: Conclusive holds on different seeds, one after the other, that each scenario needs.
    """

    key: str
    number: int
    title: str
    core: tuple[str, ...] = ()
    stretch: tuple[str, ...] = ()
    holds: Annotated[int, msgspec.Meta(ge=1)] = 1

    def part(self, part: Part) -> tuple[str, ...]:
        """Names of the scenarios of one part."""
        return self.core if part == "core" else self.stretch


class _Catalogue(msgspec.Struct, frozen=True):
    drills: tuple[Drill, ...]


def drills(path: Path = DATA_FILE) -> tuple[Drill, ...]:
    """Every drill, by number. Raises: LabBroken when the file can't be read."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Catalogue).drills
    except (OSError, msgspec.DecodeError) as error:
        raise LabBroken(f"{path}: got {error}, expected the catalogue of drills") from None
    return tuple(sorted(found, key=lambda drill: drill.number))


def drill(asked: str, path: Path = DATA_FILE) -> Drill:
    """By number or key. Raises: InvalidInput for a drill that there is not, or that has no scenarios."""
    known = [one for one in drills(path) if one.core or one.stretch]
    for one in known:
        if asked in (str(one.number), one.key):
            return one
    words = ", ".join(f"{one.number} ({one.key})" for one in known)
    raise InvalidInput(f"drill: got {asked!r}, expected one of {words}")


def missing(one: Drill, scenarios: Collection[str]) -> list[str]:
    """Scenarios that the data file names and that have no file, each as a problem."""
    return [
        f"{DATA_FILE.name}: drill {one.number}: {part}: got {name!r}, expected the name of a scenario"
        for part in PARTS
        for name in one.part(part)
        if name not in scenarios
    ]
