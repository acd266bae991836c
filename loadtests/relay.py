"""Sends the history of a worker elsewhere to the evidence folder, in whole lines, during the run."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHUNK_BYTES = 256 * 1024
UNCONFIRMED_BYTES = 4 * 1024 * 1024


class Sender:
    """Reads the lines that were appended to *path*, for sending.

    The transport keeps the order but may lose messages when a connection breaks. So the receiver confirms how many
    bytes it has, and `again` continues from there.

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
        """Send everything unconfirmed again, after too long without a confirmation."""
        self._sent = self.confirmed

    @property
    def unconfirmed(self) -> int:
        """Bytes sent but not confirmed."""
        return self._sent - self.confirmed

    def chunk(self) -> tuple[int, bytes] | None:
        """The next whole lines and their position in the file; None when there is nothing to send now."""
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
    """Appends a sender's lines to *path*. Raises: FileExistsError when it exists, OSError when it can't be written.

    Attributes:
        received: Bytes so far.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._digest = hashlib.sha256()
        self.received = 0

    def take(self, start: int, data: bytes) -> None:
        """Append *data*, without bytes that are there already. Data after a gap is dropped, and is sent again later."""
        new = data[self.received - start :] if start <= self.received else b""
        while new:
            written = new[: os.write(self._file, new)]
            self._digest.update(written)
            self.received += len(written)
            new = new[len(written) :]

    def problem(self, size: int, sha256: str) -> str:
        """Why this is not a complete copy of a file with that size and digest; empty when it is."""
        if self.received != size:
            return f"got {self.received} bytes of its history, expected {size}"
        return "" if self._digest.hexdigest() == sha256 else "got other bytes of its history than it wrote"

    def close(self) -> None:
        """Make it durable. Idempotent."""
        if self._file >= 0:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
