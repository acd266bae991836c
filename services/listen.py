"""The listening socket of a server of the lab."""

from __future__ import annotations

import socket


def listen(host: str, port: int) -> socket.socket:
    """Listen on *host*; port 0 lets the system choose.

    Raises:
        OSError: The port is taken.
    """
    # With the protocol named: asyncio turns Nagle's algorithm off only then, and with it on, an answer (headers, then
    # body) waits for the caller's delayed acknowledgement: 40 ms on each kept-alive connection.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener
