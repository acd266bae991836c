"""`python -m services.mail`: serve until SIGTERM. Exit 2: bad setting; 4: a port or the file can't be used."""

from __future__ import annotations

import errno
import os
import socket
import sqlite3
import sys

import uvicorn

from services.listen import listen
from services.mail.app import Lab
from services.mail.config import Config, load
from services.mail.store import Store
from services.settings import ConfigError


def main() -> int:
    """Run one catcher."""
    try:
        config = load()
    except ConfigError as error:
        return _complain(2, str(error))
    try:
        store = Store(config.database)
    except (OSError, sqlite3.Error) as error:
        return _complain(4, f"{config.database}: got {error}, expected a SQLite file that can be written")
    try:
        listener = listen(config.host, config.http_port)
        if config.smtp_port:  # tried first, so that a taken port gives a sentence, not a traceback
            listen(config.host, config.smtp_port).close()
    except OSError as error:
        reason = os.strerror(error.errno or errno.EADDRINUSE)
        ports = f"{config.host}:{config.smtp_port} and :{config.http_port}"
        return _complain(4, f"{ports}: got {reason}, expected free ports")
    _serve(config, store, listener)
    return 0


def _serve(config: Config, store: Store, listener: socket.socket) -> None:
    lab = Lab(config, store)

    def say_where() -> None:  # the chosen ports, for a caller that asked for port 0
        where = f"http://{config.host}:{listener.getsockname()[1]}"
        sys.stderr.write(f"mail: listening on smtp://{config.host}:{lab.smtp_port} and {where}\n")

    server = uvicorn.Server(
        uvicorn.Config(
            lab.app(say_where),
            lifespan="on",  # without SMTP there is nothing to serve
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_keep_alive=75,  # longer than callers keep idle connections, so that the caller ends them
            timeout_graceful_shutdown=1,
        )
    )
    server.run(sockets=[listener])


def _complain(status: int, sentence: str) -> int:
    sys.stderr.write(f"mail: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
