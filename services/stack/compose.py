"""What differs inside the containers of the Compose stack, apart from the addresses (`layout.CONTAINERS`)."""

from __future__ import annotations

import http.client

from services.stack.errors import StackError
from services.stack.layout import Ports
from services.stack.readiness import http_get

_START = "process_start_time_seconds "


def outside_only(command: str) -> StackError:
    """The error for a command that works only on the engine's host."""
    return StackError("bad_input", f"{command}: got a call inside a container, expected `make {command}` on the host")


def started_unix_s(ports: Ports, part: str) -> float | None:
    """When the process of *part* started, by its own metrics: another value later means a restart; None when it does
    not answer.

    The engine can't be asked: no container holds its socket.
    """
    try:
        status, body = http_get(ports.address(part), "/metrics")
    except (OSError, http.client.HTTPException):
        return None
    if status != 200:
        return None
    for line in body.decode(errors="replace").splitlines():
        if line.startswith(_START):
            return float(line.removeprefix(_START))
    return None
