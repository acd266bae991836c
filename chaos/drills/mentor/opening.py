"""Opens a ZIP that somebody handed in. It may be hostile: nothing is unpacked here, memory and time are bounded.

Refused with exit code 2: too large or too many files, names that leave the folder or hold control characters, links,
encrypted entries, what grows a thousandfold, anything whose digest is not the one that deliver.json tells.
"""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import msgspec

from chaos.errors import InvalidInput
from chaos.evidence.files import MIB, MOST_DEPTH, Unreadable, is_regular, open_regular
from chaos.evidence.verdict import verdict_from
from chaos.model.deliverable import ABOUT, PATCH, RUNS, SUMS, WRITTEN, Delivered, unsealed
from chaos.model.folder import File
from chaos.model.text import visible

MOST_ZIP_BYTES: Final = 1024 * MIB
MOST_UNPACKED_BYTES: Final = 2048 * MIB
MOST_GROWTH: Final = 200
"""The whole may unpack to this many times its size, or to ROOM_BYTES if that is more."""
ROOM_BYTES: Final = 64 * MIB
MOST_FILES: Final = 20_000
MOST_DIRECTORY_BYTES: Final = 8 * MIB
MOST_ABOUT_BYTES: Final = 8 * MIB
MOST_PATCH_BYTES: Final = 4 * MIB
MOST_VERDICT_BYTES: Final = 4 * MIB
MOST_TEXTS: Final = 5
MOST_TEXT_BYTES: Final = MIB // 4
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = 20
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,120}(/[A-Za-z0-9._-]{1,200}){1,6}")
_CHUNK: Final = MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A deliverable whose digests were found right.

    Attributes:
        told: What it says of itself.
        patch: The code.
        contradictions: Where it says otherwise than the sealed verdicts of its own runs.
        texts: Its Markdown files, by name, each cut after MOST_TEXT_BYTES.
        bytes: Of the ZIP.
    """

    path: Path
    told: Delivered
    patch: bytes
    contradictions: tuple[str, ...]
    texts: Mapping[str, str]
    bytes: int


def opened(path: Path) -> Opened:
    """Raises: InvalidInput for whatever is no deliverable that `firedrill deliver` wrote."""
    where = visible(path.name)[:200]
    try:
        with open_regular(path, most=MOST_ZIP_BYTES) as file:
            size = _require_small_directory(file)
            with zipfile.ZipFile(file) as archive:
                return _read(path, archive, size)
    except Unreadable as error:
        raise InvalidInput(str(error)) from None
    except _Refused as error:
        raise InvalidInput(f"{where}: got {error}") from None
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise InvalidInput(f"{where}: got {visible(str(error))[:200]}, expected a ZIP of firedrill deliver") from None


class _Refused(Exception):
    """`X, expected Y`"""


def _require_small_directory(file: IO[bytes]) -> int:
    """The directory of a ZIP is read into memory as a whole, so its size is looked at before. Returns: of the file."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise _Refused("a file that is too short, expected a ZIP of firedrill deliver")
    file.seek(max(0, size - _END.size - _LOCATOR))
    tail = file.read()
    mark, *_, entries, directory, _, comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\x05\x06" or comment:
        raise _Refused("no directory at its end, expected a ZIP of firedrill deliver")
    if tail.startswith(b"PK\x06\x07"):
        raise _Refused("a ZIP in the 64-bit form, expected at most 1 GiB")
    if entries > MOST_FILES or directory > MOST_DIRECTORY_BYTES:
        raise _Refused(f"a directory of {entries} files and {directory} bytes, expected at most {MOST_FILES} files")
    file.seek(0)
    return size


