"""The database cluster of the lab: made once, always reached over loopback with a generated password."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
from psycopg import sql

from launch.pinned import POSTGRES
from services.stack.errors import StackError
from services.stack.layout import HOST, Lab, Ports, write_private
from services.stack.leftovers import is_database_server
from services.stack.privileges import (
    Account,
    can_run,
    can_write,
    copy_tree,
    own_folder,
    run_as,
    shared_folder,
    unprivileged_account,
)
from services.stack.progress import heartbeat, say
from services.stack.provision.found import Found

USER: Final = "firedrill"
# The shop's role owns the shop's databases and may do nothing else. The lab reads the shop's views as the reader, not
# as the superuser: a function in a view runs with the rights of the role that queries the view.
SHOP_USER: Final = "shop"
READER: Final = "firedrill_reader"
DATABASE_PREFIX: Final = "shop_"
# What the migrations made, without any data. Nobody can connect to it.
TEMPLATE_PREFIX: Final = "template_shop_"
GATE_SCHEMA: Final = "firedrill_gate"
"""Schema of the engine's gate for forced interleavings; its triggers' names begin with the same word."""
KEPT_LOG_FILES: Final = 6
_NO_PROCESS: Final = 2**22 + 1
"""A process id above the kernel's limit (PID_MAX_LIMIT in linux/threads.h)."""
_MAX_CONNECTIONS: Final = 120
_OLDEST: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where the server and its data are.

    Attributes:
        server: The `postgres` to run; a copy when *account* can't reach the original.
        data: Data folder.
        log: Folder of the server's JSON log, `*.json`.
        account: The user that runs it; None means the caller.
    """

    server: Path
    data: Path
    log: Path
    account: Account | None


def _home(lab: Lab, account: Account | None) -> Path:
    """A folder for data and log that *account* can reach: in the lab, else in /var/tmp."""
    home = lab.root / "postgres"
    own_folder(home, account)
    if can_write(account, home):
        return home
    home.rmdir() if not any(home.iterdir()) else None
    shared_folder(lab.overflow)
    home = lab.overflow / "postgres"
    own_folder(home, account)
    return home


def _runs(server: Path, account: Account | None) -> bool:
    """Whether *account* can run the server and the `initdb` beside it, which is linked to more libraries."""
    return all(can_run(account, [str(program), "--version"]) for program in (server, server.with_name("initdb")))


def _reachable_server(server: Path, lab: Lab, account: Account | None) -> Path:
    """*server*, or a copy of its installation where *account* can run it."""
    if _runs(server, account):
        return server
    installation = server.parent.parent
    say("postgres", f"user {account.name if account else '?'} can't reach {installation}: copying it to {lab.overflow}")
    shared_folder(lab.overflow)
    package = installation.parent
    copies = lab.overflow / f"server-{installation.stat().st_mtime_ns}"
    shared_folder(copies)
    shared_folder(copies / package.name)
    # The wheel's programs look for their libraries in a folder beside its package, by a relative path.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        copy_tree(libraries, copies / libraries.name)
    copy_tree(installation, copies / package.name / installation.name)
    copied = copies / package.name / installation.name / "bin" / "postgres"
    if not _runs(copied, account):
        raise StackError("missing_part", f"postgres: got a server that can't run ({copied}), expected one that does")
    return copied


def locate(lab: Lab) -> list[Path]:
    """Data folders that this lab may have, whether they exist or not."""
    return [home / "postgres" / "data" for home in (lab.root, lab.overflow)]


def prepare_cluster(found: Found, lab: Lab) -> Cluster:
    """Make the cluster unless it exists. `configure` writes its settings.

    Raises:
        StackError: `missing_part` when `initdb` fails or the data was made by another major version.
    """
    account = unprivileged_account()
    server = _reachable_server(Path(found.command[0]), lab, account)
    home = _home(lab, account)
    cluster = Cluster(server=server, data=home / "data", log=home / "log", account=account)
    own_folder(cluster.log, account)
    major = int(found.version.split(".")[0])
    if major < _OLDEST:
        raise StackError("missing_part", f"{server}: got PostgreSQL {found.version}, expected {_OLDEST} or newer")
    _initialise(cluster, lab)
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    if made_by != str(major):
        message = f"{cluster.data}: made by PostgreSQL {made_by}, expected {major}; `make reset` drops it"
        raise StackError("missing_part", message)
    return cluster


def _initialise(cluster: Cluster, lab: Lab) -> None:
    if (cluster.data / "PG_VERSION").exists():
        return
    partial = cluster.data.with_name("data.partial")
    shutil.rmtree(partial, ignore_errors=True)
    password_file = cluster.data.with_name("password")
    write_private(password_file, lab.secret("postgres"))
    if cluster.account is not None:
        os.chown(password_file, cluster.account.uid, cluster.account.gid)
        own_folder(cluster.data.parent, cluster.account)
    command = [str(cluster.server.with_name("initdb")), f"--pgdata={partial}", f"--username={USER}"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-locale", "--no-sync"]
    try:
        with heartbeat("postgres", "making the database cluster (once)"):
            done = run_as(cluster.account, command, cwd=cluster.data.parent, timeout_s=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError("missing_part", f"initdb: got {error}, expected a database cluster") from error
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise StackError("missing_part", f"initdb: got exit {done.returncode} ({reason}), expected a database cluster")
    partial.rename(cluster.data)


def configure(cluster: Cluster, ports: Ports) -> None:
    """Write the three configuration files anew, so that each start has exactly these settings."""
    own = {
        "postgresql.conf": configuration(ports, listen=HOST, socket_folder="", log_folder=str(cluster.log)),
        # A run that died may have left its statement log switched on.
        "postgresql.auto.conf": "",
        "pg_hba.conf": "".join(f"host all {role} 127.0.0.1/32 scram-sha-256\n" for role in (USER, SHOP_USER, READER)),
    }
    for name, text in own.items():
        file = cluster.data / name
        write_private(file, text)
        if cluster.account is not None:
            os.chown(file, cluster.account.uid, cluster.account.gid)
    _disarm_old_lock(cluster)
    forget_old_logs(cluster.log)


def _disarm_old_lock(cluster: Cluster) -> None:
    """Make the lock file of a server that is gone harmless: the number in it may be another process's by now.

    PostgreSQL does not start while a process of that number exists, whatever it is. Only the number is replaced, by one
    that no process can have; by the lines below it the server still finds a session that uses the old shared memory.
    The lock file of another data folder (this one is a copy of a lab's) is removed, as is one that was cut short.
    """
    lock = cluster.data / "postmaster.pid"
    with suppress(OSError, ValueError):
        number, folder, *rest = [*lock.read_text("utf-8", errors="replace").splitlines(), "", ""]
        if folder != str(cluster.data):
            lock.unlink()
        elif not _is_server_of(int(number), cluster.data):
            lock.write_text("\n".join([str(_NO_PROCESS), folder, *rest]), "utf-8")


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether *pid* is a PostgreSQL server on *data*, or nobody can tell."""
    try:
        return is_database_server(psutil.Process(pid), [data])
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OSError):
        return True


