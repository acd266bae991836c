"""The table of programs: what runs, with which environment, and which URL says that it is ready."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from launch import environment
from launch.python import PYTHON
from services import hosts
from services.stack import code, redis_users
from services.stack.config import RemoteWrite, Settings
from services.stack.isolation import Isolation, run_dir
from services.stack.layout import (
    BROKER_DB,
    CACHE_DB,
    HOST,
    MARKER,
    PROXIES,
    SUPERVISORS,
    Lab,
    Ports,
    write_json,
    write_private,
)
from services.stack.postgres import READER, SHOP_USER, USER, Cluster
from services.stack.provision.found import Parts
from services.stack.provision.toxiproxy import BUILTIN_SOURCE

# Names as supervisord and `firedrill` know them, in the order in which they are reported.
ALWAYS: Final = ("postgres", "redis", "toxiproxy", "gateway", "mail", "scorecard", "agent", "dashboard", "prometheus")
SHOP: Final = ("shop:api", "shop:worker", "shop:relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program that supervisord runs.

    Attributes:
        environment: Variables in addition to those that every program gets.
        user: Account to run as; None means supervisord's own.
        group: supervisord's group; None means a group with the program's own name.
        stop_signal: Signal that asks it to end.
        stop_wait_s: Seconds after which the whole group is killed.
        restart: supervisord's autorestart: `true`, or `unexpected` when exit 0 means that it has nothing to do.
        autostart: Whether it starts with supervisord.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    group: str | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 5
    restart: str = "true"
    autostart: bool = True


def common_environment(settings: Settings, lab: Lab, ports: Ports) -> dict[str, str]:
    """Variables that every process of the stack gets; by the marker `down` recognises it.

    The shop's programs keep only the marker and their own settings: see `confined`.
    """
    own = {
        MARKER: lab.mark,
        "FIREDRILL_LAB_DIR": str(lab.root),
        "FIREDRILL_BASE_PORT": str(ports.base),
        "FIREDRILL_STACK_FILE": str(lab.stack_file),
        "FIREDRILL_EVIDENCE_DIR": str(settings.evidence_dir),
        **({hosts.VARIABLE: settings.hostnames} if settings.hostnames else {}),
    }
    if settings.mode == "local":  # an empty home: no user's .streamlit, .netrc or .postgresql is read
        own["HOME"] = str(lab.home)
    return own


def shop_environment(lab: Lab, ports: Ports) -> dict[str, str]:
    """The shop's settings; every dependency is reached through its proxy."""
    return {
        "FIREDRILL_VARIANT_FILE": str(lab.variant_file),
        "SHOP_CODE": str(code.current(lab)),
        "SHOP_POSTGRES_HOST": ports.host("shop_to_postgres"),
        "SHOP_POSTGRES_PORT": str(ports["shop_to_postgres"]),
        "SHOP_POSTGRES_USER": SHOP_USER,
        "SHOP_POSTGRES_PASSWORD_FILE": str(lab.shop_secret_file("shop_postgres")),
        "SHOP_CACHE_URL": redis_users.shop_url(ports, "shop_to_cache", CACHE_DB),
        "SHOP_BROKER_URL": redis_users.shop_url(ports, "shop_to_broker", BROKER_DB),
        "SHOP_REDIS_PASSWORD_FILE": str(lab.shop_secret_file("redis_shop")),
        "SHOP_GATEWAY_URL": ports.url("shop_to_gateway"),
        "SHOP_MAIL_HOST": ports.host("shop_to_mail"),
        "SHOP_MAIL_PORT": str(ports["shop_to_mail"]),
        "SHOP_SECRET_KEY_FILE": str(lab.shop_secret_file("shop_secret_key")),
        "SHOP_RUN_DIR": str(run_dir(lab)),
        "SHOP_API_PORT": str(ports["api"]),
        "SHOP_WORKER_METRICS_PORT": str(ports["worker_metrics"]),
        "SHOP_RELAY_METRICS_PORT": str(ports["relay_metrics"]),
    }


