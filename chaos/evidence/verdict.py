"""verdict.json of a run's folder: the one place that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from chaos.evidence.files import Unreadable, decoded, read_json
from chaos.model.folder import File
from chaos.model.verdict import Verdict, VerdictDocument, plain


class VerdictHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of runs shows of each."""

    scenario: str
    drill: int
    variant: str
    seed: int
    scale: float
    verdict: Verdict
    summary: str
    versions: dict[str, str] = {}


def read_head(folder: Path) -> VerdictHead:
    """A few keys of it: of a thousand runs they are read in a tenth of a second. Raises: Unreadable."""
    return read_json(folder / File.VERDICT, VerdictHead)


def read_verdict(folder: Path) -> VerdictDocument:
    """What the run said of itself; keys of other versions are passed over. Raises: Unreadable."""
    return _typed(_as_written(folder))


def verdict_from(raw: bytes) -> VerdictDocument:
    """As `read_verdict`, from the content of the file. Raises: Unreadable."""
    return _typed(decoded(raw, dict[str, Any], where=File.VERDICT))


def added_to_verdict(folder: Path) -> list[str]:
    """Places in verdict.json that hold something that no run writes, and that `read_verdict` passes over.

    Raises: Unreadable.
    """
    written = _as_written(folder)
    return list(_added(written, plain(_typed(written)), ""))


def _as_written(folder: Path) -> dict[str, Any]:
    """Without its type: `read_json` looks at how deep it is nested then."""
    return read_json(folder / File.VERDICT, dict[str, Any])


def _typed(written: dict[str, Any]) -> VerdictDocument:
    try:
        return msgspec.convert(written, VerdictDocument)
    except (msgspec.ValidationError, ValueError) as error:
        raise Unreadable(f"{File.VERDICT}: got {error}, expected the verdict of a run") from None


def _added(written: Any, known: Any, where: str) -> Iterator[str]:
    match written, known:
        case dict(), dict():
            for key, value in written.items():
                place = f"{where}.{key}" if where else key
                if key in known:
                    yield from _added(value, known[key], place)
                else:
                    yield place
        case list(), list():
            for number, (value, its) in enumerate(zip(written, known, strict=False)):
                yield from _added(value, its, f"{where}[{number}]")
            if len(written) > len(known):
                yield f"{where}[{len(known)}]"
