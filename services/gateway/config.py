"""The gateway's settings: the only reader of the environment in this package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services import settings
from services.hosts import LOOPBACK, known


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one gateway process needs to know.

    Attributes:
        port: TCP port on *host*; 0 lets the system choose.
        database: SQLite file of the ledger, created with its folder when missing.
        processing_ms: How long a charge takes before it is captured.
        hostnames: Host names with which a request is answered.
        proxy_port: Port of this machine on which the proxy's own API listens; None where callers can't be looked up.
    """

    port: int
    database: Path
    lab_token: str
    processing_ms: float = 40.0
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
    """Read GATEWAY_PORT, GATEWAY_DATABASE, GATEWAY_LAB_TOKEN_FILE, GATEWAY_PROCESSING_MS (default 40),
    GATEWAY_PROXY_PORT (may be left out) and FIREDRILL_HOSTNAMES.

    FIREDRILL_BIND_HOST is the address to listen on (default 127.0.0.1; a container needs another one).

    Raises:
        services.settings.ConfigError: A setting is missing or unusable.
    """
    return Config(
        port=settings.port(environment, "GATEWAY_PORT"),
        database=Path(settings.text(environment, "GATEWAY_DATABASE")),
        lab_token=settings.secret(environment, "GATEWAY_LAB_TOKEN_FILE"),
        processing_ms=settings.number(environment, "GATEWAY_PROCESSING_MS", lowest=0, highest=60_000, default="40"),
        host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
        hostnames=known(environment),
        proxy_port=settings.port_if_any(environment, "GATEWAY_PROXY_PORT"),
    )
