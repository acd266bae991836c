"""The Compose stack on a real engine: what can reach what, who owns what, what a kill and a crash look like."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.compose.conftest import ComposeLab

pytestmark = [pytest.mark.compose, pytest.mark.timeout(600)]

BEHIND_THE_PROXY = {"postgres": 18007, "redis": 18008, "gateway": 18004, "mail": 18018}
PROXIES = {
    "shop_to_postgres": 18010,
    "shop_to_cache": 18011,
    "shop_to_broker": 18012,
    "shop_to_gateway": 18013,
    "shop_to_mail": 18017,
}
PATIENCE_S = 60.0


def wait_for(true: Callable[[], bool], what: str) -> None:
    """Poll a condition."""
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, f"never: {what}"
        time.sleep(0.2)


def reach(lab: ComposeLab, service: str, addresses: list[tuple[str, int]]) -> dict[str, bool]:
    """`host:port` → whether a TCP connection from inside *service* comes about."""
    program = f"""
import json, socket
def reaches(host, port):
    try:
        socket.create_connection((host, port), timeout=1.5).close()
    except OSError:
        return False
    return True
print(json.dumps({{f"{{host}}:{{port}}": reaches(host, port) for host, port in {addresses!r}}}))
"""
    found: dict[str, bool] = lab.python(service, program)
    return found


def addresses_of(lab: ComposeLab, service: str) -> list[str]:
    """The container's name, and its address in each of its networks."""
    networks = lab.containers()[service]["NetworkSettings"]["Networks"]
    return [service, *(network["IPAddress"] for network in networks.values())]


def test_every_part_is_ready_and_says_so(compose_lab: ComposeLab) -> None:
    states = {name: container["State"] for name, container in compose_lab.containers(everything=True).items()}
    assert (states["setup"]["Status"], states["setup"]["ExitCode"]) == ("exited", 0)
    running = {name: state["Health"]["Status"] for name, state in states.items() if name != "setup"}
    assert running == dict.fromkeys(running, "healthy")
    assert len(running) == 11
    status = compose_lab.make("status")
    assert "no " not in [line[24:27] for line in status.splitlines()], status
    for offset, path in ((0, "/ready"), (1, "/_stcore/health"), (2, "/-/ready"), (3, "/health")):
        url = f"http://127.0.0.1:{compose_lab.base_port + offset}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            assert answer.status == 200, url


def test_there_was_no_python_to_do_it_with(compose_lab: ComposeLab) -> None:
    assert compose_lab.run("sh", "-c", "command -v python3 || command -v python").returncode != 0
    assert not (compose_lab.top / ".venv").exists()


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_shop_reaches_its_dependencies_through_toxiproxy_only(compose_lab: ComposeLab, service: str) -> None:
    direct = [(host, port) for part, port in BEHIND_THE_PROXY.items() for host in addresses_of(compose_lab, part)]
    assert len(direct) == 8
    assert reach(compose_lab, service, direct) == {f"{host}:{port}": False for host, port in direct}
    proxied = [("toxiproxy", port) for port in PROXIES.values()]
    assert reach(compose_lab, service, proxied) == {f"{host}:{port}": True for host, port in proxied}
    # The same question finds a way where there is one.
    assert reach(compose_lab, "agent", direct) == {f"{host}:{port}": True for host, port in direct}


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_shop_can_t_reach_the_switches_of_its_faults(compose_lab: ComposeLab, service: str) -> None:
    control = [(host, 18006) for host in (*addresses_of(compose_lab, "toxiproxy"), "toxiproxy-control")]
    assert reach(compose_lab, service, control) == {f"{host}:{port}": False for host, port in control}
    assert reach(compose_lab, "agent", [("toxiproxy-control", 18006)]) == {"toxiproxy-control:18006": True}


