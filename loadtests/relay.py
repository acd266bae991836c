"""The history of a worker elsewhere on its way to the evidence folder, in whole lines, while the run goes on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHUNK_BYTES = 256 * 1024
UNCONFIRMED_BYTES = 4 * 1024 * 1024


class Sender:
    """Reads what was appended to *path* since the last call.

    The transport keeps the order but may lose what is under way when a connection breaks, so the receiver confirms how
    much it has, and `again` starts there.

    Attributes:
        confirmed: Bytes that the receiver is known to have.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._sent = 0
        self.confirmed = 0

    def confirm(self, received: int) -> None:
        """The receiver has the first *received* bytes."""
        self.confirmed = max(self.confirmed, received)

    def again(self) -> None:
        """Nothing was confirmed for too long: send once more what is not."""
        self._sent = self.confirmed

    @property
    def unconfirmed(self) -> int:
        """Bytes under way."""
        return self._sent - self.confirmed

    def chunk(self) -> tuple[int, bytes] | None:
        """Where it begins, and whole lines; None when there is nothing to send now."""
        if self.unconfirmed >= UNCONFIRMED_BYTES:
            return None
        data = os.pread(self._file.fileno(), CHUNK_BYTES, self._sent)
        lines = data[: data.rfind(b"\n") + 1]
        if not lines:
            return None
        start, self._sent = self._sent, self._sent + len(lines)
        return start, lines

    def close(self) -> None:
        self._file.close()


class Receiver:
    """Appends to *path* what a sender sends. Raises: FileExistsError when it exists, OSError when it can't be written.

    Attributes:
        received: Bytes so far.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._digest = hashlib.sha256()
        self.received = 0

    def take(self, start: int, data: bytes) -> None:
        """What is there already is left out; what comes after a gap waits for its sender to begin again."""
        new = data[self.received - start :] if start <= self.received else b""
        while new:
            written = new[: os.write(self._file, new)]
            self._digest.update(written)
            self.received += len(written)
            new = new[len(written) :]

    def problem(self, size: int, sha256: str) -> str:
        """What is wrong with the copy of a file of that size and digest; empty when nothing is."""
        if self.received != size:
            return f"got {self.received} bytes of its history, expected {size}"
        return "" if self._digest.hexdigest() == sha256 else "got other bytes of its history than it wrote"

    def close(self) -> None:
        """Make it durable. Idempotent."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
