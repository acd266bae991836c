"""The ZIP of a deliverable: its documents, the patch, the evidence, and the SHA-256 of every file in it."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from chaos.errors import LabBroken
from chaos.evidence.files import MOST_HISTORY_BYTES, is_regular, open_regular
from chaos.model.deliverable import ABOUT, RUNS, SUMS, WRITTEN, Entry

_CHUNK = 1 << 20


def slug(name: str) -> str:
    """What a file may be called."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "learner"


def pack(
    path: Path,
    *,
    own: Mapping[str, bytes],
    written: Iterable[Path],
    runs: Iterable[Path],
    about: Callable[[Mapping[str, Entry]], bytes],
) -> None:
    """Write the ZIP *path*, file by file, all below one folder; one that was there stays until the new one is whole.

    Args:
        own: Name → content of what stands at the top.
        written: The drill's deliverable.
        runs: Folders of evidence.
        about: deliver.json, given the digests of all the rest.

    Raises: LabBroken when it can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
                    _fill(archive, slug(path.stem), own, _files(written, runs), about)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise LabBroken(f"{path}: got {error.strerror or error}, expected to write the deliverable") from None


def _fill(
    archive: zipfile.ZipFile,
    top: str,
    own: Mapping[str, bytes],
    files: Iterable[tuple[str, Path]],
    about: Callable[[Mapping[str, Entry]], bytes],
) -> None:
    entries: dict[str, Entry] = {}
    for name, content in own.items():
        archive.writestr(f"{top}/{name}", content)
        entries[name] = Entry(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    for name, path in files:
        entries[name] = _copied(archive, f"{top}/{name}", path)
    said = about(entries)
    archive.writestr(f"{top}/{ABOUT}", said)
    entries[ABOUT] = Entry(sha256=hashlib.sha256(said).hexdigest(), bytes=len(said))
    archive.writestr(f"{top}/{SUMS}", "".join(f"{each.sha256}  {name}\n" for name, each in sorted(entries.items())))


def _files(written: Iterable[Path], runs: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    for path in written:
        yield f"{WRITTEN}/{path.name}", path
    for folder in runs:
        for path in sorted(path for path in folder.rglob("*") if is_regular(path)):
            yield f"{RUNS}/{folder.name}/{path.relative_to(folder).as_posix()}", path


def _copied(archive: zipfile.ZipFile, name: str, path: Path) -> Entry:
    info = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    packed = path.suffix in (".gz", ".mp4")  # they are compressed already
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with open_regular(path, most=MOST_HISTORY_BYTES) as file, archive.open(info, "w") as target:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    return Entry(sha256=digest.hexdigest(), bytes=size)
