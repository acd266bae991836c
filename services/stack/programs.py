"""The table of programs: what runs, with which environment, and which URL says that it is ready."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.stack.config import RemoteWrite, Settings
from services.stack.layout import BROKER_DB, CACHE_DB, HOST, MARKER, PROXIES, SUPERVISORS, Lab, Ports, write_json
from services.stack.postgres import USER, Cluster
from services.stack.provision.found import Parts
from services.stack.provision.toxiproxy import BUILTIN_SOURCE

# Names as supervisord and `firedrill` know them, in the order in which they are reported.
ALWAYS: Final = ("postgres", "redis", "toxiproxy", "gateway", "scorecard", "agent", "dashboard", "prometheus")
SHOP: Final = ("shop:api", "shop:worker", "shop:relay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program that supervisord runs.

    Attributes:
        environment: On top of what every program gets.
        user: Account to run as; None means supervisord's own.
        group: supervisord's group; None means one of its own name.
        stop_signal: What asks it to end.
        stop_wait_s: Patience until the whole group is killed.
        restart: supervisord's autorestart: `true`, or `unexpected` where exit 0 means that there is nothing to do.
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
    """What every process of the stack gets; the marker is how `down` recognises it."""
    return {
        MARKER: str(lab.root),
        "FIREDRILL_LAB_DIR": str(lab.root),
        "FIREDRILL_BASE_PORT": str(ports.base),
        "FIREDRILL_STACK_FILE": str(lab.stack_file),
        "FIREDRILL_EVIDENCE_DIR": str(settings.evidence_dir),
        "PYTHONUNBUFFERED": "1",
    }


def shop_environment(lab: Lab, ports: Ports) -> dict[str, str]:
    """The shop's settings; every dependency is reached through its proxy."""
    return {
        "FIREDRILL_VARIANT_FILE": str(lab.variant_file),
        "SHOP_POSTGRES_HOST": ports.host("shop_to_postgres"),
        "SHOP_POSTGRES_PORT": str(ports["shop_to_postgres"]),
        "SHOP_POSTGRES_USER": USER,
        "SHOP_POSTGRES_PASSWORD_FILE": str(lab.secret_file("postgres")),
        "SHOP_CACHE_URL": f"redis://{ports.address('shop_to_cache')}/{CACHE_DB}",
        "SHOP_BROKER_URL": f"redis://{ports.address('shop_to_broker')}/{BROKER_DB}",
        "SHOP_GATEWAY_URL": ports.url("shop_to_gateway"),
        "SHOP_SECRET_KEY_FILE": str(lab.secret_file("shop_secret_key")),
        "SHOP_API_PORT": str(ports["api"]),
        "SHOP_WORKER_METRICS_PORT": str(ports["worker_metrics"]),
        "SHOP_RELAY_METRICS_PORT": str(ports["relay_metrics"]),
    }


def direct_environment(lab: Lab, ports: Ports, variant: str) -> dict[str, str]:
    """The shop's settings for its manage commands: past the proxies, for *variant* whatever runs."""
    return {
        **shop_environment(lab, ports),
        "FIREDRILL_VARIANT": variant,
        "SHOP_POSTGRES_HOST": ports.host("postgres"),
        "SHOP_POSTGRES_PORT": str(ports["postgres"]),
        "SHOP_CACHE_URL": f"redis://{ports.address('redis')}/{CACHE_DB}",
        "SHOP_BROKER_URL": f"redis://{ports.address('redis')}/{BROKER_DB}",
        "SHOP_GATEWAY_URL": ports.url("gateway"),
    }


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


def table(settings: Settings, lab: Lab, ports: Ports, parts: Parts, cluster: Cluster) -> list[Program]:
    """All programs of the stack; Prometheus only where it is there."""
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
            command=(*parts.redis.command, str(lab.run / "redis.conf")),
            directory=lab.redis,
        ),
        Program(
            name="toxiproxy",
            command=(*parts.toxiproxy.command, *toxiproxy_options),
            directory=here,
            environment={"LOG_LEVEL": "info"},  # its default, debug, writes some lines for every connection
        ),
        Program(
            name="gateway",
            command=_python("-m", "services.gateway"),
            directory=here,
            environment={
                "GATEWAY_PORT": str(ports["gateway"]),
                "GATEWAY_DATABASE": str(lab.root / "gateway.sqlite3"),
                "GATEWAY_LAB_TOKEN_FILE": str(lab.secret_file("lab_token")),
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
            },
        ),
        # A run that the dashboard started is let end cleanly first.
        Program(name="agent", command=_python("-m", "chaos.agent"), directory=here, stop_wait_s=25),
        Program(
            name="dashboard",
            command=_python(
                *("-m", "dashboard"),
                *("--server.address", HOST, "--server.port", str(ports["dashboard"]), "--server.headless", "true"),
                *("--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"),
            ),
            directory=here,
        ),
        *(_prometheus(lab, ports, parts) if parts.prometheus.is_there else ()),
    ]
    return [*programs, *shop_programs(settings, lab, ports, SHOP)]


