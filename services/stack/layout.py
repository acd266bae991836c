"""Names of the lab's runtime files and ports."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

# Offsets from the base port. The order is the order in which they are reported.
OFFSETS: Final[Mapping[str, int]] = {
    "api": 0,
    "dashboard": 1,
    "prometheus": 2,
    "scorecard": 3,
    "gateway": 4,
    "agent": 5,
    "toxiproxy": 6,
    "postgres": 7,
    "redis": 8,
    "supervisor": 9,
    "shop_to_postgres": 10,
    "shop_to_cache": 11,
    "shop_to_broker": 12,
    "shop_to_gateway": 13,
    "worker_metrics": 14,
    "driver_metrics": 15,
    "relay_metrics": 16,
    "shop_to_mail": 17,
    "mail": 18,  # SMTP
    "mail_http": 19,
}
GRAFANA: Final = "grafana"
# Parts that only run where they are asked for: their ports need not be free otherwise.
OPTIONAL: Final[Mapping[str, int]] = {GRAFANA: 20}
PROXIES: Final[Mapping[str, str]] = {
    "shop_to_postgres": "postgres",
    "shop_to_cache": "redis",
    "shop_to_broker": "redis",
    "shop_to_gateway": "gateway",
    "shop_to_mail": "mail",
}
CACHE_DB: Final = 0
BROKER_DB: Final = 1
HOST: Final = "127.0.0.1"
# Compose mode: the container that serves each port. The ports themselves are the same inside as in local mode.
CONTAINERS: Final[Mapping[str, str]] = {
    "api": "api",
    "dashboard": "dashboard",
    "prometheus": "prometheus",
    "scorecard": "scorecard",
    "gateway": "gateway",
    "agent": "agent",
    "toxiproxy": "toxiproxy-control",
    "postgres": "postgres",
    "redis": "redis",
    "shop_to_postgres": "toxiproxy",
    "shop_to_cache": "toxiproxy",
    "shop_to_broker": "toxiproxy",
    "shop_to_gateway": "toxiproxy",
    "worker_metrics": "worker",
    "driver_metrics": "agent",
    "relay_metrics": "worker",
    "shop_to_mail": "toxiproxy",
    "mail": "mail",
    "mail_http": "mail",
}
# Where each of the shop's programs has its supervisor in Compose mode.
SUPERVISORS: Final[Mapping[str, str]] = {"shop:api": "api", "shop:worker": "worker", "shop:relay": "worker"}
SECRETS: Final = (
    "postgres", "redis_shop", "redis_lab", "supervisor", "lab_token", "shop_postgres", "shop_secret_key",
    "scorecard_admin", "scorecard_secret_key",
)  # fmt: skip
# Those that the shop may know, copied into its own folder.
SHOP_SECRETS: Final = ("shop_postgres", "redis_shop", "shop_secret_key")
MARKER: Final = "FIREDRILL_STACK_PROCESS"


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port of one stack, by name.

    Attributes:
        hosts: Name of a port → the container that serves it; empty in local mode, where everything is on loopback.
    """

    base: int
    hosts: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        return self.base + (OFFSETS[name] if name in OFFSETS else OPTIONAL[name])

    def all(self) -> dict[str, int]:
        """Name to port, in reporting order; without the optional parts."""
        return {name: self.base + offset for name, offset in OFFSETS.items()}

    def host(self, name: str) -> str:
        """127.0.0.1, or the name of a container."""
        return self.hosts.get(name, HOST)

    def address(self, name: str) -> str:
        """`host:port`, for clients."""
        return f"{self.host(name)}:{self[name]}"

    def listen(self, name: str) -> str:
        """`host:port`, for the proxy itself: in a container all interfaces, in Toxiproxy's notation."""
        return f"[::]:{self[name]}" if self.hosts else self.address(name)

    def url(self, name: str) -> str:
        """`http://host:port`."""
        return f"http://{self.address(name)}"


