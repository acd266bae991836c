"""The drill map, carried out of the scorecard and back into it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from chaos.drills.given import read_given
from chaos.errors import LabBroken
from chaos.files import write_atomic

MOST_BYTES = 4 * 2**20
Format = Literal["markdown", "json"]


class DrillMap(Protocol):
    """Where scores are kept. Both raise OSError when it is away, and `put_drill_map` InvalidInput when it refuses."""

    def drill_map(self, format: Format) -> bytes: ...

    def put_drill_map(self, document: bytes) -> dict[str, int]: ...


def export(scorecard: DrillMap, format: Format, to: Path | None) -> bytes:
    """The document, also written to *to*. Raises: LabBroken."""
    try:
        document = scorecard.drill_map(format)
        if to is not None:
            write_atomic(to, document)
    except OSError as error:
        raise LabBroken(
            str(error) if error.errno is None else f"{to}: got {error.strerror}, expected to write it"
        ) from None
    return document


def import_(scorecard: DrillMap, file: Path) -> dict[str, int]:
    """Add what the file has and the scorecard has not. Returns how many of what were added.

    Raises: InvalidInput for a file that can't be read, is damaged, or is no drill map: then nothing was changed.
        LabBroken when the scorecard is away.
    """
    document = read_given(file, most=MOST_BYTES, expected="a drill map (firedrill export --format json)")
    try:
        return scorecard.put_drill_map(document)
    except OSError as error:
        raise LabBroken(str(error)) from None


def told(added: dict[str, int]) -> str:
    """One line on what an import added."""
    listed = ", ".join(f"{count} {name}" for name, count in added.items() if count)
    return f"imported: {listed}" if listed else "imported: nothing new, all of it was here already"
