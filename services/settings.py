"""Readers of the environment for the servers of the lab. A complaint is `NAME: got X, expected Y`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


class ConfigError(Exception):
    """A setting that can't be used: `NAME: got X, expected Y`."""


def text(environment: Mapping[str, str], name: str) -> str:
    """A value that has to be there.

    Raises:
        ConfigError: It is missing or empty.
    """
    value = environment.get(name, "")
    if not value:
        raise ConfigError(f"{name}: got nothing, expected a value")
    return value


def number(
    environment: Mapping[str, str], name: str, *, lowest: float, highest: float, default: str | None = None
) -> float:
    """A number from *lowest* to *highest*.

    Raises:
        ConfigError: It is missing and has no default, or is anything else.
    """
    said = environment.get(name) or default or text(environment, name)
    try:
        value = float(said)
    except ValueError:
        value = float("nan")
    if not lowest <= value <= highest:  # also refuses NaN
        raise ConfigError(f"{name}: got {said!r}, expected a number from {lowest:g} to {highest:g}")
    return value


def port(environment: Mapping[str, str], name: str, *, lowest: int = 0, default: str | None = None) -> int:
    """A TCP port; 0, where it is allowed, lets the system choose.

    Raises:
        ConfigError: It is missing and has no default, or is anything else.
    """
    said = environment.get(name) or default or text(environment, name)
    if not (said.isascii() and said.isdigit() and len(said) <= 5 and lowest <= int(said) <= 65535):
        raise ConfigError(f"{name}: got {said!r}, expected a whole number from {lowest} to 65535")
    return int(said)


def port_if_any(environment: Mapping[str, str], name: str) -> int | None:
    """A TCP port, or None where none is named.

    Raises:
        ConfigError: It is anything else.
    """
    return port(environment, name, lowest=1) if environment.get(name) else None


def secret(environment: Mapping[str, str], name: str) -> str:
    """What is in the file that the variable *name* names, without the white space around it.

    Raises:
        ConfigError: No file is named, it can't be read, or it is empty.
    """
    path = Path(text(environment, name))
    try:
        content = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: got {path}, expected a readable file ({error})") from error
    if not content:
        raise ConfigError(f"{name}: got an empty file {path}, expected a secret")
    return content
