"""The way of a history: whatever is lost, repeated or cut on it, the copy is the original or says that it is not."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from loadtests.relay import CHUNK_BYTES, UNCONFIRMED_BYTES, Receiver, Sender


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.jsonl"
    path.touch()
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_only_whole_lines_travel(source: Path) -> None:
    sender = Sender(source)
    assert sender.chunk() is None
    append(source, b"one\ntwo\nthr")
    assert sender.chunk() == (0, b"one\ntwo\n")
    assert sender.chunk() is None
    append(source, b"ee\n")
    assert sender.chunk() == (8, b"three\n")


def test_nothing_more_is_sent_while_too_much_is_unconfirmed(source: Path) -> None:
    append(source, (b"x" * 1023 + b"\n") * (2 * UNCONFIRMED_BYTES // 1024))
    sender = Sender(source)
    chunks = []
    while (chunk := sender.chunk()) is not None:
        chunks.append(chunk)
    assert sum(len(lines) for _, lines in chunks) == UNCONFIRMED_BYTES
    sender.confirm(CHUNK_BYTES)
    assert sender.chunk() is not None


def test_a_lossy_way_ends_in_the_same_bytes(source: Path, tmp_path: Path) -> None:
    rng = random.Random(3)
    sender, receiver = Sender(source), Receiver(tmp_path / "out" / "copy.jsonl")
    for number in range(400):
        append(source, b"%d " % number + b"x" * rng.randrange(0, 3000) + b"\n")
        while (chunk := sender.chunk()) is not None:
            times = rng.choice((0, 1, 1, 2))  # lost, delivered, delivered twice
            for _ in range(times):
                receiver.take(*chunk)
        if rng.random() < 0.3:
            sender.confirm(receiver.received)
            sender.again()
    sender.confirm(receiver.received)
    sender.again()
    while (chunk := sender.chunk()) is not None:
        receiver.take(*chunk)
    content = source.read_bytes()
    assert receiver.problem(len(content), hashlib.sha256(content).hexdigest()) == ""
    receiver.close()
    receiver.close()
    assert (tmp_path / "out" / "copy.jsonl").read_bytes() == content


def test_a_gap_or_another_byte_is_a_problem(tmp_path: Path) -> None:
    receiver = Receiver(tmp_path / "copy.jsonl")
    receiver.take(0, b"one\n")
    receiver.take(8, b"three\n")  # what was between got lost: it waits for its sender to begin again
    assert receiver.received == 4
    whole = b"one\ntwo\nthree\n"
    assert receiver.problem(len(whole), hashlib.sha256(whole).hexdigest()) == "got 4 bytes of its history, expected 14"
    assert "other bytes" in receiver.problem(4, hashlib.sha256(b"ONE\n").hexdigest())


def test_a_history_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "copy.jsonl").touch()
    with pytest.raises(FileExistsError):
        Receiver(tmp_path / "copy.jsonl")
