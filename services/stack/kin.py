"""Which process belongs to which program: the families of supervisord's programs, and the processes of no family.

A family is a program's process group and all its descendants, in any group or session. supervisord is the subreaper:
an orphaned process becomes its child, so every process that a program starts can be found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_GONE = frozenset("ZX")
SHOP = "shop:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One process at one moment. `pid` and `started` (in the kernel's ticks since its boot) identify it."""

    pid: int
    ppid: int
    pgid: int
    uid: int
    started: int

    @property
    def id(self) -> tuple[int, int]:
        """Unique: a later process may get the same pid, but not the same start."""
        return self.pid, self.started


def snapshot() -> dict[int, Seen]:
    """Every process that runs code, by pid."""
    return {seen.pid: seen for seen in map(look_at, _pids()) if seen is not None}


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())


def look_at(pid: int) -> Seen | None:
    """The process *pid*; None when there is none, or only a zombie. Source: proc(5), stat and status."""
    try:
        # The program's name is in parentheses, and may itself contain parentheses.
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b") ")[2].split()
        status = (_PROC / str(pid) / "status").read_bytes()
    except OSError:
        return None
    if fields[0].decode() in _GONE:
        return None
    uid = status.partition(b"\nUid:")[2].split(None, 2)[1]  # the effective one
    return Seen(pid=pid, ppid=int(fields[1]), pgid=int(fields[2]), uid=int(uid), started=int(fields[19]))


class Kinship:
    """Remembers to which program a process belonged while its parent lived.

    Args:
        supervisor: Pid of supervisord, which becomes the parent of all orphans.
        shop_uid: The shop's own user; None without one.
    """

    def __init__(self, supervisor: int, *, shop_uid: int | None = None) -> None:
        self._supervisor, self._shop_uid = supervisor, shop_uid
        self._owners: dict[tuple[int, int], str] = {}

    def look(self, leaders: Mapping[str, int]) -> Look:
        """Look at all processes. *leaders*: running program → pid of the process that supervisord started."""
        everybody = snapshot()
        children: dict[int, list[int]] = {}
        groups: dict[int, list[int]] = {}
        for seen in everybody.values():
            children.setdefault(seen.ppid, []).append(seen.pid)
            groups.setdefault(seen.pgid, []).append(seen.pid)
        families = {
            program: _with_descendants([pid, *groups.get(pid, ())], children) & everybody.keys()
            for program, pid in leaders.items()
        }
        now = {everybody[pid].id: program for program, family in families.items() for pid in family}
        alive = {seen.id for seen in everybody.values()}
        self._owners = {id_: program for id_, program in self._owners.items() if id_ in alive} | now
        attached = {pid for family in families.values() for pid in family}
        ours = _with_descendants([self._supervisor], children)
        strays = [
            seen
            for seen in everybody.values()
            if seen.pid not in attached and seen.pid != self._supervisor and self._is_the_shops(seen, ours, everybody)
        ]
        return Look(families=families, strays=tuple(strays), owners=dict(self._owners))

    def _is_the_shops(self, seen: Seen, ours: set[int], everybody: Mapping[int, Seen]) -> bool:
        if self._shop_uid is None:  # any descendant that is not known to be another program's
            return seen.pid in ours and self._owners.get(seen.id, SHOP).startswith(SHOP)
        if seen.uid != self._shop_uid:
            return False
        top = seen
        while (parent := everybody.get(top.ppid)) is not None and parent.uid == self._shop_uid:
            top = parent
        # A shop's command that a person runs is no stray: its parent is a shell, or the stack's own command.
        return top.ppid in (0, 1, self._supervisor) or top.ppid not in everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen.

    Attributes:
        families: Program → pids of its family.
        strays: Processes of the shop that belong to no running program.
        owners: Each process below supervisord → the program to which it belongs, or belonged last.
    """

    families: Mapping[str, set[int]]
    strays: tuple[Seen, ...]
    owners: Mapping[tuple[int, int], str]


def _with_descendants(tops: Iterable[int], children: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    todo = list(tops)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, ())
    return found
