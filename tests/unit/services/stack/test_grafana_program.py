"""Grafana beside the stack: only where it was asked for, never in the way of anything, and calling nobody."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
import time
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml

from services.stack import config, grafana_program, lifecycle, supervisor_conf, text
from services.stack.config import CHECKOUT, Settings
from services.stack.errors import StackError
from services.stack.handles import Stack, stack_of
from services.stack.layout import GRAFANA, Lab, Ports
from services.stack.provision import grafana
from services.stack.provision.found import Found, Parts
from services.stack.provision.toxiproxy import builtin
from services.stack.readiness import Waiter
from services.stack.supervisor_client import ProgramState

FOUND = Found(name="x", command=("/bin/true",), version="1.0", source="PATH")
PARTS = Parts(postgres=FOUND, redis=FOUND, toxiproxy=builtin(), prometheus=FOUND)
SERVER = """#!{python}
import configparser, http.server, sys
if "-v" in sys.argv:
    print("grafana version 12.2.0")
    sys.exit()
assert sys.argv[1] == "server" and sys.argv[2] == "--homepath" and sys.argv[4] == "--config", sys.argv
read = configparser.RawConfigParser()
read.read(sys.argv[5])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
http.server.HTTPServer((read["server"]["http_addr"], int(read["server"]["http_port"])), Handler).serve_forever()
"""


def install(folder: Path, *, name: str = "grafana", below: str = "", prints: str | None = None) -> Path:
    """A program in `bin`, with Grafana's own folder beside it, or where a package has it."""
    file = folder / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SERVER.format(python=sys.executable) if prints is None else f"#!/bin/sh\necho '{prints}'\n")
    file.chmod(0o755)
    (folder / below / "conf").mkdir(parents=True)
    (folder / below / "conf" / "defaults.ini").touch()
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1] - 20
    asked = {"FIREDRILL_LAB_DIR": str(tmp_path / "lab"), "FIREDRILL_GRAFANA": "1", "FIREDRILL_BASE_PORT": str(base)}
    return dataclasses.replace(config.load(asked), path=str(tmp_path / "bin"))


@pytest.fixture
def stack(settings: Settings) -> Stack:
    found = stack_of(settings)
    found.lab.create()
    return found


def test_it_is_found_under_both_names_with_its_own_folder(settings: Settings, tmp_path: Path) -> None:
    file = install(tmp_path)
    found = grafana.find(settings)
    assert (found.command, found.version) == ((str(file), "server", "--homepath", str(tmp_path)), "12.2.0")
    file.unlink()
    old = install(tmp_path / "usr", name="grafana-server", below="share/grafana", prints="Version 9.5.1 (commit: x)")
    found = grafana.find(dataclasses.replace(settings, path=str(old.parent)))
    home = tmp_path / "usr" / "share" / "grafana"
    assert (found.command, found.version) == ((str(old), "--homepath", str(home)), "9.5.1")


def test_where_it_can_not_be_started_it_says_why_and_the_table_has_none(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, lab, ports = stack.settings, stack.lab, stack.ports
    assert grafana_program.programs(settings, lab, ports, PARTS) == []
    assert "no grafana or grafana-server that runs is on PATH; nothing else needs it" in capsys.readouterr().err
    file = install(tmp_path)
    (tmp_path / "conf" / "defaults.ini").unlink()
    assert grafana_program.programs(settings, lab, ports, PARTS) == []
    assert f"{file} has no conf/defaults.ini" in capsys.readouterr().err
    (tmp_path / "conf" / "defaults.ini").touch()
    alone = dataclasses.replace(PARTS, prometheus=Found(name="prometheus", missing="nowhere"))
    assert grafana_program.programs(settings, lab, ports, alone) == []
    assert "has no Prometheus" in capsys.readouterr().err
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[GRAFANA]))
        other.listen()
        assert grafana_program.programs(settings, lab, ports, PARTS) == []
    assert f"port {ports[GRAFANA]} is held by pid " in capsys.readouterr().err
    unasked = dataclasses.replace(settings, grafana=False)
    assert grafana_program.programs(unasked, lab, ports, PARTS) == []
    assert capsys.readouterr().err == ""
    assert not lab.grafana_data.exists()


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_who_asks_for_it(value: str, wanted: bool) -> None:
    assert config.load({"FIREDRILL_GRAFANA": value}).grafana is wanted


