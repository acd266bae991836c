"""Finds the process at the other end of a connection on this machine, in the kernel's list of TCP sockets.

Linux only. On other systems, and between containers, no process is found, which does not mean that it is a foreign one.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Source: linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, net/tcp_states.h.
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST, _NLM_F_DUMP = 0x001, 0x300
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER, _ADDRESSES = struct.Struct("=IHHII"), struct.Struct("!HH16s16s")
_ESTABLISHED, _TIME_WAIT, _CLOSE, _LISTEN, _NEW_SYN_RECV = 1, 6, 7, 10, 12
# States of sockets with an owner: one in TIME_WAIT has none any more, a half-open one has none yet.
_HELD = 0xFFF & ~(1 << _TIME_WAIT | 1 << _CLOSE | 1 << _NEW_SYN_RECV)
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sock:
    """One TCP socket. *uid* and *inode* are its owner's; inode 0: no process holds it any more."""

    local: int
    remote: int
    uid: int
    inode: int
    listens: bool


def sockets() -> list[Sock]:
    """All of this network namespace that are listened on or connected. Raises: OSError."""
    return [_sock(message) for message in socket_messages()]


def socket_messages(extensions: int = 0) -> Iterator[bytes]:
    """Per socket a struct inet_diag_msg and its attributes, for the bits *extensions* asks for. Raises: OSError."""
    return (message for family in (socket.AF_INET, socket.AF_INET6) for message in _dump(family, extensions))


def _dump(family: int, extensions: int) -> Iterator[bytes]:
    request = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, extensions, 0, _HELD) + bytes(48)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(2.0)
        head = _HEADER.pack(_HEADER.size + len(request), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0)
        link.sendall(head + request)
        while True:
            data, at = link.recv(1 << 16), 0
            while at < len(data):
                length, kind, *_ = _HEADER.unpack_from(data, at)
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    raise OSError("sock_diag: got an error, expected the list of sockets")
                yield data[at + _HEADER.size : at + length]
                at += (length + 3) & ~3


def _sock(message: bytes) -> Sock:
    """From a struct inet_diag_msg: family, state and two more bytes, the id of 48 bytes, then five numbers."""
    state = message[1]
    local, remote, *_ = _ADDRESSES.unpack_from(message, 4)
    *_, uid, inode = struct.unpack_from("=IIIII", message, 52)
    return Sock(local=local, remote=remote, uid=uid, inode=inode, listens=state == _LISTEN)


@dataclass(slots=True)
class Owners:
    """Inode → pid, looked for first where it was found before."""

    _known: dict[int, int] = field(default_factory=dict)

    def of(self, inodes: Iterable[int]) -> dict[int, int]:
        """Pid by inode, of those whose owner this user may see."""
        wanted = {inode for inode in inodes if inode}
        found = {inode: self._known[inode] for inode in wanted & self._known.keys()}
        missing = wanted - found.keys()
        before = list(dict.fromkeys(self._known.values()))
        for pids in (before, _pids()):
            for pid in pids:
                if not missing:
                    break
                here = {inode: pid for inode in inodes_of(pid) if inode in missing}
                found |= here
                missing -= here.keys()
        self._known = found if len(wanted) > 1 else {**self._known, **found}
        return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def inodes_of(pid: int) -> Iterator[int]:
    """Of the sockets that *pid* holds; none when it may not be asked."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - pathlib costs as much again, and this is asked for each connection
    except OSError:
        return
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - as above
        except OSError:
            continue
        if target.startswith("socket:["):
            yield int(target[8:-1])


def words(pid: int) -> str:
    """The command line of *pid*, for people; its name where it has none."""
    try:
        line = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        name = (_PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:
        return "gone"
    text = line or f"[{name}]"
    return text if len(text) <= 120 else f"{text[:119]}…"
