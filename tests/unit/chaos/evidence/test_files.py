"""Whatever somebody puts into a folder of evidence: read in bounded time and memory, or refused with a sentence."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.evidence import files
from chaos.evidence.files import NoSuchFile, Unreadable, batches, decoded, explaining_lines, files_in, lines, read_bytes
from chaos.model.journal import Event


def fifo(path: Path) -> str:
    os.mkfifo(path)
    return "a pipe"


def endless(path: Path) -> str:
    path.symlink_to("/dev/zero")
    return "a symbolic link"


def link(path: Path) -> str:
    (path.parent / "elsewhere").write_bytes(b"{}")
    path.symlink_to(path.parent / "elsewhere")
    return "a symbolic link"


def folder(path: Path) -> str:
    path.mkdir()
    return "a folder"


def sparse(path: Path) -> str:
    with path.open("wb") as file:
        file.truncate(1 << 42)
    return f"{1 << 42} bytes"


@pytest.mark.parametrize("put", [fifo, endless, link, folder, sparse])
@pytest.mark.parametrize("read", [read_bytes, lambda path: list(lines(path)), lambda path: list(batches(path))])
def test_only_regular_files_of_bounded_size_are_read(
    tmp_path: Path, put: Callable[[Path], str], read: Callable[[Path], Any]
) -> None:
    got = put(tmp_path / "state.json")
    with pytest.raises(Unreadable, match=rf"^state.json: got {got}, expected ") as caught:
        read(tmp_path / "state.json")
    assert caught.value.exit_code == 2


def test_what_is_not_there_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFile, match=r"^state.json: got no such file"):
        read_bytes(tmp_path / "state.json")


def test_a_name_with_a_nul_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        read_bytes(tmp_path / "a\0b")


def test_a_subfolder_that_is_a_link_has_no_files(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.jsonl").write_bytes(b"")
    (tmp_path / "history").symlink_to(tmp_path / "there")
    assert files_in(tmp_path, "there", ".jsonl") == [tmp_path / "there" / "a.jsonl"]
    assert files_in(tmp_path, "history", ".jsonl") == []
    assert files_in(tmp_path, "nowhere", ".jsonl") == []


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 60 + b"]" * 60])
@pytest.mark.parametrize("type_", [dict[str, Any], list[Any], Event])
def test_nested_too_deep_is_refused(deep: bytes, type_: type[Any]) -> None:
    with pytest.raises(Unreadable):
        decoded(deep, type_, where="verdict.json")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"9" * 5000, b'{"a": 1e999}', b'{"a": "\\ud800"}', b'"\0"'])
def test_what_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^verdict.json: got "):
        decoded(raw, dict[str, Any], where="verdict.json")


def test_lines_come_whole_and_a_torn_end_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"one\n\ntwo\nthr")
    assert list(lines(path)) == [b"one", b"two", b"thr"]
    assert list(lines(path, torn=False)) == [b"one", b"two"]


def test_a_torn_gzip_gives_what_stands_before_the_tear(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(b"".join(b"%d %d\n" % (number, number * 7919) for number in range(200_000)))
    path.write_bytes(whole[: len(whole) // 2])
    found = []
    with pytest.raises(Unreadable, match="end-of-stream"):
        found.extend(line for line in lines(path))
    assert len(found) > 50_000


# In a process whose memory is its own. Half a gigabyte of newlines, or of one line, unpacks from half a megabyte.
_BOMB = """
import gzip, sys, zlib
from pathlib import Path
from chaos.evidence.files import Unreadable, lines
part, path = sys.argv[1].encode().decode("unicode_escape").encode() * (1 << 20), Path(sys.argv[2])
pack = zlib.compressobj(9, zlib.DEFLATED, 31)
with path.open("wb") as file:
    for _ in range(512):
        file.write(pack.compress(part))
    file.write(pack.flush())
try:
    print(sum(1 for _ in lines(path)))
except Unreadable as error:
    print(error)
# ru_maxrss would be that of the parent, if it was larger when it forked
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024)
"""


@pytest.mark.parametrize(
    ("byte", "got"), [("\\n", "more than"), ("x", "a line of more than")], ids=["empty lines", "one line"]
)
def test_a_bomb_of_a_gzip_is_refused_early(tmp_path: Path, byte: str, got: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BOMB, byte, str(tmp_path / "metrics.jsonl.gz")],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    said, most_mib = done.stdout.splitlines()
    assert said.startswith(f"metrics.jsonl.gz: got {got}")
    assert int(most_mib) < 400


def test_files_that_explain_lose_their_damaged_lines_only(tmp_path: Path) -> None:
    good = msgspec.json.encode(Event(seq=0, at_unix_s=1.0, event="note"))  # type: ignore[arg-type]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([good, b"{", b'{"data":' + b"[" * 100_000, good, b'{"seq": 1e9}']))
    assert len(explaining_lines(path, Event)) == 2


def test_reading_opens_no_more_than_it_closes(tmp_path: Path) -> None:
    for put in (fifo, folder, sparse):
        put(tmp_path / put.__name__)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64 + len(list(Path("/proc/self/fd").iterdir())), hard))
    try:
        for _ in range(100):
            for put in (fifo, folder, sparse):
                with pytest.raises(Unreadable, match=r"got (a pipe|a folder|[0-9]+ bytes)"):
                    files.read_bytes(tmp_path / put.__name__)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
