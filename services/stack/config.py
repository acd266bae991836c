"""The only module of the stack that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.stack.errors import StackError

DEFAULT_BASE_PORT: Final = 18000
HIGHEST_BASE_PORT: Final = 65535 - 20
CHECKOUT: Final = Path(__file__).resolve().parents[2]
_REMEMBERED = "base-port"
_SCORECARD_DATABASE: Final = ("SCORECARD_DATABASE_URL", "SCORECARD_DATABASE_URL_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteWrite:
    """Where Prometheus sends what it scrapes, besides keeping it. *token_file* holds a bearer token."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where this lab lives and what its caller asked for.

    Attributes:
        checkout: Top of the working copy that the services are run from.
        lab_dir: Runtime files of this stack, resolved.
        tools_dir: Downloaded and built servers; one per checkout whatever the lab folder.
        evidence_dir: Written by the engine, never removed here.
        asked_base_port: Base port given by the caller; None means the one that the lab remembers.
        toxiproxy: `builtin`, the path of a server, or None for a search.
        offline: Nothing is downloaded or built.
        path: Search path for servers that the machine has.
        mode: `local`, or `compose` inside a container of the Compose stack.
        secrets_dir: Where the secrets are when they are not in *lab_dir*.
        public_base_port: First of the ports as a person reaches them, where it is another one.
        scorecard_database: The SCORECARD_DATABASE_URL or …_FILE of a shared PostgreSQL; empty for the lab's own file.
        remote_write: Where Prometheus sends its samples besides.
    """

    checkout: Path
    lab_dir: Path
    tools_dir: Path
    evidence_dir: Path
    asked_base_port: int | None
    toxiproxy: str | None
    offline: bool
    path: str
    mode: str = "local"
    secrets_dir: Path | None = None
    public_base_port: int | None = None
    scorecard_database: Mapping[str, str] = field(default_factory=dict)
    remote_write: RemoteWrite | None = None

    @property
    def remembered_base_port_file(self) -> Path:
        """Holds the base port of the last `up` of this lab."""
        return self.lab_dir / _REMEMBERED

    @property
    def base_port(self) -> int:
        """The port asked for, else the remembered one, else 18000."""
        if self.asked_base_port is not None:
            return self.asked_base_port
        try:
            return parse_base_port(self.remembered_base_port_file.read_text().strip(), "base-port")
        except FileNotFoundError:
            return DEFAULT_BASE_PORT


def parse_base_port(text: str, where: str) -> int:
    """A usable base port.

    Raises:
        StackError: `bad_input` for anything but a whole number that leaves room for all ports above 1023.
    """
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 1024 <= port <= HIGHEST_BASE_PORT:
        raise StackError(
            "bad_input", f"{where}: got {text!r}, expected a whole number from 1024 to {HIGHEST_BASE_PORT}"
        )
    return port


def _folder(environ: Mapping[str, str], name: str, default: Path) -> Path:
    return Path(environ[name]).expanduser().resolve() if environ.get(name) else default


def load(environ: Mapping[str, str] | None = None, *, base_port: str | None = None) -> Settings:
    """Settings from the environment; *base_port* (of the command line) wins over `FIREDRILL_BASE_PORT`."""
    environ = os.environ if environ is None else environ
    asked, where = (
        (base_port, "--base-port") if base_port else (environ.get("FIREDRILL_BASE_PORT"), "FIREDRILL_BASE_PORT")
    )
    default_lab = CHECKOUT / ".lab"
    return Settings(
        checkout=CHECKOUT,
        lab_dir=_folder(environ, "FIREDRILL_LAB_DIR", default_lab),
        tools_dir=_folder(environ, "FIREDRILL_TOOLS_DIR", default_lab),
        evidence_dir=_folder(environ, "FIREDRILL_EVIDENCE_DIR", CHECKOUT / "evidence"),
        asked_base_port=parse_base_port(asked, where) if asked else None,
        toxiproxy=environ.get("FIREDRILL_TOXIPROXY") or environ.get("TOXIPROXY") or None,
        scorecard_database=_scorecard_database(environ),
        remote_write=_remote_write(environ),
        offline=environ.get("FIREDRILL_OFFLINE", "") not in {"", "0"},
        path=environ.get("PATH", os.defpath),
        mode=environ.get("FIREDRILL_MODE") or "local",
        secrets_dir=Path(environ["FIREDRILL_SECRETS_DIR"]) if environ.get("FIREDRILL_SECRETS_DIR") else None,
        public_base_port=(
            parse_base_port(public, "FIREDRILL_PUBLIC_BASE_PORT")
            if (public := environ.get("FIREDRILL_PUBLIC_BASE_PORT"))
            else None
        ),
    )


def _scorecard_database(environ: Mapping[str, str]) -> Mapping[str, str]:
    """For the scorecard alone: the URL holds a password, which is none of the shop's business."""
    found = {name: environ[name] for name in _SCORECARD_DATABASE if environ.get(name)}
    if file := found.get("SCORECARD_DATABASE_URL_FILE"):
        found["SCORECARD_DATABASE_URL_FILE"] = str(Path(file).expanduser().resolve())
    return found


def _remote_write(environ: Mapping[str, str]) -> RemoteWrite | None:
    url = environ.get("FIREDRILL_REMOTE_WRITE_URL")
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise StackError("bad_input", f"FIREDRILL_REMOTE_WRITE_URL: got {url!r}, expected http(s)://host/path")
    token = environ.get("FIREDRILL_REMOTE_WRITE_TOKEN_FILE")
    if token and not Path(token).expanduser().is_file():
        raise StackError("bad_input", f"FIREDRILL_REMOTE_WRITE_TOKEN_FILE: got {token}, expected a file")
    return RemoteWrite(url=url, token_file=Path(token).expanduser().resolve() if token else None)


def inherited_environment() -> dict[str, str]:
    """The caller's environment for child processes, without what would steer a variant from outside."""
    ours = ("FIREDRILL_", "SHOP_", "DJANGO_", "SCORECARD_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
