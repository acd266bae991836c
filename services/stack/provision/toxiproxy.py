"""Toxiproxy: from FIREDRILL_TOXIPROXY, on PATH, built before, built now with Go, else the built-in stand-in."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from launch import environment
from launch.python import PYTHON
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.progress import heartbeat, say
from services.stack.provision.found import Found, first_line, on_path

VERSION: Final = "2.12.0"
OLDEST_GO: Final = (1, 23)
BUILD_TIMEOUT_S: Final = 240.0
BUILTIN_SOURCE: Final = "built-in stand-in"
_MODULE: Final = f"github.com/Shopify/toxiproxy/v2/cmd/server@v{VERSION}"
_LDFLAGS: Final = f"-X github.com/Shopify/toxiproxy/v2.Version={VERSION}"
_HINT: Final = (
    f"the real Toxiproxy {VERSION}: install Go 1.23 or newer and run `make up` (it is built once), "
    "or set FIREDRILL_TOXIPROXY=/path/to/toxiproxy-server"
)


def builtin() -> Found:
    """The stand-in; it is part of the code and always there."""
    command = (*PYTHON, "-m", "services.toxiproxy")
    return Found(name="toxiproxy", command=command, source=BUILTIN_SOURCE, version=VERSION, hint=_HINT)


def built_file(settings: Settings) -> Path:
    """Where the server built with Go is kept."""
    return settings.tools_dir / "bin" / "toxiproxy-server"


def _server(path: Path, source: str) -> Found | None:
    line = first_line([str(path), "-version"])
    if line is None:
        return None
    number = re.search(r"\d+(\.\d+)+|git", line)
    return Found(name="toxiproxy", command=(str(path),), source=source, version=number.group() if number else line)


def _given(settings: Settings) -> Found | None:
    if settings.toxiproxy is None:
        return None
    if settings.toxiproxy == "builtin":
        return builtin()
    found = _server(Path(settings.toxiproxy).expanduser().resolve(), "FIREDRILL_TOXIPROXY")
    if found is None:
        message = (
            f"FIREDRILL_TOXIPROXY: got {settings.toxiproxy!r}, expected `builtin` or the path of a toxiproxy-server"
        )
        raise StackError("bad_input", message)
    return found


def _real(settings: Settings) -> Found | None:
    found = on_path("toxiproxy-server", settings.path)
    if found is not None and (server := _server(found, "PATH")) is not None:
        return server
    return _server(built_file(settings), "built with Go") if built_file(settings).is_file() else None


def find(settings: Settings) -> Found:
    """What would run now; builds nothing."""
    return _given(settings) or _real(settings) or builtin()


def go_version(settings: Settings) -> tuple[int, int] | None:
    """Version of the Go on PATH, None without one."""
    go = on_path("go", settings.path)
    line = first_line([str(go), "version"]) if go else None
    number = re.search(r"go(\d+)\.(\d+)", line or "")
    return (int(number.group(1)), int(number.group(2))) if number else None


def get(settings: Settings) -> Found:
    """What `find` finds; without a real server, builds it once if Go is installed."""
    found = _given(settings) or _real(settings)
    if found is not None:
        return found
    version = go_version(settings)
    if version is None or version < OLDEST_GO:
        return builtin()
    if settings.offline:
        say("toxiproxy", "offline: not built, the built-in stand-in is used")
        return builtin()
    return _build(settings) or builtin()


def _build(settings: Settings) -> Found | None:
    target = built_file(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".build-") as folder:
        env = {**environment.for_installers(), "GOBIN": folder, "GOFLAGS": "-buildvcs=false"}
        env.setdefault("HOME", folder)  # Go wants a place for its cache
        command = ["go", "install", "-ldflags", _LDFLAGS, _MODULE]
        try:
            with heartbeat("toxiproxy", f"building {VERSION} with Go (once)"):
                done = subprocess.run(
                    command, env=env, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
                )
        except (OSError, subprocess.TimeoutExpired) as error:
            say("toxiproxy", f"not built ({error}), the built-in stand-in is used")
            return None
        binary = Path(folder) / "server"
        if done.returncode or not binary.is_file():
            reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
            say("toxiproxy", f"not built ({reason}), the built-in stand-in is used")
            return None
        binary.replace(target)
    say("toxiproxy", f"built: {target}")
    return _server(target, "built with Go")
