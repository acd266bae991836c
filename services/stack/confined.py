"""`python -m services.stack.confined [--user UID] [--hide] [--reach FOLDER]… -- COMMAND…` becomes COMMAND, as the shop.

The shop is the code under test: it gets the environment that it needs and nothing else, and, where root runs the lab, a
user of its own. Run before every start of a program of the shop, so it imports little.

The exit code is 126 when the user or the folders can't be set up, as with a shell that can't execute a command.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REFUSED = 126
# Source: linux/sched.h, sys/mount.h, linux/prctl.h.
_CLONE_NEWNS = 0x00020000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 0x2, 0x4, 0x8
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_NO_NEW_PRIVS = 38

_KEPT = frozenset({
    "PATH", "LANG", "LANGUAGE", "TZ", "TERM", "SSL_CERT_FILE", "SSL_CERT_DIR", "PYTHONUNBUFFERED", "VIRTUAL_ENV",
    "FIREDRILL_VARIANT", "FIREDRILL_VARIANT_FILE", "FIREDRILL_BIND_HOST", "FIREDRILL_HOSTNAMES",
    "FIREDRILL_STACK_PROCESS",
})  # fmt: skip
_KEPT_BEGINNINGS = ("SHOP_", "LC_")


def environment_of_shop(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of *environment* that a program of the shop gets: no address book, no token, no path to evidence."""
    kept = {name: value for name, value in environment.items() if name in _KEPT or name.startswith(_KEPT_BEGINNINGS)}
    if folder := environment.get("SHOP_RUN_DIR"):  # so that it writes to a folder that each run empties
        kept |= {"HOME": folder, "TMPDIR": folder}
    return kept


def blocked_by(folder: Path) -> Path | None:
    """The topmost parent of *folder* that other users may not pass; None when they can pass all."""
    for parent in reversed(folder.parents):
        try:
            if not parent.stat().st_mode & stat.S_IXOTH:
                return parent
        except OSError:
            return parent
    return None


def _call(name: str, *arguments: object) -> None:
    """One function of libc that returns 0 when it worked. Raises: OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def open_a_way(folders: Sequence[Path]) -> None:
    """In a mount namespace of this process's own, make *folders* reachable, but not what else is in closed parents.

    Raises:
        OSError: This is not allowed here.
    """
    closed: dict[Path, list[Path]] = {}
    for folder in folders:
        if (top := blocked_by(folder)) is not None:
            closed.setdefault(top, []).append(folder)
    if not closed:
        return
    os.umask(0o022)  # every user may pass the folders that are made here
    _call("unshare", _CLONE_NEWNS)
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    for top, wanted in closed.items():
        handles = [(folder, os.open(folder, os.O_PATH | os.O_DIRECTORY)) for folder in wanted]
        _call("mount", b"tmpfs", os.fsencode(top), b"tmpfs", 0, b"mode=0755,size=1m")
        for folder, handle in handles:
            folder.mkdir(parents=True, exist_ok=True)
            _call("mount", b"/proc/self/fd/%d" % handle, os.fsencode(folder), None, _MS_BIND | _MS_REC, None)
            os.close(handle)


def hide_processes() -> None:
    """In a mount namespace of this process's own, let /proc name only processes of its user.

    The command lines of the lab's processes name the scenario and the run. A kernel that does not know the word
    `invisible` (before 5.8) has one setting for all mounts of /proc, and refuses it.

    Raises:
        OSError: This is not allowed here.
    """
    _call("unshare", _CLONE_NEWNS)
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    _call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, b"hidepid=invisible")


def become_user(uid: int) -> None:
    """Become the user *uid* permanently: no right of the caller remains, and none can be gained. Raises: OSError."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main(words: Sequence[str]) -> int:
    """Become the command; returns only on failure."""
    before, command = list(words[: words.index("--")]), list(words[words.index("--") + 1 :])
    values = {name: before[at + 1] for at, name in enumerate(before) if name == "--user"}
    reach = [Path(before[at + 1]) for at, name in enumerate(before) if name == "--reach"]
    here = Path.cwd()
    try:
        open_a_way(reach)
        os.chdir(here)  # a new mount may cover the working folder now
        if "--hide" in before:
            hide_processes()
        if "--user" in values:
            os.umask(0o077)
            become_user(int(values["--user"]))
        if folder := os.environ.get("SHOP_RUN_DIR"):
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103 - before anything else is imported
        os.execve(command[0], command, environment_of_shop(os.environ))  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"confined: {' '.join(command)}: got {error}, expected to become it\n")
        return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
