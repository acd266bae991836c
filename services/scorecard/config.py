"""The scorecard's settings: the only reader of the environment in this package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from services import settings
from services.hosts import LOOPBACK, known
from services.settings import ConfigError

_TLS = {"sslmode", "sslrootcert"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A shared database, instead of the file. *options* are libpq's, for TLS."""

    host: str
    port: int
    name: str
    user: str
    password: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one scorecard needs to know.

    Attributes:
        port: TCP port on *host*.
        token: Required for writing; empty means that nothing can be written.
        admin_password: Of the first admin; empty means that no admin is created.
        host: Address to listen on.
        hostnames: Host names with which a request is answered.
    """

    port: int
    database: Path | Postgres
    token: str
    admin_password: str
    host: str = "127.0.0.1"
    hostnames: frozenset[str] = frozenset(LOOPBACK)


def load() -> Config:
    """The configuration of this process."""
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read the SCORECARD_* variables; every one has a default, so that tools can import the settings anywhere.

    A shared database's URL may come in a file (SCORECARD_DATABASE_URL_FILE), because it holds a password.
    The defaults permit nothing: without SCORECARD_TOKEN_FILE nothing can be written, without
    SCORECARD_ADMIN_PASSWORD_FILE no admin is created. FIREDRILL_BIND_HOST and FIREDRILL_HOSTNAMES are for a container,
    which clients address by its name.

    Raises:
        ConfigError: A variable is set to something unusable.
    """
    return Config(
        port=settings.port(environment, "SCORECARD_PORT", lowest=1, default="18003"),
        database=_database(environment),
        token=_secret_if_any(environment, "SCORECARD_TOKEN_FILE"),
        admin_password=_secret_if_any(environment, "SCORECARD_ADMIN_PASSWORD_FILE"),
        host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
        hostnames=known(environment),
    )


def _database(environment: Mapping[str, str]) -> Path | Postgres:
    url, name_of_url = environment.get("SCORECARD_DATABASE_URL"), "SCORECARD_DATABASE_URL"
    if environment.get("SCORECARD_DATABASE_URL_FILE"):
        if url:
            raise ConfigError("SCORECARD_DATABASE_URL: got it and SCORECARD_DATABASE_URL_FILE, expected one of them")
        url, name_of_url = settings.secret(environment, "SCORECARD_DATABASE_URL_FILE"), "SCORECARD_DATABASE_URL_FILE"
    if not url:
        return Path(environment.get("SCORECARD_DATABASE_PATH") or ".lab/keep/scorecard.sqlite3")
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        parts, port = urlsplit(""), 0
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not name:
        # Not the value itself: it may hold a password, and errors end up in logs.
        raise ConfigError(
            f"{name_of_url}: got a {parts.scheme or 'broken'} URL, expected postgresql://user:password@host:port/name"
        )
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - _TLS):
        raise ConfigError(f"{name_of_url}: got option {unknown[0]!r}, expected one of {', '.join(sorted(_TLS))}")
    return Postgres(
        host=parts.hostname,
        port=port,
        name=name,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        options=options,
    )


def _secret_if_any(environment: Mapping[str, str], name: str) -> str:
    return settings.secret(environment, name) if environment.get(name) else ""
