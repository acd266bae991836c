"""The scorecard's settings: the only reader of the environment in this package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_TLS = {"sslmode", "sslrootcert"}


class ConfigError(Exception):
    """A setting that can't be used: `NAME: got X, expected Y`."""


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
        token: Of those who may write; empty means that nobody may.
        admin_password: Of the first admin; empty means that none is created.
        host: Address to listen on.
        also_known_as: Host name under which it is asked besides loopback's; empty for none.
    """

    port: int
    database: Path | Postgres
    token: str
    admin_password: str
    host: str = "127.0.0.1"
    also_known_as: str = ""


def load() -> Config:
    """The configuration of this process."""
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read the SCORECARD_* variables; every one has a default, so that tools can import the settings anywhere.

    A shared database's URL may come in a file (SCORECARD_DATABASE_URL_FILE), because it holds a password.
    Without SCORECARD_TOKEN_FILE nobody can write, without SCORECARD_ADMIN_PASSWORD_FILE no admin is made: the
    defaults are closed, not open. FIREDRILL_BIND_HOST and SCORECARD_HOSTNAME serve a container, which is asked by name.

    Raises:
        ConfigError: A variable is set to something unusable.
    """
    return Config(
        port=_port(environment.get("SCORECARD_PORT") or "18003", "SCORECARD_PORT"),
        database=_database(environment),
        token=_secret(environment, "SCORECARD_TOKEN_FILE"),
        admin_password=_secret(environment, "SCORECARD_ADMIN_PASSWORD_FILE"),
        host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
        also_known_as=environment.get("SCORECARD_HOSTNAME") or "",
    )


def _database(environment: Mapping[str, str]) -> Path | Postgres:
    url, name_of_url = environment.get("SCORECARD_DATABASE_URL"), "SCORECARD_DATABASE_URL"
    if environment.get("SCORECARD_DATABASE_URL_FILE"):
        if url:
            raise ConfigError("SCORECARD_DATABASE_URL: got it and SCORECARD_DATABASE_URL_FILE, expected one of them")
        url, name_of_url = _secret(environment, "SCORECARD_DATABASE_URL_FILE"), "SCORECARD_DATABASE_URL_FILE"
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


def _port(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise ConfigError(f"{name}: got {text!r}, expected a whole number from 1 to 65535")
    return int(text)


def _secret(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(name)
    if not path:
        return ""
    try:
        secret = Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: got {path}, expected a readable file ({error})") from error
    if not secret:
        raise ConfigError(f"{name}: got an empty file {path}, expected a secret")
    return secret
