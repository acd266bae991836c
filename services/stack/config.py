"""The only module of the stack that reads the environment."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services import hosts
from services.stack.errors import StackError

DEFAULT_BASE_PORT: Final = 18000
HIGHEST_BASE_PORT: Final = 65535 - 20
CHECKOUT: Final = Path(__file__).resolve().parents[2]
_REMEMBERED = "base-port"
_UNUSABLE: Final = re.compile(r"\s[;#]|[\x00-\x1f\x7f\ud800-\udfff]")
_UNUSABLE_FOR_SERVERS: Final = re.compile(r'["$`]')
_SCORECARD_DATABASE: Final = ("SCORECARD_DATABASE_URL", "SCORECARD_DATABASE_URL_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteWrite:
    """Where Prometheus sends its samples, besides storing them itself. *token_file* holds a bearer token."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where this lab lives and what its caller asked for.

    Attributes:
        checkout: Top of the working copy that the services are run from.
        lab_dir: Runtime files of this stack, resolved.
        tools_dir: Downloaded and built servers; one per checkout, shared by its lab folders.
        evidence_dir: Written by the engine, never removed here.
        asked_base_port: Base port given by the caller; None means the one that the lab remembers.
        toxiproxy: `builtin`, the path of a server, or None for a search.
        offline: Nothing is downloaded or built.
        grafana: Whether `up` starts Grafana, too, where the machine has it.
        path: Search path for servers that the machine has.
        mode: `local`, or `compose` inside a container of the Compose stack.
        secrets_dir: Where the secrets are when they are not in *lab_dir*.
        public_base_port: First of the ports that a person's browser uses, where it differs.
        scorecard_database: The SCORECARD_DATABASE_URL or …_FILE of a shared PostgreSQL; empty for the lab's own file.
        remote_write: Where Prometheus also sends its samples; None: nowhere.
        hostnames: Host names, besides loopback's, with which the services answer; with commas between.
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
    hostnames: str = ""
    grafana: bool = False

    @property
    def remembered_base_port_file(self) -> Path:
        """Holds the base port of the last `up` of this lab."""
        return self.lab_dir / _REMEMBERED

    @property
    def base_port(self) -> int:
        """The port asked for, else the remembered one, else 18000."""
        if self.asked_base_port is not None:
            return self.asked_base_port
        return self.remembered_base_port or DEFAULT_BASE_PORT

    @property
    def remembered_base_port(self) -> int | None:
        """The base port of this lab's last `up`; None when it is not on record. It is in two files, since a full disk
        may have left one of them empty."""
        with suppress(OSError, UnicodeDecodeError, StackError):
            return parse_base_port(self.remembered_base_port_file.read_text("utf-8").strip(), _REMEMBERED)
        with suppress(OSError, ValueError, KeyError, TypeError, StackError):
            return parse_base_port(
                str(json.loads((self.lab_dir / "stack.json").read_bytes())["base_port"]), _REMEMBERED
            )
        return None


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
    settings = Settings(
        checkout=CHECKOUT,
        lab_dir=_folder(environ, "FIREDRILL_LAB_DIR", default_lab),
        tools_dir=_folder(environ, "FIREDRILL_TOOLS_DIR", default_lab),
        evidence_dir=_folder(environ, "FIREDRILL_EVIDENCE_DIR", CHECKOUT / "evidence"),
        asked_base_port=parse_base_port(asked, where) if asked else None,
        toxiproxy=environ.get("FIREDRILL_TOXIPROXY") or environ.get("TOXIPROXY") or None,
        scorecard_database=_scorecard_database(environ),
        remote_write=_remote_write(environ),
        hostnames=_hostnames(environ),
        offline=environ.get("FIREDRILL_OFFLINE", "") not in {"", "0"},
        grafana=environ.get("FIREDRILL_GRAFANA", "") not in {"", "0"},
        path=environ.get("PATH", os.defpath),
        mode=environ.get("FIREDRILL_MODE") or "local",
        secrets_dir=Path(environ["FIREDRILL_SECRETS_DIR"]) if environ.get("FIREDRILL_SECRETS_DIR") else None,
        public_base_port=(
            parse_base_port(public, "FIREDRILL_PUBLIC_BASE_PORT")
            if (public := environ.get("FIREDRILL_PUBLIC_BASE_PORT"))
            else None
        ),
    )
    for folder in (settings.checkout, settings.lab_dir, settings.tools_dir, settings.evidence_dir):
        _require_usable(folder, _UNUSABLE)
    _require_usable(settings.checkout, _UNUSABLE_FOR_SERVERS)
    return settings


def _require_usable(folder: Path, unusable: re.Pattern[str]) -> None:
    """Raises: StackError for a name that supervisord's configuration can't hold, as it would begin a comment or a line;
    or that PostgreSQL's initdb can't stand in: it calls the server beside it through a shell, in double quotes.
    """
    if (found := unusable.search(str(folder))) is not None:
        message = f"{str(folder)!r}: got {found[0]!r} in the name of a folder of the lab, expected a name without it"
        raise StackError("bad_input", message)


def _scorecard_database(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Passed to the scorecard only: the URL holds a password, which the shop must not get."""
    found = {name: environ[name] for name in _SCORECARD_DATABASE if environ.get(name)}
    if file := found.get("SCORECARD_DATABASE_URL_FILE"):
        found["SCORECARD_DATABASE_URL_FILE"] = str(Path(file).expanduser().resolve())
    return found


def _hostnames(environ: Mapping[str, str]) -> str:
    names = environ.get(hosts.VARIABLE, "")
    for name in filter(None, names.split(",")):
        if not hosts.is_known(name, {name.lower()}):
            raise StackError("bad_input", f"{hosts.VARIABLE}: got {name!r}, expected names without ports, as a,b")
    return names


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
