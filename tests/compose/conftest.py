"""A copy of this checkout, up in Compose mode for the tests of one session, where an engine and images are."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIRED = "compose" in os.environ.get("FIREDRILL_REQUIRE", "").split(",")
# Everything that `make` may use on the host in Compose mode: there is no Python among it.
HOST_TOOLS = (
    "awk", "bash", "cat", "chgrp", "chmod", "chown", "cksum", "cut", "df", "dirname", "docker", "env", "find",
    "git", "grep", "head", "id", "make", "mkdir", "mktemp", "mv", "od", "printf", "rm", "sed", "sh", "sha256sum",
    "sort", "tail", "timeout", "tr", "uname", "xargs",
)  # fmt: skip


def _missing() -> str:
    """Why there is nothing to test with; empty when there is."""
    said = subprocess.run(
        ["services/stack/lab.sh", "mode"],
        cwd=CHECKOUT,
        env={**os.environ, "STACK": "compose"},
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        return said.stderr.strip()
    if not _image_form():
        return "images: got neither the official ones nor the local ones, expected one of them (make images-local)"
    return ""


def _image_form() -> str:
    for form, image in (("local", "firedrill-local/postgres:15"), ("official", "postgres:17.6-bookworm")):
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0:
            return form
    return ""


@dataclass(frozen=True)
class ComposeLab:
    """The copy, and how to run things in and around it."""

    top: Path
    tools: Path
    base_port: int
    image_form: str

    @property
    def environment(self) -> dict[str, str]:
        """No Python on PATH, nothing of ours but the base port."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FIREDRILL_", "COMPOSE_", "PYTHON"))}
        kept.pop("STACK", None)  # an engine answers: that has to be enough
        own = {"PATH": str(self.tools), "FIREDRILL_BASE_PORT": str(self.base_port), "IMAGES": self.image_form}
        return {**kept, **own}

    def run(
        self, *words: str, timeout_s: float = 280, stdin: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in the copy to its end."""
        return subprocess.run(
            words,
            cwd=self.top,
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def make(self, *words: str) -> str:
        """Run `make` with *words*, which has to succeed; its stdout."""
        done = self.run("make", "--no-print-directory", *words)
        assert done.returncode == 0, f"make {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def inside(self, service: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in a container."""
        return self.run("docker", "compose", "exec", "-T", service, *words, stdin=stdin)

    def python(self, service: str, program: str) -> Any:
        """Run a Python program in a container; what it printed, as JSON."""
        done = self.inside(service, "python", "-", stdin=program)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def identities(self) -> dict[str, Any]:
        """Who runs right now."""
        done = self.inside("agent", "python", "-m", "services.stack", "identities", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def containers(self, *, everything: bool = False) -> dict[str, dict[str, Any]]:
        """Service → what the engine says of its container."""
        listed = self.run("docker", "compose", "ps", "--quiet", *(["--all"] if everything else []))
        ids = listed.stdout.split()
        if not ids:
            return {}
        documents = json.loads(self.run("docker", "inspect", *ids).stdout)
        return {document["Config"]["Labels"]["com.docker.compose.service"]: document for document in documents}


def _free_base_port() -> int:
    for base in range(27000, 27900, 20):
        with closing(socket.socket()) as probe:
            try:
                probe.bind(("127.0.0.1", base))
            except OSError:
                continue
        return base
    raise AssertionError("no free port")


@pytest.fixture(scope="session")
def compose_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeLab]:
    """Up, with the local images where they are; gone at the end, with its data."""
    if why := _missing():
        if REQUIRED:
            pytest.fail(why)
        pytest.skip(f"left out, no Compose mode here: {why}")
    folder = tmp_path_factory.mktemp("compose")
    top, tools = folder / "checkout", folder / "bin"
    # What git knows and what is new, without what runs have left.
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (CHECKOUT / name).is_file():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, top / name)
    person = ("-c", "user.name=somebody", "-c", "user.email=somebody@localhost", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), (*person, "commit", "--quiet", "--message=a copy")):
        subprocess.run(["git", *words], cwd=top, capture_output=True, check=True)
    tools.mkdir()
    for name in HOST_TOOLS:
        if (found := shutil.which(name)) is not None:
            (tools / name).symlink_to(found)
    for parent in (folder, folder.parent, folder.parent.parent):  # pytest keeps them to itself; containers look in
        parent.chmod(parent.stat().st_mode | 0o711)
    lab = ComposeLab(top, tools, _free_base_port(), _image_form())
    try:
        lab.make("up")
        yield lab
    finally:
        lab.run("services/stack/compose.sh", "down")
        lab.run("docker", "compose", "down", "--volumes", "--remove-orphans")
        shutil.rmtree(top, ignore_errors=True)