def test_a_fault_on_the_proxy_is_a_fault_of_the_shop(compose_lab: ComposeLab) -> None:
    """Traffic that toxiproxy blocks does not arrive, since there is no second way."""
    switch = """
import httpx, json
answer = httpx.patch("http://toxiproxy-control:18006/proxies/shop_to_postgres", json={{"enabled": {enabled}}})
print(json.dumps(answer.status_code))
"""

    def ready() -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{compose_lab.base_port}/ready", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert ready() == 200
    try:
        assert compose_lab.python("agent", switch.format(enabled=False)) == 200
        wait_for(lambda: ready() == 503, "the API notices that its database is away")
    finally:
        assert compose_lab.python("agent", switch.format(enabled=True)) == 200
    wait_for(lambda: ready() == 200, "the API is ready again")


def test_ports_are_on_loopback_only(compose_lab: ComposeLab) -> None:
    published = [
        (binding["HostIp"], int(binding["HostPort"]))
        for container in compose_lab.containers().values()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for binding in bindings or []
    ]
    assert sorted(published) == [("127.0.0.1", compose_lab.base_port + offset) for offset in range(4)]


def test_containers_are_confined(compose_lab: ComposeLab) -> None:
    for name, container in compose_lab.containers().items():
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert host["Memory"] > 0, name
        assert host["NanoCpus"] > 0, name
        assert not [mount for mount in container["Mounts"] if "docker.sock" in mount["Source"]], name
    expected = os.getuid() or 65532
    for name in (
        "api",
        "worker",
        "gateway",
        "mail",
        "scorecard",
        "dashboard",
        "agent",
        "postgres",
        "redis",
        "prometheus",
    ):
        status = compose_lab.inside(name, "cat", "/proc/1/status").stdout
        fields = {key: value.split() for key, _, value in (line.partition(":") for line in status.splitlines())}
        assert fields["Uid"] == [str(expected)] * 4, name
        assert fields["CapEff"] == ["0000000000000000"], name
        assert fields["NoNewPrivs"] == ["1"], name
        assert compose_lab.inside(name, "sh", "-c", ": >/app-or-root").returncode != 0, name


def test_secrets_are_in_no_image_environment_or_log(compose_lab: ComposeLab) -> None:
    secrets = [file.read_text() for file in (compose_lab.top / ".lab/secrets").iterdir()]
    assert len(secrets) == 10
    seen = {name: json.dumps(container) for name, container in compose_lab.containers(everything=True).items()}
    seen["images"] = compose_lab.run("docker", "history", "--no-trunc", "firedrill/lab:local").stdout
    seen["logs"] = compose_lab.run("docker", "compose", "logs", "--no-color").stdout
    seen["shop's logs"] = compose_lab.make("logs")
    seen["rendered"] = compose_lab.run("docker", "compose", "config").stdout
    for name in ("api", "worker", "agent", "scorecard", "gateway", "mail"):
        seen[f"environment of {name}"] = compose_lab.inside(name, "sh", "-c", "cat /proc/[0-9]*/environ").stdout
    for where, text in seen.items():
        assert text, where
        assert not [secret for secret in secrets if secret in text], where


def test_zombies_are_reaped_and_signals_forwarded(compose_lab: ComposeLab) -> None:
    for name in ("api", "worker", "agent"):
        # Its parent is gone at once: PID 1 inherits it.
        assert compose_lab.inside(name, "bash", "-c", "(sleep 0.2 &) ; exit 0").returncode == 0

        def zombies(name: str = name) -> bool:
            return "Z (zombie)" in compose_lab.inside(name, "sh", "-c", "cat /proc/[0-9]*/status 2>/dev/null").stdout

        wait_for(lambda: not zombies(), f"no zombie in {name}")


KILL = """
import json
from chaos.adapters.lab import connect
from chaos.config import read_stack
processes = connect(read_stack(), "hardened").lab.processes
killed = processes.kill_group({process!r})
alive = [1]
for _ in range(500):
    alive = list(processes.survivors({process!r}, killed.pgid))
    if not alive:
        break
print(json.dumps({{"pgid": killed.pgid, "pids": list(killed.pids), "alive": alive}}))
"""


