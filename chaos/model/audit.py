"""Drill 1's list and contract against the key of a draft: what of both is so.

A list is graded by recall and precision, a row for a deviation and no more; a contract by its facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from chaos.model.deviation import Place, same_family
from chaos.model.matching import maximum

MOST_ROWS: Final = 500
MOST_KNOWN: Final = 200
"""Deviations of one draft."""
MOST_FACTS: Final = 20_000
"""Of one contract; the reference has about 1,500."""
LEAST: Final[Mapping[str, float]] = {"core": 0.7, "stretch": 0.9}
"""Part of the drill → the least of each recall and precision, of the list and of the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the list.

    Attributes:
        line: In the file, from 1.
        operations: Normalised; all of them for `*`.
        every: Whether it said `*`.
        where: In the learner's words; *place* is what they mean.
    """

    line: int
    operations: frozenset[str]
    every: bool
    where: str
    place: Place
    kind: str
    promised: str
    served: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A deviation of the key.

    Attributes:
        operations: Where it shows, normalised.
        places: Several ways to say where.
        kinds: Several words for what it is.
        planted: Whether the seed picked it; `naive` has the others in every draft.
    """

    name: str
    title: str
    operations: frozenset[str]
    places: tuple[Place, ...]
    kinds: tuple[str, ...]
    planted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What the list is worth.

    Attributes:
        found: Line of a row → name of the deviation that it tells.
        repeated: Lines that tell one of them again, at another of its operations: neither right nor wrong.
        wrong: Lines that tell nothing that is so, or tell it twice.
        missed: Names.
        recall: Of all that deviates.
        planted_recall: Of what the seed planted: what `naive` has anyway can be known by heart. None without any.
        precision: Of the rows that count.
    """

    found: Mapping[int, str]
    repeated: tuple[int, ...]
    wrong: tuple[int, ...]
    missed: tuple[str, ...]
    recall: float
    planted_recall: float | None
    precision: float

    def reaches(self, recall: float, precision: float) -> bool:
        """Whether both recalls and the precision are at least so high."""
        return min(self.recall, 1.0 if self.planted_recall is None else self.planted_recall) >= recall and (
            self.precision >= precision
        )


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """An audit of a draft, as a run keeps it.

    Attributes:
        seed: Of the draft.
        revealed: When its key was shown, ISO 8601; empty when it was not.
        rows: The learner's list.
        known: The key.
        own: The learner's contract as facts that count.
        served: The same of the schema that the draft serves.
    """

    seed: int
    revealed: str
    rows: Annotated[tuple[Row, ...], msgspec.Meta(max_length=MOST_ROWS)]
    known: Annotated[tuple[Known, ...], msgspec.Meta(max_length=MOST_KNOWN)]
    own: Annotated[dict[str, Any], msgspec.Meta(max_length=MOST_FACTS)]
    served: Annotated[dict[str, Any], msgspec.Meta(max_length=MOST_FACTS)]


def grade(rows: Sequence[Row], known: Sequence[Known]) -> Grade:
    """Pair *rows* and *known* so that as many as possible are told."""
    fits = {left: [right for right, one in enumerate(known) if tells(row, one)] for left, row in enumerate(rows)}
    pairs = maximum(fits)
    repeated = tuple(_repeated(rows, fits, pairs))
    wrong = tuple(left for left in fits if left not in pairs and left not in repeated)
    told = {known[right].name for right in pairs.values()}
    planted = [one.name for one in known if one.planted]
    return Grade(
        found={rows[left].line: known[right].name for left, right in sorted(pairs.items())},
        repeated=tuple(rows[left].line for left in repeated),
        wrong=tuple(rows[left].line for left in wrong),
        missed=tuple(one.name for one in known if one.name not in told),
        recall=len(pairs) / len(known) if known else 1.0,
        planted_recall=len(told & set(planted)) / len(planted) if planted else None,
        precision=len(pairs) / (len(pairs) + len(wrong)) if rows else 0.0,
    )


def tells(row: Row, one: Known) -> bool:
    """Whether *row* says what *one* is. All operations at once (`*`) say only what shows in most of them."""
    most = row.every and 2 * len(one.operations) >= len(row.operations)
    if not (most or row.operations <= one.operations):
        return False
    return any(place.is_like(row.place) for place in one.places) and any(
        same_family(row.kind, kind) for kind in one.kinds
    )


def _repeated(rows: Sequence[Row], fits: Mapping[int, Sequence[int]], pairs: Mapping[int, int]) -> Iterator[int]:
    """Rows over, each about operations of a deviation that no other row has told it of."""
    told: dict[int, set[str]] = {}
    for left, right in pairs.items():
        told.setdefault(right, set()).update(rows[left].operations)
    for left in fits:
        if left in pairs:
            continue
        for right in fits[left]:
            if not rows[left].operations & told[right]:
                told[right] |= rows[left].operations
                yield left
                break
