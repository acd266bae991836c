from __future__ import annotations

import shlex
from configparser import RawConfigParser
from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from services.stack import config, programs, supervisor_conf
from services.stack.isolation import Isolation
from services.stack.layout import Lab, Ports
from services.stack.postgres import Cluster
from services.stack.provision.found import Found, Parts
from services.stack.provision.toxiproxy import builtin

PORTS = Ports(25000)


@pytest.fixture(params=["it's 100% odd", 'a "quoted" $HOME', "back\\slash", 'it\'s "both" 100% \\', "'ends'", "[a]*?"])
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    lab = Lab(tmp_path / request.param)  # paths with all that supervisord would trip over
    lab.create()
    return lab


def table(lab: Lab, *, prometheus: bool = True, settings: config.Settings | None = None) -> list[programs.Program]:
    settings = settings or config.load({"FIREDRILL_LAB_DIR": str(lab.root)})
    found = Found(name="x", command=("/bin/true",), version="1.0", source="PATH")
    absent = Found(name="prometheus", missing="nowhere")
    parts = Parts(postgres=found, redis=found, toxiproxy=builtin(), prometheus=found if prometheus else absent)
    cluster = Cluster(server=Path("/bin/true"), data=lab.root / "data", log=lab.root / "log", account=None)
    return programs.table(settings, lab, PORTS, parts, cluster, Isolation(kind="same user"))


def parsed(lab: Lab, tmp_path: Path) -> ServerOptions:
    """The configuration as supervisord itself reads it."""
    file = tmp_path / "supervisord.conf"
    file.write_text(supervisor_conf.render(table(lab), lab, PORTS))
    options = ServerOptions()
    options.realize(["-c", str(file)])
    return options


def test_supervisord_reads_what_is_written(lab: Lab, tmp_path: Path) -> None:
    options = parsed(lab, tmp_path)
    read = {process.name: process for group in options.process_group_configs for process in group.process_configs}
    assert set(read) == {name.removeprefix("shop:") for name in (*programs.ALWAYS, *programs.SHOP)}
    assert {group.name for group in options.process_group_configs if len(group.process_configs) > 1} == {"shop"}
    assert all(process.stopasgroup and process.killasgroup for process in read.values())
    assert {name for name, process in read.items() if not process.autostart} == {"api", "worker", "relay"}
    database, as_seen = str(lab.root / "gateway.sqlite3"), read["gateway"].environment or {}
    told = shlex.split(read["gateway"].command)
    assert as_seen.get("GATEWAY_DATABASE") == database or f"GATEWAY_DATABASE={database}" in told
    assert read["gateway"].stdout_logfile == str(lab.log / "gateway.log")
    assert shlex.split(read["prometheus"].command)[1] == f"--config.file={lab.run / 'prometheus.yml'}"
    assert [server["host"] for server in options.server_configs] == ["127.0.0.1"]


def test_a_shared_database_is_in_the_scorecard_s_environment_alone(lab: Lab) -> None:
    url = "postgresql://me:100%25@db/scores"
    settings = config.load({"FIREDRILL_LAB_DIR": str(lab.root), "SCORECARD_DATABASE_URL": url})
    told = {program.name for program in table(lab, settings=settings) if url in program.environment.values()}
    assert told == {"scorecard"}


def test_the_control_extension_is_loaded(lab: Lab, tmp_path: Path) -> None:
    factories = {name: settings for name, _, settings in parsed(lab, tmp_path).rpcinterface_factories}
    assert factories["firedrill"] == {"record": str(lab.processes_file)}


def test_without_prometheus_everything_else_stays(lab: Lab) -> None:
    names = {program.name for program in table(lab)}
    assert names - {program.name for program in table(lab, prometheus=False)} == {"prometheus"}


def test_no_program_is_told_of_another_address_than_loopback(lab: Lab) -> None:
    text = supervisor_conf.render(table(lab), lab, PORTS)
    assert "0.0.0.0" not in text
    parser = RawConfigParser()
    parser.read_string(text)
    assert parser["inet_http_server"]["port"] == "127.0.0.1:25009"


def test_the_shop_reaches_its_dependencies_through_the_proxies_only(lab: Lab) -> None:
    proxied = programs.shop_environment(lab, PORTS)
    direct = {str(PORTS[name]) for name in ("postgres", "redis", "gateway")}
    assert not any(port in value for port in direct for name, value in proxied.items() if "FILE" not in name)
    assert proxied["SHOP_CACHE_URL"] == "redis://shop@127.0.0.1:25011/0"
    assert proxied["SHOP_BROKER_URL"] == "redis://shop@127.0.0.1:25012/1"
    assert not [name for name, value in proxied.items() if lab.secret("redis_shop") in value]
    past = programs.direct_environment(lab, PORTS, "naive")
    assert (past["SHOP_POSTGRES_PORT"], past["FIREDRILL_VARIANT"]) == ("25007", "naive")
