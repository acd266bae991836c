"""Switch the shop to a variant with fresh data, as at the beginning of each run."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import redis

from services.stack import isolation, leftovers, lifecycle, postgres, programs, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import Stack, changing, in_compose, stack_of
from services.stack.layout import BROKER_DB
from services.stack.locking import foreign_run
from services.stack.progress import say
from services.stack.readiness import Waiter, direct_redis, dirty_proxies, http_call, remove_foreign_proxies

# Short: the data of the old shop is thrown away, so its unfinished work need not be waited for.
GRACE_S: Final = 0.5
# Not a number of rows, but a setting: how long the shop's access tokens live in this run. May be left out.
ACCESS_LIFETIME: Final = "access_lifetime_s"
# Refused orders of many customers, for lists that are long. May be left out.
OLD_ORDERS: Final = "old_orders"
_WORLD: Final[Mapping[str, range]] = {
    "events": range(1, 1001),
    "hot_tiers": range(1001),
    "seats": range(1, 100_001),
    "customers": range(1, 10_001),
    OLD_ORDERS: range(20_001),
    ACCESS_LIFETIME: range(1, 86_401),
}


def parse_world(text: str) -> dict[str, int]:
    """The world of `--world`.

    Raises:
        StackError: `bad_input`, every problem at once.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StackError("bad_input", f"--world: got {error}, expected a JSON object") from None
    if not isinstance(document, dict):
        raise StackError("bad_input", f"--world: got {text}, expected a JSON object")
    problems = [
        f"--world: {name}: got an unknown key, expected {', '.join(_WORLD)}" for name in document.keys() - _WORLD
    ]
    for name, allowed in _WORLD.items():
        value = document.get(name, shop.DEFAULT_WORLD.get(name, allowed[0]))
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            problems.append(f"--world: {name}: got {value!r}, expected a whole number {allowed[0]} to {allowed[-1]}")
    if problems:
        raise StackError("bad_input", "\n".join(sorted(problems)))
    return {**shop.DEFAULT_WORLD, **document}


class Stopwatch:
    """Seconds that the parts of a start take."""

    def __init__(self) -> None:
        self.timings: dict[str, float] = {}
        self._start = time.monotonic()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time the block as *name*."""
        start = time.monotonic()
        yield
        self.timings[name] = round(time.monotonic() - start, 2)

    def total(self) -> dict[str, float]:
        """The parts, and all since the beginning."""
        return {**self.timings, "total": round(time.monotonic() - self._start, 2)}


def prepare(
    settings: Settings, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
) -> dict[str, object]:
    """Stop the shop, reset all of its state, seed the world, start *variant* and wait until it serves.

    Args:
        rows: How many of the world's events exist at first, with as many orders; None: all events, and no order.

    Raises:
        StackError: `learner_code` when the variant is broken, or was edited meanwhile: then the previous variant is
            started again (`hardened` when that was the broken variant itself).
    """
    with changing(settings, "prepare") as stack:
        shop.require_variant(settings, variant)
        stack.require_running()
        run = foreign_run(stack.lab)
        if run is not None:
            raise StackError("lock", f"{stack.lab.root}: got a lab that is busy with {run}, expected a free one")
        _require_pristine(stack)
        _require_no_gate(stack, shop.database_of(variant))
        watch = Stopwatch()
        previous = shop.current_variant(stack.lab)
        with watch.part("check"):
            code = shop.code_identity(settings, variant)
            shop.check_code(stack, variant)
        try:
            ended = _switch(stack, variant, seed=seed, world=world, world_file=world_file, rows=rows, watch=watch)
            identities = lifecycle.identities(stack)
            require_unchanged(variant, before=code, now=identities.get("code"))
        except StackError as error:
            _restore(stack, previous if previous not in {None, variant} else lifecycle.DEFAULT_VARIANT)
            raise error
        return {
            "variant": variant,
            "world_file": str(world_file),
            "timings_s": watch.total(),
            "identities": identities,
            "isolation": isolation_of(stack),
            "ended_leftovers": ended,
        }


def fill(
    settings: Settings, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int,
    edition: int = 0,
) -> dict[str, object]:  # fmt: skip
    """Fill a world that was prepared up to *rows*, in that *edition*, while its variant runs. Raises: StackError."""
    with changing(settings, "fill") as stack:
        if (runs := shop.current_variant(stack.lab)) != variant:
            raise StackError("not_ready", f"fill: got {variant}, expected {runs}, the variant that runs")
        shop.fill_world(
            stack, variant, seed=seed, world=_size(world), world_file=world_file, rows=rows, edition=edition
        )
        return {"variant": variant, "rows": rows, "edition": edition}


def _size(world: Mapping[str, int]) -> dict[str, int]:
    return {name: size for name, size in world.items() if name != ACCESS_LIFETIME}


def isolation_of(stack: Stack) -> dict[str, str]:
    """How the shop is kept from the lab in this run, and why the isolation is not stronger."""
    if in_compose(stack.settings):
        return {"kind": isolation.CONTAINERS, "why": ""}
    how = isolation.current(stack.lab)
    return {"kind": how.kind, "why": how.why}


def _require_pristine(stack: Stack) -> None:
    try:
        dirty = dirty_proxies(stack.lab, stack.ports)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StackError(
            "not_ready", f"toxiproxy: got {error!r}, expected its proxies; `make up` repairs it"
        ) from error
    if dirty:
        raise StackError("not_ready", f"{'; '.join(dirty)}, expected pristine proxies: firedrill heal")


def _require_no_gate(stack: Stack, database: str) -> None:
    """Raises: StackError when the gate is installed: every write would pass it, and be slower, in a load run, too."""
    try:
        found = postgres.has_gate(stack.lab, stack.ports, database)
    except psycopg.Error as error:
        raise StackError("not_ready", f"{database}: got {error}, expected an answer; `make up` repairs it") from error
    if found:
        said = f"{database}: has the gate of forced interleavings, expected none: firedrill heal"
        raise StackError("not_ready", said)


def require_unchanged(variant: str, *, before: str, now: object) -> None:
    """Raises: StackError when the code was edited during the start: processes may have read files of both states."""
    if before != now:
        where = f"services/shop/{variant}"
        said = (
            f"{where}: got files that changed while it was started, expected them left alone until then; run it again"
        )
        raise StackError("learner_code", said, file=where)


def _switch(
    stack: Stack, variant: str, *, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None,
    watch: Stopwatch,
) -> list[str]:  # fmt: skip
    """Returns what the previous shop had left although its programs were stopped: processes and proxies of its own."""
    with watch.part("stop"):
        lifecycle.stop_programs(stack, programs.SHOP, grace_s=GRACE_S)
        ended = [*leftovers.end_strays(stack.supervisor), *remove_foreign_proxies(stack.lab, stack.ports)]
    for what in ended:
        say("shop", f"ended {what}, left over")
    isolation.empty_run_dir(stack.lab)
    shop.choose(stack.settings, stack.lab, variant, access_lifetime_s=world.get(ACCESS_LIFETIME))
    size = _size(world)
    with watch.part("reset"), ThreadPoolExecutor() as pool:
        resets = [pool.submit(_reset, stack, part) for part in ("gateway", "mail_http")]
        for done in [pool.submit(_flush_redis, stack), *resets]:
            done.result()
    with watch.part("schema"):
        postgres.ensure_roles(stack.lab, stack.ports)  # a role may change its own password and settings
        shop.fresh_schema(stack, variant)
    for cluster in postgres.locate(stack.lab):  # each run logs its statements
        postgres.forget_old_logs(cluster.with_name("log"))
    if in_compose(stack.settings):
        postgres.forget_old_logs_elsewhere(stack.lab, stack.ports)
    with watch.part("seed"):
        shop.seed_world(stack, variant, seed=seed, world=size, world_file=world_file, rows=rows)
    with watch.part("start"):
        start_shop(stack, variant)
    return ended


def start_shop(stack: Stack, variant: str) -> None:
    """Start the shop's programs and wait until they serve. Raises: StackError."""
    stack.supervisor.start(programs.SHOP)
    waiter = Waiter(stack.checks, patience_s=30)
    shop.explained(stack, variant, lambda: waiter.wait(programs.SHOP, variant=variant))