def direct_environment(lab: Lab, ports: Ports, variant: str) -> dict[str, str]:
    """The shop's settings for manage commands of *variant*, which need not be the running one; without the proxies."""
    return {
        **shop_environment(lab, ports),
        "FIREDRILL_VARIANT": variant,
        "SHOP_POSTGRES_HOST": ports.host("postgres"),
        "SHOP_POSTGRES_PORT": str(ports["postgres"]),
        "SHOP_CACHE_URL": redis_users.shop_url(ports, "redis", CACHE_DB),
        "SHOP_BROKER_URL": redis_users.shop_url(ports, "redis", BROKER_DB),
        "SHOP_GATEWAY_URL": ports.url("gateway"),
        "SHOP_MAIL_HOST": ports.host("mail"),
        "SHOP_MAIL_PORT": str(ports["mail"]),
    }


def through_proxy(ports: Ports) -> dict[str, str]:
    """For a manage command during a run: its connection goes through the proxy, or the watch would report it."""
    return {
        "SHOP_POSTGRES_HOST": ports.host("shop_to_postgres"),
        "SHOP_POSTGRES_PORT": str(ports["shop_to_postgres"]),
    }


def _python(*words: str) -> tuple[str, ...]:
    return (*PYTHON, "-u", *words)


def table(
    settings: Settings, lab: Lab, ports: Ports, parts: Parts, cluster: Cluster, isolation: Isolation
) -> list[Program]:
    """All programs of the stack; Prometheus only when it is installed."""
    here = settings.checkout
    toxiproxy_options: tuple[str, ...] = ("-host", HOST, "-port", str(ports["toxiproxy"]))
    toxiproxy_options += ("-config", str(lab.run / "toxiproxy.json"))
    programs = [
        Program(
            name="postgres",
            command=(str(cluster.server), "-D", str(cluster.data)),
            directory=cluster.data,
            user=cluster.account.name if cluster.account else None,
            stop_signal="INT",  # fast shutdown; TERM would wait for the last client
            stop_wait_s=8,
        ),
        Program(
            name="redis",
            command=(*parts.redis.command, _redis_pattern(lab.run / "redis.conf")),
            directory=lab.redis,
        ),
        Program(
            name="toxiproxy",
            command=(*parts.toxiproxy.command, *toxiproxy_options),
            directory=here,
            environment={"LOG_LEVEL": "debug"},  # names every request to its API, which the watch reads
        ),
        Program(
            name="gateway",
            command=_python("-m", "services.gateway"),
            directory=here,
            environment={
                "GATEWAY_PORT": str(ports["gateway"]),
                "GATEWAY_DATABASE": str(lab.root / "gateway.sqlite3"),
                "GATEWAY_PROXY_PORT": str(ports["toxiproxy"]),
                "GATEWAY_LAB_TOKEN_FILE": str(lab.secret_file("lab_token")),
            },
        ),
        Program(
            name="mail",
            command=_python("-m", "services.mail"),
            directory=here,
            environment={
                "MAIL_SMTP_PORT": str(ports["mail"]),
                "MAIL_HTTP_PORT": str(ports["mail_http"]),
                "MAIL_DATABASE": str(lab.root / "mail.sqlite3"),
                "MAIL_PROXY_PORT": str(ports["toxiproxy"]),
                "MAIL_LAB_TOKEN_FILE": str(lab.secret_file("lab_token")),
            },
        ),
        Program(
            name="scorecard",
            command=_python("-m", "services.scorecard"),
            directory=here,
            environment={
                "SCORECARD_PORT": str(ports["scorecard"]),
                "SCORECARD_DATABASE_PATH": str(lab.keep / "scorecard.sqlite3"),
                "SCORECARD_TOKEN_FILE": str(lab.secret_file("lab_token")),
                "SCORECARD_ADMIN_PASSWORD_FILE": str(lab.secret_file("scorecard_admin")),
                "SCORECARD_SECRET_KEY_FILE": str(lab.secret_file("scorecard_secret_key")),
                **settings.scorecard_database,
                **environment.certificates(),
            },
        ),
        # Long, so that a run that the dashboard started can end cleanly first.
        Program(name="agent", command=_python("-m", "chaos.agent"), directory=here, stop_wait_s=25),
        Program(
            name="dashboard",
            command=_python(
                *("-m", "dashboard"),
                *("--server.address", HOST, "--server.port", str(ports["dashboard"]), "--server.headless", "true"),
                *("--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"),
            ),
            directory=lab.home,  # has no .streamlit
        ),
        *(_prometheus(lab, ports, parts) if parts.prometheus.is_there else ()),
    ]
    return [*programs, *shop_programs(settings, lab, ports, isolation, SHOP)]


