"""Command line of the stack: `python -m services.stack COMMAND [--json]`.

Exit codes: 0 done, 2 bad input or a learner's code, 4 the lab is broken. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from services.stack import config, drafts, lifecycle, overview, provisioning, reset, text
from services.stack.develop import become_develop
from services.stack.errors import EXIT_OK, StackError
from services.stack.handles import changing, lab_of, stack_of
from services.stack.prepare import fill, parse_world, prepare, variant_check
from services.stack.reload import reload
from services.stack.setup import setup
from services.stack.shop import DEFAULT_SEED, DEFAULT_WORLD, become_manage
from services.stack.shop import folder as shop_folder
from services.stack.supervisor_client import Unreachable
from services.stack.watch.run import watch

Document = Mapping[str, Any]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise StackError("bad_input", f"services.stack: {message}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m services.stack", description="Local mode of the lab's stack.")
    common = _Parser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON document on stdout")
    common.add_argument("--base-port", help="first of the ports, remembered by the lab (default 18000)")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    def command(name: str, help_text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[common], help=help_text)

    command("provision", "get the servers and make the database cluster")
    up = command("up", "start everything and wait until it is ready")
    up.add_argument("--variant", default=lifecycle.DEFAULT_VARIANT)
    command("down", "end everything; data stays")
    command("status", "what runs and whether it is ready")
    logs = command("logs", "last lines of the logs")
    logs.add_argument("part", nargs="*")
    logs.add_argument("-n", "--lines", type=int, default=20)
    logs.add_argument("-f", "--follow", action="store_true")
    command("reset", "drop the shop's data, never scores nor evidence")
    command("doctor", "every part: where found, version, what is missing")
    switch = command("prepare", "switch the shop to a variant with fresh data")
    switch.add_argument("--variant", required=True)
    switch.add_argument("--seed", type=int, default=DEFAULT_SEED)
    switch.add_argument("--world", default=json.dumps(DEFAULT_WORLD))
    switch.add_argument("--world-file", type=Path, required=True)
    switch.add_argument("--rows", type=int, help="so many events of the world at first, with as many orders")
    more = command("fill", "more rows of the world that was prepared, while its variant runs")
    more.add_argument("--variant", required=True)
    more.add_argument("--seed", type=int, required=True)
    more.add_argument("--world", required=True)
    more.add_argument("--world-file", type=Path, required=True)
    more.add_argument("--rows", type=int, required=True)
    more.add_argument("--edition", type=int, default=0, help="number behind titles, names of tiers and references")
    again = command("reload", "start the shop of a prepared world again, on the code as it is now")
    again.add_argument("--variant", required=True)
    again.add_argument("--world", required=True)
    check = command("variant-check", "import a variant's code and run its checks")
    check.add_argument("--variant", required=True)
    develop = command("develop", "become a development server of a variant, with Django Debug Toolbar")
    develop.add_argument("--variant", required=True)
    develop.add_argument("--port", type=int, default=8000)
    manage = command("manage", "become a Django command of a variant, past the proxies")
    manage.add_argument("--variant", required=True)
    manage.add_argument("words", nargs=argparse.REMAINDER)
    draft = command("draft", "make the draft of a drill and a seed, and tell its key")
    draft.add_argument("--drill", type=int, required=True)
    draft.add_argument("--seed", type=int, required=True)
    command("identities", "who runs right now")
    command("watch", "name who takes part uninvited, until stdin ends")
    command("setup", "Compose mode: schema, first data and address book, before the shop's containers start")
    return parser


def _provision(settings: config.Settings, _: argparse.Namespace) -> Document:
    with changing(settings, "provision"):
        parts, cluster = provisioning.provision(settings, lab_of(settings), again=True)
    found = {
        part.name: {"command": list(part.command), "source": part.source, "version": part.version} for part in parts
    }
    return {"parts": found, "database": str(cluster.data), "missing": {p.name: p.missing for p in parts if p.missing}}


def _prepare(settings: config.Settings, arguments: argparse.Namespace) -> Document:
    world = parse_world(arguments.world)
    world_file, rows = arguments.world_file.resolve(), _rows(arguments, world)
    return prepare(
        settings, variant=arguments.variant, seed=arguments.seed, world=world, world_file=world_file, rows=rows
    )


def _fill(settings: config.Settings, arguments: argparse.Namespace) -> Document:
    world = parse_world(arguments.world)
    rows = _rows(arguments, world) or 0
    return fill(
        settings, variant=arguments.variant, seed=arguments.seed, world=world, rows=rows, edition=arguments.edition,
        world_file=arguments.world_file.resolve(),
    )  # fmt: skip


def _rows(arguments: argparse.Namespace, world: Mapping[str, int]) -> int | None:
    rows: int | None = arguments.rows
    if rows is not None and not 1 <= rows <= world["events"]:
        raise StackError("bad_input", f"--rows: got {rows}, expected 1 to {world['events']}, the world's events")
    return rows


def _identities(settings: config.Settings, _: argparse.Namespace) -> Document:
    stack = stack_of(settings)
    stack.require_running()
    return lifecycle.identities(stack)


def _logs(settings: config.Settings, arguments: argparse.Namespace) -> Document:
    document = {"logs": overview.logs(settings, arguments.part, lines=arguments.lines)}
    if arguments.follow and not arguments.json:
        sys.stdout.write(text.logs(document))
        with contextlib.suppress(KeyboardInterrupt):
            overview.follow(settings, arguments.part)
        return {"logs": {}}
    return document


_COMMANDS: Mapping[str, Callable[[config.Settings, argparse.Namespace], Document]] = {
    "provision": _provision,
    "up": lambda settings, arguments: lifecycle.up(settings, variant=arguments.variant),
    "down": lambda settings, _: lifecycle.down(settings),
    "status": lambda settings, _: overview.status(settings),
    "logs": _logs,
    "reset": lambda settings, _: reset.reset(settings),
    "doctor": lambda settings, _: overview.doctor(settings),
    "prepare": _prepare,
    "fill": _fill,
    "reload": lambda settings, arguments: reload(
        settings, variant=arguments.variant, world=parse_world(arguments.world)
    ),
    "variant-check": lambda settings, arguments: variant_check(settings, arguments.variant),
    "develop": lambda settings, arguments: become_develop(settings, arguments.variant, arguments.port),
    "draft": lambda settings, arguments: drafts.draft(arguments.drill, arguments.seed, shop_folder(settings)),
    "manage": lambda settings, arguments: become_manage(settings, arguments.variant, arguments.words),
    "identities": _identities,
    "watch": lambda settings, _: watch(settings),
    "setup": lambda settings, _: setup(settings),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as on Ctrl-C: a half-started stack is ended
    try:
        parsed = _parser().parse_args(words)
        with _files_for_us_alone(parsed.command):
            document = _COMMANDS[parsed.command](config.load(base_port=parsed.base_port), parsed)
    except StackError as error:
        return _fail(error, as_json=as_json)
    except Unreachable as error:
        return _fail(StackError("not_ready", str(error)), as_json=as_json)
    except KeyboardInterrupt:
        return _fail(StackError("not_ready", "stack: interrupted by hand"), as_json=as_json)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}:
            raise
        return _fail(
            StackError("disk", f"{error.filename or 'disk'}: got {error.strerror}, expected to write"), as_json=as_json
        )
    if as_json:
        sys.stdout.write(json.dumps(document, default=str) + "\n")
    else:
        sys.stdout.write(text.visible(text.RENDERERS.get(parsed.command, text.plain)(document)))
    return EXIT_OK


@contextlib.contextmanager
def _files_for_us_alone(command: str) -> Iterator[None]:
    """Files that a command makes in the lab are readable by its caller only. `manage` and `develop` keep the caller's
    umask: the migrations that they write are source code."""
    if command in ("manage", "develop"):
        yield
        return
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _fail(error: StackError, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(error.as_document()) + "\n")
    sys.stderr.write(f"{text.visible(error.message)}\n")
    return error.exit_code
