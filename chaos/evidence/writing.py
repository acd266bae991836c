"""Writes an evidence folder: creates it before the run, merges, compresses and cleans its files at the end."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import LabBroken
from chaos.evidence.files import (
    MOST_HISTORY_BYTES,
    UNFIT,
    NoSuchFile,
    explaining_lines,
    files_in,
    is_regular,
    open_regular,
    read_bytes,
    read_json,
)
from chaos.evidence.journal import Journal
from chaos.evidence.stamps import oldest_first, stamp
from chaos.files import write_atomic
from chaos.model.folder import EXCHANGES_GROWING, HISTORY, SAMPLES_BY_WORKER, File
from chaos.model.journal import EventKind
from chaos.model.samples import Sample

# Half a minute of load writes a few megabytes; a run that can't keep its evidence must not start.
LEAST_FREE_BYTES = 200 * 1024 * 1024


def new_run_id(slug: str, variant: str, seed: int, *, now_unix_s: float) -> str:
    """`20261123-101502-flash-sale-naive-s7`, in UTC."""
    safe = re.sub(r"[^a-z0-9-]+", "-", slug.lower()).strip("-") or "scenario"
    return f"{stamp(now_unix_s)}-{safe}-{variant}-s{seed}"


def _close(root: Path) -> None:
    """Let no other user list *root*, where root runs the lab: the folders' names tell the shop which scenario runs."""
    found = root.stat()
    if found.st_uid == os.geteuid() == 0:
        root.chmod(found.st_mode & ~stat.S_IRWXO)


def create(root: Path, run_id: str, *, least_free_bytes: int = LEAST_FREE_BYTES) -> Path:
    """A folder of its own, with a suffix when the name is taken. Raises: LabBroken when there is no room."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        _close(root)
        free = shutil.disk_usage(root).free
        if free < least_free_bytes:
            raise LabBroken(
                f"{root}: got {free >> 20} MiB free, expected at least {least_free_bytes >> 20} for evidence"
            )
        for attempt in range(1, 100):
            folder = root / (run_id if attempt == 1 else f"{run_id}-{attempt}")
            try:
                folder.mkdir(mode=0o750)  # the shop must not read it: it shows which fault is on
            except FileExistsError:
                continue
            (folder / HISTORY).mkdir()
            return folder
    except OSError as error:
        raise LabBroken(f"{root}: got {error.strerror or error}, expected a folder to write evidence to") from None
    raise LabBroken(f"{root}: got 99 folders named {run_id}, expected a free name")


def folders(root: Path) -> list[Path]:
    """Every run's folder, oldest first; a link to one does not count."""
    return oldest_first(path.parent for path in root.glob(f"*/{File.JOURNAL}") if not path.parent.is_symlink())


def strip_secrets(world: Path) -> None:
    """Remove tokens and the password from the world file: evidence is passed to other people.

    Raises: OSError, Unreadable.
    """
    data = read_json(world, dict[str, Any])
    for secret in ("password", "bad_tokens", "bad_refreshes"):
        data.pop(secret, None)
    listed = [each for name in ("customers", "guests") if isinstance(each := data.get(name), list)]
    cast = data.get("cast")
    people = [*chain.from_iterable(listed), *(cast.values() if isinstance(cast, dict) else ())]
    for person in (each for each in people if isinstance(each, dict)):
        for token in ("access", "refresh", "stale"):
            person.pop(token, None)
    stripped = msgspec.json.format(msgspec.json.encode(data), indent=1)
    try:
        write_atomic(world, stripped)
    except OSError:  # no room for a second file: overwrite the first one, so that it keeps no tokens
        with os.fdopen(os.open(world, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "wb") as file:
            file.write(stripped)


def encode(document: Any) -> bytes:
    """JSON as it stands in an evidence folder: indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def compress_history(folder: Path) -> None:
    """Every `*.jsonl` of the history becomes `*.jsonl.gz`."""
    for plain in files_in(folder, HISTORY, ".jsonl"):
        _compress(plain)


def compress_exchanges(folder: Path) -> None:
    """The exchanges as they were written become the file of the finished run. Nothing without any, or a second time."""
    if is_regular(folder / EXCHANGES_GROWING):
        _compress(folder / EXCHANGES_GROWING)


def _compress(plain: Path) -> None:
    """The plain file is removed only when the packed one is complete."""
    packed, part = plain.with_name(f"{plain.name}.gz"), plain.with_name(f"{plain.name}.gz.part")
    part.unlink(missing_ok=True)  # left by a compression that died; or a link, which must not be followed
    with open_regular(plain, most=MOST_HISTORY_BYTES) as source, gzip.open(part, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target)
    part.replace(packed)
    plain.unlink()


def merge_samples(folder: Path) -> None:
    """The workers' samples become one samples.jsonl, sorted by the time they ended; torn lines are left out."""
    parts = files_in(folder, SAMPLES_BY_WORKER, ".jsonl")
    found = [sample for part in parts for sample in explaining_lines(part, Sample)]
    if is_regular(folder / File.SAMPLES):
        found += explaining_lines(folder / File.SAMPLES, Sample)
    if parts:
        once = {sample.id: sample for sample in found}  # an earlier merge may have died before it removed the parts
        ordered = sorted(once.values(), key=lambda sample: (sample.ended, sample.id))
        write_atomic(folder / File.SAMPLES, b"".join(msgspec.json.encode(sample) + b"\n" for sample in ordered))
    for part in parts:
        part.unlink()
    with suppress(OSError):
        (folder / SAMPLES_BY_WORKER).rmdir()


def merge_watchdog(folder: Path, journal: Journal) -> None:
    """Copy into the journal what the agent did in the runner's place; the agent writes it to a file of its own."""
    try:
        lines = read_bytes(folder / File.WATCHDOG).splitlines()
    except NoSuchFile:
        return
    for line in lines:
        try:
            noted = msgspec.json.decode(line, type=_Noted)
        except UNFIT:
            continue  # the agent died while writing it
        journal.write(EventKind.WATCHDOG, **{**noted.data, "noted_unix_s": noted.at_unix_s})


class _Noted(msgspec.Struct):
    at_unix_s: float
    data: dict[str, Any]
