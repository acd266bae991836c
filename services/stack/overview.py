"""Commands that change nothing: what runs, what is installed, and the logs."""

from __future__ import annotations

import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from services.stack import ports as port_table
from services.stack import programs, provisioning, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import in_compose, lab_of, stack_of
from services.stack.layout import OPTIONAL, Lab
from services.stack.lifecycle import describe
from services.stack.readiness import dirty_proxies, log_tail

ALL_PARTS = (*programs.ALWAYS, *programs.SHOP)
KNOWN = (*ALL_PARTS, *OPTIONAL)


def status(settings: Settings) -> dict[str, object]:
    """Each part's process and its own answer; `up` is true when every part is ready."""
    stack = stack_of(settings)
    if not stack.supervisor.is_running():
        return {
            "up": False,
            "running": False,
            "base_port": stack.ports.base,
            "lab_dir": str(stack.lab.root),
            "parts": {},
        }
    states = stack.supervisor.programs()
    variant = shop.current_variant(stack.lab)
    with ThreadPoolExecutor(len(KNOWN)) as pool:
        names = [name for name in KNOWN if name in states or (in_compose(settings) and name in ALL_PARTS)]
        asked = {name: pool.submit(stack.checks.of(name, variant=variant)) for name in names}
        problems = {name: future.result() for name, future in asked.items()}
    parts: dict[str, dict[str, object]] = {}
    for name, problem in problems.items():
        if name not in states:  # a container without a supervisor: the engine knows about its process
            parts[name] = {"state": "CONTAINER", "pid": 0, "ready": problem is None, "problem": problem, "note": ""}
            continue
        state, pid, note = states[name].state, states[name].pid, states[name].note
        if name == "shop:relay" and stack.checks.has_no_relay():
            state, note = "NONE", f"{variant} has no relay"
        parts[name] = {"state": state, "pid": pid, "ready": problem is None, "problem": problem, "note": note}
    try:
        dirty = dirty_proxies(stack.lab, stack.ports)
    except (OSError, ValueError) as error:
        dirty = [f"toxiproxy: {error}"]
    return {
        "up": all(problem is None for name, problem in problems.items() if name not in OPTIONAL),
        "running": True,
        "lab_dir": str(stack.lab.root),
        **describe(stack),
        "parts": parts,
        "dirty_proxies": dirty,
    }


def logs(settings: Settings, names: list[str], *, lines: int) -> dict[str, list[str]]:
    """The last lines of each log, by part.

    Raises:
        StackError: `bad_input` for a part that does not exist.
    """
    lab = lab_of(settings)
    known = _logged(lab)
    for name in names:
        if name not in known:
            raise StackError("bad_input", f"logs: got {name!r}, expected one of {', '.join(known)}")
    return {name: log_tail(lab, name, lines=lines) for name in names or known}


def _logged(lab: Lab) -> list[str]:
    """Every part that has a log; of the optional ones those that ever ran."""
    optional = [name for name in OPTIONAL if (lab.log / f"{name}.log").exists()]
    return [*(name.removeprefix("shop:") for name in ALL_PARTS), *optional, "supervisord"]


def follow(settings: Settings, names: list[str]) -> None:
    """Print what is appended to the logs until it is interrupted."""
    lab = lab_of(settings)
    chosen = names or _logged(lab)
    offsets = {name: _size(lab, name) for name in chosen}
    while True:
        for name, offset in offsets.items():
            size = _size(lab, name)
            if size > offset:
                with (lab.log / f"{name}.log").open("rb") as stream:
                    stream.seek(offset)
                    for line in stream.read(size - offset).decode(errors="replace").splitlines():
                        sys.stdout.write(f"{name:<11} {line}\n")
                sys.stdout.flush()
            offsets[name] = size
        time.sleep(0.2)


def _size(lab: Lab, name: str) -> int:
    file = lab.log / f"{name}.log"
    return file.stat().st_size if file.exists() else 0


def doctor(settings: Settings) -> dict[str, object]:
    """Every part: where it was found, its version, what is missing and how to get it."""
    stack = stack_of(settings)
    found = {part.name: asdict(part) | {"ok": part.is_there} for part in provisioning.find(settings)}
    running = stack.supervisor.is_running()
    taken = {} if running else port_table.taken(stack.ports)
    return {
        "python": {"version": sys.version.split()[0], "executable": sys.executable},
        "checkout": str(settings.checkout),
        "lab_dir": str(settings.lab_dir),
        "base_port": stack.ports.base,
        "running": running,
        "parts": found,
        "ports_taken": {name: {"port": stack.ports[name], "holder": holder} for name, holder in taken.items()},
        "free_disk_mb": _free_mb(settings),
        "variants": shop.known_variants(settings),
        "ok": all(found[name]["ok"] for name in ("postgres", "redis", "toxiproxy")) and not taken,
    }


def _free_mb(settings: Settings) -> int:
    folder = settings.lab_dir
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 2**20
