"""The only place where the engine reads the environment, and the address book that `up` leaves behind."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chaos.errors import LabBroken

CHECKOUT = Path(__file__).resolve().parent.parent
LEASE_S = 5.0


def lab_dir() -> Path:
    """Runtime files of the stack: `.lab/`, or what FIREDRILL_LAB_DIR names."""
    return Path(os.environ.get("FIREDRILL_LAB_DIR") or CHECKOUT / ".lab")


def evidence_dir() -> Path:
    """Where runs leave their evidence: `evidence/`, or what FIREDRILL_EVIDENCE_DIR names."""
    return Path(os.environ.get("FIREDRILL_EVIDENCE_DIR") or CHECKOUT / "evidence")


def watch_dir() -> Path:
    """Where `watch` keeps the world of its next look; nothing below it is evidence."""
    return lab_dir() / "watch"


def looks_dir() -> Path:
    """Where `watch` keeps the folder of its newest look, for `explain`."""
    return watch_dir() / "looks"


def deliverables_dir() -> Path:
    """Where `deliver` leaves what is handed in: `deliverables/`; below the evidence where that is elsewhere."""
    evidence = evidence_dir()
    return CHECKOUT / "deliverables" if evidence == CHECKOUT / "evidence" else evidence / "deliverables"


def stack_file() -> Path:
    """The address book of the running stack."""
    return Path(os.environ.get("FIREDRILL_STACK_FILE") or lab_dir() / "stack.json")


def git_revision_file() -> Path:
    """Compose mode: the checkout's git revision, for the containers; absent in Local mode."""
    return lab_dir() / "git-revision"


def bind_host() -> str:
    """Address that the agent and the load driver's metrics listen on: loopback, or what FIREDRILL_BIND_HOST names."""
    return os.environ.get("FIREDRILL_BIND_HOST") or "127.0.0.1"


def hostnames() -> list[str]:
    """Names by which they may be asked: loopback's, and what FIREDRILL_HOSTNAMES lists (`agent,worker`)."""
    return [
        "127.0.0.1",
        "localhost",
        "[::1]",
        *filter(None, os.environ.get("FIREDRILL_HOSTNAMES", "").lower().split(",")),
    ]


class Postgres(msgspec.Struct, frozen=True):
    """PostgreSQL, past the proxy.

    Attributes:
        reader: A role with the rights of the shop's, and the same password as *user*: for what the shop has defined.
    """

    host: str
    port: int
    user: str
    password: str
    reader: str = "firedrill_reader"
    database_prefix: str = "shop_"


class Redis(msgspec.Struct, frozen=True):
    """Redis, past the proxies; without a *user* it asks for no password."""

    host: str
    port: int
    cache_db: int = 0
    broker_db: int = 1
    user: str = ""
    password: str = ""

    @property
    def broker_url(self) -> str:
        """Of the broker's database, password included."""
        login = f"{self.user}:{self.password}@" if self.user else ""
        return f"redis://{login}{self.host}:{self.port}/{self.broker_db}"


class Proxy(msgspec.Struct, frozen=True):
    """One proxy as it has to be: `host:port` each.

    Attributes:
        listen: As the server tells it; all interfaces of its container (`[::]:port`) in Compose mode.
        connect: Where clients reach it; None means *listen*.
    """

    listen: str
    upstream: str
    connect: str | None = None

    @property
    def address(self) -> str:
        """Where clients reach it."""
        return self.connect or self.listen


class Credentials(msgspec.Struct, frozen=True):
    """For supervisor's XML-RPC."""

    username: str
    password: str


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """stack.json: where every part of the running stack is; None in `urls` and `metrics` for a part that is absent.

    Attributes:
        mode: `local` or `compose`.
        urls: As the lab's own processes reach the parts.
        public_urls: As a person's browser reaches them, where that differs.
        supervisors: Part of the shop → its supervisor, where there are several.
    """

    mode: str
    base_port: int
    lab_dir: str
    urls: dict[str, str | None]
    postgres: Postgres
    redis: Redis
    proxies: dict[str, Proxy]
    supervisor: Credentials
    lab_token: str
    metrics: dict[str, str | None]
    driver_metrics_port: int
    toxiproxy: dict[str, str]
    public_urls: dict[str, str | None] = {}
    supervisors: dict[str, str] = {}

    def url(self, part: str) -> str:
        """Base URL of *part*. Raises: LabBroken when the stack has none."""
        found = self.urls.get(part)
        if not found:
            raise LabBroken(f"stack.json: got no URL for {part}, expected one (make down, then make up)")
        return found

    def supervisor_of(self, process: str) -> str:
        """Base URL of the supervisor that runs *process* of the shop."""
        return self.supervisors.get(process) or self.url("supervisor")

    def public_url(self, part: str) -> str | None:
        """What to put into a browser; None when the stack has no such part."""
        return self.public_urls.get(part) or self.urls.get(part)


@dataclass(frozen=True, slots=True)
class NotUp:
    """Why there is no stack to talk to."""

    reason: str


def read_stack(path: Path | None = None) -> Stack | NotUp:
    """The running stack's address book, or why there is none. It says nothing about health."""
    told = path or os.environ.get("FIREDRILL_STACK_FILE")
    path = path or stack_file()
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Stack)
        if not told and Path(found.lab_dir) != path.parent.resolve():  # came along with a copy of the folder
            return NotUp(f"{path}: got the address book of {found.lab_dir}, expected this lab's (make up)")
        return found
    except FileNotFoundError:
        return NotUp(f"{path}: got no file, expected the address book of a running stack (make up)")
    except (OSError, msgspec.DecodeError) as error:
        return NotUp(f"{path}: {error}")
