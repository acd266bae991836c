"""Variants of the shop: their names, the check of their code, their schema and their data."""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from launch import environment
from services.stack import code, drafts, isolation, leftovers, mutants, postgres, programs, seeded
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import Stack, stack_of
from services.stack.layout import MARKER, Lab, Ports, write_private
from services.stack.progress import say

DEFAULT_SEED: Final = 1
DEFAULT_WORLD: Final[Mapping[str, int]] = {"events": 5, "hot_tiers": 1, "seats": 150, "customers": 200}
_TIMEOUT_S: Final = 60.0
_NOT_A_VARIANT: Final = frozenset({"core", "drafts", "mutants", "samples"})
_WRITES_CODE: Final = frozenset({"makemigrations", "squashmigrations", "optimizemigration"})
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
    """Packages beside `core` that have settings; mutants and drafts, of which there are many, are left out."""
    found = [file.parent.name for file in folder(settings).glob("*/settings.py")]
    return sorted(name for name in found if name != "core" and _NAME.fullmatch(name) and not _made_on_demand(name))


def _made_on_demand(variant: str) -> bool:
    return mutants.is_mutant(variant) or drafts.is_draft(variant)


def require_variant(settings: Settings, variant: str) -> None:
    """Check that the variant's folder exists, or make it for a mutant or a draft. Its code is not checked.

    Raises:
        StackError: `unknown_variant`; `learner_code` for a mutant or a draft whose patch doesn't apply.
    """
    if _NAME.fullmatch(variant) and _made_on_demand(variant):
        top = folder(settings)
        if (mutants.make(variant, top) or drafts.make(variant, top)) is not None:
            return
    elif _NAME.fullmatch(variant) and variant not in _NOT_A_VARIANT and (folder(settings) / variant).is_dir():
        return
    message = f"variant: got {variant!r}, expected one of {', '.join(known_variants(settings))}"
    if variant == "attempt":
        message += " (`firedrill attempt start` makes attempt)"
    raise StackError("unknown_variant", message)


def is_there(settings: Settings, variant: str) -> bool:
    """Whether the variant's code exists: it may have been removed since it was chosen."""
    try:
        require_variant(settings, variant)
    except StackError:
        return False
    return True


def current_variant(lab: Lab) -> str | None:
    """The variant that the shop's programs start with; None before the first `up`."""
    try:
        return lab.variant_file.read_text("utf-8").strip() or None
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def choose(settings: Settings, lab: Lab, variant: str, *, access_lifetime_s: int | None = None) -> None:
    """Set the variant that the shop's programs start with next. *access_lifetime_s* None: the variant's own setting.

    Raises: StackError when the variant holds a file that can't be copied to where the shop runs.
    """
    code.choose(lab, code.placed(settings, lab, variant))
    _for_the_shop(lab.variant_file, variant)
    if access_lifetime_s is None:
        lab.access_lifetime_file.unlink(missing_ok=True)
    else:
        _for_the_shop(lab.access_lifetime_file, str(access_lifetime_s))


def _for_the_shop(file: Path, text: str) -> None:
    file.write_text(f"{text}\n")
    file.chmod(0o644)  # independent of the caller's umask


