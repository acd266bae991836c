"""Variants of the shop: which there are, whether their code is sound, their schema and their data."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from services.stack import mutants, postgres, programs
from services.stack.config import Settings, inherited_environment
from services.stack.errors import StackError
from services.stack.handles import Stack, stack_of
from services.stack.layout import Lab, Ports, write_private
from services.stack.progress import say

DEFAULT_SEED: Final = 1
DEFAULT_WORLD: Final[Mapping[str, int]] = {"events": 5, "hot_tiers": 1, "seats": 150, "customers": 200}
_TIMEOUT_S: Final = 60.0
_NOT_A_VARIANT: Final = frozenset({"core", "mutants"})
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FRAME: Final = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)
_ERROR: Final = re.compile(
    r"^(?P<error>[\w.]+(?:Error|Exception|Exit|Interrupt|Configured|DoesNotExist)\b.*)$", re.MULTILINE
)

T = TypeVar("T")


def folder(settings: Settings) -> Path:
    """The package that holds the variants."""
    return settings.checkout / "services" / "shop"


def known_variants(settings: Settings) -> list[str]:
    """Packages beside `core` that have settings; mutants, of which there are many, are left out."""
    found = [file.parent.name for file in folder(settings).glob("*/settings.py")]
    return sorted(name for name in found if name != "core" and _NAME.fullmatch(name) and not mutants.is_mutant(name))


def require_variant(settings: Settings, variant: str) -> None:
    """Check that there is a folder of that name, or make it when it is a mutant's; broken code in it is no matter here.

    Raises:
        StackError: `unknown_variant`; `learner_code` for a mutant whose patch doesn't apply.
    """
    if _NAME.fullmatch(variant) and mutants.is_mutant(variant):
        if mutants.make(variant, folder(settings)) is not None:
            return
    elif _NAME.fullmatch(variant) and variant not in _NOT_A_VARIANT and (folder(settings) / variant).is_dir():
        return
    message = f"variant: got {variant!r}, expected one of {', '.join(known_variants(settings))}"
    if variant == "attempt":
        message += " (`firedrill attempt start` makes attempt)"
    raise StackError("unknown_variant", message)


def current_variant(lab: Lab) -> str | None:
    """The variant that the shop's programs start with; None before the first `up`."""
    try:
        return lab.variant_file.read_text().strip() or None
    except FileNotFoundError:
        return None


def choose(lab: Lab, variant: str, *, access_lifetime_s: int | None = None) -> None:
    """What the shop's programs start with next. *access_lifetime_s* None: as the variant has it."""
    lab.variant_file.write_text(variant + "\n")
    if access_lifetime_s is None:
        lab.access_lifetime_file.unlink(missing_ok=True)
    else:
        lab.access_lifetime_file.write_text(f"{access_lifetime_s}\n")


