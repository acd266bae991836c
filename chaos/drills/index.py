"""What the scorecard keeps of a run, so that runs can be listed without their folders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos.drills.as_run import read_as_run
from chaos.drills.drafts import NAIVE, base_in
from chaos.errors import InvalidInput
from chaos.evidence.files import Unreadable, is_regular, read_bytes
from chaos.evidence.verdict import read_verdict
from chaos.model.folder import File
from chaos.model.verdict import plain
from chaos.ports import Index

_KEPT = frozenset({
    "run_id", "scenario", "title", "drill", "variant", "seed", "scale", "verdict", "started_at", "duration_s",
    "findings", "exit_code",
})  # fmt: skip


def put(index: Index, folder: Path, say: Callable[[str], None]) -> bool:
    """Index one folder; a scorecard that is away costs nothing but this sentence."""
    try:
        index.put_run(summary_for_index(folder))
    except (OSError, InvalidInput) as error:
        say(f"not indexed: {error} (firedrill index does it later)")
        return False
    return True


def summary_for_index(folder: Path) -> Mapping[str, Any]:
    """What the scorecard keeps of a run. Raises: InvalidInput."""
    try:
        kept = {name: value for name, value in plain(read_verdict(folder)).items() if name in _KEPT}
        return {**kept, "evidence_path": folder.name, "proves": _proves(folder), "code": code_of(folder)}
    except Unreadable as error:
        raise InvalidInput(f"{folder}/{error}") from None


def _proves(folder: Path) -> dict[str, list[str]] | None:
    """What the folder's scenario expects of naive; None when it says nothing or can't be read (any more)."""
    with suppress(InvalidInput, OSError):
        proves = read_as_run(folder).scenario.proves
        return {"must": list(proves.must), "may": list(proves.may)} if proves else None
    return None


def code_of(folder: Path) -> str:
    """The learner's code by the SHA-256 of its patch, and of what that is a patch of; empty where none was kept.

    Raises: Unreadable.
    """
    patch = folder / File.PATCH
    if not is_regular(patch):
        return ""
    base = base_in(read_verdict(folder).versions)
    whose = b"" if base == NAIVE else base.encode() + b"\0"
    return hashlib.sha256(whose + read_bytes(patch)).hexdigest()
