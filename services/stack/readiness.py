"""Readiness checks of all parts. A check returns None when the part is ready, else a sentence with the problem."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from launch import signed
from services.stack import postgres, redis_users
from services.stack.errors import StackError
from services.stack.layout import BROKER_DB, PROXIES, Lab, Ports
from services.stack.supervisor_client import ProgramState, Supervisor, Unreachable

Check = Callable[[], str | None]
POLL_S: Final = 0.05
TIMEOUT_S: Final = 3.0
# In so many tries, one of two processes answers none with a probability of 2^-32.
_PROCESS_TRIES: Final = 33
_GIVEN_UP: Final = {"FATAL", "EXITED", "UNKNOWN", "STOPPED"}
# A shop program is given up after its first failed start: its dependencies run by then, so a retry would fail, too.
_SHOP_GIVEN_UP: Final = _GIVEN_UP | {"BACKOFF"}


def http_get(address: str, path: str, *, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    """Status and body of a GET to `host:port`; no proxy settings, no redirects.

    Raises:
        OSError, http.client.HTTPException: no answer.
    """
    return http_call("GET", address, path, timeout_s=timeout_s)


def http_call(
    method: str,
    address: str,
    path: str,
    *,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> tuple[int, bytes]:
    """One request to `host:port`; *body* is sent as JSON unless None. Raises as `http_get`."""
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    sent = {**(headers or {}), **({} if body is None else {"Content-Type": "application/json"})}
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=sent)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of one stack, by program name."""

    lab: Lab
    ports: Ports
    supervisor: Supervisor

    def _http(self, name: str, path: str) -> str | None:
        where = f"{self.ports.hosts.get(name, '')}:{self.ports[name]}{path}"
        try:
            status, _ = http_get(self.ports.address(name), path)
        except (OSError, http.client.HTTPException) as error:
            return f"GET {where}: got {error!r}, expected 200"
        return None if status == 200 else f"GET {where}: got {status}, expected 200"

    def postgres(self) -> str | None:
        """A query is answered."""
        try:
            with postgres.connected(self.lab, self.ports) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            said = str(error).strip() or repr(error)
            if "password authentication failed" in said:  # other errors go away by waiting
                mine = ".lab/secrets/postgres" if self.lab.secrets_dir else self.lab.secret_file("postgres")
                said += f"; the data was made with another password than {mine} has: put that back, or `make reset`"
            return f"SELECT 1: got {said}, expected 1"
        return None

    def redis(self) -> str | None:
        """PING is answered."""
        try:
            with direct_redis(self.lab, self.ports) as client:
                client.ping()
        except redis.RedisError as error:
            return f"PING: got {error!r}, expected PONG"
        return None

    def toxiproxy(self) -> str | None:
        """All proxies exist, with the expected addresses; faults on them are not checked."""
        try:
            proxies = read_proxies(self.lab, self.ports)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return f"GET /proxies: got {error!r}, expected the proxies"
        for name, upstream in PROXIES.items():
            proxy = proxies.get(name)
            got = f"{proxy['listen']} to {proxy['upstream']}" if proxy else "none"
            expected = f"{self.ports.listen(name)} to {self.ports.address(upstream)}"
            if got != expected:
                return f"proxy {name}: got {got}, expected {expected}"
        return None

    def api(self, variant: str | None = None) -> str | None:
        """`/ready` of each API process says ready, and names *variant* when one is given.

        For each connection the kernel chooses the process that answers, so it asks until all have answered. An answer
        of a foreign process is an error: listening on the same port, it would take a share of the load.
        """
        found = self._api_process(variant)
        if isinstance(found, str):
            return found  # before supervisord has to look at every process of the machine, again and again
        try:
            own = set((self.supervisor.identity("shop:api") or {}).get("pids", ()))
        except (Unreachable, OSError) as error:
            return f"supervisor: got {error!r}, expected the API's processes"
        answered: set[int] = set()
        for _ in range(_PROCESS_TRIES):
            process, processes = found
            if process not in own:
                return f"GET /ready: got an answer of process {process}, expected one of the API's, {sorted(own)}"
            answered.add(process)
            if len(answered) >= processes:
                return None
            found = self._api_process(variant)
            if isinstance(found, str):
                return found
        return f"GET /ready: got answers of {len(answered)} processes, expected {processes}"

    def _api_process(self, variant: str | None) -> str | tuple[int, int]:
        """(process that answered, number of processes), or the problem."""
        try:
            status, body = http_get(self.ports.address("api"), "/ready", timeout_s=5.0)
            document = json.loads(body)
            served, process, processes = document["variant"], int(document["process"]), int(document["processes"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            return f"GET /ready: got {error!r}, expected status ready"
        if status != 200:
            return f"GET /ready: got {status} {document.get('checks')}, expected 200"
        if variant is not None and served != variant:
            return f"GET /ready: got variant {served}, expected {variant}"
        return process, processes

    def worker(self) -> str | None:
        """The worker consumes (it serves metrics from then on) and answers a ping that travels through the broker."""
        problem = self._http("worker_metrics", "/metrics")
        return problem or ping_worker(self.lab, self.ports)

    def mail(self) -> str | None:
        """The catcher greets over SMTP, and its HTTP side answers."""
        try:
            where = (self.ports.host("mail"), self.ports["mail"])
            with socket.create_connection(where, timeout=TIMEOUT_S) as connection:
                greeting = connection.recv(4)
        except OSError as error:
            return f"SMTP {self.ports['mail']}: got {error!r}, expected 220"
        if greeting != b"220 ":
            return f"SMTP {self.ports['mail']}: got {greeting!r}, expected 220"
        return self._http("mail_http", "/health")

    def relay(self) -> str | None:
        """The relay serves its metrics, or has ended because the variant has no relay."""
        problem = self._http("relay_metrics", "/metrics")
        return None if problem is None or self.has_no_relay() else problem

    def has_no_relay(self) -> bool:
        """Whether the relay's program ended with 0, as it does for a variant without a relay."""
        try:
            info = self.supervisor.call("supervisor.getProcessInfo", "shop:relay")
        except (Unreachable, OSError):
            return False
        return bool(info["statename"] in {"EXITED", "BACKOFF", "FATAL"} and info["exitstatus"] == 0 and info["stop"])

    def of(self, name: str, *, variant: str | None = None) -> Check:
        """The check of the program *name*."""
        http_checks = {
            "gateway": "/health",
            "scorecard": "/health",
            "agent": "/health",
            "dashboard": "/_stcore/health",
            "prometheus": "/-/ready",
            "grafana": "/api/health",
        }
        if name in http_checks:
            return lambda: self._http(name, http_checks[name])
        own: dict[str, Check] = {
            "mail": self.mail,
            "postgres": self.postgres,
            "redis": self.redis,
            "toxiproxy": self.toxiproxy,
            "shop:api": lambda: self.api(variant),
            "shop:worker": self.worker,
            "shop:relay": self.relay,
        }
        return own[name]


def direct_redis(lab: Lab, ports: Ports, db: int = 0) -> redis.Redis:
    """A client that does not use the proxies, without retries."""
    return redis.Redis.from_url(
        redis_users.url(lab, ports, "redis", db, user=redis_users.LAB),
        client_name=redis_users.CLIENT_NAME,
        socket_timeout=2,
        socket_connect_timeout=2,
        retry=Retry(NoBackoff(), 0),
    )


def toxiproxy_call(lab: Lab, ports: Ports, method: str, path: str, *, body: object = None) -> tuple[int, bytes]:
    """One signed request to Toxiproxy's API; the watch takes one without the signature for a stranger's.

    Raises as `http_get`.
    """
    own = signed.headers(lab.secret("lab_token"))
    return http_call(method, ports.address("toxiproxy"), path, body=body, headers=own)


def read_proxies(lab: Lab, ports: Ports) -> dict[str, dict[str, Any]]:
    """Name → proxy, as Toxiproxy's API shows it."""
    status, body = toxiproxy_call(lab, ports, "GET", "/proxies")
    if status != 200:
        raise ValueError(f"status {status}")
    document: dict[str, dict[str, Any]] = json.loads(body)
    return document


def dirty_proxies(lab: Lab, ports: Ports) -> list[str]:
    """A sentence for each proxy that the lab did not make or that is disabled, and for each toxic."""
    sentences = []
    for name, proxy in sorted(read_proxies(lab, ports).items()):
        if name not in PROXIES:
            sentences.append(f"proxy {name}: {proxy['listen']} to {proxy['upstream']}, which the lab did not make")
        if not proxy["enabled"]:
            sentences.append(f"proxy {name}: disabled")
        sentences += [f"proxy {name}: has toxic {toxic['name']}" for toxic in proxy["toxics"]]
    return sentences


def remove_foreign_proxies(lab: Lab, ports: Ports) -> list[str]:
    """Remove the proxies that the lab did not make; each in words, for the record of the run that begins.

    Raises:
        StackError: `not_ready` when one can't be removed.
    """
    removed = []
    try:
        for name, proxy in sorted(read_proxies(lab, ports).items()):
            if name in PROXIES:
                continue
            status, body = toxiproxy_call(lab, ports, "DELETE", f"/proxies/{quote(name, safe='')}")
            if status not in {204, 404}:
                raise ValueError(f"status {status} {body[:200]!r} for DELETE /proxies/{name}")
            removed.append(f"proxy {name} ({proxy['listen']} to {proxy['upstream']}, which the lab did not make)")
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = f"toxiproxy: got {error!r}, expected only the lab's proxies; `make up` repairs it"
        raise StackError("not_ready", said) from error
    return removed


def ping_worker(lab: Lab, ports: Ports) -> str | None:
    """Ask any worker over Celery's control channel; takes some 10 ms when one listens."""
    from kombu import Connection  # noqa: PLC0415 -- takes 0.2 s, and most commands don't need it
    from kombu.pidbox import Mailbox  # noqa: PLC0415

    try:
        url = redis_users.url(lab, ports, "redis", BROKER_DB, user=redis_users.LAB)
        options = {"socket_timeout": 2, "socket_connect_timeout": 2, "client_name": redis_users.CLIENT_NAME}
        with Connection(url, transport_options=options) as connection:
            mailbox = Mailbox("celery", type="fanout", accept=["json"])(connection)
            replies = mailbox.multi_call("ping", timeout=1, limit=1)
    except (OSError, redis.RedisError) as error:
        return f"ping: got {error!r}, expected pong"
    return (
        None if any("ok" in reply for answer in replies for reply in answer.values()) else "ping: got no answer in 1 s"
    )


class Waiter:
    """Waits for several parts concurrently, and stops as soon as one can't become ready any more."""

    def __init__(
        self,
        checks: Checks,
        *,
        on_ready: Callable[[str, float], None] = lambda _name, _s: None,
        patience_s: float = 60.0,
    ) -> None:
        self._checks = checks
        self._on_ready = on_ready
        self._patience_s = patience_s
        self._stop = threading.Event()

    def wait(self, names: Iterable[str], *, variant: str | None = None) -> dict[str, float]:
        """Seconds until each part was ready, from now.

        Raises:
            StackError: `not_ready`, naming the part, what it answered, and the end of its log.
        """
        names = list(names)
        self._stop.clear()
        start = time.monotonic()
        with ThreadPoolExecutor(len(names) + 1) as pool:
            failed = pool.submit(self._watch, names)
            waiting = {name: pool.submit(self._until_ready, name, variant, start) for name in names}
            try:
                results = {name: future.result() for name, future in waiting.items()}
            finally:
                self._stop.set()
        broken = failed.result()
        not_ready = {name: seen for name, (_, seen) in results.items() if seen is not None}
        if not_ready:
            name = next((name for name in broken if name in not_ready), next(iter(not_ready)))
            raise StackError("not_ready", self._explain(name, broken.get(name), not_ready[name]))
        return {name: round(seconds, 2) for name, (seconds, _) in results.items()}

    def _until_ready(self, name: str, variant: str | None, start: float) -> tuple[float, str | None]:
        check = self._checks.of(name, variant=variant)
        while True:
            problem = check()
            gone_s = time.monotonic() - start
            if problem is None:
                self._on_ready(name, gone_s)
                return gone_s, None
            if gone_s > self._patience_s or self._stop.wait(POLL_S + min(gone_s / 20, 0.25)):
                return gone_s, problem

    def _watch(self, names: list[str]) -> dict[str, ProgramState]:
        """Programs that can't become ready any more; ends the waiting when there is one."""
        first_pids: dict[str, int] = {}
        while not self._stop.wait(0.25):
            try:
                states = self._checks.supervisor.programs()
            except (Unreachable, OSError):
                continue
            dead = {
                name: state
                for name in names
                if (state := states.get(name)) is not None
                and _is_hopeless(state, first_pids)
                and not (name == "shop:relay" and self._checks.has_no_relay())
            }
            if dead:
                time.sleep(0.3)  # for the last lines of its log
                self._stop.set()
                return dead
        return {}

    def _explain(self, name: str, state: ProgramState | None, problem: str) -> str:
        after = f"gave up ({state.state}: {state.note})" if state else f"not ready after {self._patience_s:.0f} s"
        tail = "\n".join(f"    {line}" for line in log_tail(self._checks.lab, name, lines=12))
        return f"{name}: {after}: {problem}\n  end of its log:\n{tail or '    (empty)'}"


def _is_hopeless(state: ProgramState, first_pids: dict[str, int]) -> bool:
    """Whether supervisord gave up on it, or had to start a program of the shop a second time.

    Args:
        first_pids: Program → the first process id seen; completed here.
    """
    if not state.name.startswith("shop:"):
        return state.state in _GIVEN_UP
    first = first_pids.setdefault(state.name, state.pid) if state.pid else 0
    return state.state in _SHOP_GIVEN_UP or first != state.pid


def log_tail(lab: Lab, name: str, *, lines: int) -> list[str]:
    """The last lines of a program's log; empty when there is none."""
    file = lab.log / f"{name.removeprefix('shop:')}.log"
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 400 * lines))
            return stream.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
