"""Notes against the key of a sample: recall weighted by severity, precision, and traps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from chaos.errors import InvalidInput
from chaos.model.matching import maximum
from chaos.model.notes import MOST_NOTES, Note

WEIGHT: Final = {"low": 1, "medium": 2, "high": 3, "critical": 4}
SLACK_LINES: Final = 2
MOST_NOTES_PER_FLAW: Final = 1.5
MOST_PLANTED: Final = 100
"""Of one sample."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a flaw or a trap is: its own lines, and those of the function around it."""

    file: str
    line: int
    last_line: int
    function: str
    first: int
    last: int


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the key."""

    slot: str
    name: str
    kind: str
    title: str
    cwe: tuple[int, ...]
    severity: str
    exploit: str
    places: tuple[Place, ...]

    @property
    def weight(self) -> int:
        return WEIGHT.get(self.severity, 0)

    def meets(self, note: Note) -> bool:
        """Whether *note* is about this: inside the function, two lines more or less, and of its family.

        One that reaches beyond it says of no function what is wrong with it.
        """
        return note.cwe in self.cwe and any(
            note.file == place.file
            and note.line >= place.first - SLACK_LINES
            and note.last_line <= place.last + SLACK_LINES
            for place in self.places
        )

    def distance(self, note: Note) -> int:
        """Lines between *note* and the flaw itself: of two notes that both meet it, the nearer one is meant."""
        return min(
            max(place.line - note.last_line, note.line - place.last_line, 0)
            for place in self.places
            if place.file == note.file
        )


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of the drill asks."""

    recall: float
    precision: float
    traps: float


CORE: Final = Limits(recall=0.6, precision=0.6, traps=1 / 3)
STRETCH: Final = Limits(recall=0.85, precision=0.75, traps=1 / 6)


class Reviewed(msgspec.Struct, frozen=True, kw_only=True):
    """A review of a sample, as a run keeps it.

    Attributes:
        seed: Of the sample.
        revealed: When its key was shown, ISO 8601; empty when it was not.
    """

    seed: int
    revealed: str
    notes: Annotated[tuple[Note, ...], msgspec.Meta(max_length=MOST_NOTES)]
    key: Annotated[tuple[Planted, ...], msgspec.Meta(max_length=MOST_PLANTED)]


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What came out.

    Attributes:
        matched: Note → the flaw that it was counted for, by their positions.
        trapped: Notes that are about a trap, by position; among `unmatched`.
        unmatched: Notes that are about nothing of the key, by position.
        missed: Flaws without a note, by position.
        recall: Found share of the flaws, each weighted by its severity.
        precision: Share of the notes that found a flaw; 0 without notes.
        traps: Share of the traps that caught somebody.
    """

    notes: tuple[Note, ...]
    flaws: tuple[Planted, ...]
    matched: dict[int, int]
    trapped: tuple[int, ...]
    unmatched: tuple[int, ...]
    missed: tuple[int, ...]
    recall: float
    precision: float
    traps: float

    def meets(self, limits: Limits) -> bool:
        """Whether each of the three figures is good enough."""
        return self.recall >= limits.recall and self.precision >= limits.precision and self.traps <= limits.traps

    def against(self, limits: Limits) -> str:
        """The three figures, each with its limit."""
        return (
            f"recall {self.recall:.0%} (asked ≥ {limits.recall:.0%}), precision {self.precision:.0%} "
            f"(≥ {limits.precision:.0%}), traps {self.traps:.0%} (≤ {limits.traps:.0%})"
        )

    def document(self) -> dict[str, Any]:
        """Without anything that says what was missed, or which note a trap caught."""
        missed = Counter((self.flaws[at].places[0].file, self.flaws[at].severity) for at in self.missed)
        return {
            "recall": round(self.recall, 4),
            "precision": round(self.precision, 4),
            "traps": round(self.traps, 4),
            "core": self.meets(CORE),
            "stretch": self.meets(STRETCH),
            "found": len(self.matched),
            "flaws": len(self.flaws),
            "notes": [
                {**msgspec.to_builtins(note), "matched": at in self.matched} for at, note in enumerate(self.notes)
            ],
            "missed": [
                {"file": file, "severity": severity, "count": count}
                for (file, severity), count in sorted(
                    missed.items(), key=lambda item: (item[0][0], -WEIGHT[item[0][1]])
                )
            ],
        }


def grade(notes: Sequence[Note], key: Sequence[Planted], *, limited: bool = True) -> Grade:
    """Match notes and flaws one to one, so that the weight of the flaws found is as large as it can be.

    Args:
        limited: Whether too many notes are refused; scanners may say what they like.

    Raises: InvalidInput for more notes than half as many again as there are flaws.
    """
    flaws = tuple(sorted((one for one in key if one.kind == "flaw"), key=lambda one: -one.weight))
    traps = [one for one in key if one.kind == "trap"]
    if limited and len(notes) > MOST_NOTES_PER_FLAW * len(flaws):
        raise InvalidInput(
            f"notes: got {len(notes)} of them, expected at most {int(MOST_NOTES_PER_FLAW * len(flaws))}: "
            "name what is wrong, not everything that might be"
        )
    matched = _matching(notes, flaws)
    unmatched = tuple(at for at in range(len(notes)) if at not in matched)
    caught = {(at, name) for at in unmatched for name, trap in enumerate(traps) if trap.meets(notes[at])}
    found = set(matched.values())
    total = sum(flaw.weight for flaw in flaws)
    return Grade(
        notes=tuple(notes),
        flaws=flaws,
        matched=matched,
        trapped=tuple(sorted({at for at, _ in caught})),
        unmatched=unmatched,
        missed=tuple(at for at in range(len(flaws)) if at not in found),
        recall=sum(flaws[at].weight for at in found) / total if total else 0.0,
        precision=len(matched) / len(notes) if notes else 0.0,
        traps=_most_traps(notes, unmatched, traps) / len(traps) if traps else 0.0,
    )


def _most_traps(notes: Sequence[Note], unmatched: Sequence[int], traps: Sequence[Planted]) -> int:
    """One note is caught by one trap at most, as it finds one flaw at most."""
    return len(_matching([notes[at] for at in unmatched], traps))


def _matching(notes: Sequence[Note], planted: Sequence[Planted]) -> dict[int, int]:
    """Note → planted, by position. The heaviest come first, so what is found weighs as much as it can."""
    fits = {position: _by_distance(one, notes) for position, one in enumerate(planted)}
    return {note: position for position, note in maximum(fits).items()}


def _by_distance(one: Planted, notes: Sequence[Note]) -> list[int]:
    """Positions of the notes that meet *one*, the nearest first."""
    return sorted((at for at, note in enumerate(notes) if one.meets(note)), key=lambda at: one.distance(notes[at]))
