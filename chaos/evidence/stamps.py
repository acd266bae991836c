"""Names that begin with their time, in UTC: `20261123-101502-…`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

_STAMP: Final = re.compile(r"\d{8}-\d{6}(?=-)")
_Named = TypeVar("_Named", str, Path)


def stamp(unix_s: float) -> str:
    """The time as a name begins with it."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y%m%d-%H%M%S")


def oldest_first(named: Iterable[_Named], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> list[_Named]:
    """*named* by their times. A time that has not come yet counts as the oldest.

    It was written while the machine's clock was ahead; as the newest it would hide all that comes after it.
    """
    until = stamp(now().timestamp())

    def key(one: _Named) -> tuple[bool, str]:
        name = str(one).rpartition("/")[2]
        found = _STAMP.match(name)
        return found is None or found[0] <= until, name

    return sorted(named, key=key)
