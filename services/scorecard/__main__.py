"""`python -m services.scorecard`: make the database ready, then become the server.

`python -m services.scorecard manage …` runs a Django command instead, e.g. `manage changepassword admin`.
Exit 2 for a bad setting, 4 when the database can't be used.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch.python import PYTHON
from services.scorecard.config import Config, load
from services.settings import ConfigError

THREADS = "4"
_ONE_AT_A_TIME = 0x46495245
"""Key of an advisory lock in a shared PostgreSQL: without it, labs that start together would migrate concurrently."""


def main(arguments: list[str]) -> int:
    """Prepare and serve; returns only when something is wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "services.scorecard.settings")
    try:
        config = load()
        if not arguments and not config.token:
            raise ConfigError(
                "SCORECARD_TOKEN_FILE: got nothing, expected a file with the token of those who may write"
            )
    except ConfigError as error:
        return _complain(2, str(error))
    if arguments[:1] == ["manage"]:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - needs the settings

        execute_from_command_line(["manage", *arguments[1:]])
        return 0
    if arguments:
        return _complain(2, f"command line: got {' '.join(arguments)!r}, expected nothing or `manage …`")
    from django.db import Error  # noqa: PLC0415 - needs the settings

    try:
        prepare(config)
    except (OSError, sqlite3.Error, Error) as error:
        return _complain(4, f"database: got {error}, expected one that can be opened and migrated")
    serve(config)
    return 4  # only when exec itself failed


def prepare(config: Config) -> None:
    """Migrate when there is something to migrate, load the drills, create the first admin. Safe to repeat."""
    if isinstance(config.database, Path):
        config.database.parent.mkdir(parents=True, exist_ok=True)
    import django  # noqa: PLC0415 - needs the settings

    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - needs the apps
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection, connections  # noqa: PLC0415
    from django.db.migrations.executor import MigrationExecutor  # noqa: PLC0415

    from services.scorecard.catalogue import load_catalogue, read_catalogue  # noqa: PLC0415

    with _alone():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", interactive=False, verbosity=0)
        load_catalogue(read_catalogue())
        if config.admin_password and not User.objects.filter(username="admin").exists():
            User.objects.create_superuser("admin", password=config.admin_password)
    if isinstance(config.database, Path):
        config.database.chmod(0o600)  # notes are private to their author
    connections.close_all()


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other labs from preparing the same database meanwhile; SQLite locks its file itself. The lock ends with its
    connection."""
    from django.db import connection  # noqa: PLC0415 - needs the settings

    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
    yield


def serve(config: Config) -> None:
    """Replace this process by granian: one worker with few threads."""
    options = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", THREADS, "--no-ws", "--http", "1"]
    options += [
        "--host",
        config.host,
        "--port",
        str(config.port),
        "--log-level",
        "warning",
        "--workers-kill-timeout",
        "2",
    ]
    command = [*PYTHON, "-u", "-m", "granian", *options, "services.scorecard.wsgi:application"]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted


def _complain(status: int, sentence: str) -> int:
    sys.stderr.write(f"scorecard: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