def _digest(files: Iterable[Path], *, top: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(os.fsencode(file.relative_to(top)) + b"\0" + _content(file) + b"\0")
    for package in ("Django", "djangorestframework-simplejwt", "celery", "psycopg"):
        digest.update(f"{package} {metadata.version(package)}\0".encode())
    digest.update(sys.version.encode())
    return digest.hexdigest()[:24]


def schema_stamp(settings: Settings, variant: str) -> str:
    """A stamp of all that the schema depends on: the variant's migrations and apps, core, versions of packages."""
    top = folder(settings)
    own = [
        *(top / variant).rglob("migrations/**/*.py"),
        top / variant / "settings.py",
    ]  # the settings name the apps, which have tables
    return f"schema of {postgres.SHOP_USER} " + _digest([*own, *(top / "core").rglob("*.py")], top=top)


def _content(file: Path) -> bytes:
    """The file's content. An editor may be replacing the file: while it is missing, a value that no file has."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b"\0gone"


def code_stamp(settings: Settings, variant: str) -> str:
    """A stamp of all files of the variant and of core, without the tests, which the running shop never reads."""
    top = folder(settings)
    return _digest(code.files(top, variant), top=top)


def code_identity(settings: Settings, variant: str) -> str:
    """`code_stamp` and the latest time of saving: differs even if a file was changed and changed back."""
    top = folder(settings)
    try:
        last_ns = max((file.stat().st_mtime_ns for file in code.files(top, variant)), default=0)
        return f"{code_stamp(settings, variant)} saved {last_ns}"
    except FileNotFoundError:
        return "being saved"
    except StackError as error:  # only during a run: before it, such code is refused
        return f"not to be carried: {error.message}"


def running_code(stack: Stack, variant: str) -> str:
    """`code_identity`, and whether the copy that runs was changed: only the lab may write to it."""
    spoiled = ", but the copy that runs was changed" if code.changed(stack.lab, variant) else ""
    return code_identity(stack.settings, variant) + spoiled


def relative(settings: Settings, file: str) -> str:
    """The path of *file* relative to the checkout; unchanged when it is outside."""
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


def manage(
    settings: Settings,
    lab: Lab,
    ports: Ports,
    variant: str,
    *words: str,
    timeout_s: float = _TIMEOUT_S,
    during_run: bool = False,
) -> str:
    """Run a Django command of *variant* and return its stdout. It uses the proxies only *during_run*.

    Raises:
        StackError: `learner_code` with file and line when the variant's code is at fault, else `not_ready`.
    """
    try:
        with leftovers.orphans_ended():
            done = subprocess.run(
                _manage_command(lab, words),
                cwd=settings.checkout,
                env=_manage_environment(lab, ports, variant)
                | {"SHOP_CODE": str(code.placed(settings, lab, variant))}
                | (programs.through_proxy(ports) if during_run else {}),
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
    done.stdout, done.stderr = (code.as_in_checkout(settings, lab, text) for text in (done.stdout, done.stderr))
    raise _manage_error(settings, variant, words[0], done)


def become_manage(settings: Settings, variant: str, words: Sequence[str]) -> NoReturn:
    """Replace this process by the Django command *words* of *variant*; on the caller's terminal, it may ask questions.

    Raises:
        StackError: `unknown_variant`, or `not_running`: it needs the database.
    """
    stack = stack_of(settings)
    require_variant(settings, variant)
    stack.require_running()
    if postgres.stamp_of(stack.lab, stack.ports, database_of(variant)) is None:
        postgres.recreate(stack.lab, stack.ports, database_of(variant))  # empty; the variant's first run fills it
    os.chdir(settings.checkout)
    command = _manage_command(stack.lab, words)
    if words[0] in _WRITES_CODE:  # into the checkout, so it runs as the caller, who owns it
        command = command[command.index("--") + 1 :]
    own = {"SHOP_CODE": ""}  # the learner's own folder: makemigrations writes there
    os.execve(sys.executable, command, _manage_environment(stack.lab, stack.ports, variant) | own)  # noqa: S606


def _manage_command(lab: Lab, words: Sequence[str]) -> list[str]:
    return list(isolation.current(lab).command("-m", "services.shop.serve", "manage", *words))


def _manage_environment(lab: Lab, ports: Ports, variant: str) -> dict[str, str]:
    isolation.share(lab, isolation.current(lab))
    return environment.for_programs() | {MARKER: lab.mark} | programs.direct_environment(lab, ports, variant)


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
    """Import the variant's code and run its checks in a separate process; unchanged code is not checked twice.

    Returns:
        True when the code was run, False when an earlier check of the same code passed.

    Raises:
        StackError: `unknown_variant` or `learner_code`.
    """
    require_variant(stack.settings, variant)
    stamp_file = stack.lab.run / f"checked-{variant}"
    stamp = code_stamp(stack.settings, variant)
    if stamp_file.exists() and stamp_file.read_bytes() == stamp.encode():
        return False
    _compile(stack.settings, variant)
    manage(stack.settings, stack.lab, stack.ports, variant, "lab_check")
    stamp_file.write_text(stamp)
    return True


def _compile(settings: Settings, variant: str) -> None:
    """Write the bytecode. The shop's user can't write to this folder: each process would have to compile again."""
    for name in ("core", variant):
        compileall.compile_dir(str(folder(settings) / name), quiet=2)


def database_of(variant: str) -> str:
    """Name of the variant's own database."""
    return f"{postgres.DATABASE_PREFIX}{variant}"


def ensure_schema(stack: Stack, variant: str) -> bool:
    """Give *variant* a database with the schema of its present migrations; True when the database was made anew.

    Django skips a migration that was applied before and then edited. So any change of the migrations makes a new
    database; its data is seeded again anyway.
    """
    lab, ports, stamp = stack.lab, stack.ports, schema_stamp(stack.settings, variant)
    if postgres.stamp_of(lab, ports, database_of(variant)) == stamp:
        return False
    fresh_schema(stack, variant)
    return True


def fresh_schema(stack: Stack, variant: str) -> None:
    """Give *variant* a database that holds what its present migrations made, and no trace of an earlier run.

    All variants share one role of the database, so that the code of one could leave a trigger, a rule or a table of its
    own in the database of another.
    """
    settings, lab, ports = stack.settings, stack.lab, stack.ports
    database, template = database_of(variant), f"{postgres.TEMPLATE_PREFIX}{variant}"
    stamp = schema_stamp(settings, variant)
    if postgres.stamp_of(lab, ports, template) != stamp:
        say("shop", f"making database {database}")
        postgres.recreate(lab, ports, database)
        manage(settings, lab, ports, variant, "migrate", "--no-input", "-v", "0")
        postgres.ensure_roles(lab, ports)  # what a migration set at its role would be there in this run only
        postgres.keep_as_template(lab, ports, database, template)
        postgres.stamp(lab, ports, template, stamp)
    postgres.recreate(lab, ports, database, template=template)  # at first, too: the first run is like each later one
    postgres.stamp(lab, ports, database, stamp)


def seed_world(
    stack: Stack, variant: str, *, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
) -> None:
    """Empty the variant's database and fill it; the world with its tokens is written to *world_file*, mode 0600.

    Args:
        rows: Number of the world's events, and of orders of the cast's customer; None for all events and no order.
    """
    world_file.parent.mkdir(parents=True, exist_ok=True)
    own = isolation.run_dir(stack.lab) / "world.json"  # the seeder runs as the shop, which can write only here
    today = seeded.today_at(datetime.now(UTC))
    words = ["--seed", str(seed), "--world", json.dumps(world), "--out", str(own), "--today", today.isoformat()]
    words += [] if rows is None else ["--rows", str(rows)]
    manage(stack.settings, stack.lab, stack.ports, variant, "lab_seed", *words)
    try:
        told = _regular_text(own)
    finally:
        own.unlink(missing_ok=True)
    plan = _planned(stack, seed=seed, world=world, rows=rows or 0)
    write_private(world_file, seeded.world_file(told, plan, variant=variant, today=today, rows=rows))


def fill_world(
    stack: Stack, variant: str, *, seed: int, world: Mapping[str, int], world_file: Path, rows: int, edition: int = 0
) -> None:
    """Add rows to a world that `seed_world` made with fewer, and to *world_file*, which keeps what was planned.

    Args:
        edition: Number that is written behind titles, names of tiers and references; 0 leaves them as planned.
    """
    before = _regular_text(world_file)
    own = isolation.run_dir(stack.lab) / "filled.json"
    today: str = json.loads(before)["seeded"]["today"]
    words = ("--seed", str(seed), "--world", json.dumps(world), "--out", str(own))
    words_of_rows = ("--rows", str(rows), "--today", today, "--edition", str(edition))
    manage(stack.settings, stack.lab, stack.ports, variant, "lab_fill", *words, *words_of_rows, during_run=True)
    try:
        told = _regular_text(own)
    finally:
        own.unlink(missing_ok=True)
    plan = _planned(stack, seed=seed, world=world, rows=rows)
    write_private(world_file, seeded.filled(before, told, plan, variant=variant, rows=rows))


def _planned(stack: Stack, *, seed: int, world: Mapping[str, int], rows: int) -> dict[str, Any]:
    checkout, environ = stack.settings.checkout, environment.for_programs()
    return seeded.planned(checkout, seed=seed, world=world, environment=environ, rows=rows)


def _regular_text(file: Path) -> str:
    """Text of a file that the shop wrote. No link is followed: it could lead to a file that the shop may not read."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, encoding="utf-8") as stream:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise StackError("not_ready", f"{file}: got {error}, expected the seeded world") from None
    raise StackError("not_ready", f"{file}: got no regular file, expected the seeded world")


def log_sizes(lab: Lab) -> dict[Path, int]:
    """Present sizes of the shop's logs, so that a reader can begin at the next line."""
    files = [lab.log / f"{name}.log" for name in ("api", "worker", "relay")]
    return {file: file.stat().st_size if file.exists() else 0 for file in files}


def explained(stack: Stack, variant: str, wait: Callable[[], T]) -> T:
    """Run *wait*; if it fails and the new log lines have a traceback in the variant's code, raise `learner_code`."""
    before = log_sizes(stack.lab)
    try:
        return wait()
    except StackError as error:
        for file, size in before.items():
            if file.exists():
                with file.open("rb") as stream:
                    stream.seek(size if file.stat().st_size >= size else 0)
                    text = code.as_in_checkout(stack.settings, stack.lab, stream.read().decode(errors="replace"))
                    found = culprit(stack.settings, variant, text)
                if found is not None:
                    raise found from error
        raise
