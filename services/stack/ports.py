"""Which ports are free, and which process holds a port that is not."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import psutil

from services.stack.errors import StackError
from services.stack.layout import HOST, Ports


def is_free(port: int) -> bool:
    """Whether a server could listen on 127.0.0.1:*port* now; connections in TIME_WAIT don't count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def listeners() -> dict[int, int | None]:
    """Port to process id for all TCP listeners; None where the process belongs to another user."""
    found: dict[int, int | None] = {}
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr:
                port = int(connection.laddr[1])
                found[port] = connection.pid or found.get(port)
    except psutil.AccessDenied:  # macOS shows foreign sockets to root only
        pass
    return found


def describe_holder(pid: int | None) -> str:
    """`pid 12 (python3 -m http.server)`; says so when the process can't be seen."""
    if pid is None:
        return "a process of another user"
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    shortened = command if len(command) <= 80 else command[:79] + "…"
    return f"pid {pid} ({shortened})" if shortened else f"pid {pid}"


def taken(ports: Ports) -> Mapping[str, str]:
    """Name to holder for every port of the stack that is not free."""
    busy = [name for name, port in ports.all().items() if not is_free(port)]
    holders = listeners() if busy else {}
    return {name: describe_holder(holders.get(ports[name])) for name in busy}


def require_free(ports: Ports) -> None:
    """Check all ports of the stack.

    Raises:
        StackError: `port_taken`, one line per port that is held.
    """
    lines = [f"port {ports[name]} ({name}): held by {holder}, expected free" for name, holder in taken(ports).items()]
    if lines:
        other = ports.base + 1000 if ports.base + 1000 < 64000 else 18000
        lines[-1] += f"; stop it or choose another base port: make up BASE_PORT={other}"
        raise StackError("port_taken", "\n".join(lines))
