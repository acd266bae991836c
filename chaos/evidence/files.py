"""The only way to open a file of an evidence folder.

Evidence folders are passed between people, so one may hold anything: a pipe that never answers, a link out of the
folder, a small file that unpacks to gigabytes, JSON nested a hundred thousand deep. All readers of a folder open its
files here: regular files only, sizes known before a byte is read, memory and time bounded. The bounds are those of
docs/operate/evidence.md.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from chaos.errors import InvalidInput
from chaos.model.folder import File
from chaos.model.text import one_line

MIB: Final = 1 << 20
MOST_BYTES: Final = 64 * MIB
MOST_STATE_BYTES: Final = 512 * MIB
MOST_HISTORY_BYTES: Final = 2048 * MIB
MOST_SCENARIO_BYTES: Final = MIB // 4
MOST_LINE_BYTES: Final = 4 * MIB
MOST_FILES: Final = 2000
MOST_DEPTH: Final = 50
ROOM_BYTES: Final = 64 * MIB
MOST_GROWTH: Final = 200
"""A packed file may unpack to this many times its size, or to ROOM_BYTES if that is more. Histories grow tenfold."""

_CHUNK_BYTES: Final = MIB
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS: Final = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}

UNFIT: Final = (msgspec.MsgspecError, ValueError, RecursionError)
"""The errors of decoding a line that no run wrote: not JSON, not UTF-8, nested too deep."""

_T = TypeVar("_T")


class Unreadable(InvalidInput):
    """A file that can't be used as evidence: `name: got X, expected Y`."""


class NoSuchFile(Unreadable):
    """The file does not exist."""


def open_regular(path: Path, *, most: int = MOST_BYTES) -> BufferedReader:
    """Open a regular file of at most *most* bytes, without waiting for anything. Raises: Unreadable."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise NoSuchFile(f"{one_line(path.name)}: got no such file, expected a readable file") from None
    except OSError as error:
        got = {errno.ELOOP: "a symbolic link", errno.ENXIO: "a socket or a device"}.get(error.errno or 0)
        raise Unreadable(f"{one_line(path.name)}: got {got or error.strerror}, expected a readable file") from None
    except ValueError as error:  # a NUL in its name
        raise Unreadable(f"{path.name!r}: got {error}, expected a readable file") from None
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise Unreadable(f"{one_line(path.name)}: got {kind}, expected a regular file")
    if found.st_size > most:
        os.close(descriptor)
        raise _too_large(path, found.st_size, most)
    return os.fdopen(descriptor, "rb")


def is_regular(path: Path) -> bool:
    """Whether *path* is a regular file, and not a link to one."""
    with suppress(OSError, ValueError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def read_bytes(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """All of a file. Raises: Unreadable."""
    with open_regular(path, most=most) as file:
        try:
            content = file.read(most + 1)
        except OSError as error:
            raise Unreadable(
                f"{one_line(path.name)}: got {error.strerror or error}, expected a readable file"
            ) from None
    if len(content) > most:  # it grew meanwhile
        raise _too_large(path, len(content), most)
    return content


WITNESSES: Final[tuple[str, ...]] = (
    *(File.DRIVER, File.HISTOGRAMS, File.STATE),
    *(File.CASES, File.EXCHANGES, File.QUERIES, File.PLANS, File.CONTRACT, File.REVIEW, File.AUDIT),
)
"""Files that are complete before the journal ends: it holds their digests, so a change of one file alone is noticed."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each of WITNESSES that is there and can be read."""
    found: dict[str, str] = {}
    for name in WITNESSES:
        with suppress(Unreadable), open_regular(folder / name, most=MOST_STATE_BYTES) as file:
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def read_json(path: Path, type_: type[_T], *, most: int = MOST_BYTES) -> _T:
    """A JSON file. Raises: Unreadable."""
    return decoded(read_bytes(path, most=most), type_, where=path.name)


def decoded(raw: bytes, type_: type[_T], *, where: str) -> _T:
    """JSON as *type_*; an untyped object or list is nested at most MOST_DEPTH deep. Raises: Unreadable."""
    try:
        found = msgspec.json.decode(raw, type=type_)
    except RecursionError:
        raise too_deep(where) from None
    except (msgspec.MsgspecError, ValueError) as error:  # ValueError: no UTF-8, or a number of a million digits
        raise Unreadable(f"{where}: got {error}, expected what belongs there") from None
    if isinstance(found, dict | list) and not is_shallow(found):
        raise too_deep(where)
    return found


