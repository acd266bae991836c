"""The watch's loop; see the package."""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

import redis

from services.stack import isolation
from services.stack.config import Settings
from services.stack.handles import Stack, in_compose, stack_of
from services.stack.readiness import http_call
from services.stack.supervisor_client import Unreachable
from services.stack.watch.accounts import LogFiles, PostgresAccount
from services.stack.watch.connections import Connections, Found
from services.stack.watch.control_account import ControlAccount
from services.stack.watch.people import People, look, named
from services.stack.watch.redis_account import RedisAccount

LOOK_S = 0.2
STRAYS_S = 1.0
# The lab's own servers, and the port at which each lists its callers.
_DOORS = {"gateway": "gateway", "mail": "mail_http"}


class Watch:
    """Looks for strangers; `tell` gets each stranger once."""

    def __init__(self, stack: Stack, tell: Callable[[Found], None]) -> None:
        how = isolation.current(stack.lab)
        self._stack, self._tell = stack, tell
        self._uid, self._runner = how.uid, os.getppid()
        self._told: set[str] = set()
        self._strays: dict[tuple[int, int], dict[str, Any]] = {}
        self._callers: set[tuple[str, float, int | None]] = set()
        self.trouble: list[str] = []
        self._connections = Connections(stack.ports, os.geteuid(), how.uid, self._people)
        self._postgres = PostgresAccount(stack.lab)
        self._control = ControlAccount(stack.lab, stack.ports)
        self._redis: RedisAccount | None = None
        self._looks_at_connections = not in_compose(stack.settings)

    def open(self) -> None:
        """Take the first look, before the load begins."""
        if not self._looks_at_connections:
            return
        self._guarded("connections", lambda: self._tell_all(list(self._connections.look())))
        self._ask_doors(only_note=True)  # callers before the run don't count
        self._control.open()
        self._postgres.open()
        proxy_log = LogFiles(self._stack.lab.log, "toxiproxy.log*")
        proxy_log.mark(proxy_log.sizes())
        try:
            self._redis = RedisAccount(self._stack.lab, self._stack.ports, self._connections, proxy_log)
            self._redis.open()
        except (redis.RedisError, OSError) as error:
            self._redis = None
            self.trouble.append(f"redis: got {error!r}, expected to watch its commands")

    def until_stdin_ends(self) -> None:
        """Look until stdin ends: the run closed it, or its process ended."""
        strays_at = 0.0
        while not select.select([sys.stdin], [], [], LOOK_S)[0] or sys.stdin.read(1):
            if self._looks_at_connections:
                self._guarded("connections", lambda: self._tell_all(list(self._connections.look())))
                if self._redis is not None:
                    self._tell_all(self._redis.take_found())
            if time.monotonic() >= strays_at:
                strays_at = time.monotonic() + STRAYS_S
                self._guarded("strays", self._look_for_strays)
                if self._looks_at_connections:
                    self._ask_doors()

    def close(self) -> None:
        """Take the last look, then compare the counts of connections with those of the proxies."""
        self._guarded("strays", self._look_for_strays)
        if not self._looks_at_connections:
            return
        self._guarded("connections", lambda: self._tell_all(list(self._connections.look())))
        self._ask_doors()
        self._guarded("postgres", lambda: self._tell_all(self._postgres.close(self._connections.of_proxy["postgres"])))
        self._guarded("toxiproxy", lambda: self._tell_all(self._control.close()))
        if self._control.trouble:
            self.trouble.append(self._control.trouble)
        if self._redis is not None:
            account = self._redis
            self._guarded("redis", lambda: self._tell_all(account.close()))
            if account.trouble:
                self.trouble.append(account.trouble)

    def _guarded(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except (OSError, Unreachable, ValueError) as error:
            if (sentence := f"{what}: got {error}, expected to look at them") not in self.trouble:
                self.trouble.append(sentence)

    def _tell_all(self, found: list[Found]) -> None:
        for id_, what in found:
            if id_ not in self._told:
                self._told.add(id_)
                self._tell((id_, what))

    def _people(self) -> People:
        strays = frozenset(pid for pid, _ in self._strays)
        return look(self._stack, shop_uid=self._uid, runner=self._runner, strays=strays)

    def _look_for_strays(self) -> None:
        """Tell strays that were there in two looks in a row: one that is just being killed is not meant."""
        now = {(stray["pid"], stray["started"]): stray for stray in self._stack.supervisor.strays()}
        stayed = [stray for id_, stray in now.items() if id_ in self._strays]
        self._strays = now
        for stray in stayed:
            who = named(stray["pid"], stray["uid"], what=stray["what"], of=stray["of"])
            self._tell_all([(f"stray {stray['pid']} {stray['started']}", f"{who} runs and is of no program that does")])

    def _ask_doors(self, *, only_note: bool = False) -> None:
        """Ask the lab's own servers which callers bypassed their proxies."""
        for server, port in _DOORS.items():
            try:
                past = self._past(port)
            except Exception as error:  # the server may be restarting; the next look asks again
                if only_note:
                    self.trouble.append(f"{server}: got {error!r}, expected whose connections came in")
                continue
            self._judge_callers(server, past, only_note=only_note)

    def _past(self, port: str) -> list[dict[str, Any]]:
        headers = {"X-Lab-Token": self._stack.lab.secret("lab_token")}
        status, body = http_call("GET", self._stack.ports.address(port), "/lab/callers", headers=headers)
        if status != 200:
            raise ValueError(f"status {status}")
        found: list[dict[str, Any]] = json.loads(body)["past"]
        return found

    def _judge_callers(self, server: str, past: list[dict[str, Any]], *, only_note: bool) -> None:
        known = {(server, caller["at_unix_s"], caller["pid"]): caller for caller in past}
        new = [caller for id_, caller in known.items() if id_ not in self._callers]
        self._callers |= known.keys()
        if only_note or not new:
            return
        people = self._people()
        for caller in new:
            if self._is_stranger(caller, people):
                of = people.program.get(caller["pid"] or 0, "")
                who = named(caller["pid"], caller["uid"], what=caller["what"], of=of)
                self._tell_all([(f"{who} {server}", f"{who} called the {server} past its proxy")])

    def _is_stranger(self, caller: dict[str, Any], people: People) -> bool:
        pid, uid = caller["pid"], caller["uid"]
        if self._uid is not None and uid == self._uid:
            return True
        if pid is None or not _runs(pid):  # it has ended: judge by the command line that the server kept
            return uid != os.geteuid() or not _was_command(caller["what"])
        return self._connections.is_stranger(pid, uid, people, shop_may=False)


def _runs(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")  # noqa: PTH110


def _was_command(what: str) -> bool:
    return what.startswith(sys.executable.rpartition("/")[0]) and "services.shop" not in what and (
        " -m services." in what or " -m chaos" in what or "/firedrill " in what or " -m loadtests" in what
    )  # fmt: skip


def watch(settings: Settings) -> dict[str, object]:
    """Run the watch until stdin ends, and write each stranger to stdout at once; returns the last document."""

    def write(document: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(document) + "\n")
        sys.stdout.flush()

    looking = Watch(stack_of(settings), lambda found: write({"stranger": found[0], "what": found[1]}))
    looking.open()
    write({"ready": True})
    looking.until_stdin_ends()
    looking.close()
    return {"ended": True, "trouble": looking.trouble}
