"""Starts and stops runs for the dashboard: `firedrill run` as a process of its own, one at a time.

The runner is the same as in a terminal, with its lock, its lease and its clean ending: stopping it is a SIGTERM, after
which it lifts, collects and judges, and the verdict is inconclusive.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaos.config import CHECKOUT
from chaos.drills.attempt import variants
from chaos.errors import FiredrillError, InvalidInput
from chaos.load import all_scenarios, find_scenario, load_scenario, scenario_name
from launch.python import PYTHON

MAX_SEED = 2**31 - 1
CLOSE_PATIENCE_S = 20.0
_TAIL_BYTES = 4000


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /runs; without a seed it is the scenario's own."""

    scenario: str
    variant: str
    seed: int | None = None


class Busy(Exception):
    """The lab is not in the state that was asked for: `where: got X, expected Y`."""


class Process(Protocol):
    """What is needed of a running command; `subprocess.Popen` has it."""

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


Spawn = Callable[[Sequence[str], Path], Process]


def spawn(command: Sequence[str], log: Path) -> Process:
    """Start it in a session of its own, so that a signal to the agent's group does not reach the runner."""
    with log.open("wb") as out:
        return subprocess.Popen(command, cwd=CHECKOUT, stdout=out, stderr=out, start_new_session=True)


@dataclass(slots=True, kw_only=True)
class _Started:
    wanted: Wanted
    process: Process
    at_unix_s: float
    stopping: bool = False


class RunDesk:
    """Knows the run that it started last, and whether that is still going on.

    Args:
        log: Where the runner's output goes; overwritten by the next one.
    """

    def __init__(self, *, log: Path, spawn: Spawn = spawn, now_unix_s: Callable[[], float] = time.time) -> None:
        self._log, self._spawn, self._now_unix_s = log, spawn, now_unix_s
        self._last: _Started | None = None
        self._lock = threading.Lock()

    def start(self, wanted: Wanted) -> dict[str, Any]:
        """Raises: InvalidInput for an unknown scenario, variant or seed. Busy while one is going on."""
        if wanted.scenario not in (names := [scenario_name(path) for path in all_scenarios()]):
            raise InvalidInput(f"scenario: got {wanted.scenario[:60]!r}, expected one of {', '.join(names)}")
        scenario = load_scenario(find_scenario(wanted.scenario))
        if wanted.variant not in (known := variants()):
            raise InvalidInput(f"variant: got {wanted.variant!r}, expected one of {', '.join(known)}")
        if wanted.seed is not None and not 0 <= wanted.seed <= MAX_SEED:
            raise InvalidInput(f"seed: got {wanted.seed}, expected 0 to {MAX_SEED}")
        command = [*PYTHON, "-m", "chaos.cli", "run", scenario.name, "--variant", wanted.variant, "--no-up"]
        command += [] if wanted.seed is None else ["--seed", str(wanted.seed)]
        with self._lock:
            if self._going_on() is not None:
                raise Busy("run: got a lab with a run going on, expected a free one (stop it, or wait for it)")
            self._log.parent.mkdir(parents=True, exist_ok=True)
            process = self._spawn(command, self._log)
            self._last = _Started(wanted=wanted, process=process, at_unix_s=self._now_unix_s())
        return self.state()

    def stop(self) -> dict[str, Any]:
        """Ask the run to end cleanly. Raises: Busy when none of ours is going on."""
        with self._lock:
            running = self._going_on()
            if running is None:
                raise Busy("run: got none that was started from here, expected one (one in a terminal ends by Ctrl-C)")
            running.stopping = True
            running.process.send_signal(signal.SIGTERM)
        return self.state()

    def state(self) -> dict[str, Any]:
        """`running`: the run of ours that is going on, or null. `ended`: how the last one ended, or null."""
        last = self._last
        if last is None:
            return {"running": None, "ended": None}
        code = last.process.poll()
        shown = {
            **msgspec.to_builtins(last.wanted),
            "started_unix_s": round(last.at_unix_s, 3),
            "stopping": last.stopping,
        }
        if code is None:
            return {"running": shown, "ended": None}
        # Below 0: a signal ended it before it could say anything.
        return {"running": None, "ended": {**shown, "exit_code": code, "said": self._complaint()}}

    def close(self) -> None:
        """Let a run of ours end cleanly before the agent does; one that won't is killed, and the lease heals."""
        with suppress(Busy):
            self.stop()
        last = self._last
        if last is None:
            return
        try:
            last.process.wait(CLOSE_PATIENCE_S)
        except subprocess.TimeoutExpired:
            last.process.kill()

    def _going_on(self) -> _Started | None:
        last = self._last
        return last if last is not None and last.process.poll() is None else None

    def _complaint(self) -> str:
        """The runner's error message, without its prefix; empty when there is none."""
        try:
            tail = self._log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        lines = [line.removeprefix("firedrill: ") for line in tail.splitlines() if line.startswith("firedrill: ")]
        return "\n".join(lines[-5:])


def catalogue() -> dict[str, Any]:
    """The scenarios that can be started, and on what."""
    found = []
    for path in all_scenarios():
        with suppress(InvalidInput):  # `firedrill validate` says what is wrong with that one
            scenario = load_scenario(path)
            found.append(
                {
                    "name": scenario_name(path),
                    "title": scenario.title,
                    "drill": scenario.drill,
                    "seed": scenario.seed,
                    "lasts_s": scenario.duration_s,
                }
            )
    return {"scenarios": found, "variants": list(variants())}


def routes(
    desk: RunDesk, *, refused: Callable[[Request], Response | None], problem: Callable[[int, str], Response]
) -> list[Route]:
    """GET /runs and /scenarios for everybody; POST and DELETE /runs for who has the token.

    Args:
        refused: The answer to a request without the token; None for one that has it.
    """

    def guarded(status: int, handle: Callable[[bytes], dict[str, Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if (refusal := refused(request)) is not None:
                return refusal
            body = await request.body()
            try:
                return JSONResponse(await run_in_threadpool(handle, body), status)
            except Busy as error:
                return problem(409, str(error))
            except (msgspec.DecodeError, InvalidInput) as error:
                return problem(400, f"body: {error}")
            except FiredrillError as error:
                return problem(503, str(error))

        return answer

    async def state(_: Request) -> Response:
        return JSONResponse(await run_in_threadpool(desk.state))

    async def scenarios(_: Request) -> Response:
        return JSONResponse(await run_in_threadpool(catalogue))

    return [
        Route("/scenarios", scenarios),
        Route("/runs", state),
        Route("/runs", guarded(202, lambda body: desk.start(msgspec.json.decode(body, type=Wanted))), methods=["POST"]),
        Route("/runs", guarded(202, lambda _: desk.stop()), methods=["DELETE"]),
    ]
