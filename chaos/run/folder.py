"""The evidence folder: made before anything happens, sealed at the end."""

from __future__ import annotations

import gzip
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import InvalidInput, LabBroken
from chaos.files import read_lines, write_atomic
from chaos.journal import Journal
from chaos.model import access
from chaos.model.journal import EventKind
from chaos.model.samples import Sample

# Half a minute of load writes a few megabytes; a run that can't keep its evidence must not start.
LEAST_FREE_BYTES = 200 * 1024 * 1024


def new_run_id(slug: str, variant: str, seed: int, *, now_unix_s: float) -> str:
    """`20261123-101502-flash-sale-naive-s7`, in UTC."""
    stamp = datetime.fromtimestamp(now_unix_s, UTC).strftime("%Y%m%d-%H%M%S")
    safe = re.sub(r"[^a-z0-9-]+", "-", slug.lower()).strip("-") or "scenario"
    return f"{stamp}-{safe}-{variant}-s{seed}"


def create(root: Path, run_id: str, *, least_free_bytes: int = LEAST_FREE_BYTES) -> Path:
    """A folder of its own, with a suffix when the name is taken. Raises: LabBroken when there is no room."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
        if free < least_free_bytes:
            raise LabBroken(
                f"{root}: got {free >> 20} MiB free, expected at least {least_free_bytes >> 20} for evidence"
            )
        for attempt in range(1, 100):
            folder = root / (run_id if attempt == 1 else f"{run_id}-{attempt}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            (folder / "history").mkdir()
            return folder
    except OSError as error:
        raise LabBroken(f"{root}: got {error.strerror or error}, expected a folder to write evidence to") from None
    raise LabBroken(f"{root}: got 99 folders named {run_id}, expected a free name")


def strip_secrets(world: Path) -> None:
    """Tokens and the password leave the world file: the evidence is handed to other people."""
    data = msgspec.json.decode(world.read_bytes())
    for secret in ("password", "bad_tokens", "bad_refreshes"):
        data.pop(secret, None)
    for person in [*data.get("customers", ()), *data.get("cast", {}).values()]:
        for token in ("access", "refresh", "stale"):
            person.pop(token, None)
    world.write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=1))


def require_served(table: str, world: Path, variant: str) -> None:
    """Whether every row of the access matrix is about an address of *variant*. Raises: InvalidInput."""
    routes = msgspec.json.decode(world.read_bytes(), type=_Routes).routes
    problems = access.unserved(access.parse(table), routes, where=access.TABLE, variant=variant)
    if problems:
        raise InvalidInput("\n".join(problems))


class _Routes(msgspec.Struct):
    routes: list[str] = []


def compress_history(folder: Path) -> None:
    """`*.jsonl` becomes `*.jsonl.gz`; the plain file goes only when the other one is whole."""
    for plain in sorted((folder / "history").glob("*.jsonl")):
        packed, part = plain.with_name(f"{plain.name}.gz"), plain.with_name(f"{plain.name}.gz.part")
        with plain.open("rb") as source, gzip.open(part, "wb", compresslevel=6) as target:
            shutil.copyfileobj(source, target)
        part.replace(packed)
        plain.unlink()


def merge_samples(folder: Path) -> None:
    """The workers' samples become one samples.jsonl, by the time they ended; a line that was torn is left out."""
    parts = sorted((folder / "samples").glob("*.jsonl"))
    found = [sample for part in parts for sample in read_lines(part, Sample)]
    if (folder / "samples.jsonl").exists():
        found += read_lines(folder / "samples.jsonl", Sample)
    if parts:
        once = {sample.id: sample for sample in found}  # a merge that died before it removed the parts
        ordered = sorted(once.values(), key=lambda sample: (sample.ended, sample.id))
        write_atomic(folder / "samples.jsonl", b"".join(msgspec.json.encode(sample) + b"\n" for sample in ordered))
    for part in parts:
        part.unlink()
    with suppress(OSError):
        (folder / "samples").rmdir()


def merge_watchdog(folder: Path, journal: Journal) -> None:
    """What the agent did in the runner's place, into the journal: the agent writes a file of its own."""
    try:
        lines = (folder / "watchdog.jsonl").read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            noted = msgspec.json.decode(line, type=_Noted)
        except msgspec.DecodeError:
            continue  # the agent died in it
        journal.write(EventKind.WATCHDOG, **{**noted.data, "noted_unix_s": noted.at_unix_s})


class _Noted(msgspec.Struct):
    at_unix_s: float
    data: dict[str, Any]
