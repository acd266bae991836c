"""Finds questions without an answer on the connections of given processes, by the kernel's record of each (TCP_INFO).

A proxy in between may hold an answer back, so the server can't tell whether its caller waits; the caller's end can.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import Final

from services.sockets import inodes_of, socket_messages

# Source: linux/inet_diag.h, linux/tcp.h, net/tcp_states.h.
_INFO: Final = 2
_ESTABLISHED, _CLOSE_WAIT = 1, 8
_MESSAGE_BYTES: Final = 72
_ATTRIBUTE = struct.Struct("=HH")
# Offsets into struct tcp_info.
_LAST_SENT_MS, _LAST_RECEIVED_MS, _BYTES_RECEIVED, _SEGMENTS_SENT = 44, 52, 128, 156


def asked_at(pids: Iterable[int], port: int) -> list[float]:
    """When (CLOCK_MONOTONIC) each question was sent to *port* that one of *pids* has read no answer to.

    Raises: OSError.
    """
    theirs = {inode for pid in pids for inode in inodes_of(pid)}
    now = time.monotonic()
    asked = []
    for message in socket_messages(1 << (_INFO - 1)):
        remote, inode = struct.unpack_from("!H", message, 6)[0], struct.unpack_from("=I", message, 68)[0]
        if remote != port or inode not in theirs:
            continue
        if (info := _info(message)) and _waits(message, info):
            asked.append(now - _u32(info, _LAST_SENT_MS) / 1000)
    return asked


def _waits(message: bytes, info: bytes) -> bool:
    """Whether the newest bytes are ours, or bytes of an answer are there unread."""
    state, unread = message[1], struct.unpack_from("=I", message, 56)[0]
    if state not in {_ESTABLISHED, _CLOSE_WAIT} or not _u32(info, _SEGMENTS_SENT):
        return False
    if unread > (state == _CLOSE_WAIT):  # the end of the stream counts as one
        return True
    if not struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]:
        return True
    return _u32(info, _LAST_SENT_MS) < _u32(info, _LAST_RECEIVED_MS)


def _info(message: bytes) -> bytes:
    """The struct tcp_info among the attributes; empty when the kernel gave none, or an older one without these."""
    at = _MESSAGE_BYTES
    while at + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, at)
        if kind == _INFO:
            info = message[at + _ATTRIBUTE.size : at + length]
            return info if len(info) >= _SEGMENTS_SENT + 4 else b""
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return b""


def _u32(info: bytes, offset: int) -> int:
    value: int = struct.unpack_from("=I", info, offset)[0]
    return value