def configuration(ports: Ports, *, listen: str, socket_folder: str, log_folder: str) -> str:
    """`postgresql.conf`."""
    settings: dict[str, str | int] = {
        "listen_addresses": listen,
        "port": ports["postgres"],
        "unix_socket_directories": socket_folder,
        "password_encryption": "scram-sha-256",
        "max_connections": _MAX_CONNECTIONS,
        "shared_buffers": "128MB",
        "jit": "off",
        # So that commits can be read from the log: whether an order was committed before its message was sent.
        "wal_level": "logical",
        "timezone": "UTC",
        # The server's own log is a witness of a run: connections, errors, statements that were slow or waited.
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_directory": log_folder,
        "log_filename": "postgresql-%Y%m%d-%H%M%S.log",
        "log_file_mode": "0600",
        "log_rotation_size": "64MB",
        "log_timezone": "UTC",
        "log_connections": "on",
        "log_disconnections": "on",
        "log_lock_waits": "on",
        "log_min_messages": "warning",
        "log_min_error_statement": "error",
        "log_checkpoints": "off",
    }
    lines = [f"{name} = {_quoted(value)}" for name, value in settings.items()]
    return "# Written by services.stack; changes are lost.\n" + "\n".join(lines) + "\n"


def _quoted(value: str | int) -> str:
    """A string of postgresql.conf: quotes are doubled, a backslash begins an escape."""
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"


