"""`python -m services.gateway`: serve until SIGTERM. Exit 2: bad setting; 4: the port or the ledger can't be used."""

from __future__ import annotations

import os
import sqlite3
import sys

import uvicorn

from services.gateway.app import Gateway
from services.gateway.config import load
from services.gateway.ledger import Ledger
from services.gateway.protocol import TransportAwareProtocol
from services.listen import listen
from services.settings import ConfigError


def main() -> int:
    """Run one gateway. Only the user that runs it can read its ledger."""
    os.umask(0o077)
    try:
        config = load()
    except ConfigError as error:
        return _complain(2, str(error))
    try:
        ledger = Ledger(config.database)
    except (OSError, sqlite3.Error) as error:
        return _complain(4, f"{config.database}: got {error}, expected a SQLite file that can be written")
    try:
        listener = listen(config.host, config.port)
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
            timeout_keep_alive=75,  # longer than callers keep idle connections, so that the caller ends them
            timeout_graceful_shutdown=1,
        )
    )
    server.run(sockets=[listener])
    return 0


def _complain(status: int, sentence: str) -> int:
    sys.stderr.write(f"gateway: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
