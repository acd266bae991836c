"""compose.yaml as Compose renders it: by Compose itself where it is there, else by a reader of the files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
FORMS = {"official": ["compose.yaml"], "local": ["compose.yaml", "compose.local-images.yaml"]}
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
Document = dict[str, Any]


def environment() -> dict[str, str]:
    """Without anything that would change what is rendered; no .env is read."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("FIREDRILL_", "COMPOSE_"))}
    return {**kept, "COMPOSE_DISABLE_ENV_FILE": "1"}


def has_compose() -> bool:
    """Whether the plugin can be asked; rendering needs no engine."""
    if shutil.which("docker") is None:
        return False
    asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False, env=environment())
    return asked.returncode == 0


def by_compose(form: str) -> tuple[Document, str]:
    """The document and whatever Compose complained about."""
    files = [word for name in FORMS[form] for word in ("-f", name)]
    done = subprocess.run(
        ["docker", "compose", *files, "config", "--format", "json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def by_reading(form: str) -> Document:
    """The document with defaults filled in and the files laid over each other."""
    merged: Document = {}
    for name in FORMS[form]:
        text = _VARIABLE.sub(lambda match: match.group(2), (CHECKOUT / name).read_text())
        merged = _over(merged, yaml.safe_load(text))
    return merged


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above


def ports(service: Document) -> list[tuple[str, int]]:
    """(address on the host, port inside) of each published port, from either rendering."""
    found = []
    for port in service.get("ports", []):
        if isinstance(port, dict):
            found.append((str(port.get("host_ip", "")), int(port["target"])))
        else:
            *address, _, inside = str(port).split(":")
            found.append((address[0] if address else "", int(inside)))
    return found


def mounts(service: Document) -> list[tuple[str, str, bool]]:
    """(source, target, read-only) of each mount, from either rendering."""
    found = []
    for mount in service.get("volumes", []):
        if isinstance(mount, dict):
            source = str(mount.get("source", "")).removeprefix(f"{CHECKOUT}/")
            found.append((source, str(mount["target"]), bool(mount.get("read_only", False))))
        else:
            source, target, *mode = str(mount).split(":")
            found.append((source.removeprefix("./"), target, mode == ["ro"]))
    return found


def networks(service: Document) -> set[str]:
    """Names of the networks, from either rendering."""
    return set(service["networks"])
