"""Loads the drills, the dimensions and the mapping between them from the data file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from django.db import transaction

from services.scorecard.models import Dimension, Drill, Score

DATA_FILE = Path(__file__).parent / "data" / "drills.json"


class DimensionData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dimension; the order of the file is the order of the axes."""

    key: str
    name: str


class DrillData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill; `dimensions` are keys, `core` and `stretch` names of scenarios.

    Attributes:
        holds: On how many seeds in a row a scenario has to hold: more than one where a run can hold by chance.
    """

    key: str
    number: int
    title: str
    competency_focus: str
    risk_focus: str
    dimensions: list[str]
    core: list[str] = []
    stretch: list[str] = []
    holds: Annotated[int, msgspec.Meta(ge=1)] = 1


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole data file."""

    dimensions: list[DimensionData]
    drills: list[DrillData]


def read_catalogue(path: Path = DATA_FILE) -> Catalogue:
    """Read the data file.

    Raises:
        msgspec.DecodeError: It is not what this program expects.
    """
    return msgspec.json.decode(path.read_bytes(), type=Catalogue)


@transaction.atomic
def load_catalogue(catalogue: Catalogue) -> None:
    """Update the tables from the file, by key; scores, history and runs stay as they are.

    A drill that is no longer in the file stays in the table: scores refer to it.
    """
    dimensions: dict[str, Dimension] = {}
    for position, axis in enumerate(catalogue.dimensions, start=1):
        dimensions[axis.key], _ = Dimension.objects.update_or_create(
            key=axis.key, defaults={"name": axis.name, "position": position}
        )
    for data in catalogue.drills:
        drill, _ = Drill.objects.update_or_create(
            key=data.key,
            defaults={
                "number": data.number,
                "title": data.title,
                "competency_focus": data.competency_focus,
                "risk_focus": data.risk_focus,
                "core": data.core,
                "stretch": data.stretch,
                "holds": data.holds,
            },
        )
        drill.dimensions.set([dimensions[key] for key in data.dimensions])
        Score.objects.get_or_create(drill=drill)