def forget_old_logs(folder: Path) -> None:
    """Keep the newest few log files; each start of the server begins a new one."""
    by_age = sorted(folder.glob("postgresql-*"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in by_age[2 * KEPT_LOG_FILES :]:
        file.unlink(missing_ok=True)


def forget_old_logs_elsewhere(lab: Lab, ports: Ports) -> None:
    """`forget_old_logs` for a container, whose files only the server reaches; the command runs in its data folder."""
    keep = 2 * KEPT_LOG_FILES
    command = f"cat >/dev/null; ls -t log/postgresql-* | tail -n +{keep + 1} | xargs -r rm -f"
    with connected(lab, ports) as connection:
        connection.execute(sql.SQL("COPY (SELECT 1) TO PROGRAM {}").format(sql.Literal(command)))


def forget_settings(lab: Lab, ports: Ports) -> None:
    """Drop what ALTER SYSTEM left: a run that died may have left its statement log switched on."""
    with connected(lab, ports) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def connected(lab: Lab, ports: Ports, database: str = "postgres") -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A direct connection, without a proxy, in autocommit mode.

    Raises:
        psycopg.OperationalError: the server does not answer, or has another password than this lab.
    """
    with psycopg.connect(
        host=ports.host("postgres"),
        port=ports["postgres"],
        user=USER,
        password=lab.secret("postgres"),
        dbname=database,
        autocommit=True,
        connect_timeout=3,
        application_name="firedrill stack",
        **POSTGRES,
    ) as connection:
        yield connection


def ensure_roles(lab: Lab, ports: Ports) -> None:
    """Make the roles of the shop and the lab's reader, with passwords; close `postgres` and `template1` to them."""
    passwords = {SHOP_USER: lab.secret("shop_postgres"), READER: lab.secret("postgres")}
    with connected(lab, ports) as connection:
        known = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role, password in passwords.items():
            if role not in known:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            rights = sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}")
            connection.execute(rights.format(sql.Identifier(role), sql.Literal(password)))
            # A role may change its own settings, and another variant would run with them.
            connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(role)))
        # Even when the shop's pools take all of their connections, the lab's witnesses can connect.
        limit = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}")
        connection.execute(limit.format(sql.Identifier(SHOP_USER), sql.Literal(_MAX_CONNECTIONS - 10)))
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(SHOP_USER), sql.Identifier(READER)))
        # Queries of the lab itself must not be in the log of a run.
        quiet = sql.SQL("ALTER ROLE {} SET log_min_duration_statement = -1")
        connection.execute(quiet.format(sql.Identifier(READER)))
        for database in ("postgres", "template1"):
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


def start_time(lab: Lab, ports: Ports) -> float:
    """When the server started, in Unix seconds: another value means that it was restarted."""
    with connected(lab, ports) as connection:
        row = connection.execute("SELECT extract(epoch FROM pg_postmaster_start_time())").fetchone()
    assert row is not None
    return float(row[0])


def stamp_of(lab: Lab, ports: Ports, database: str) -> str | None:
    """The schema stamp that is stored with *database*; "" when it has none, None when it does not exist."""
    with connected(lab, ports) as connection:
        row = connection.execute(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s", [database]
        ).fetchone()
    return None if row is None else str(row[0])


def stamp(lab: Lab, ports: Ports, database: str, text: str) -> None:
    """Store the schema stamp as the database's comment, which is dropped with the database."""
    with connected(lab, ports) as connection:
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(text)))


def recreate(lab: Lab, ports: Ports, database: str, *, template: str = "template1") -> None:
    """Drop *database*, even with open connections, and create it as a copy of *template*."""
    with connected(lab, ports) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
        connection.execute(create.format(*map(sql.Identifier, (database, SHOP_USER, template))))


def keep_as_template(lab: Lab, ports: Ports, database: str, template: str) -> None:
    """Copy *database* to *template*, which nobody can connect to, so that it stays as it is."""
    with connected(lab, ports) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(template)))
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database]
        )  # a copy is refused while anybody is connected
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} ALLOW_CONNECTIONS false")
        connection.execute(create.format(sql.Identifier(template), sql.Identifier(database)))


def has_gate(lab: Lab, ports: Ports, database: str) -> bool:
    """Whether the lab's gate for forced interleavings is in *database*; False when that does not exist."""
    if stamp_of(lab, ports, database) is None:
        return False
    with connected(lab, ports, database) as connection:
        row = connection.execute(
            "SELECT to_regnamespace(%(gate)s) IS NOT NULL"
            " OR EXISTS (SELECT FROM pg_trigger WHERE starts_with(tgname, %(gate)s))",
            {"gate": GATE_SCHEMA},
        ).fetchone()
    return row is not None and bool(row[0])
