"""Prometheus: on PATH, else the Debian package unpacked without root, else absent: the lab works without it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from launch import environment
from services.stack.config import Settings
from services.stack.progress import heartbeat, say
from services.stack.provision.found import Found, first_line, on_path

TIMEOUT_S: Final = 120.0
RETRY_AFTER_S: Final = 3600.0
_MISSING: Final = (
    "not found on PATH; runs and verdicts work without it, and the dashboard draws runs from their history, without "
    "the API's side, proxies and queues. To get it: `make provision` where apt-get is there (the Debian package is "
    "unpacked, no root needed), else install Prometheus and run `make up`"
)


class DownloadFailed(Exception):
    """The package could not be downloaded or unpacked."""


def unpacked_file(settings: Settings) -> Path:
    """Where the server of the Debian package is kept."""
    return settings.tools_dir / "prometheus" / "prometheus"


def _server(path: Path, source: str) -> Found | None:
    line = first_line([str(path), "--version"])
    if line is None:
        return None
    number = re.search(r"version (\d+(?:\.\d+)+)", line)
    return Found(name="prometheus", command=(str(path),), source=source, version=number.group(1) if number else line)


def find(settings: Settings) -> Found:
    """The server that is installed now; downloads nothing."""
    found = on_path("prometheus", settings.path)
    if found is not None and (server := _server(found, "PATH")) is not None:
        return server
    unpacked = unpacked_file(settings)
    server = _server(unpacked, "Debian package") if unpacked.is_file() else None
    return server or Found(name="prometheus", missing=_MISSING)


def get(settings: Settings, *, again: bool = False) -> Found:
    """What `find` finds; else one try in an hour to unpack the Debian package (*again*: try now)."""
    found = find(settings)
    if found.is_there:
        return found
    failed = settings.tools_dir / "prometheus" / "failed"
    tools = [shutil.which(name, path=settings.path) for name in ("apt-get", "dpkg-deb")]
    if settings.offline or None in tools:
        return found
    if not again and failed.exists() and time.time() - failed.stat().st_mtime < RETRY_AFTER_S:
        return found
    failed.parent.mkdir(parents=True, exist_ok=True)
    try:
        with heartbeat("prometheus", "downloading the Debian package (once, 20 MB)"):
            _unpack(unpacked_file(settings))
    except (DownloadFailed, OSError, subprocess.TimeoutExpired) as error:
        say("prometheus", f"not had: {error}")
        failed.write_text(f"{error}\n")
        return found
    failed.unlink(missing_ok=True)
    return find(settings)


def _run(command: Sequence[str], cwd: Path, deadline: float) -> None:
    remaining_s = deadline - time.monotonic()
    if remaining_s <= 0:
        raise DownloadFailed(f"no time left for {command[0]}, the limit is {TIMEOUT_S:.0f} s")
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment.for_installers(),
        capture_output=True,
        text=True,
        timeout=remaining_s,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DownloadFailed(f"{' '.join([command[0], command[-1]])}: {reason}")


def _unpack(target: Path) -> None:
    """Uses `apt-get download` with its own folders, which needs no root and does not change the machine's lists."""
    deadline = time.monotonic() + TIMEOUT_S
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as name:
        folder = Path(name)
        for needed in ("state/lists/partial", "cache/archives/partial", "package"):
            (folder / needed).mkdir(parents=True)
        (folder / "status").touch()
        options = {
            "Dir::State": folder / "state",
            "Dir::State::status": folder / "status",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::Retries": "1",
            "Acquire::http::Timeout": "15",
        }
        apt = ["apt-get", "-q", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]
        _run([*apt, "update"], folder, deadline)
        _run([*apt, "download", "prometheus"], folder, deadline)
        packages = list(folder.glob("prometheus_*.deb"))
        if not packages:
            raise DownloadFailed("apt-get download: got no file, expected prometheus_*.deb")
        _run(["dpkg-deb", "--extract", str(packages[0]), "package"], folder, deadline)
        binary = folder / "package" / "usr" / "bin" / "prometheus"
        if first_line([str(binary), "--version"]) is None:
            raise DownloadFailed("the unpacked prometheus does not run on this machine")
        binary.replace(target)
        say("prometheus", f"unpacked: {target}")
