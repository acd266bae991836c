"""The key of a draft, told once that is on record: it gives the solution away, as the last hint of a drill does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from chaos.drills.catalogue import Drill
from chaos.drills.drafts import Draft, Key, Place, made
from chaos.drills.revealed import remember
from chaos.errors import LabBroken

HINT: Final = "answer-key"
"""The hint of each drill with drafts that stands for its key; its level is `solution`."""


class OpensHints(Protocol):
    """Where it is kept which hints were opened."""

    def open_hint(self, *, drill: str, hint: str) -> None:
        """Raises: OSError with a sentence."""


def reveal_key(one: Drill, draft: Draft, record: OpensHints, *, make: Callable[[Draft], Key] = made) -> Key:
    """The key, after it was put on record. Raises: LabBroken when that can't be: then nothing is told."""
    key = make(draft)
    put_on_record(one, draft, record)
    return key


def put_on_record(one: Drill, draft: Draft, record: OpensHints) -> None:
    """That the key of a *draft* of drill *one* is told.

    Raises: LabBroken when it can't be put on record: then nothing may be told.
    """
    try:
        record.open_hint(drill=one.key, hint=HINT)
    except OSError as error:
        raise LabBroken(f"{error}; the key is told only when that is on record") from None
    remember(draft)


def key_text(key: Key) -> str:
    """For people: first what the seed planted, then what is in every draft."""
    return "\n".join(_lines(key)) + "\n"


def _lines(key: Key) -> Iterator[str]:
    planted = [row for row in key.key if not row.in_naive]
    own = [row for row in key.key if row.in_naive]
    counted = f"{len(planted)} planted, {len(own)} in every draft"
    yield f"{key.variant}: {counted}. On record as the solution of drill {key.drill}."
    for head, rows in (("planted", planted), ("in every draft", own)):
        if rows:
            yield from ("", f"{head}:")
        for row in rows:
            yield f"  {row.title} ({row.flaw})"
            yield f"    {'  '.join(filter(None, (', '.join(row.operations), row.where, row.family)))}"
            yield from (f"    {_told(place)}" for place in row.places)
            yield f"    {row.why}"


def _told(place: Place) -> str:
    lines = f"{place.line}" if place.line == place.last_line else f"{place.line}-{place.last_line}"
    return f"{place.file}:{lines}{f'  {place.name}' if place.name else ''}"
