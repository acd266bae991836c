"""Which mode `make` takes, and what it says when Docker can't be used: with programs named docker of our own."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from services.stack import redis_users

CHECKOUT = Path(__file__).resolve().parents[2]
WITHOUT = "or run the lab without Docker: STACK=local"
FILES = ("compose.yaml", "compose.local-images.yaml", "Dockerfile", ".dockerignore", "Makefile", "pyproject.toml",
         "README.md", "requirements.in", "requirements.lock")  # fmt: skip
FOLDERS = ("services", "chaos", "loadtests", "dashboard", "scenarios")

Lab = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as the scripts look at."""
    top = tmp_path / "checkout"
    shutil.copytree(CHECKOUT / "services/stack", top / "services/stack", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "launch", top / "launch", ignore=shutil.ignore_patterns("__pycache__"))
    (top / "services/shop").mkdir()
    for name in FILES:
        shutil.copy(CHECKOUT / name, top / name)
    for name in FOLDERS:
        (top / name).mkdir(exist_ok=True)
    return top


@pytest.fixture
def lab(checkout: Path, tmp_path: Path) -> Lab:
    """Runs `lab.sh` with a `docker` that answers as told; None leaves it out."""

    def run(
        *words: str, docker: str | None = "", stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        tools = tmp_path / "bin"
        shutil.rmtree(tools, ignore_errors=True)
        tools.mkdir()
        for name in ("bash", "cat", "chmod", "chgrp", "chown", "cksum", "cut", "dirname", "df", "awk", "find", "grep",
                     "head", "id", "ln", "mkdir", "mv", "od", "rm", "sed", "sha256sum", "sort",
                     "tail", "timeout", "tr", "uname",
                     "xargs"):  # fmt: skip
            (tools / name).symlink_to(str(shutil.which(name)))
        if docker is not None:
            (tools / "docker").write_text(f"#!/bin/bash\n{docker}\n")
            (tools / "docker").chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FIREDRILL_", "DOCKER_", "COMPOSE_"))}
        kept.pop("STACK", None)
        return subprocess.run(
            ["services/stack/lab.sh", *words],
            cwd=checkout,
            env={**kept, "PATH": str(tools), **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def engine(version: str = "27.1.1", compose: str = "2.29.0", images: str = "exit 0", more: str = "") -> str:
    """A docker that answers with these versions."""
    return f"""
case "$*" in
  version*) echo {version} ;;
  "compose version"*) echo {compose} ;;
  "image inspect --format"*) echo stale; exit 1 ;;
  "image inspect"*) {images} ;;
  "compose config --images") printf 'postgres:17\\nfiredrill/lab:local\\n' ;;
  "compose ps"*|"network ls"*) ;;
  {more}
esac"""


NO_ANSWER = 'echo "Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?" >&2; exit 1'


@pytest.mark.parametrize(
    ("docker", "sentence"),
    [
        (None, "docker: got no such command, expected Docker 20.10 or newer with Compose; install it"),
        (NO_ANSWER, "docker: got no answer from an engine (Cannot connect to the Docker daemon at unix:///x.sock. "
                    "Is the docker daemon running?), expected it to run and to let you in; start it or join its group"),
        (engine("19.3.8"), "docker: got engine 19.3.8, expected 20.10 or newer; update it"),
        (engine("20.9.1"), "docker: got engine 20.9.1, expected 20.10 or newer; update it"),
        (engine(compose=""),
         "docker compose: got no such command, expected the Compose plugin 2.24 or newer; install it"),
        (engine(compose="v2.23.3"), "docker compose: got version v2.23.3, expected 2.24 or newer; update the plugin"),
        (engine(compose="1.29.2"), "docker compose: got version 1.29.2, expected 2.24 or newer; update the plugin"),
    ],
)  # fmt: skip
def test_docker_that_can_t_be_used(lab: Lab, docker: str | None, sentence: str) -> None:
    asked = lab("mode", docker=docker, STACK="compose")
    assert (asked.returncode, asked.stderr) == (2, f"{sentence}, {WITHOUT}\n")
    left_alone = lab("mode", docker=docker)
    assert (left_alone.returncode, left_alone.stdout) == (0, f"local: {sentence}, {WITHOUT}\n")


@pytest.mark.parametrize(
    ("version", "compose"), [("20.10.24+dfsg1", "5.0.2"), ("28.2.2", "v2.24.0"), ("27.0.0-rc.1", "dev")]
)
def test_docker_that_can(lab: Lab, version: str, compose: str) -> None:
    assert lab("mode", docker=engine(version, compose)).stdout == (
        f"compose: Docker {version} with Compose {compose} answers\n"
    )


def test_the_caller_decides(lab: Lab) -> None:
    assert lab("mode", docker=engine(), STACK="local").stdout == "local: STACK=local says so\n"
    assert lab("mode", docker=engine(), STACK="compose").stdout == "compose: STACK=compose says so\n"
    wrong = lab("mode", docker=engine(), STACK="podman")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("STACK: got podman, expected local or compose")


def test_a_local_stack_that_is_up_is_not_left_behind(lab: Lab, checkout: Path) -> None:
    (checkout / ".lab").mkdir()
    (checkout / ".lab/stack.json").write_text("{}")
    assert lab("mode", docker=engine()).stdout == ("local: a stack of local processes is up (make down ends it)\n")


def test_an_image_that_can_t_be_pulled(lab: Lab) -> None:
    docker = engine(images="exit 1", more='pull*) echo "dial tcp: no route to host" >&2; exit 1 ;;')
    done = lab("up", docker=docker, STACK="compose")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "image postgres:17: got dial tcp: no route to host, expected to pull it; "
        f"make images-local builds all of them without a registry, {WITHOUT}"
    )


def test_a_local_image_that_is_missing(lab: Lab) -> None:
    done = lab("up", docker=engine(images="exit 1"), STACK="compose", IMAGES="local")
    assert done.returncode == 2
    assert (
        done.stderr.splitlines()[-1]
        == f"images: got no postgres:17, expected them built here: make images-local, {WITHOUT}"
    )


def test_a_build_that_fails_shows_its_end(lab: Lab) -> None:
    docker = engine(more="\"compose build\"*) echo 'Step 3: no such base' ; exit 1 ;;")
    done = lab("up", docker=docker, STACK="compose")
    assert done.returncode == 4
    assert "Step 3: no such base" in done.stderr
    assert done.stderr.splitlines()[-1].endswith(f"make images-local, {WITHOUT}")


def test_a_port_that_is_taken(lab: Lab) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = lab("up", docker=engine(), STACK="compose", FIREDRILL_BASE_PORT=str(port - 1))
    assert done.returncode == 4
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"port {port} (dashboard port): held by another process, expected free; stop it or choose")
    assert "make up BASE_PORT=" in last


@pytest.mark.parametrize("base", ["80", "70000", "eighteen", "65530"])
def test_a_base_port_that_is_none(lab: Lab, base: str) -> None:
    done = lab("status", docker=engine(), STACK="compose", FIREDRILL_BASE_PORT=base)
    assert done.returncode == 2
    assert done.stderr == f"FIREDRILL_BASE_PORT: got '{base}', expected a whole number from 1024 to 65515\n"


def test_containers_that_do_not_get_ready(lab: Lab) -> None:
    docker = engine(more='"compose up"*) echo "container x-redis-1 is unhealthy"; exit 1 ;;')
    done = lab("up", docker=docker, STACK="compose", FIREDRILL_BASE_PORT="45310")
    assert done.returncode == 4
    assert "container x-redis-1 is unhealthy" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("stack: got containers that did not get ready")


def test_secrets_are_made_once_and_for_their_owner_only(lab: Lab, checkout: Path) -> None:
    docker = engine(more='"compose up"*) ;;')
    assert lab("up", docker=docker, STACK="compose", FIREDRILL_BASE_PORT="45310").returncode == 0
    folder = checkout / ".lab/secrets"
    first = {file.name: file.read_text() for file in folder.iterdir()}
    users = first.pop("redis_users")
    assert len(set(first.values())) == 9
    assert {len(text) for text in first.values()} == {32, 64}
    hashes = {name: hashlib.sha256(first[name].encode()).hexdigest() for name in ("redis_shop", "redis_lab")}
    assert users == redis_users.rules(shop=hashes["redis_shop"], lab=hashes["redis_lab"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert lab("up", docker=docker, STACK="compose").returncode == 0
    assert {file.name: file.read_text() for file in folder.iterdir()} == {**first, "redis_users": users}
    private = [file for file in (checkout / ".lab").rglob("*") if file.is_dir() and file.parent != checkout / ".lab"]
    assert len(private) > 7
    assert {file.stat().st_mode & 0o777 for file in private if file.name != "compose"} == {0o700}
    assert (checkout / ".lab/compose/base-port").read_text() == "45310", "remembered"
    env = (checkout / ".env").read_text()
    assert "FIREDRILL_API_PORT=45310\n" in env
    assert not [text for text in first.values() if text in env]


def test_somebody_else_s_env_file_is_left_alone(lab: Lab, checkout: Path) -> None:
    (checkout / ".env").write_text("MINE=1\n")
    assert lab("up", docker=engine(), STACK="compose", FIREDRILL_BASE_PORT="45310").returncode == 0
    assert (checkout / ".env").read_text() == "MINE=1\n"


@pytest.mark.parametrize("answer", ["", "no\n", "y\n", "YES\n"])
def test_clean_all_asks_first(lab: Lab, checkout: Path, answer: str) -> None:
    keep = checkout / ".lab/keep/scorecard.sqlite3"
    keep.parent.mkdir(parents=True)
    keep.write_text("scores")
    for stack in ("compose", "local"):
        done = lab("clean-all", docker=engine(), stdin=answer, STACK=stack)
        assert done.returncode == 2
        assert "Type yes to go on" in done.stderr
        assert keep.read_text() == "scores"


@pytest.mark.parametrize("env", ["MINE=1\n", None])
def test_clean_all_removes_everything_when_told_so(lab: Lab, checkout: Path, env: str | None) -> None:
    """But an `.env` that it did not write."""
    if env is None:
        assert lab("up", docker=engine(), STACK="compose", FIREDRILL_BASE_PORT="45310").returncode == 0
    else:
        (checkout / ".env").write_text(env)
    (checkout / ".lab/keep").mkdir(parents=True, exist_ok=True)
    (checkout / "evidence").mkdir(exist_ok=True)
    assert lab("clean-all", docker=engine(), stdin="yes\n", STACK="compose").returncode == 0
    assert not (checkout / ".lab").exists()
    assert not (checkout / "evidence").exists()
    assert (checkout / ".env").exists() == (env is not None)


def test_an_unknown_log(lab: Lab) -> None:
    done = lab("logs", docker=engine(), STACK="compose", P="mysql")
    assert (done.returncode, done.stderr[:40]) == (2, "logs: got 'mysql', expected one of agent")