def read(lab: Lab) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read(lab.run / "grafana.ini")
    return parser


def test_it_is_told_what_the_container_is_told(stack: Stack, tmp_path: Path) -> None:
    install(tmp_path)
    (program,) = grafana_program.programs(stack.settings, stack.lab, stack.ports, PARTS)
    told = read(stack.lab)
    service = yaml.safe_load((CHECKOUT / "compose.grafana.yaml").read_text())["services"]["grafana"]
    own = {f"GF_{name}_{key}".upper().replace(".", "_"): value for name in told for key, value in told[name].items()}
    for name, value in service["environment"].items():
        if name.startswith("GF_") and not value.startswith("/"):
            assert own[name] == value, name
    assert program.environment.keys() == {name for name in service["environment"] if name.startswith("FIREDRILL_")}
    assert program.environment["FIREDRILL_PROMETHEUS_URL"] == stack.ports.url("prometheus")
    assert service["ports"][0].endswith(f"-{18000 + 20}}}:3000")


def test_it_listens_on_loopback_keeps_to_its_folder_and_has_no_password_that_is_known(
    stack: Stack, tmp_path: Path
) -> None:
    install(tmp_path)
    grafana_program.programs(stack.settings, stack.lab, stack.ports, PARTS)
    told = read(stack.lab)
    assert (told["server"]["http_addr"], told["server"]["enforce_domain"]) == ("127.0.0.1", "true")
    for name in ("data", "logs", "plugins"):
        assert Path(told["paths"][name]).is_relative_to(stack.lab.grafana_data)
    assert Path(told["paths"]["provisioning"], "datasources", "firedrill.yml").is_file()
    assert Path(told["dashboards"]["default_home_dashboard_path"]).is_file()
    assert (told["auth.basic"]["enabled"], told["auth"]["disable_login_form"]) == ("false", "true")
    assert len(told["security"]["admin_password"]) == 32
    assert (stack.lab.run / "grafana.ini").stat().st_mode & 0o077 == 0
    assert stack.lab.grafana_data.stat().st_mode & 0o077 == 0


def test_what_is_started_answers_and_is_ready(stack: Stack, tmp_path: Path) -> None:
    install(tmp_path)
    (program,) = grafana_program.programs(stack.settings, stack.lab, stack.ports, PARTS)
    assert f"[program:{GRAFANA}]" in supervisor_conf.render([program], stack.lab, stack.ports)
    process = subprocess.Popen(program.command, cwd=program.directory)
    try:
        deadline = time.monotonic() + 30
        while (problem := stack.checks.of(GRAFANA)()) is not None:
            assert time.monotonic() < deadline, problem
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()


def test_one_that_does_not_get_ready_costs_a_sentence(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wait(self: Waiter, names: list[str]) -> dict[str, float]:
        assert isinstance(self, Waiter)
        raise StackError("not_ready", f"{names[0]}: gave up")

    monkeypatch.setattr(Waiter, "wait", wait)
    assert grafana_program.wait(stack) == {}
    assert "is not ready, and nothing else needs it: grafana: gave up" in capsys.readouterr().err


def test_its_address_is_told_where_it_runs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    states = {GRAFANA: ProgramState(name=GRAFANA, state="RUNNING", pid=1, note="")}
    monkeypatch.setattr(type(stack.supervisor), "programs", lambda _: states)
    document = lifecycle.describe(stack)
    assert f"Grafana     http://127.0.0.1:{stack.ports[GRAFANA]}\n" in text.urls(document)
    states.clear()
    assert "Grafana     absent (it is said above why)\n" in text.urls(lifecycle.describe(stack))
    unasked = dataclasses.replace(stack, settings=dataclasses.replace(stack.settings, grafana=False))
    assert "Grafana" not in text.urls(lifecycle.describe(unasked))


def test_a_stack_that_runs_without_it_says_how_it_gets_it(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    grafana_program.refuse_late(stack.settings, {GRAFANA: object()})
    assert capsys.readouterr().err == ""
    grafana_program.refuse_late(stack.settings, {})
    assert "`make down` first" in capsys.readouterr().err


def test_its_port_is_none_of_those_that_must_be_free() -> None:
    assert Ports(18000)[GRAFANA] == 18020
    assert GRAFANA not in Ports(18000).all()
    assert Ports(config.HIGHEST_BASE_PORT)[GRAFANA] <= 65535
