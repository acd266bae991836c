"""Remove the data that the stack can make again; keep what a person made."""

from __future__ import annotations

import shutil
from pathlib import Path

from services.stack import lifecycle
from services.stack.compose import outside_only
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import in_compose, stack_of
from services.stack.layout import Lab
from services.stack.progress import say


def doomed(lab: Lab) -> list[Path]:
    """Everything that `reset` removes. It keeps `keep/`, secrets, downloaded servers and the evidence folder."""
    folders = [lab.root / "postgres", lab.redis, lab.prometheus_data, lab.log, lab.run, lab.shop, lab.overflow]
    files = [lab.root / "world.json", lab.supervisor_conf]
    return [*folders, *files, *lab.root.glob("gateway.sqlite3*"), *lab.root.glob("mail.sqlite3*")]


def reset(settings: Settings) -> dict[str, object]:
    """Remove the shop's data; a stack that was up is brought up again, empty.

    Raises:
        StackError: `disk` when something can't be removed.
    """
    if in_compose(settings):
        raise outside_only("reset")
    was_up = stack_of(settings).supervisor.is_running()
    lifecycle.down(settings)
    removed: list[str] = []
    for path in doomed(Lab(settings.lab_dir)):
        if not path.exists():
            continue
        say("reset", f"removing {path}")
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            raise StackError("disk", f"{path}: got {error}, expected to remove it") from error
        removed.append(str(path))
    if was_up:
        lifecycle.up(settings)
    return {"removed": removed, "running": was_up}
