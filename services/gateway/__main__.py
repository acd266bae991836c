"""`python -m services.gateway`: serve until SIGTERM. Exit 2: bad setting; 4: no port or no ledger to be had."""

from __future__ import annotations

import socket
import sqlite3
import sys

import uvicorn

from services.gateway.app import Gateway
from services.gateway.config import ConfigError, load
from services.gateway.ledger import Ledger
from services.gateway.protocol import TransportAwareProtocol

LOOPBACK = "127.0.0.1"


def main() -> int:
    """Run one gateway."""
    try:
        config = load()
    except ConfigError as error:
        return _complain(2, str(error))
    try:
        ledger = Ledger(config.database)
    except (OSError, sqlite3.Error) as error:
        return _complain(4, f"{config.database}: got {error}, expected a SQLite file that can be written")
    try:
        listener = listen(config.port, host=config.host)
    except OSError as error:
        return _complain(4, f"{config.host}:{config.port}: got {error.strerror}, expected a free port")
    # The chosen port, for a caller that asked for port 0.
    sys.stderr.write(f"gateway: listening on http://{config.host}:{listener.getsockname()[1]}\n")
    server = uvicorn.Server(
        uvicorn.Config(
            Gateway(config, ledger).app(),
            http=TransportAwareProtocol,
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,  # longer than callers keep idle connections: they, not we, should end them
            timeout_graceful_shutdown=1,
        )
    )
    server.run(sockets=[listener])
    return 0


def listen(port: int, *, host: str = LOOPBACK) -> socket.socket:
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


def _complain(status: int, sentence: str) -> int:
    sys.stderr.write(f"gateway: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