def _digest(files: Iterable[Path], *, top: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(os.fsencode(file.relative_to(top)) + b"\0" + _content(file) + b"\0")
    for package in ("Django", "djangorestframework-simplejwt", "celery", "psycopg"):
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()[:24]


def schema_stamp(settings: Settings, variant: str) -> str:
    """Changes with whatever the schema depends on: the variant's migrations and apps, core, versions of packages."""
    top = folder(settings)
    own = [
        *(top / variant).rglob("migrations/**/*.py"),
        top / variant / "settings.py",
    ]  # settings name apps with tables
    return "schema " + _digest([*own, *(top / "core").rglob("*.py")], top=top)


def _content(file: Path) -> bytes:
    """Of a file that somebody may be saving: one that is just not there is like no other."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b"\0gone"


def _code(top: Path, variant: str) -> list[Path]:
    """What the shop's processes of *variant* may read: its files and core's, without its tests and what tools left."""
    found = {file.relative_to(top): file for name in (variant, "core") for file in (top / name).rglob("*")}
    return [
        file
        for name, file in found.items()
        if file.is_file()
        and name.parts[1] != "tests"
        and not any(part.startswith(".") or part == "__pycache__" for part in name.parts)
    ]


def code_stamp(settings: Settings, variant: str) -> str:
    """Changes with any file of the variant or of core; its tests, which it never reads, are none of them."""
    top = folder(settings)
    return _digest(_code(top, variant), top=top)


def code_identity(settings: Settings, variant: str) -> str:
    """Changes also with a file that was saved meanwhile and has its old content again."""
    top = folder(settings)
    with suppress(FileNotFoundError):
        last_ns = max((file.stat().st_mtime_ns for file in _code(top, variant)), default=0)
        return f"{code_stamp(settings, variant)} saved {last_ns}"
    return "being saved"


def relative(settings: Settings, file: str) -> str:
    """*file* as a person of this checkout would name it."""
    path = Path(file)
    return str(path.relative_to(settings.checkout)) if path.is_relative_to(settings.checkout) else file


def culprit(settings: Settings, variant: str, text: str) -> StackError | None:
    """The `learner_code` error behind a traceback in *text*, at the innermost line of the variant; None without one."""
    own = folder(settings) / variant
    frames = [match for match in _FRAME.finditer(text) if Path(match["file"]).is_relative_to(own)]
    if not frames:
        return None
    file, line = relative(settings, frames[-1]["file"]), int(frames[-1]["line"])
    errors = _ERROR.findall(text, frames[-1].end())
    reason = errors[0] if errors else "failed"
    return StackError("learner_code", f"{file}:{line}: {reason}", file=file, line=line)


def manage(settings: Settings, lab: Lab, ports: Ports, variant: str, *words: str, timeout_s: float = _TIMEOUT_S) -> str:
    """Run a Django command of *variant* past the proxies and return its stdout.

    Raises:
        StackError: `learner_code` with file and line when the variant's code is at fault, else `not_ready`.
    """
    try:
        done = subprocess.run(
            _manage_command(words),
            cwd=settings.checkout,
            env=_manage_environment(lab, ports, variant),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"services/shop/{variant}: got no end of `{words[0]}` after {timeout_s:.0f} s, expected less"
        raise StackError("learner_code", message, file=f"services/shop/{variant}") from None
    if done.returncode == 0:
        return done.stdout
    raise _manage_error(settings, variant, words[0], done)


def become_manage(settings: Settings, variant: str, words: Sequence[str]) -> NoReturn:
    """This process becomes the Django command *words* of *variant*, with the caller's terminal: it may ask questions.

    Raises:
        StackError: `unknown_variant`, or `not_running`: it needs the database.
    """
    stack = stack_of(settings)
    require_variant(settings, variant)
    stack.require_running()
    if postgres.stamp_of(stack.lab, stack.ports, database_of(variant)) is None:
        postgres.recreate(stack.lab, stack.ports, database_of(variant))  # empty; its first run fills it
    os.chdir(settings.checkout)
    os.execve(sys.executable, _manage_command(words), _manage_environment(stack.lab, stack.ports, variant))  # noqa: S606


def _manage_command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "services.shop.serve", "manage", *words]


def _manage_environment(lab: Lab, ports: Ports, variant: str) -> dict[str, str]:
    own = {"FIREDRILL_LAB_DIR": str(lab.root)}
    return inherited_environment() | own | programs.direct_environment(lab, ports, variant)


def _manage_error(settings: Settings, variant: str, command: str, done: subprocess.CompletedProcess[str]) -> StackError:
    for text in reversed(done.stdout.splitlines()):
        try:
            error = json.loads(text)["error"]
            kind, message, file, line = error["kind"], str(error["message"]), error["file"], error["line"]
        except (ValueError, KeyError, TypeError):
            continue
        if kind == "learner_code" or (kind == "command" and file):
            message = message.replace(f"{settings.checkout}/", "")
            return StackError("learner_code", message, file=relative(settings, file) if file else None, line=line)
        if kind == "command" and command == "lab_check":  # Django's checks name an object, not a line
            return StackError("learner_code", f"services/shop/{variant}: {message}", file=f"services/shop/{variant}")
        return StackError("not_ready", f"{command} of {variant}: {message}")
    found = culprit(settings, variant, done.stderr)
    last = (done.stderr.strip() or "no message").splitlines()[-1]
    return found or StackError("not_ready", f"{command} of {variant}: got exit {done.returncode} ({last}), expected 0")


def check_code(stack: Stack, variant: str) -> bool:
    """Import the variant's code and run its checks in a process of its own; unchanged code is not checked twice.

    Returns:
        Whether the code was really run, False when the result of an earlier check stood.

    Raises:
        StackError: `unknown_variant` or `learner_code`.
    """
    require_variant(stack.settings, variant)
    stamp_file = stack.lab.run / f"checked-{variant}"
    stamp = code_stamp(stack.settings, variant)
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return False
    manage(stack.settings, stack.lab, stack.ports, variant, "lab_check")
    stamp_file.write_text(stamp)
    return True


def database_of(variant: str) -> str:
    """Every variant has a database of its own."""
    return f"{postgres.DATABASE_PREFIX}{variant}"


def ensure_schema(stack: Stack, variant: str) -> bool:
    """Give *variant* a database with the schema of its present migrations; True when it had to be made anew.

    A migration that was edited in place would be skipped by Django, so other migrations mean a fresh database:
    its data is seeded anyway.
    """
    settings, lab, ports = stack.settings, stack.lab, stack.ports
    database, stamp = database_of(variant), schema_stamp(settings, variant)
    if postgres.stamp_of(lab, ports, database) == stamp:
        return False
    say("shop", f"making database {database}")
    postgres.recreate(lab, ports, database)
    manage(settings, lab, ports, variant, "migrate", "--no-input", "-v", "0")
    postgres.stamp(lab, ports, database, stamp)
    return True


def seed_world(stack: Stack, variant: str, *, seed: int, world: Mapping[str, int], world_file: Path) -> None:
    """Empty the variant's database and fill it; the world with its tokens is written to *world_file*, mode 0600."""
    world_file.parent.mkdir(parents=True, exist_ok=True)
    write_private(world_file, "{}")  # it will hold tokens: the seeder writes into a file that is private already
    words = ("--seed", str(seed), "--world", json.dumps(world), "--out", str(world_file))
    manage(stack.settings, stack.lab, stack.ports, variant, "lab_seed", *words)
    world_file.chmod(0o600)


def log_sizes(lab: Lab) -> dict[Path, int]:
    """Sizes of the shop's logs, to read only what comes later."""
    files = [lab.log / f"{name}.log" for name in ("api", "worker", "relay")]
    return {file: file.stat().st_size if file.exists() else 0 for file in files}


def explained(stack: Stack, variant: str, wait: Callable[[], T]) -> T:
    """Run *wait*; when the shop does not get ready and its new log lines blame the variant's code, say so."""
    before = log_sizes(stack.lab)
    try:
        return wait()
    except StackError as error:
        for file, size in before.items():
            if file.exists():
                with file.open("rb") as stream:
                    stream.seek(size if file.stat().st_size >= size else 0)
                    found = culprit(stack.settings, variant, stream.read().decode(errors="replace"))
                if found is not None:
                    raise found from error
        raise