@pytest.mark.parametrize(("process", "at_least"), [("worker", 5), ("api", 2)])
def test_a_kill_ends_a_whole_group_and_shows_in_the_identities(
    compose_lab: ComposeLab, process: str, at_least: int
) -> None:
    before = compose_lab.identities()
    killed = compose_lab.python("agent", KILL.format(process=process))
    assert len(killed["pids"]) >= at_least
    assert killed["alive"] == []
    assert killed["pgid"] == before[process]["pid"]

    def started_again() -> bool:
        now = compose_lab.identities()[process]
        return bool(now) and now != before[process]

    wait_for(started_again, f"{process} is started again by its supervisor")
    after = compose_lab.identities()
    assert {name for name in before if before[name] != after[name]} == {process}
    wait_for(lambda: "no" not in _ready_column(compose_lab), "everything is ready again")


def _ready_column(lab: ComposeLab) -> list[str]:
    return [words[3] for line in lab.make("status").splitlines() if len(words := line.split()) >= 4][1:]


SCENARIO = """
title: Quiet browsing
drill: 3
hypothesis: Nobody disturbs it.
seed: 3
world: {events: 3, hot_tiers: 1, seats: 50, customers: 20}
blast_radius: []
settle: 10s
load:
  - {phase: baseline, for: 8s, arrivals: 4/s, mix: {browse: 3, buy: 1}}
steady_state:
  - {probe: success_ratio, at_least: 5%}
checks:
  - {invariant: no_oversell}
"""


def _run(lab: ComposeLab, scenario: str, *options: str) -> tuple[int, dict[str, Any], Path]:
    (lab.top / f"scenarios/{scenario}.yaml").write_text(SCENARIO)
    done = lab.inside("agent", "firedrill", "run", f"scenarios/{scenario}.yaml", "--json", *options)
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    assert "folder" in document, document
    return done.returncode, document, lab.top / document["folder"]


