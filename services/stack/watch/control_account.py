"""Requests to Toxiproxy's API, by its own log: those that the lab did not sign are somebody else's, however short."""

from __future__ import annotations

import http.client
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from launch import signed
from services.stack.layout import Lab, Ports
from services.stack.readiness import toxiproxy_call
from services.stack.watch.accounts import LogFiles
from services.stack.watch.connections import Found

PATIENCE_S = 5.0
_LOOK_S = 0.1
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as the log has it."""

    method: str
    url: str
    client: str
    by: str


class ControlAccount:
    """See the module.

    Attributes:
        trouble: Why nobody can say who asked; empty when the log could.
    """

    def __init__(self, lab: Lab, ports: Ports) -> None:
        self._lab, self._ports = lab, ports
        self._log = LogFiles(lab.log, "toxiproxy.log*")
        self._own = signed.signature(lab.secret("lab_token"))
        self.trouble = ""

    def open(self) -> None:
        """Count from here on."""
        self._log.mark(self._log.sizes())

    def close(self) -> list[Found]:
        """Requests of others. A last one of our own shows that the log is complete, and that it tells requests at all.

        Raises: OSError.
        """
        url = f"/version?{uuid.uuid4().hex}"
        try:
            toxiproxy_call(self._lab, self._ports, "GET", url)
        except (OSError, http.client.HTTPException) as error:
            self.trouble = f"toxiproxy: got {error!r}, expected an answer"
            return []
        give_up = time.monotonic() + PATIENCE_S
        while True:
            asked = list(requests_in(self._log.lines()))
            if any(one.url == url for one in asked):
                return [_sentence(foreign)] if (foreign := [one for one in asked if one.by != self._own]) else []
            if time.monotonic() > give_up:
                self.trouble = f"toxiproxy: got no line of our own request in its log in {PATIENCE_S:g} s, expected one"
                return []
            time.sleep(_LOOK_S)


def _sentence(foreign: list[Asked]) -> Found:
    shown = "; ".join(f"{one.method} {one.url} from {one.client}" for one in foreign[:_SHOWN])
    what = f"somebody else than the lab asked the API of its Toxiproxy {len(foreign)} time(s): {shown}"
    return "toxiproxy account", what


def requests_in(lines: Iterable[bytes]) -> Iterator[Asked]:
    """The requests in Toxiproxy's log; the stand-in's has the same form behind a time."""
    for line in lines:
        start = line.find(b'{"')
        if start < 0 or (b'"user_agent":' not in line and b'"url":' not in line):
            continue
        try:
            entry: Any = json.loads(line[start:])
        except ValueError:
            continue
        if isinstance(entry, dict) and "method" in entry and "url" in entry:
            yield Asked(
                method=str(entry["method"]),
                url=str(entry["url"]),
                client=str(entry.get("client", "?")),
                by=str(entry.get("user_agent", "")),
            )
