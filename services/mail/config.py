"""The catcher's settings: the only reader of the environment in this package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services import settings
from services.hosts import LOOPBACK, known


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one catcher process needs to know.

    Attributes:
        smtp_port, http_port: TCP ports on *host*; 0 lets the system choose.
        database: SQLite file of the mails, created with its folder when missing.
        hostnames: Host names with which its HTTP side answers.
        proxy_port: Port of this machine on which the proxy's own API listens; None where callers can't be looked up.
    """

    smtp_port: int
    http_port: int
    database: Path
    lab_token: str
    host: str = "127.0.0.1"
    hostnames: frozenset[str] = frozenset(LOOPBACK)
    proxy_port: int | None = None


def load() -> Config:
    """The configuration of this process.

    Raises:
        services.settings.ConfigError: A setting is missing or unusable.
    """
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read MAIL_SMTP_PORT, MAIL_HTTP_PORT, MAIL_DATABASE, MAIL_LAB_TOKEN_FILE, MAIL_PROXY_PORT (may be left out) and
    FIREDRILL_HOSTNAMES.

    FIREDRILL_BIND_HOST is the address to listen on (default 127.0.0.1; a container needs another one).

    Raises:
        services.settings.ConfigError: A setting is missing or unusable.
    """
    return Config(
        smtp_port=settings.port(environment, "MAIL_SMTP_PORT"),
        http_port=settings.port(environment, "MAIL_HTTP_PORT"),
        database=Path(settings.text(environment, "MAIL_DATABASE")),
        lab_token=settings.secret(environment, "MAIL_LAB_TOKEN_FILE"),
        host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
        hostnames=known(environment),
        proxy_port=settings.port_if_any(environment, "MAIL_PROXY_PORT"),
    )