def _check(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = [check for check in document["findings"] if check["check"] == name]
    assert len(found) == 1, [check["check"] for check in document["findings"]]
    return found[0]


def test_a_run_leaves_evidence_that_is_its_caller_s(compose_lab: ComposeLab) -> None:
    (compose_lab.top / "scenarios/quiet.yaml").write_text(SCENARIO)
    compose_lab.run("make", "scenario", "S=quiet")  # whatever the verdict on a busy machine
    folders = [path for path in (compose_lab.top / "evidence").iterdir() if "quiet" in path.name]
    assert len(folders) == 1
    assert (folders[0] / "verdict.json").exists()
    assert {path.stat().st_uid for path in (compose_lab.top / "evidence").rglob("*")} == {os.getuid()}
    verdict = json.loads((folders[0] / "verdict.json").read_text())
    assert _check(verdict, "self_check:no_restart")["verdict"] == "held"
    assert _check(verdict, "no_oversell")["verdict"] != "violated"
    assert verdict["versions"]["mode"] == "compose"
    head = compose_lab.run("git", "rev-parse", "HEAD").stdout.strip()
    manifest = json.loads((folders[0] / "manifest.json").read_text())
    assert manifest["about"]["git_revision"] == head != "", "the container was not told what its host's git says"


@pytest.mark.parametrize("part", ["gateway", "redis", "toxiproxy"])
def test_a_crash_during_a_run_is_not_hidden_by_its_restart(compose_lab: ComposeLab, part: str) -> None:
    restarts = compose_lab.containers()[part]["RestartCount"]
    # The process itself dies, under the eyes of its container's PID 1; no container but the engine's own can do that.
    pid = compose_lab.containers()[part]["State"]["Pid"]
    (compose_lab.top / "scenarios/crash.yaml").write_text(SCENARIO)
    watch = (
        "for i in $(seq 400); do sleep 0.1; grep -q load_started evidence/*crash*/journal.jsonl 2>/dev/null && break;"
        f" done; for child in $(cat /proc/{pid}/task/*/children); do kill -9 $child; done"
    )
    if os.getuid() != 0:
        pytest.skip("only root reaches a container's process from outside")
    killer = subprocess.Popen(["bash", "-c", watch], cwd=compose_lab.top)
    try:
        _, document, folder = _run(compose_lab, "crash")
    finally:
        killer.wait(60)
    finding = _check(document, "self_check:no_restart")
    assert finding["verdict"] == "inconclusive"
    assert part in json.dumps(finding)
    assert document["verdict"] != "held"
    assert compose_lab.containers()[part]["RestartCount"] == restarts + 1
    for path in sorted(folder.rglob("*"), reverse=True):  # the next one looks for its own
        path.rmdir() if path.is_dir() else path.unlink()
    folder.rmdir()
    wait_for(lambda: "no" not in _ready_column(compose_lab), "everything is ready again")


def test_an_attempt_is_edited_on_the_host_and_runs_in_the_containers(compose_lab: ComposeLab) -> None:
    started = compose_lab.run("services/stack/lab.sh", "firedrill", "attempt", "start")
    assert started.returncode == 0, started.stderr
    urls = compose_lab.top / "services/shop/attempt/urls.py"
    assert urls.stat().st_uid == os.getuid()
    text = urls.read_text()
    prepare = ("python", "-m", "services.stack", "prepare", "--variant", "attempt", "--world-file", "/tmp/w", "--json")
    assert compose_lab.inside("agent", *prepare).returncode == 0
    urls.write_text(text + "\nraise RuntimeError('edited on the host')\n")
    broken = compose_lab.inside("agent", *prepare)
    assert broken.returncode == 2
    error = json.loads(broken.stdout)["error"]
    assert (error["kind"], error["file"]) == ("learner_code", "services/shop/attempt/urls.py")
    assert "edited on the host" in error["message"]
    urls.write_text(text)
    assert compose_lab.inside("agent", *prepare).returncode == 0
    assert compose_lab.inside("api", "sh", "-c", ": >/app/services/shop/attempt/urls.py").returncode != 0, "read-only"


def test_reset_drops_the_shop_and_keeps_scores_and_evidence(compose_lab: ComposeLab) -> None:
    kept = compose_lab.top / ".lab/keep/scorecard.sqlite3"
    evidence = sorted(path.name for path in (compose_lab.top / "evidence").iterdir())
    inode = kept.stat().st_ino
    before = compose_lab.identities()["postgres"]
    compose_lab.make("reset")
    assert kept.stat().st_ino == inode
    assert sorted(path.name for path in (compose_lab.top / "evidence").iterdir()) == evidence
    assert compose_lab.identities()["postgres"] != before
    assert "variant hardened" in compose_lab.make("status")


def test_down_leaves_nothing_that_runs_and_all_data(compose_lab: ComposeLab) -> None:
    """The last one: it ends the stack."""
    compose_lab.make("down")
    project = f"label=com.docker.compose.project={_project(compose_lab)}"
    assert compose_lab.run("docker", "ps", "--all", "--quiet", "--filter", project).stdout == ""
    assert compose_lab.run("docker", "network", "ls", "--quiet", "--filter", project).stdout == ""
    assert compose_lab.run("docker", "volume", "ls", "--quiet", "--filter", project).stdout != "", "the data"
    for offset in range(20):
        with closing(socket.socket()) as probe:
            assert probe.connect_ex(("127.0.0.1", compose_lab.base_port + offset)) != 0
    assert (compose_lab.top / ".lab/keep/scorecard.sqlite3").exists()
    assert compose_lab.make("down") == "stack was down already\n"
    compose_lab.make("reset")
    assert compose_lab.run("docker", "volume", "ls", "--quiet", "--filter", project).stdout == "", "reset drops it"
    assert compose_lab.containers(everything=True) == {}, "and starts nothing that was down"


def _project(lab: ComposeLab) -> str:
    lines = (lab.top / ".env").read_text().splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("COMPOSE_PROJECT_NAME="))