def _flush_redis(stack: Stack) -> None:
    try:
        with direct_redis(stack.lab, stack.ports, BROKER_DB) as client:
            client.flushall()  # a shop may keep something in a database that the lab does not know
            client.script_flush()
    except redis.RedisError as error:
        raise StackError("not_ready", f"redis: got {error!r}, expected FLUSHALL to succeed") from error


def _reset(stack: Stack, part: str) -> None:
    """Empty a witness: the gateway's ledger, or the catcher's mails."""
    headers = {"X-Lab-Token": stack.lab.secret("lab_token")}
    try:
        status, body = http_call("POST", stack.ports.address(part), "/lab/reset", headers=headers)
    except (OSError, http.client.HTTPException) as error:
        raise StackError("not_ready", f"{part}: got {error!r}, expected an answer to /lab/reset") from error
    if status not in {200, 204}:
        raise StackError("not_ready", f"{part}: got {status} {body[:200]!r} from /lab/reset, expected 200")


def _restore(stack: Stack, variant: str | None) -> None:
    """Start the previous variant; its database was not changed. A failure here is only printed: the first error is the
    one to raise."""
    if variant is None or not shop.is_there(stack.settings, variant):
        variant = lifecycle.DEFAULT_VARIANT
    say("shop", f"starting {variant} again")
    try:
        lifecycle.stop_programs(stack, programs.SHOP, grace_s=GRACE_S)
        shop.choose(stack.settings, stack.lab, variant)
        _flush_redis(stack)
        shop.ensure_schema(stack, variant)
        start_shop(stack, variant)
    except StackError as error:
        say("shop", f"{variant} could not be started again: {error.message}; `make up` repairs the stack")


def variant_check(settings: Settings, variant: str) -> dict[str, object]:
    """Check a variant's code; the stack may be down.

    Raises:
        StackError: `unknown_variant` or `learner_code`.
    """
    stack = stack_of(settings)
    stack.lab.create()
    ran = shop.check_code(stack, variant)
    return {"variant": variant, "ok": True, "cached": not ran}
