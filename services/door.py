"""Tells callers that come through the proxy from others. The look-up happens before the answer, so none is missed.

For the servers of the lab's own, the gateway and the mail catcher.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from dataclasses import dataclass

from services.sockets import Owners, sockets, words

KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The process at the other end of a connection.

    Attributes:
        through_proxy: None where it can't be known: a caller in another container, or one that has hung up already.
        what: Its command line.
    """

    at_unix_s: float
    through_proxy: bool | None = None
    pid: int | None = None
    uid: int | None = None
    what: str = ""


class Door:
    """Looks at every incoming connection.

    Attributes:
        proxy_port: A port on which the proxy itself always listens; with None no caller is looked up.
        past: The newest callers that are not the proxy.
    """

    def __init__(self) -> None:
        self.proxy_port: int | None = None
        self.past: deque[Caller] = deque(maxlen=KEPT)
        self._owners = Owners()

    def caller(self, transport: asyncio.BaseTransport) -> Caller:
        """Never raises; a caller that can't be looked up is unknown."""
        at_unix_s = time.time()
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        if self.proxy_port is None or not peer or not own or peer[0] != own[0]:
            return Caller(at_unix_s=at_unix_s)
        try:
            caller = self._look_up(peer[1], own[1], at_unix_s)
        except OSError:
            return Caller(at_unix_s=at_unix_s)
        if caller.through_proxy is False:
            self.past.append(caller)
        return caller

    def _look_up(self, its_port: int, our_port: int, at_unix_s: float) -> Caller:
        listed = sockets()
        ends = [sock for sock in listed if (sock.local, sock.remote) == (its_port, our_port)]
        proxy = [sock.inode for sock in listed if sock.listens and sock.local == self.proxy_port]
        if not ends or not ends[0].inode:
            return Caller(at_unix_s=at_unix_s)
        pids = self._owners.of([ends[0].inode, *proxy])
        pid = pids.get(ends[0].inode)
        if pid is None and ends[0].uid == os.geteuid():  # whom we could see has closed it meanwhile
            return Caller(at_unix_s=at_unix_s)
        return Caller(
            at_unix_s=at_unix_s,
            through_proxy=pid is not None and pid in {pids.get(inode) for inode in proxy},
            pid=pid,
            uid=ends[0].uid,
            what="" if pid is None else words(pid),
        )


DOOR = Door()
