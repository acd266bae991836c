"""Five times a second, finds the process at the client's end of every connection to a port of the lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.sockets import Owners, Sock, sockets
from services.stack.kin import look_at
from services.stack.layout import PROXIES, Ports
from services.stack.watch.people import People, named

Found = tuple[str, str]
"""What identifies a stranger, and the sentence about it."""

_OF_SHOP = ("api", "worker_metrics", "relay_metrics")
_CONTROL = ("toxiproxy", "supervisor")


class Connections:
    """Judges each connection once: its owner does not change.

    Attributes:
        of_proxy: Upstream → local ports of all connections that its proxy was ever seen to have to it.
    """

    def __init__(self, ports: Ports, lab_uid: int, shop_uid: int | None, people: Callable[[], People]) -> None:
        self._ports, self._people = ports, people
        self._lab_uid, self._shop_uid = lab_uid, shop_uid
        self._latest = People(program={}, runner=frozenset(), shop_uid=shop_uid)  # no process is known yet
        self._owners = Owners()
        self._judged: set[tuple[int, int]] = set()
        self._to = {ports[name]: name for name in (*PROXIES, *PROXIES.values(), *_CONTROL)}
        self._served = {ports[name]: name for name in (*_OF_SHOP, *PROXIES)}
        self.of_proxy: dict[str, set[int]] = {name: set() for name in PROXIES.values()}

    def look(self) -> Iterator[Found]:
        """Strangers with connections new since the last look. Raises: OSError, supervisor_client.Unreachable."""
        new = [sock for sock in sockets() if self._is_watched(sock) and (sock.inode, sock.remote) not in self._judged]
        if not new:
            return
        pids = self._owners.of(sock.inode for sock in new)
        for sock in new:
            self._judged.add((sock.inode, sock.remote))
            pid = pids.get(sock.inode)
            # A process that is missing in the latest list may be a new one of the shop's: judge again by a new list.
            if self._judge(sock, pid, self._latest) and (found := self._judge(sock, pid, self.refreshed())):
                yield found

    def refreshed(self) -> People:
        """A new list of whose each process is."""
        self._latest = self._people()
        return self._latest

    def owner_of(self, port: int, upstream: str) -> tuple[int | None, int, People] | None:
        """Pid and uid of the client at *port* of a connection to *upstream*; None when the connection is closed."""
        ends = [sock for sock in sockets() if (sock.local, sock.remote) == (port, self._ports[upstream]) and sock.inode]
        if not ends:
            return None
        pid = self._owners.of([ends[0].inode]).get(ends[0].inode)
        known = pid is not None and (self._latest.is_(pid, "toxiproxy") or pid in self._latest.runner)
        return pid, ends[0].uid, self._latest if known else self.refreshed()

    def _is_watched(self, sock: Sock) -> bool:
        return bool(sock.inode) and (sock.local in self._served if sock.listens else sock.remote in self._to)

    def _judge(self, sock: Sock, pid: int | None, people: People) -> Found | None:
        if sock.listens:
            return self._listener(sock, pid, people)
        name = self._to[sock.remote]
        if name in self.of_proxy and pid is not None and people.is_(pid, "toxiproxy"):
            self.of_proxy[name].add(sock.local)
            return None
        if not self.is_stranger(pid, sock.uid, people, shop_may=name in PROXIES):
            return None
        who = named(pid, sock.uid, of=people.program.get(pid or 0, ""))
        if name in PROXIES:
            return f"{who} {name}", f"{who} is a client of {name} and no program of the shop"
        if name in _CONTROL:
            return f"{who} {name}", f"{who} is connected to the lab's own {name}"
        return f"{who} {name}", f"{who} is connected to {name} past its proxy"

    def is_stranger(self, pid: int | None, uid: int, people: People, *, shop_may: bool) -> bool:
        """Whether the process at a client's end may not connect there."""
        if pid is None or look_at(pid) is None:  # it has ended, or is another user's: only root may read its data
            return (uid == self._shop_uid and not shop_may) or uid not in (self._lab_uid, self._shop_uid)
        if shop_may and people.is_shop(pid):
            return False
        return not people.is_lab(pid)

    def _listener(self, sock: Sock, pid: int | None, people: People) -> Found | None:
        """Two processes may listen on one port (SO_REUSEPORT); the kernel shares the connections between them."""
        name = self._served[sock.local]
        if pid is None:
            return None
        fine = people.is_(pid, "toxiproxy") if name in PROXIES else people.is_shop(pid)
        if fine or (pid not in people.program and pid not in people.strays and people.is_lab(pid)):
            return None
        who = named(pid, sock.uid, of=people.program.get(pid, ""))
        return f"{who} {name} listens", f"{who} listens on the port of {name}, which is another program's"
