"""The rules that compose.yaml must not lose, asserted on what Compose makes of it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from services.stack.layout import CONTAINERS, SECRETS
from tests.compose import rendered

PARTS = {
    "agent", "api", "dashboard", "gateway", "mail", "postgres", "prometheus", "redis", "scorecard", "setup",
    "toxiproxy", "worker",
}  # fmt: skip
SHOP = ("api", "worker")
BEHIND_THE_PROXY = ("postgres", "redis", "gateway", "mail")
ONE_SHOT = "setup"
Document = dict[str, Any]


@pytest.fixture(scope="module", params=["official", "local"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def document(form: str) -> Document:
    return rendered.by_compose(form)[0] if rendered.has_compose() else rendered.by_reading(form)


@pytest.fixture(scope="module")
def services(document: Document) -> dict[str, Document]:
    found: dict[str, Document] = document["services"]
    return found


def test_compose_has_nothing_to_complain_about(form: str) -> None:
    if not rendered.has_compose():
        pytest.skip("docker compose is not here: the files are read without it")
    assert rendered.by_compose(form)[1] == ""


def test_the_parts(services: dict[str, Document]) -> None:
    assert services.keys() == PARTS


def test_ports_are_published_on_loopback_only(services: dict[str, Document]) -> None:
    published = {name: rendered.ports(service) for name, service in services.items()}
    assert {name for name, found in published.items() if found} == {"api", "dashboard", "prometheus", "scorecard"}
    assert {address for found in published.values() for address, _ in found} == {"127.0.0.1"}


def test_nobody_gets_the_engine(services: dict[str, Document]) -> None:
    for name, service in services.items():
        sources = [source for source, _, _ in rendered.mounts(service)]
        assert not [source for source in sources if "docker" in source or source.startswith(("/", ".."))], name
        assert not service.get("privileged"), name
        assert not {"pid", "ipc", "network_mode", "devices", "cap_add", "userns_mode"} & service.keys(), name


def test_everybody_is_confined(services: dict[str, Document]) -> None:
    for name, service in services.items():
        assert service["user"] == "65532:65532", f"{name}: the default must not be root"
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(re.sub(r"\D", "", str(service["mem_limit"]))) > 0, name
        assert 0 < float(service["cpus"]) <= 2, f"{name}: the smallest machine that is asked for has two cores"
        assert 0 < int(service["pids_limit"]) <= 512, name


def test_pid_1_reaps_and_forwards_signals(services: dict[str, Document]) -> None:
    for name, service in services.items():
        supervised = "services.stack.container" in service.get("command", [])
        assert supervised == (name in SHOP), name
        assert service["init"] is not supervised, name


def test_images_are_pinned(services: dict[str, Document], form: str) -> None:
    for name, service in services.items():
        image, _, tag = service["image"].rpartition(":")
        if image == "firedrill/lab":
            assert service["pull_policy"] == "never", name
            continue
        assert re.search(r"\d+\.\d+|^\d+$", tag), f"{name}: {service['image']}"
        assert image.startswith("firedrill-local/") == (form == "local"), name
        if form == "local":
            assert service["pull_policy"] == "never", name
    assert services["toxiproxy"]["image"].endswith(":2.12.0")


def test_the_base_of_the_lab_s_image_is_pinned(services: dict[str, Document], form: str) -> None:
    base = services[ONE_SHOT]["build"]["args"]["BASE_IMAGE"]
    assert base == {"official": "python:3.12.11-slim-bookworm", "local": "firedrill-local/base:bookworm"}[form]
    assert f"ARG BASE_IMAGE={'python:3.12.11-slim-bookworm'}" in (rendered.CHECKOUT / "Dockerfile").read_text()


def test_everybody_says_how_they_are(services: dict[str, Document]) -> None:
    for name, service in services.items():
        if name == ONE_SHOT:
            assert service["restart"] == "no"
            continue
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        # Docker 20.10 does not know it, and Compose then refuses the whole file.
        assert "start_interval" not in service["healthcheck"], name
        # A check costs CPU beside a measurement: patient.sh spaces them out, or the interval has to.
        paced = service["healthcheck"]["test"][1].endswith("/patient.sh")
        assert paced == (name != "toxiproxy"), f"{name}: only an image without a shell does without"


def test_a_health_check_hurries_once_and_is_patient_afterwards(tmp_path: Path) -> None:
    slept, asked = tmp_path / "slept", tmp_path / "asked"
    commands = {"sleep": f'echo "$1" >>{slept}', "third_time": f'echo x >>{asked}; [ "$(wc -l <{asked})" -ge 3 ]'}
    for name, text in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}

    def check(command: str) -> int:
        script = rendered.CHECKOUT / "services/stack/images/patient.sh"
        return subprocess.run(["sh", str(script), command], env=environment, check=False).returncode

    assert check("false") == 1, "a part that never answers is not healthy"
    slept.unlink()
    assert check("third_time") == 0
    assert slept.read_text().split() == ["0.5", "0.5"]
    slept.unlink()
    assert check("true") == 0
    assert check("false") == 1
    assert slept.read_text().split() == ["9", "9"]


def test_the_order_of_the_start(services: dict[str, Document]) -> None:
    needs = {
        name: {on: how["condition"] for on, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert needs[ONE_SHOT] == dict.fromkeys(("postgres", "redis", "toxiproxy"), "service_healthy")
    for name in (*SHOP, "agent", "dashboard"):
        assert needs[name][ONE_SHOT] == "service_completed_successfully", name
    assert {how for conditions in needs.values() for how in conditions.values()} == {
        "service_healthy",
        "service_completed_successfully",
    }


def test_toxiproxy_is_the_shop_s_only_way(services: dict[str, Document], document: Document) -> None:
    of = {name: rendered.networks(service) for name, service in services.items()}
    for name in SHOP:
        for dependency in BEHIND_THE_PROXY:
            assert not of[name] & of[dependency], f"{name} would reach {dependency} past the proxy"
        assert of[name] & of["toxiproxy"] == {"front"}, name
    assert of["toxiproxy"] >= {"front", "back"}
    assert {name for name, found in of.items() if "front" in found} == {*SHOP, "toxiproxy"}
    # Nothing but the network where ports are published leads out of the machine.
    assert {name for name, network in document["networks"].items() if not (network or {}).get("internal")} == {"edge"}
    assert {name for name, found in of.items() if "edge" in found} == {"api", "dashboard", "prometheus", "scorecard"}


def test_the_shop_can_t_switch_its_own_faults_off(services: dict[str, Document]) -> None:
    host = CONTAINERS["toxiproxy"]
    assert f"-host={host}" in services["toxiproxy"]["command"]
    assert services["toxiproxy"]["networks"]["back"]["aliases"] == [host]
    assert not (services["toxiproxy"]["networks"]["front"] or {}).get("aliases")


def test_containers_are_called_as_the_code_calls_them(services: dict[str, Document]) -> None:
    assert set(CONTAINERS.values()) - {CONTAINERS["toxiproxy"]} <= services.keys()


def test_the_learner_s_code_is_mounted_and_read_only_for_the_shop(services: dict[str, Document]) -> None:
    mounted = {
        name: {target: (source, read_only) for source, target, read_only in rendered.mounts(service)}
        for name, service in services.items()
    }
    for name in SHOP:
        assert mounted[name]["/app/services/shop"] == ("services/shop", True)
    assert mounted["agent"]["/app/services/shop"] == ("services/shop", False)
    assert mounted["agent"]["/app/evidence"] == ("evidence", False)
    assert mounted["dashboard"]["/app/evidence"] == ("evidence", True)
    assert mounted["scorecard"]["/keep"] == (".lab/keep", False), "scores outlive containers, images and reset"


def test_secrets_are_files_and_only_where_they_are_needed(services: dict[str, Document], document: Document) -> None:
    assert document["secrets"].keys() == {*SECRETS, "redis_users"}
    has = {
        name: {s if isinstance(s, str) else s["source"] for s in service.get("secrets", [])}
        for name, service in services.items()
    }
    for name in SHOP:
        said = "no lab token: it could change the ledger; Redis' user of its own alone"
        assert has[name] == {"shop_postgres", "redis_shop", "shop_secret_key", "supervisor"}, said
    assert has["redis"] == {"redis_users", "redis_lab"}, "hashes, and what its health check logs in with"
    assert not has["toxiproxy"] | has["prometheus"] | has["dashboard"]
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", variable):
                assert str(value).startswith("/run/secrets"), f"{name}: {variable}"


def test_a_restart_is_for_crashes_only(services: dict[str, Document]) -> None:
    assert {service["restart"] for name, service in services.items() if name != ONE_SHOT} == {"on-failure"}


def test_what_the_image_is_made_of() -> None:
    text = (rendered.CHECKOUT / "Dockerfile").read_text()
    assert "--require-hashes -r /tmp/requirements.lock" in text
    assert re.search(r"^USER 65532:65532$", text, re.MULTILINE)
    assert "RUN --mount" not in text, "the classic builder has to do"
    ignored = (rendered.CHECKOUT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not {"!.lab", "!evidence", "!.env", "!.git"} & set(ignored)


def test_the_reader_agrees_with_compose(form: str) -> None:
    if not rendered.has_compose():
        pytest.skip("docker compose is not here")
    ours, theirs = rendered.by_reading(form)["services"], rendered.by_compose(form)[0]["services"]
    assert ours.keys() == theirs.keys()
    for name, service in theirs.items():
        assert rendered.ports(ours[name]) == rendered.ports(service), name
        assert rendered.mounts(ours[name]) == rendered.mounts(service), name
        assert rendered.networks(ours[name]) == rendered.networks(service), name
        assert ours[name]["image"] == service["image"], name


def test_shell_scripts_parse() -> None:
    scripts = list((rendered.CHECKOUT / "services/stack").rglob("*.sh"))
    assert scripts
    for script in scripts:
        done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_name_that_a_container_is_asked_by_is_known_to_it(services: dict[str, Document]) -> None:
    """Anything else is refused: a page of a stranger whose name points at this machine."""
    asked = {CONTAINERS[name] for name in ("api", "gateway", "agent", "scorecard", "worker_metrics", "shop_to_gateway")}
    for name in ("api", "worker", "gateway", "scorecard", "agent", "dashboard"):
        known = set(services[name]["environment"]["FIREDRILL_HOSTNAMES"].split(","))
        assert asked <= known, name
        assert not known & {"", "*"}, name