def shop_programs(
    settings: Settings, lab: Lab, ports: Ports, isolation: Isolation, names: Sequence[str], *, autostart: bool = False
) -> list[Program]:
    """The shop's programs *names*; without *autostart*, `up` starts them once the schema exists."""
    return [
        Program(
            name=role,
            group="shop",
            command=isolation.command("-m", "services.shop.serve", role),
            directory=settings.checkout,
            environment=shop_environment(lab, ports),
            restart="unexpected" if role == "relay" else "true",
            autostart=autostart,
        )
        for role in (name.removeprefix("shop:") for name in names)
    ]


def _prometheus(lab: Lab, ports: Ports, parts: Parts) -> tuple[Program]:
    command = (
        *parts.prometheus.command,
        f"--config.file={lab.run / 'prometheus.yml'}",
        f"--storage.tsdb.path={lab.prometheus_data}",
        "--storage.tsdb.retention.time=7d",
        "--storage.tsdb.retention.size=512MB",
        f"--web.listen-address={ports.address('prometheus')}",
        f"--web.cors.origin={_own_origins(ports['prometheus'])}",
        "--log.level=warn",
    )
    certificates = environment.certificates()  # remote write leaves this machine
    return (Program(name="prometheus", command=command, directory=lab.prometheus_data, environment=certificates),)


def _own_origins(port: int) -> str:
    """Only its own pages may read its answers; by default all web pages may. It has no setting for the Host header."""
    return rf"http://(localhost|127\.0\.0\.1):{port}"


def metrics_urls(ports: Ports) -> dict[str, str]:
    """Part → URL of its metrics, for Prometheus and for the collector."""
    urls = {name: f"{ports.url(name)}/metrics" for name in ("api", "gateway", "scorecard", "agent")}
    urls |= {
        "worker": f"{ports.url('worker_metrics')}/metrics",
        "relay": f"{ports.url('relay_metrics')}/metrics",
        "mail": f"{ports.url('mail_http')}/metrics",
        "load": f"{ports.url('driver_metrics')}/metrics",
    }
    return {name: urls[name] for name in ("api", "worker", "relay", "gateway", "mail", "scorecard", "agent", "load")}


def proxy_list(ports: Ports) -> list[dict[str, object]]:
    """The proxies as Toxiproxy's configuration and `POST /populate` take them."""
    return [
        {"name": name, "listen": ports.listen(name), "upstream": ports.address(upstream), "enabled": True}
        for name, upstream in PROXIES.items()
    ]


def write_configurations(lab: Lab, ports: Ports, *, remote_write: RemoteWrite | None = None) -> None:
    """Write the configuration files of Redis, Toxiproxy and Prometheus."""
    write_json(lab.run / "toxiproxy.json", proxy_list(ports))
    users = lab.run / "redis.acl"
    write_private(users, redis_users.rules_of(lab))
    write_private(lab.run / "redis.conf", redis_configuration(ports, folder=lab.redis, users=users))
    write_private(lab.run / "prometheus.yml", prometheus_configuration(ports, remote_write=remote_write))


def redis_configuration(ports: Ports, *, folder: Path, users: Path, bind: str = HOST) -> str:
    """Redis' configuration file: nothing is saved to disk, no key is evicted, *users* is the file with the ACL."""
    lines = [
        f"bind {bind}",
        f"port {ports['redis']}",
        f"dir {_redis_quoted(folder)}",
        f"aclfile {_redis_quoted(users)}",
        "daemonize no",
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
    ]
    return "\n".join(lines) + "\n"


def _redis_pattern(file: Path) -> str:
    """*file* as an argument: Redis reads a path with `*`, `?` or `[` as a pattern, and starts even without a match."""
    text = str(file)
    return re.sub(r"[*?\[\\]", r"\\\g<0>", text) if re.search(r"[*?\[]", text) else text


