"""`python -m services.shop.serve api|worker|relay` becomes that process; `… manage COMMAND` runs a Django command.

Exit 2: a setting, a command line or a variant that can't be used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence

from launch.python import PYTHON
from services.shop.core import prefork_metrics
from services.shop.core.config import (
    API_PROCESSES,
    API_THREADS,
    Config,
    ConfigError,
    adopt_environment,
    child_environment,
    current,
)

WORKER_PROCESSES = 4  # they mostly wait for the gateway; two processes carry less than 40 orders a second
USAGE = "usage: python -m services.shop.serve api|worker|relay|manage COMMAND …|develop PORT"


def main(arguments: Sequence[str]) -> int:
    """Start what *arguments* name. Returns an exit code, or never when the process became another program."""
    if not arguments:
        return _complain(USAGE)
    role, rest = arguments[0], list(arguments[1:])
    try:
        config = current()
        if role in COMMANDS:
            folder = prefork_metrics.fresh_folder(config, role)
            environment = child_environment(config, role=role, PROMETHEUS_MULTIPROC_DIR=str(folder))
            _become(COMMANDS[role](config), environment)
        if role == "relay":
            _become(["-m", "services.shop.core.relay"], child_environment(config, role=role))
        if role == "manage":
            adopt_environment(config, role=role)
            from services.shop.core import manage  # noqa: PLC0415  (Django's settings are read on import)

            return manage.main(rest)
        if role == "develop" and len(rest) == 1:
            from services.shop.core.development import serve as development  # noqa: PLC0415  (as above)

            return development.main(rest[0])
    except ConfigError as error:
        return _complain(str(error))
    return _complain(f"serve: got {role!r}, expected one of api, worker, relay, manage, develop")


def api_command(config: Config) -> list[str]:
    """Granian: two processes of four blocking threads, loopback only unless a container needs another address.

    Each process listens on a socket of its own (SO_REUSEPORT): the kernel gives each connection to one of them, by a
    hash of its addresses and ports.
    """
    return [
        *("-m", "granian", "services.shop.core.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", config.bind_host, "--port", str(config.api_port)),
        *("--workers", str(API_PROCESSES), "--blocking-threads", str(API_THREADS), "--runtime-mode", "st"),
        # A thread that ends for idleness closes its database connection; ten minutes are longer than any run.
        *("--blocking-threads-idle-timeout", "600"),
        # When a worker process ends, the master ends too: the supervisor restarts it, and does so at once.
        *("--no-respawn-failed-workers", "--workers-kill-timeout", "5"),
        *("--no-access-log", "--log-level", "warning"),
    ]


def worker_command(_: Config) -> list[str]:
    """Celery, prefork. Gossip, mingle and heartbeats serve clusters, and cost broker traffic and start time."""
    return [
        *("-m", "celery", "--no-color", "--quiet", "--app", "services.shop.core.celery", "worker"),
        *("--pool", "prefork", "--concurrency", str(WORKER_PROCESSES), "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


COMMANDS: Mapping[str, Callable[[Config], list[str]]] = {"api": api_command, "worker": worker_command}


def _become(command: list[str], environment: dict[str, str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [*PYTHON, "-u", *command], environment)  # noqa: S606


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