def too_deep(where: str) -> Unreadable:
    """The error for JSON that is nested deeper than any run writes it."""
    return Unreadable(f"{where}: got JSON nested more than {MOST_DEPTH} deep, expected what belongs there")


def is_shallow(value: Any) -> bool:
    """Whether plain JSON is nested at most MOST_DEPTH deep: deeper JSON breaks the code that walks it later."""
    level = [value]
    for _ in range(MOST_DEPTH):
        inner = (each for outer in level for each in (outer.values() if isinstance(outer, dict) else outer))
        level = [each for each in inner if isinstance(each, dict | list)]
        if not level:
            return True
    return False


def files_in(folder: Path, name: str, *endings: str) -> list[Path]:
    """Files of the subfolder *name* with one of *endings*, sorted; none when it is a link, or has over MOST_FILES."""
    below = folder / name
    try:
        if not stat.S_ISDIR(below.lstat().st_mode):
            return []
        with os.scandir(below) as entries:
            found = [entry.name for entry, _ in zip(entries, range(MOST_FILES + 1), strict=False)]
    except OSError:
        return []
    if len(found) > MOST_FILES:
        return []
    return [below / each for each in sorted(found) if each.endswith(endings)]


def batches(path: Path, *, most: int = MOST_HISTORY_BYTES, torn: bool = True) -> Iterator[bytes]:
    """Whole lines of a file, plain or `.gz`, about a mebibyte at a time.

    Args:
        torn: Whether a last line without a newline is given, too, alone.

    Raises: Unreadable, perhaps after some lines: when a packed file is torn, or a line or the whole file is too long.
    """
    rest: list[bytes] = []
    waiting = 0
    for chunk in _chunks(path, most):
        whole, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield b"".join([*rest, whole])
            rest, waiting = [tail], len(tail)
        else:
            rest.append(tail)
            waiting += len(tail)
        if waiting > MOST_LINE_BYTES:
            raise Unreadable(
                f"{one_line(path.name)}: got a line of more than {MOST_LINE_BYTES} bytes, expected shorter ones"
            )
    if waiting and torn:
        yield b"".join(rest)


def _chunks(path: Path, most: int) -> Iterator[bytes]:
    """The file's bytes, unpacked."""
    with open_regular(path, most=most) as file:
        limit = most
        source: BufferedReader | gzip.GzipFile = file
        if path.suffix == ".gz":
            limit = min(most, max(ROOM_BYTES, MOST_GROWTH * os.fstat(file.fileno()).st_size))
            source = gzip.GzipFile(fileobj=file)
        read = 0
        try:
            while chunk := _read1(source):
                read += len(chunk)
                if read > limit:
                    raise Unreadable(
                        f"{one_line(path.name)}: got more than {limit} bytes once unpacked, expected at most those"
                    )
                yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise Unreadable(f"{one_line(path.name)}: got {error}, expected a readable file") from None


def _read1(source: BufferedReader | gzip.GzipFile) -> bytes:
    """What a single read gives: so a torn file gives everything before the tear."""
    return source.read1(_CHUNK_BYTES) if isinstance(source, gzip.GzipFile) else source.read(_CHUNK_BYTES)


def lines(path: Path, *, most: int = MOST_HISTORY_BYTES, torn: bool = True) -> Iterator[bytes]:
    """Line by line, as `batches`; empty ones are left out."""
    for batch in batches(path, most=most, torn=torn):
        yield from (line for line in batch.split(b"\n") if line)


def explaining_lines(path: Path, type_: type[_T]) -> list[_T]:
    """The lines of a JSON-lines file that can be read; none when there is no such file.

    Only for files that explain and don't decide: damaged lines are left out silently.
    """
    decoder, found = msgspec.json.Decoder(type_), []
    with suppress(Unreadable):
        for line in lines(path, most=4 * MOST_BYTES):
            with suppress(*UNFIT):
                found.append(decoder.decode(line))
    return found


def _too_large(path: Path, size: int, most: int) -> Unreadable:
    return Unreadable(f"{one_line(path.name)}: got {size} bytes, expected at most {most}")
