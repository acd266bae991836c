"""Of which drafts the key was told in this lab: who knows it finds nothing any more.

It is kept beside the scores, so that neither a new attempt at the same seed nor `make reset` forgets it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from chaos.config import lab_dir
from chaos.drills.drafts import Draft
from chaos.errors import LabBroken
from chaos.files import write_atomic

NAME: Final = "revealed.json"


def file() -> Path:
    """Draft → when its key was told first, ISO 8601."""
    return lab_dir() / "keep" / NAME


def remember(draft: Draft) -> None:
    """That the key of *draft* is told. Raises: LabBroken when it can't be kept: then nothing may be told."""
    told = _read()
    if draft.variant in told:
        return
    told[draft.variant] = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        file().parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file(), msgspec.json.format(msgspec.json.encode(told)))
    except OSError as error:
        raise LabBroken(f"{file()}: got {error.strerror}, expected to write down that the key is told") from None


def revealed(draft: Draft) -> str:
    """When its key was told first; empty when it was not. Raises: LabBroken when nobody can tell."""
    return _read().get(draft.variant, "")


def _read() -> dict[str, str]:
    try:
        return msgspec.json.decode(file().read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LabBroken(f"{file()}: got {error}, expected it as the lab wrote it") from None
