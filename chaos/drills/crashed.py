"""Closes what a dead runner left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from chaos.drills.conclude import conclude
from chaos.errors import InvalidInput
from chaos.evidence.files import is_regular
from chaos.evidence.journal import Journal, read_events
from chaos.evidence.writing import (
    compress_exchanges,
    compress_history,
    folders,
    merge_samples,
    merge_watchdog,
    strip_secrets,
)
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.ports import Index

_DIED = {"reason": "the runner died before the end of the run", "by": "lab"}


def crashed(root: Path) -> Iterator[Path]:
    """Folders that were never sealed: their runner died, or could not write. Only ask while no run is going on."""
    for folder in folders(root):
        if not os.path.lexists(folder / File.MANIFEST):
            yield folder


def conclude_crashed(root: Path, *, index: Index | None, say: Callable[[str], None]) -> list[Path]:
    """Close what a dead runner left, with the evidence so far: inconclusive, unless an invariant is violated anyway."""
    closed = []
    for world in root.glob(f"*/{File.WORLD}"):
        if not (world.parent / File.JOURNAL).exists() and not world.parent.is_symlink():
            # The runner died before its journal began: there is no run to close, but the file still holds tokens.
            with suppress(OSError, InvalidInput):
                strip_secrets(world)
    for folder in crashed(root):
        try:
            _close(folder, index, say)
        except Exception as error:  # an odd folder must not prevent the next run
            say(f"{folder.name}: left as it is: {str(error) or repr(error)}")
            continue
        closed.append(folder)
    return closed


def _close(folder: Path, index: Index | None, say: Callable[[str], None]) -> None:
    """The steps that its runner did not come to."""
    if is_regular(folder / File.WORLD):
        strip_secrets(folder / File.WORLD)
    compress_history(folder)
    compress_exchanges(folder)
    merge_samples(folder)
    _note_crash(folder)
    conclude(folder, index=index, say=say)


def _note_crash(folder: Path) -> None:
    """The journal's own writer is dead, so this is not a second one."""
    events = list(read_events(folder / File.JOURNAL))
    if any(event.event is EventKind.RUN_ENDED or event.data == _DIED for event in events):
        return
    with Journal(folder / File.JOURNAL, after=events) as journal:
        merge_watchdog(folder, journal)
        journal.write(EventKind.ABORTED, **_DIED)