def _read(path: Path, archive: zipfile.ZipFile, size: int) -> Opened:
    members = _members(archive, size)
    told = _about(archive, members)
    _require_same_files(archive, members, told)
    return Opened(
        path=path,
        told=told,
        patch=_content(archive, members[PATCH], MOST_PATCH_BYTES) if PATCH in members else b"",
        contradictions=tuple(_contradictions(archive, members, told)),
        texts=dict(_texts(archive, members)),
        bytes=size,
    )


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Path below the one folder at the top → entry. Raises: _Refused."""
    found: dict[str, zipfile.ZipInfo] = {}
    tops: set[str] = set()
    unpacked = 0
    for info in archive.infolist():
        name = info.filename
        shown = visible(name)[:120]
        if len(found) >= MOST_FILES:
            raise _Refused(f"more than {MOST_FILES} files, expected fewer")
        if not _NAME.fullmatch(name) or any(part in (".", "..") for part in name.split("/")):
            raise _Refused(f"the name {shown!r}, expected a path below one folder, of letters, digits, . _ and -")
        if info.flag_bits & 0x1:
            raise _Refused(f"{shown}, which is encrypted, expected none")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _Refused(f"{shown}, which is no regular file, expected only those")
        top, _, below = name.partition("/")
        tops.add(top)
        if below in found:
            raise _Refused(f"{shown} twice, expected each file once")
        found[below] = info
        unpacked += info.file_size
    if unpacked > min(MOST_UNPACKED_BYTES, max(ROOM_BYTES, MOST_GROWTH * size)):
        raise _Refused(f"{unpacked} bytes once unpacked from {size}, expected what a run leaves behind")
    if len(tops) != 1:
        raise _Refused(f"{len(tops)} folders at the top, expected one")
    return found


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """All of an entry; it may lie about its size. Raises: _Refused."""
    with archive.open(info) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise _Refused(f"{visible(info.filename)[:120]} of more than {most} bytes, expected at most those")
    return content


def _about(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Delivered:
    if ABOUT not in members:
        raise _Refused(f"no {ABOUT}, expected a ZIP of firedrill deliver")
    raw = _content(archive, members[ABOUT], MOST_ABOUT_BYTES)
    if raw.count(b"[") + raw.count(b"{") > MOST_FILES * MOST_DEPTH:
        raise _Refused(f"{ABOUT} of too many parts, expected what firedrill deliver writes")
    try:
        return unsealed(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _Refused(f"{ABOUT}: {visible(str(error))[:300]}, expected what firedrill deliver writes") from None


def _require_same_files(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], told: Delivered) -> None:
    """Raises: _Refused for a file that is missing, added or changed."""
    names = members.keys() - {ABOUT, SUMS}
    if missing := sorted(told.files.keys() - names):
        raise _Refused(f"no {visible(missing[0])[:120]}, expected it as {ABOUT} tells")
    if added := sorted(names - told.files.keys()):
        raise _Refused(f"{visible(added[0])[:120]}, which {ABOUT} does not tell of, expected none such")
    for name in sorted(names):
        digest, size = hashlib.sha256(), 0
        with archive.open(members[name]) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > told.files[name].bytes:
                    raise _Refused(f"{name} of more than {told.files[name].bytes} bytes, expected those")
                digest.update(chunk)
        if (digest.hexdigest(), size) != (told.files[name].sha256, told.files[name].bytes):
            raise _Refused(f"{name}, changed since it was delivered, expected the digest in {ABOUT}")


def _contradictions(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], told: Delivered) -> Iterator[str]:
    """Where the list of runs says otherwise than the verdict in the folder of each."""
    for one in told.tries:
        if not one.packed:
            continue
        info = members.get(f"{RUNS}/{one.run_id}/{File.VERDICT}")
        if info is None:
            yield f"{one.run_id}: its evidence is not in the ZIP"
            continue
        try:
            document = verdict_from(_content(archive, info, MOST_VERDICT_BYTES))
        except Unreadable:
            yield f"{one.run_id}: its {File.VERDICT} can't be read"
            continue
        said = (one.scenario, one.variant, one.seed, str(one.verdict))
        found = (document.scenario, document.variant, document.seed, str(document.verdict))
        if said != found:
            yield f"{one.run_id}: got {' '.join(map(str, said))}, expected {' '.join(map(str, found))} as its evidence"


def _texts(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> Iterator[tuple[str, str]]:
    names = sorted(name for name in members if name.startswith(f"{WRITTEN}/") and name.endswith(".md"))
    for name in names[:MOST_TEXTS]:
        with archive.open(members[name]) as file:
            text = file.read(MOST_TEXT_BYTES).decode(errors="replace")
        yield name.rpartition("/")[2], text + (" …" if members[name].file_size > MOST_TEXT_BYTES else "")


def unpack(one: Opened, to: Path) -> Path:
    """Every file below *to*, which has to be an empty folder; as `opened` saw it. Returns: the folder at the top.

    Raises: InvalidInput when the file was changed since.
    """
    with open_regular(one.path, most=MOST_ZIP_BYTES) as file, zipfile.ZipFile(file) as archive:
        members = _members(archive, one.bytes)
        for name, entry in one.told.files.items():
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with archive.open(members[name]) as source, target.open("xb") as out:
                left = entry.bytes
                while left >= 0 and (chunk := source.read(_CHUNK)):
                    left -= len(chunk)
                    digest.update(chunk)
                    out.write(chunk)
            if digest.hexdigest() != entry.sha256 or not is_regular(target):
                raise InvalidInput(f"{one.path.name}: got a file that changes while it is read, expected it left alone")
    return to
