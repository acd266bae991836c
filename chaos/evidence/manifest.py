"""manifest.json: size and digest of every file of the folder when the run ended, and whether they are unchanged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import InvalidInput
from chaos.evidence.files import MIB, MOST_FILES, Unreadable, decoded, open_regular, read_bytes, read_json
from chaos.evidence.writing import encode
from chaos.files import write_atomic
from chaos.model.folder import File
from chaos.model.text import one_line

MANIFEST_VERSION = 2
"""Of the record and of the rules of judging. 2: clocks are on record; a limit met on a busy machine can stay met."""
MOST_FILE_BYTES = 4096 * MIB
MOST_FOLDER_BYTES = 8192 * MIB
"""At most in one file, and in all: so much is hashed within a minute."""


def write_manifest(evidence: Path, about: Mapping[str, Any]) -> None:
    """Hash every file of the folder; call it last. *about*: versions, seed, git revision. Raises: OSError."""
    body = {"version": MANIFEST_VERSION, "about": dict(about), "files": {n: _entry(p, n) for n, p in _files(evidence)}}
    write_atomic(evidence / File.MANIFEST, _sealed(body))


def other_format(evidence: Path) -> str:
    """The complaint about a record of another version, made for other rules of judging; empty for this version.

    A manifest that can't be read, or has no version, is a problem of its own.
    """
    try:
        version = read_json(evidence / File.MANIFEST, _Version).version
    except Unreadable:
        return ""
    if version == MANIFEST_VERSION:
        return ""
    age = "an older" if version < MANIFEST_VERSION else "a newer"
    return (
        f"{File.MANIFEST}: version: got {version}, expected {MANIFEST_VERSION}: {age} Firedrill recorded this run, and "
        "this one can't derive its verdict; verify it at the revision that the manifest names"
    )


class _Version(msgspec.Struct):
    version: int


def unchanged(evidence: Path) -> list[str]:
    """Files that are not as the run left them, as complaints. As `verify`, but the verdict is not derived again."""
    if not evidence.is_dir():
        return [f"{one_line(str(evidence))}: got no such folder, expected an evidence folder"]
    return list(_manifest_problems(evidence))


def _manifest_problems(evidence: Path) -> Iterator[str]:
    path = evidence / File.MANIFEST
    try:
        raw = read_bytes(path)
        manifest = decoded(raw, dict[str, Any], where=File.MANIFEST)
        files: dict[str, dict[str, Any]] = msgspec.convert(manifest.get("files"), dict[str, dict[str, Any]])
    except Unreadable as error:
        yield str(error)
        return
    except msgspec.ValidationError as error:
        yield f"{File.MANIFEST}: got {error}, expected the manifest of a run"
        return
    body = {name: value for name, value in manifest.items() if name != "digest"}
    if _sealed(body) != raw:
        yield f"{File.MANIFEST}: got content that differs from its digest, expected it unchanged since the run"
    try:
        found = dict(_files(evidence))
    except InvalidInput as error:
        yield str(error)
        return
    for name in sorted(files.keys() - found.keys()):
        yield f"{one_line(name)}: got no such file, expected it as in the manifest"
    for name in sorted(found.keys() - files.keys()):
        yield f"{one_line(name)}: got a file that the manifest doesn't have, expected none"
    for name in sorted(found.keys() & files.keys()):
        try:
            entry = _entry(found[name], name, files[name].get("bytes"))
        except Unreadable as error:
            yield str(error)
            continue
        if entry != files[name]:
            yield (
                f"{one_line(name)}: got {entry['bytes']} bytes with SHA-256 {entry['sha256'][:12]}…, "
                f"expected {files[name].get('bytes')} bytes with {str(files[name].get('sha256'))[:12]}…"
            )


def _files(evidence: Path) -> Iterator[tuple[str, Path]]:
    """Every file of the folder but the manifest, by its path relative to the folder, sorted. Raises: InvalidInput."""
    found = []
    for number, path in enumerate(evidence.rglob("*"), 1):  # follows no links
        if path.is_symlink() or not path.is_dir():
            found.append(path)
        if number > MOST_FILES:
            raise InvalidInput(
                f"{one_line(evidence.name)}: got more than {MOST_FILES} files, expected the folder of one run"
            )
    size = sum(path.lstat().st_size for path in found)
    if size > MOST_FOLDER_BYTES:
        raise InvalidInput(
            f"{one_line(evidence.name)}: got {size} bytes, expected at most {MOST_FOLDER_BYTES} of one run"
        )
    for path in sorted(found):
        if (name := path.relative_to(evidence).as_posix()) != File.MANIFEST:
            yield name, path


def _entry(path: Path, name: str, expected_bytes: Any = None) -> dict[str, Any]:
    """A file's entry of the manifest; a file of another size than expected is not read. Raises: Unreadable."""
    try:
        with open_regular(path, most=MOST_FILE_BYTES) as file:
            size = os.fstat(file.fileno()).st_size
            if isinstance(expected_bytes, int) and expected_bytes != size:
                raise Unreadable(f"{one_line(name)}: got {size} bytes, expected {expected_bytes}")
            return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": size}
    except Unreadable as error:
        raise Unreadable(str(error).replace(one_line(path.name), one_line(name), 1)) from None


def _sealed(body: dict[str, Any]) -> bytes:
    """The manifest's bytes: the digest over the rest comes last, so that any changed byte is noticed."""
    digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
    return encode({**body, "digest": digest})
