"""The gateway's settings: the only reader of the environment in this package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class ConfigError(Exception):
    """A setting that can't be used: `NAME: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one gateway process needs to know.

    Attributes:
        port: TCP port on *host*; 0 lets the system choose.
        database: SQLite file of the ledger, created with its folder when missing.
        processing_ms: How long a charge takes before it is captured.
    """

    port: int
    database: Path
    lab_token: str
    processing_ms: float = 40.0
    host: str = "127.0.0.1"


def load() -> Config:
    """The configuration of this process.

    Raises:
        ConfigError: A setting is missing or unusable.
    """
    return from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read GATEWAY_PORT, GATEWAY_DATABASE, GATEWAY_LAB_TOKEN_FILE and GATEWAY_PROCESSING_MS (default 40).

    FIREDRILL_BIND_HOST is the address to listen on (default 127.0.0.1; a container needs another one).

    Raises:
        ConfigError: A setting is missing or unusable.
    """
    port = _number(environment, "GATEWAY_PORT", lowest=0, highest=65535)
    if not port.is_integer():
        raise ConfigError(f"GATEWAY_PORT: got {port}, expected a whole number")
    return Config(
        port=int(port),
        database=Path(_text(environment, "GATEWAY_DATABASE")),
        lab_token=_secret(environment, "GATEWAY_LAB_TOKEN_FILE"),
        processing_ms=_number(environment, "GATEWAY_PROCESSING_MS", lowest=0, highest=60_000, default="40"),
        host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
    )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ConfigError(f"{name}: got nothing, expected a value")
    return value


def _number(
    environment: Mapping[str, str], name: str, *, lowest: float, highest: float, default: str | None = None
) -> float:
    text = environment.get(name) or default or _text(environment, name)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest:  # also refuses NaN
        raise ConfigError(f"{name}: got {text!r}, expected a number from {lowest:g} to {highest:g}")
    return value


def _secret(environment: Mapping[str, str], name: str) -> str:
    path = Path(_text(environment, name))
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: got {path}, expected a readable file ({error})") from error
    if not secret:
        raise ConfigError(f"{name}: got an empty file {path}, expected a token")
    return secret
