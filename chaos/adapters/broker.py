"""The messages that pass through the broker, from Redis's MONITOR stream, read past the proxy.

Kombu's Redis transport keeps a message in a list until a worker takes it, then in the hash `unacked` until the worker
acknowledges it; a message that is returned goes into the list again under its old tag. MONITOR shows each of these
commands with Redis's time.
"""

from __future__ import annotations

import base64
import binascii
import re
import socket
import threading
from contextlib import suppress

from chaos.adapters.redis import OURS, login
from chaos.config import Redis
from chaos.errors import LabBroken
from chaos.model.evidence import BrokerMessage

CONNECT_S = 3.0
LOOK_EVERY_S = 0.2
_LINE = re.compile(rb"\+(\d+\.\d+) \[(\d+) [^\]]*\] (.*)")
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_FIELD = {
    name: re.compile(rb'"' + name.encode() + rb'": "?([^",}]*)')
    for name in ("body", "delivery_tag", "id", "task", "retries")
}


class BrokerRecorder:
    """Reads MONITOR in a thread of its own, from `start` until `messages`."""

    def __init__(self, address: Redis) -> None:
        self._address = address
        self._record = Record(database=address.broker_db)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble = "the recording was never started"

    def start(self) -> None:
        """Begin a new recording. An error is raised later, by `messages`."""
        self._end()
        self._record, self._trouble = Record(database=self._address.broker_db), ""
        self._stop = threading.Event()
        try:
            connection = socket.create_connection((self._address.host, self._address.port), CONNECT_S)
            connection.sendall(login(self._address) + f"CLIENT SETNAME {OURS}\r\nMONITOR\r\n".encode())
        except OSError as error:
            self._trouble = f"MONITOR: got {error}, expected Redis"
            return
        self._thread = threading.Thread(target=self._read, args=(connection,), name="broker-recorder", daemon=True)
        self._thread.start()

    def messages(self) -> list[BrokerMessage]:
        """End the recording and return it. Raises: LabBroken when it has a gap."""
        self._end()
        if self._trouble:
            raise LabBroken(f"broker: {self._trouble}")
        return self._record.messages()

    def so_far(self) -> list[BrokerMessage]:
        """The messages until now; the recording goes on."""
        return self._record.messages()

    def payload(self, tag: str) -> tuple[str, bytes] | None:
        """The list into which a message was put, and its unchanged payload; None for an unknown tag."""
        return self._record.payload(tag)

    def _end(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CONNECT_S)
            self._thread = None

    def _read(self, connection: socket.socket) -> None:
        pending = b""
        connection.settimeout(LOOK_EVERY_S)
        with suppress(OSError), connection:
            while not self._stop.is_set():
                try:
                    received = connection.recv(1 << 16)
                except TimeoutError:
                    continue
                except OSError as error:
                    received, self._trouble = b"", f"MONITOR: got {error}, expected it to go on"
                if not received:
                    self._trouble = self._trouble or "MONITOR: got the end of the stream, expected it to go on"
                    return
                *lines, pending = (pending + received).split(b"\r\n")
                for line in lines:
                    if line.startswith(b"-"):
                        self._trouble = f"MONITOR: got {line[1:80].decode(errors='replace')}, expected its stream"
                    self._record.line(line)


class Record:
    """Makes messages out of MONITOR's lines. Pure."""

    def __init__(self, *, database: int) -> None:
        self._database = str(database).encode()
        self._by_tag: dict[bytes, BrokerMessage] = {}
        self._payloads: dict[str, tuple[str, bytes]] = {}

    def payload(self, tag: str) -> tuple[str, bytes] | None:
        """See `BrokerRecorder.payload`."""
        return self._payloads.get(tag)

    def messages(self) -> list[BrokerMessage]:
        """In the order in which they were first queued."""
        return list(self._by_tag.values())

    def line(self, line: bytes) -> None:
        """Take one line of the stream; lines that are no step of a message are skipped."""
        if b'PUSH"' not in line and b'"unacked"' not in line:
            return
        told = _LINE.match(line)
        if told is None or told[2] != self._database:
            return
        at_unix_s = float(told[1])
        words = [_plain(word) for word in _WORD.findall(told[3])]
        match words[0].upper(), words[1:]:
            case ((b"LPUSH" | b"RPUSH"), [queue, payload, *_]) if b'"body"' in payload:
                self._queued(queue, payload, at_unix_s)
            case b"HSET", [b"unacked", tag, *_] if tag in self._by_tag:
                self._by_tag[tag].delivered_unix_s = at_unix_s
            case b"HDEL", [b"unacked", tag, *_] if tag in self._by_tag:
                self._by_tag[tag].acked_unix_s = at_unix_s

    def _queued(self, queue: bytes, payload: bytes, at_unix_s: float) -> None:
        tag, task = _field("delivery_tag", payload), _field("task", payload)
        if not tag or not task:  # an answer to a remote control command has no task
            return
        if (back := self._by_tag.get(tag)) is not None:  # returned without an acknowledgement
            back.delivered_unix_s = back.acked_unix_s = None
            return
        try:
            arguments = base64.b64decode(_field("body", payload), validate=True).decode(errors="replace")
        except binascii.Error:
            arguments = ""
        retries = _field("retries", payload)
        self._payloads[tag.decode(errors="replace")] = (queue.decode(errors="replace"), payload)
        self._by_tag[tag] = BrokerMessage(
            tag=tag.decode(errors="replace"),
            task=task.decode(errors="replace"),
            task_id=_field("id", payload).decode(errors="replace"),
            retries=int(retries) if retries.strip().isdigit() else 0,
            arguments=arguments,
            queued_unix_s=at_unix_s,
        )


def _field(name: str, payload: bytes) -> bytes:
    found = _FIELD[name].search(payload)
    return found[1] if found else b""


def _plain(word: bytes) -> bytes:
    """*word* without MONITOR's quoting."""
    if b"\\" not in word:
        return word
    return _ESCAPED.sub(lambda m: bytes.fromhex(m[1][1:].decode()) if len(m[1]) == 3 else _SHORT.get(m[1], m[1]), word)


_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