def _redis_quoted(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def prometheus_configuration(ports: Ports, *, remote_write: RemoteWrite | None = None) -> str:
    """Prometheus' configuration file: one job per part that serves metrics."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://").removesuffix("/metrics")]}]}
        for name, url in metrics_urls(ports).items()
    ]
    # JSON is YAML, and needs no quoting rules of its own
    shared: dict[str, object] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    configuration: dict[str, object] = {"global": shared, "scrape_configs": jobs}
    if remote_write is not None:  # the label tells the receiver which lab's series these are
        shared["external_labels"] = {"lab": f"{socket.gethostname()}:{ports.base}"}
        target: dict[str, object] = {"url": remote_write.url}
        if remote_write.token_file is not None:
            target["authorization"] = {"credentials_file": str(remote_write.token_file)}
        configuration["remote_write"] = [target]
    return json.dumps(configuration, indent=1) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the address book holds besides addresses.

    Attributes:
        postgres_log: Folder of the server's JSON log on this machine; None inside containers.
        toxiproxy: `{"kind": "real" | "builtin", "version": …}`.
    """

    has_prometheus: bool
    postgres_log: Path | None
    postgres_version: str
    toxiproxy: Mapping[str, str]


def facts_of(parts: Parts, cluster: Cluster) -> Facts:
    """The facts of a stack of local processes."""
    return Facts(
        has_prometheus=parts.prometheus.is_there,
        postgres_log=cluster.log,
        postgres_version=parts.postgres.version,
        toxiproxy={
            "kind": "builtin" if parts.toxiproxy.source == BUILTIN_SOURCE else "real",
            "version": parts.toxiproxy.version,
        },
    )


def address_book(settings: Settings, lab: Lab, ports: Ports, public: Ports, facts: Facts) -> dict[str, object]:
    """The document `stack.json`, from which all other programs learn where the parts are."""
    urls: dict[str, str | None] = {
        name: ports.url(name)
        for name in ("api", "dashboard", "prometheus", "scorecard", "gateway", "agent", "toxiproxy", "supervisor")
    }
    urls["mail"] = ports.url("mail_http")
    supervisors = {name.removeprefix("shop:"): urls["supervisor"] for name in SHOP}
    if settings.mode == "compose":
        supervisors = {
            name.removeprefix("shop:"): f"http://{host}:{ports['supervisor']}" for name, host in SUPERVISORS.items()
        }
        urls["supervisor"] = None
    public_urls: dict[str, str | None] = {
        name: public.url(name) for name in ("api", "dashboard", "prometheus", "scorecard")
    }
    if not facts.has_prometheus:
        urls["prometheus"] = public_urls["prometheus"] = None
    return {
        "mode": settings.mode,
        "base_port": ports.base,
        "checkout": str(settings.checkout),
        "lab_dir": str(lab.root),
        "urls": urls,
        "public_urls": public_urls,
        "supervisors": supervisors,
        "postgres": {
            "host": ports.host("postgres"),
            "port": ports["postgres"],
            "user": USER,
            "reader": READER,
            "password": lab.secret("postgres"),
            "database_prefix": "shop_",
            "log_dir": str(facts.postgres_log) if facts.postgres_log else None,
            "version": facts.postgres_version,
        },
        "redis": {
            "host": ports.host("redis"),
            "port": ports["redis"],
            "cache_db": CACHE_DB,
            "broker_db": BROKER_DB,
            "user": redis_users.LAB,
            "password": lab.secret(redis_users.SECRETS[redis_users.LAB]),
        },
        "proxies": {
            name: {
                "listen": ports.listen(name),
                "upstream": ports.address(upstream),
                "connect": ports.address(name),
            }
            for name, upstream in PROXIES.items()
        },
        "supervisor": {"username": "firedrill", "password": lab.secret("supervisor")},
        "lab_token": lab.secret("lab_token"),
        "scorecard_admin": {"username": "admin", "password": lab.secret("scorecard_admin")},
        "metrics": metrics_urls(ports),
        "driver_metrics_port": ports["driver_metrics"],
        "toxiproxy": dict(facts.toxiproxy),
    }