@dataclass(frozen=True, slots=True)
class Lab:
    """Paths below the lab folder.

    Attributes:
        secrets_dir: Where the secrets are when they are not below *root*: a container gets them as files of their own.
    """

    root: Path
    secrets_dir: Path | None = None

    @property
    def stack_file(self) -> Path:
        return self.root / "stack.json"

    @property
    def shop(self) -> Path:
        """What the shop's processes may read of the lab."""
        return self.root / "shop"

    @property
    def variant_file(self) -> Path:
        return self.shop / "variant"

    @property
    def access_lifetime_file(self) -> Path:
        """Beside the variant file, where the shop looks for it."""
        return self.shop / "access-lifetime-s"

    @property
    def shop_run(self) -> Path:
        """The only folder that the shop may write to; emptied before each run."""
        return self.shop / "run"

    def shop_secret_file(self, name: str) -> Path:
        """Where the shop finds one of its own secrets; the lab's other secrets are elsewhere."""
        return self.secrets_dir / name if self.secrets_dir else self.shop / "secrets" / name

    @property
    def isolation_file(self) -> Path:
        """What `isolation.decide` found. Named as `processes_file`, since a copy of the lab has another user."""
        return self.run / f"isolation-{self.identifier}.json"

    @property
    def mark(self) -> str:
        """Distinguishes this lab's processes from another lab's, without revealing the lab's path to them."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:16]

    @property
    def secrets(self) -> Path:
        return self.secrets_dir or self.root / "secrets"

    @property
    def keep(self) -> Path:
        """Data that a person entered: never removed."""
        return self.root / "keep"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def redis(self) -> Path:
        return self.root / "redis"

    @property
    def prometheus_data(self) -> Path:
        return self.root / "prometheus-data"

    @property
    def grafana_data(self) -> Path:
        return self.root / "grafana"

    @property
    def run(self) -> Path:
        """State of the running stack: pid files, the record of processes."""
        return self.root / "run"

    @property
    def processes_file(self) -> Path:
        """JSON lines, one per process that supervisor started; written by the control extension.

        The name holds the lab's identifier: in a copied lab folder it is another lab's, whose processes don't count.
        """
        return self.run / f"processes-{self.identifier}.jsonl"

    @property
    def home(self) -> Path:
        """Home folder of the stack's programs; empty."""
        return self.root / "home"

    @property
    def supervisor_pid_file(self) -> Path:
        return self.run / "supervisord.pid"

    @property
    def supervisor_conf(self) -> Path:
        return self.root / "supervisord.conf"

    @property
    def identifier(self) -> str:
        """The name of its supervisord; that of another lab folder has another name."""
        return f"firedrill-{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]}"

    @property
    def lock_file(self) -> Path:
        return self.root / "stack.lock"

    @property
    def overflow(self) -> Path:
        """Stand-in for folders that an unprivileged user can't reach below the lab; outside any home."""
        return Path("/var/tmp") / self.identifier  # noqa: S108

    def secret_file(self, name: str) -> Path:
        return self.secrets / name

    def secret(self, name: str) -> str:
        return self.secret_file(name).read_text().strip()

    def create(self) -> None:
        """Make folders and secrets that are missing; existing secrets are kept, since data depends on them.

        Only the owner can read them, whatever the umask. Root's PostgreSQL runs as another user, who can pass through.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        folders = [self.keep, self.log, self.redis, self.prometheus_data, self.run, self.shop, self.home]
        folders += [] if self.secrets_dir is not None else [self.secrets]  # else they are mounted, and exist
        for folder in folders:
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        self._close()
        if self.secrets_dir is not None:
            return
        for name in SECRETS:
            file = self.secret_file(name)
            if not (file.exists() and file.stat().st_size):
                write_private(file, secrets.token_hex(16 if name != "shop_secret_key" else 32))

    def _close(self) -> None:
        """Close the lab to other users, the shop's included: they may pass through to their own folders only."""
        with suppress(PermissionError):  # a container may not own what was mounted
            for folder in (self.keep, self.log, self.redis, self.prometheus_data, self.run):
                folder.chmod(0o700)
            for folder in (self.root, self.shop):
                folder.chmod(0o711)
            for file in self.root.glob("gateway.sqlite3*"):
                file.chmod(0o600)


def write_private(file: Path, text: str) -> None:
    """Replace *file* in one step, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(file: Path, document: object) -> None:
    """`write_private` of *document*."""
    write_private(file, json.dumps(document, indent=1) + "\n")
