"""The shop's settings from the environment: the only reader of it in this package."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from services.hosts import LOOPBACK, known

ROLES = ("api", "worker", "relay", "manage")
DEFAULT_BASE_PORT = 18000
API_PROCESSES = 2  # two, so that state kept in one process's memory shows as a defect
API_THREADS = 4  # of each
ACCESS_LIFETIME_FILE = "access-lifetime-s"  # beside the variant file; the stack's `prepare` writes it for each run
_VARIANT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CELERYS = "CELERY_BROKER"  # Celery prefers such a variable to any setting
_NOT_A_VARIANT = {"core", "drafts", "mutants", "samples"}


class ConfigError(Exception):
    """A setting that can't be used: `NAME: got X, expected Y`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What one process of the shop needs to know.

    Attributes:
        variant: Package name beside `core`; also names the database.
        role: One of `ROLES`.
        bind_host: Address that API, worker and relay listen on.
        hostnames: Host names with which a request is answered.
        run_dir: Where short-lived files of a process may be put; may not exist yet.
        access_lifetime_s: How long access tokens live in this run; None leaves it to the variant.
    """

    variant: str
    role: str
    postgres_host: str
    postgres_port: int
    postgres_user: str
    postgres_password: str
    cache_url: str
    broker_url: str
    gateway_url: str
    mail_host: str
    mail_port: int
    secret_key: str
    api_port: int
    worker_metrics_port: int
    relay_metrics_port: int
    run_dir: Path
    bind_host: str = "127.0.0.1"
    hostnames: frozenset[str] = frozenset(LOOPBACK)
    access_lifetime_s: int | None = None

    @property
    def database_name(self) -> str:
        """Every variant has a database of its own."""
        return f"shop_{self.variant}"


def from_environment(environment: Mapping[str, str]) -> Config:
    """Read FIREDRILL_VARIANT or FIREDRILL_VARIANT_FILE and the SHOP_* settings.

    Raises:
        ConfigError: A setting is missing or unusable.
    """
    return Config(
        variant=_variant(environment),
        role=_role(environment),
        postgres_host=environment.get("SHOP_POSTGRES_HOST") or "127.0.0.1",
        postgres_port=_port(environment, "SHOP_POSTGRES_PORT", DEFAULT_BASE_PORT + 10),
        postgres_user=environment.get("SHOP_POSTGRES_USER") or "postgres",
        postgres_password=_secret(environment, "SHOP_POSTGRES_PASSWORD_FILE"),
        cache_url=_redis_url(environment, "SHOP_CACHE_URL", f"redis://127.0.0.1:{DEFAULT_BASE_PORT + 11}/0"),
        broker_url=_redis_url(environment, "SHOP_BROKER_URL", f"redis://127.0.0.1:{DEFAULT_BASE_PORT + 12}/1"),
        gateway_url=(environment.get("SHOP_GATEWAY_URL") or f"http://127.0.0.1:{DEFAULT_BASE_PORT + 13}").rstrip("/"),
        mail_host=environment.get("SHOP_MAIL_HOST") or "127.0.0.1",
        mail_port=_port(environment, "SHOP_MAIL_PORT", DEFAULT_BASE_PORT + 17),
        secret_key=_secret(environment, "SHOP_SECRET_KEY_FILE"),
        api_port=_port(environment, "SHOP_API_PORT", DEFAULT_BASE_PORT),
        worker_metrics_port=_port(environment, "SHOP_WORKER_METRICS_PORT", DEFAULT_BASE_PORT + 14),
        relay_metrics_port=_port(environment, "SHOP_RELAY_METRICS_PORT", DEFAULT_BASE_PORT + 16),
        run_dir=_run_dir(environment),
        bind_host=environment.get("FIREDRILL_BIND_HOST") or "127.0.0.1",
        hostnames=known(environment),
        access_lifetime_s=_access_lifetime_s(environment),
    )


@cache
def current() -> Config:
    """The configuration of this process."""
    return from_environment(os.environ)


def child_environment(config: Config, *, role: str, **more: str) -> dict[str, str]:
    """This process's environment, completed for the program that replaces it."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(_CELERYS)},
        # Fixed here: the variant file may name another variant when a part of the program reads it later.
        "FIREDRILL_VARIANT": config.variant,
        "SHOP_ROLE": role,
        "DJANGO_SETTINGS_MODULE": f"services.shop.{config.variant}.settings",
        **more,
    }


def adopt_environment(config: Config, *, role: str) -> None:
    """Complete the environment of this process itself for *role*, for commands that run in it."""
    for name in [name for name in os.environ if name.startswith(_CELERYS)]:
        del os.environ[name]
    os.environ.update(child_environment(config, role=role))
    current.cache_clear()


def _variant(environment: Mapping[str, str]) -> str:
    name, where = environment.get("FIREDRILL_VARIANT", ""), "FIREDRILL_VARIANT"
    if not name:
        where = environment.get("FIREDRILL_VARIANT_FILE", "")
        if not where:
            raise ConfigError("FIREDRILL_VARIANT: got nothing, expected a variant (or FIREDRILL_VARIANT_FILE)")
        name = _read(Path(where), "FIREDRILL_VARIANT_FILE")
    if not _VARIANT_NAME.fullmatch(name) or name in _NOT_A_VARIANT:
        raise ConfigError(f"{where}: got {name!r}, expected the name of a package beside core")
    return name


def _role(environment: Mapping[str, str]) -> str:
    role = environment.get("SHOP_ROLE") or "manage"
    if role not in ROLES:
        raise ConfigError(f"SHOP_ROLE: got {role!r}, expected one of {', '.join(ROLES)}")
    return role


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise ConfigError(f"{name}: got {text!r}, expected a port from 1 to 65535")
    return int(text)


def _secret(environment: Mapping[str, str], name: str) -> str:
    path = environment.get(name)
    if not path:
        raise ConfigError(f"{name}: got nothing, expected the path of a file")
    secret = _read(Path(path), name)
    if not secret:
        raise ConfigError(f"{name}: got an empty file {path}, expected a secret")
    return secret


def _redis_url(environment: Mapping[str, str], name: str, default: str) -> str:
    """The URL with the password of SHOP_REDIS_PASSWORD_FILE, if set: more users can read an environment than a file."""
    url = environment.get(name) or default
    if not environment.get("SHOP_REDIS_PASSWORD_FILE"):
        return url
    parts = urlsplit(url)
    user, _, address = parts.netloc.rpartition("@")
    password = _secret(environment, "SHOP_REDIS_PASSWORD_FILE")
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{address}"))


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{name}: got {path}, expected a readable file ({error})") from error


def _access_lifetime_s(environment: Mapping[str, str]) -> int | None:
    variant_file = environment.get("FIREDRILL_VARIANT_FILE")
    if not variant_file:
        return None
    path = Path(variant_file).with_name(ACCESS_LIFETIME_FILE)
    try:
        text = path.read_text("utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: got {error}, expected a readable file") from error
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ConfigError(f"{path}: got {text!r}, expected whole seconds above 0")
    return int(text)


def _run_dir(environment: Mapping[str, str]) -> Path:
    """SHOP_RUN_DIR, or `run` beside the variant file, or a folder of the user's own under the temporary folder."""
    if run_dir := environment.get("SHOP_RUN_DIR"):
        return Path(run_dir)
    if variant_file := environment.get("FIREDRILL_VARIANT_FILE"):
        return Path(variant_file).parent / "run"
    return Path(tempfile.gettempdir()) / f"firedrill-shop-{os.getuid()}"
