"""How the shop is kept from the lab's files and processes, and how its programs are started for that."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from launch.python import PYTHON
from services.stack.config import Settings
from services.stack.confined import REFUSED, blocked_by
from services.stack.layout import SHOP_SECRETS, Lab, write_json, write_private
from services.stack.privileges import Account, own_folder

OWN_USER: Final = "own user"
SAME_USER: Final = "same user"
CONTAINERS: Final = "containers"
_TRIAL_S: Final = 20.0
_SEES: Final = "the shop's user sees the lab's processes and their command lines: no mount namespace is allowed here"
# Each lab's shop gets a user id of its own. The first range is unused by systemd's table of users; the second is for
# user namespaces that have no ids so high.
_RANGES: Final = ((1_880_000_000, 200_000_000), (50_000, 9_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """How the shop runs.

    Attributes:
        kind: `own user`, `same user` or `containers`.
        why: Why the isolation is not stronger; empty when it is the strongest.
        uid: The shop's own user and group, None without one.
        reach: Folders that this user could not reach otherwise.
        hides: Whether this user sees no process of another user.
    """

    kind: str
    why: str = ""
    uid: int | None = None
    reach: tuple[str, ...] = ()
    hides: bool = False

    @property
    def account(self) -> Account | None:
        """The owner of the shop's own files; None: the caller."""
        return None if self.uid is None else Account(str(self.uid), self.uid, self.uid)

    def command(self, *words: str) -> tuple[str, ...]:
        """The command that runs *words* (Python's arguments) as a program of the shop."""
        user = () if self.uid is None else ("--user", str(self.uid))
        reach = tuple(word for folder in self.reach for word in ("--reach", folder))
        hide = ("--hide",) if self.hides else ()
        return (*PYTHON, "-m", "services.stack.confined", *user, *hide, *reach, "--", *PYTHON, "-u", *words)


def decide(settings: Settings, lab: Lab) -> Isolation:
    """The strongest isolation that works on this machine, by trial; recorded in the lab for `current`."""
    found = _decide(settings, lab)
    write_json(lab.isolation_file, asdict(found))
    return found


def current(lab: Lab) -> Isolation:
    """What `decide` found when the stack was started; `same user` when it was never started."""
    return recorded(lab.isolation_file)


def recorded(file: Path) -> Isolation:
    """As `current`, from the given file."""
    try:
        document = json.loads(file.read_text())
        return Isolation(**{**document, "reach": tuple(document["reach"])})
    except (OSError, ValueError, KeyError, TypeError):
        return Isolation(kind=SAME_USER, why="the stack was not started yet")


def _decide(settings: Settings, lab: Lab) -> Isolation:
    if settings.mode == "compose":
        return Isolation(kind=CONTAINERS)
    if os.geteuid() != 0:
        return Isolation(kind=SAME_USER, why="the lab was not started by root, so it can't use another user")
    why = ""
    for uid in _candidates(lab):
        own_folder(lab.shop_run, Account(str(uid), uid, uid))
        for reach in ((), _needed(settings, lab)):
            if reach and not any(blocked_by(Path(folder)) for folder in reach):
                continue
            for hides in (True, False):
                unseen = "" if hides else _SEES
                tried = Isolation(kind=OWN_USER, uid=uid, reach=reach, hides=hides, why=unseen)
                why = _trial(settings, tried)
                if not why:
                    return tried
    own_folder(lab.shop_run, None)
    return Isolation(kind=SAME_USER, why=f"a user of the shop's own can't run it here: {why}")


def run_dir(lab: Lab) -> Path:
    """Where the shop's programs write; a container has a folder in memory for that."""
    return lab.run / "shop" if lab.secrets_dir else lab.shop_run


def share(lab: Lab, isolation: Isolation) -> None:
    """Give the shop what it may have of the lab: the secrets of SHOP_SECRETS, and a folder to write to."""
    if lab.secrets_dir is not None:
        run_dir(lab).mkdir(parents=True, exist_ok=True, mode=0o700)
        return
    own_folder(lab.shop_run, isolation.account)
    own_folder(lab.shop / "secrets", isolation.account)
    for name in SHOP_SECRETS:
        file = lab.shop_secret_file(name)
        write_private(file, lab.secret(name))
        if isolation.uid is not None:
            os.chown(file, isolation.uid, isolation.uid)


def empty_run_dir(lab: Lab) -> None:
    """Remove what the last variant wrote, so that the next one does not find it."""
    for path in run_dir(lab).glob("*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _candidates(lab: Lab) -> Sequence[int]:
    number = int.from_bytes(hashlib.sha256(str(lab.root).encode()).digest()[:8])
    return [first + number % size for first, size in _RANGES]


def _needed(settings: Settings, lab: Lab) -> tuple[str, ...]:
    """What the shop reads: Python with its packages, the code of the services, its own folder of the lab."""
    own = (settings.checkout / "services", settings.checkout / "launch", lab.shop)
    folders = (Path(sys.base_prefix), Path(sys.prefix), *own)
    return tuple(dict.fromkeys(str(folder) for folder in folders))


def _trial(settings: Settings, tried: Isolation) -> str:
    """Why the shop can't run with this isolation; empty when it can."""
    read = "import django, psycopg, services.shop.serve, os; open(os.environ['SHOP_RUN_DIR'] + '/trial', 'w').close()"
    command = tried.command("-c", read)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "SHOP_RUN_DIR": str(Lab(settings.lab_dir).shop_run)}
    try:
        done = subprocess.run(
            command, cwd=settings.checkout, env=environment, capture_output=True, text=True, timeout=_TRIAL_S,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip() or "no message").splitlines()[-1]
    return said if done.returncode == REFUSED else f"exit {done.returncode} ({said})"