def shop_programs(
    settings: Settings, lab: Lab, ports: Ports, names: Sequence[str], *, autostart: bool = False
) -> list[Program]:
    """The shop's programs *names*; `up` starts them once the schema is there, unless *autostart*."""
    return [
        Program(
            name=role,
            group="shop",
            command=_python("-m", "services.shop.serve", role),
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
        "--log.level=warn",
    )
    return (Program(name="prometheus", command=command, directory=lab.prometheus_data),)


def metrics_urls(ports: Ports) -> dict[str, str]:
    """Who serves metrics where, for Prometheus and for the collector."""
    urls = {name: f"{ports.url(name)}/metrics" for name in ("api", "gateway", "scorecard", "agent")}
    urls |= {
        "worker": f"{ports.url('worker_metrics')}/metrics",
        "relay": f"{ports.url('relay_metrics')}/metrics",
        "load": f"{ports.url('driver_metrics')}/metrics",
    }
    return {name: urls[name] for name in ("api", "worker", "relay", "gateway", "scorecard", "agent", "load")}


def proxy_list(ports: Ports) -> list[dict[str, object]]:
    """The proxies as Toxiproxy's configuration and `POST /populate` take them."""
    return [
        {"name": name, "listen": ports.listen(name), "upstream": ports.address(upstream), "enabled": True}
        for name, upstream in PROXIES.items()
    ]


def write_configurations(lab: Lab, ports: Ports, *, remote_write: RemoteWrite | None = None) -> None:
    """Write the configuration files of Redis, Toxiproxy and Prometheus."""
    write_json(lab.run / "toxiproxy.json", proxy_list(ports))
    (lab.run / "redis.conf").write_text(redis_configuration(ports, folder=lab.redis))
    (lab.run / "prometheus.yml").write_text(prometheus_configuration(ports, remote_write=remote_write))


def redis_configuration(ports: Ports, *, folder: Path, bind: str = HOST) -> str:
    """Redis' configuration file: nothing is kept, nothing is thrown out in secret."""
    lines = [
        f"bind {bind}",
        f"port {ports['redis']}",
        f'dir "{folder}"',
        "daemonize no",
        'save ""',
        "appendonly no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
    ]
    if bind != HOST:
        lines.append("protected-mode no")  # it would refuse the other containers
    return "\n".join(lines) + "\n"


def prometheus_configuration(ports: Ports, *, remote_write: RemoteWrite | None = None) -> str:
    """Prometheus' configuration file: one job per part that serves metrics."""
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [url.removeprefix("http://").removesuffix("/metrics")]}]}
        for name, url in metrics_urls(ports).items()
    ]
    # JSON is YAML, and needs no quoting rules of its own
    shared: dict[str, object] = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    configuration: dict[str, object] = {"global": shared, "scrape_configs": jobs}
    if remote_write is not None:  # the label says over there whose series these are
        shared["external_labels"] = {"lab": f"{socket.gethostname()}:{ports.base}"}
        target: dict[str, object] = {"url": remote_write.url}
        if remote_write.token_file is not None:
            target["authorization"] = {"credentials_file": str(remote_write.token_file)}
        configuration["remote_write"] = [target]
    return json.dumps(configuration, indent=1) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the address book says besides addresses.

    Attributes:
        postgres_log: Folder of the server's JSON log where this machine sees it; None inside containers.
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
    """The document `stack.json`, from which everybody else learns where the parts are."""
    urls: dict[str, str | None] = {
        name: ports.url(name)
        for name in ("api", "dashboard", "prometheus", "scorecard", "gateway", "agent", "toxiproxy", "supervisor")
    }
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
            "password": lab.secret("postgres"),
            "database_prefix": "shop_",
            "log_dir": str(facts.postgres_log) if facts.postgres_log else None,
            "version": facts.postgres_version,
        },
        "redis": {"host": ports.host("redis"), "port": ports["redis"], "cache_db": CACHE_DB, "broker_db": BROKER_DB},
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
