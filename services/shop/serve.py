"""`python -m services.shop.serve api|worker|relay` becomes that process; `… manage COMMAND` runs a Django command.

Exit 2: a setting, a command line or a variant that can't be used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from services.shop.core import prefork_metrics
from services.shop.core.config import ConfigError, adopt_environment, child_environment, current

WORKER_PROCESSES = 4  # they mostly wait for the gateway: two would end below 40 orders a second
API_THREADS = 8
USAGE = "usage: python -m services.shop.serve api|worker|relay|manage COMMAND …"


def main(arguments: Sequence[str]) -> int:
    """Start what *arguments* name. Returns an exit code, or never when the process became another program."""
    if not arguments:
        return _complain(USAGE)
    role, rest = arguments[0], list(arguments[1:])
    try:
        config = current()
        if role == "api":
            _become(api_command(config.api_port, host=config.bind_host), child_environment(config, role=role))
        if role == "worker":
            folder = prefork_metrics.fresh_folder(config)
            environment = child_environment(config, role=role, PROMETHEUS_MULTIPROC_DIR=str(folder))
            _become(worker_command(), environment)
        if role == "relay":
            _become(["-m", "services.shop.core.relay"], child_environment(config, role=role))
        if role == "manage":
            adopt_environment(config, role=role)
            from services.shop.core import manage  # noqa: PLC0415  (Django's settings are read on import)

            return manage.main(rest)
    except ConfigError as error:
        return _complain(str(error))
    return _complain(f"serve: got {role!r}, expected one of api, worker, relay, manage")


def api_command(port: int, *, host: str = "127.0.0.1") -> list[str]:
    """Granian: one process, eight blocking threads, loopback only unless a container needs another *host*."""
    return [
        *("-m", "granian", "services.shop.core.wsgi:application"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", "1", "--blocking-threads", str(API_THREADS), "--runtime-mode", "st"),
        # An idle thread would take its database connection along; ten minutes outlast any run.
        *("--blocking-threads-idle-timeout", "600"),
        # A worker that is gone ends the master too: restarting is the supervisor's job, and it restarts at once.
        *("--no-respawn-failed-workers", "--workers-kill-timeout", "5"),
        *("--no-access-log", "--log-level", "warning"),
    ]


def worker_command() -> list[str]:
    """Celery, prefork. Gossip, mingle and heartbeats serve clusters, and cost broker traffic and start time."""
    return [
        *("-m", "celery", "--no-color", "--quiet", "--app", "services.shop.core.celery", "worker"),
        *("--pool", "prefork", "--concurrency", str(WORKER_PROCESSES), "--loglevel", "INFO"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]


def _become(command: list[str], environment: dict[str, str]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, *command], environment)  # noqa: S606


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
