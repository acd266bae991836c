"""A worker on another host than its master: joins, measures its clock, plays its share, and streams its history.

It needs only the key and the same code: the master sends the plan and the world. The customers' tokens stay in memory.
The history is written on this host first, always before a request is sent, and kept when the master did not receive all
of it.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
import msgspec
from gevent.event import Event
from locust.exception import RPCError
from locust.rpc.zmqrpc import Client

from chaos.model.folder import HISTORY, SAMPLES_BY_WORKER, of_worker
from chaos.model.loadplan import LoadPlan
from loadtests import clocks, protocol
from loadtests.client import Clock
from loadtests.crew import message
from loadtests.process import Exit, Stop, say
from loadtests.relay import Sender
from loadtests.worker import Worker, WorkerResult
from loadtests.world import World

BURST = 8
BURST_EVERY_S = 0.02
JOIN_EVERY_S = 1.0
STREAM_EVERY_S = 0.2
REPEAT_AFTER_S = 2.0
PARTING_S = 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Ended(Exception):
    """This worker ends before it has a result."""

    def __init__(self, code: Exit, why: str = "") -> None:
        super().__init__(why)
        self.code = code


class WorkerElsewhere:
    """Plays one run for the master at *address*.

    Args:
        api: URL at which this host reaches the API; empty for the plan's URL, which then has to be on loopback, so that
            a master can't direct this host's load at another machine.
    """

    def __init__(self, address: tuple[str, int], *, key: str, api: str, patience_s: float, stop: Stop) -> None:
        self._address, self._key, self._api, self._patience_s, self._stop = address, key, api, patience_s, stop
        self._where = f"{address[0]}:{address[1]}"
        self._host = socket.gethostname()
        self._node = f"{self._host}_{uuid.uuid4().hex}"
        self._client: Any = Client(address[0], address[1], self._node)  # type: ignore[no-untyped-call]
        self._heard = Event()  # set by each message from the master
        self._told: dict[str, Any] = {}
        self._heard_at_s = time.monotonic()
        self._offsets: list[clocks.Offset] = []
        self._clock: Clock | None = None
        self._sender: Sender | None = None
        self._leaving = False  # while it hands over its record, which takes seconds, requests to stop are ignored

    # --- messages

    def _send(self, name: str, **data: object) -> None:
        joined = self._told.get(protocol.JOINED, {})
        who = {"worker": joined.get("number"), "ticket": joined.get("ticket")}
        try:
            self._client.send(message(name, {**who, **data}, self._node))
        except RPCError as error:
            self._stop.because(f"got {error}, expected to send to {self._where}")

    def _listen(self) -> None:
        while True:
            try:
                msg = self._client.recv()
            except RPCError:
                gevent.sleep(0.1)
                continue
            received_s = self._now_s()
            self._heard_at_s = time.monotonic()
            if msg.type == protocol.PONG:
                self._on_pong(msg.data, received_s)
            else:
                self._told[msg.type] = msg.data or {}
            if msg.type == protocol.STOP:
                self._stop.because(f"the master says: {self._told[protocol.STOP].get('why')}")
            self._heard.set()

    def _on_pong(self, data: dict[str, Any], received_s: float) -> None:
        if data["scheduled"] == (self._clock is not None):
            self._offsets.append(clocks.measured(sent_s=data["sent_s"], answered_s=data["at_s"], received_s=received_s))
        if self._sender is not None:
            self._sender.confirm(data["received"])

    def _now_s(self) -> float:
        """The time on the clock that the schedule follows or, before it has begun, on the wall clock."""
        return self._clock.now_s() if self._clock else time.time()

    def _ping(self, clock: clocks.Offset | None = None) -> None:
        self._send(protocol.PING, scheduled=self._clock is not None, sent_s=self._now_s(), clock=clock)

    def _ping_often(self) -> None:
        while True:
            gevent.sleep(protocol.PING_EVERY_S)
            self._ping()
            if self._master_is_silent():
                self._stop.because(f"the master at {self._where} is silent")

    def _measure(self) -> clocks.Offset | None:
        """This host's clock minus the master's, from a burst of questions."""
        self._offsets = []
        for _ in range(BURST):
            self._ping()
            gevent.sleep(BURST_EVERY_S)
        self._wait(lambda: len(self._offsets) >= BURST, 1.0)
        return clocks.best(self._offsets)

    def _wait(self, true: Callable[[], bool], within_s: float) -> bool:
        """Whether *true* came true before *within_s* was over or a stop was asked for."""
        until_s = time.monotonic() + within_s
        while not true():
            left_s = until_s - time.monotonic()
            if left_s <= 0 or (self._stop.event.is_set() and not self._leaving):
                return False
            self._heard.clear()
            waited_for = [self._heard] if self._leaving else [self._heard, self._stop.event]
            gevent.wait(waited_for, timeout=min(left_s, 0.2), count=1)
        return True

    def _master_is_silent(self) -> bool:
        return time.monotonic() - self._heard_at_s > protocol.MASTER_LOST_AFTER_S

    # --- the run

    def run(self) -> int:
        """From joining to the release by the master. Returns the exit code."""
        listener = gevent.spawn(self._listen)
        pinger: gevent.Greenlet | None = None
        try:
            self._join()
            pinger = gevent.spawn(self._ping_often)
            before = self._measure()
            if before is not None:
                self._ping(before)
                say(
                    f"load worker: clock {before.offset_s * 1000:+.2f} ms (± {before.error_s * 1000:.2f} ms) "
                    "from the master's"
                )
            self._wait_for_plan()
            return self._play(before)
        except _Ended as ended:
            if str(ended):
                say(f"load worker: {ended}")
            return ended.code
        finally:
            gevent.killall([greenlet for greenlet in (listener, pinger) if greenlet is not None])

    def _join(self) -> None:
        say(f"load worker: waiting up to {self._patience_s:g} s for a run at {self._where}")
        join = protocol.Join(host=self._host, key=self._key, code=protocol.own_code())
        until_s = time.monotonic() + self._patience_s
        answered = (protocol.JOINED, protocol.REFUSED)
        while not any(name in self._told for name in answered):
            if self._stop.event.is_set():
                raise _Ended(Exit.DONE)
            if time.monotonic() >= until_s:
                raise _Ended(
                    Exit.WORKER_LOST,
                    f"master: got no answer at {self._where} within {self._patience_s:g} s, expected a run that waits "
                    "for workers (firedrill run … --workers-elsewhere N, and the tunnel of docs/operate/scale.md)",
                )
            self._client.send(message(protocol.JOIN, msgspec.to_builtins(join), self._node))
            self._wait(lambda: any(name in self._told for name in answered), JOIN_EVERY_S)
        if protocol.REFUSED in self._told:
            raise _Ended(Exit.BAD_PLAN, f"refused by the master: {self._told[protocol.REFUSED].get('why')}")
        joined = self._told[protocol.JOINED]
        say(f"load worker: joined as worker {joined['number']} of {joined['workers']}")

    def _wait_for_plan(self) -> None:
        while protocol.PLAN not in self._told:
            if self._stop.event.is_set():
                if protocol.STOP in self._told:
                    raise _Ended(Exit.DONE, "nothing was sent: the run was called off")
                raise _Ended(Exit.WORKER_LOST if self._master_is_silent() else Exit.DONE)
            self._wait(lambda: protocol.PLAN in self._told, 1.0)

    def _plan(self) -> tuple[LoadPlan, World, int, Path]:
        told, number = self._told[protocol.PLAN], self._told[protocol.JOINED]["number"]
        plan = msgspec.json.decode(told["plan"], type=LoadPlan)
        world = msgspec.json.decode(told["world"], type=World)
        base_url = self._api or plan.base_url
        if not self._api and urlsplit(base_url).hostname not in LOOPBACK:
            raise _Ended(
                Exit.BAD_PLAN,
                f"base_url: got {base_url} from the master, expected one on loopback (name the API yourself: API=…)",
            )
        folder = Path(tempfile.mkdtemp(prefix="firedrill-load-"))
        # The monotonic clock of another host means nothing here.
        here = msgspec.structs.replace(plan, base_url=base_url, out_dir=str(folder), t0_steady_s=None)
        return here, world, number, folder

    def _play(self, before: clocks.Offset | None) -> int:
        plan, world, number, folder = self._plan()
        worker = Worker(plan=plan, world=world, number=number)
        self._clock, self._offsets = worker.clock, []
        history = folder / HISTORY / of_worker(number)
        self._sender = Sender(history)
        joining = gevent.spawn(worker.environment.create_worker_runner, *self._address)
        gevent.wait([joining, self._stop.event], count=1)
        if not joining.ready():
            shutil.rmtree(folder, ignore_errors=True)
            raise _Ended(Exit.WORKER_LOST)
        worker.runner = joining.get()
        worker.warm_up(self._stop.event)
        self._send(protocol.ARMED, arrivals=worker.desk.arrivals_of_all)
        worker.start()
        tickers = [gevent.spawn(self._stream_often), gevent.spawn(self._figures_often, worker)]
        gevent.wait([worker.desk.finished, self._stop.event], count=1)
        stopped = self._stop.event.is_set() and not worker.desk.finished.is_set()
        gevent.killall(tickers)
        result = worker.finish(stopped=stopped)
        return self._hand_over(worker, result, before, history)

    def _figures_often(self, worker: Worker) -> None:
        while True:
            gevent.sleep(protocol.PING_EVERY_S)
            self._send_figures(worker)

    def _send_figures(self, worker: Worker) -> None:
        self._send(
            protocol.FIGURES,
            figures=msgspec.to_builtins(worker.recorder.figures),
            latencies_s=worker.recorder.take_interval_latencies_s(),
        )

    def _stream_often(self) -> None:
        progressed_s, confirmed = time.monotonic(), -1
        while True:
            confirmed, progressed_s = self._stream(confirmed, progressed_s)
            gevent.sleep(STREAM_EVERY_S)

    def _stream(self, confirmed: int, progressed_s: float) -> tuple[int, float]:
        """Send what is new, and send again what was not confirmed within REPEAT_AFTER_S."""
        sender = self._sender
        assert sender is not None
        now_s = time.monotonic()
        if sender.unconfirmed == 0 or sender.confirmed != confirmed:
            confirmed, progressed_s = sender.confirmed, now_s
        elif now_s - progressed_s > REPEAT_AFTER_S:
            sender.again()
            progressed_s = now_s
        while (chunk := sender.chunk()) is not None:
            self._send(protocol.HISTORY, start=chunk[0], lines=chunk[1])
            gevent.sleep(0)
        return confirmed, progressed_s

    def _hand_over(self, worker: Worker, result: WorkerResult, before: clocks.Offset | None, history: Path) -> int:
        """Send the rest of the history, then the result until the master releases us. Returns the exit code."""
        self._leaving = True
        clock = clocks.worst([before, self._measure()])
        content = history.read_bytes()
        sender = self._sender
        assert sender is not None
        until_s = time.monotonic() + PARTING_S
        progress = (-1, time.monotonic())
        while sender.confirmed < len(content) and time.monotonic() < until_s and not self._master_is_silent():
            progress = self._stream(*progress)
            self._ping()
            self._wait(lambda: sender.confirmed == len(content), STREAM_EVERY_S)
        self._send_figures(worker)
        told = protocol.Result(
            result=msgspec.to_builtins(result),
            history_bytes=len(content),
            history_sha256=hashlib.sha256(content).hexdigest(),
            samples=zlib.compress(_content(history.parent.parent / SAMPLES_BY_WORKER / history.name)),
            clock=clock,
        )
        while protocol.RELEASE not in self._told and time.monotonic() < until_s and not self._master_is_silent():
            self._send(protocol.RESULT, result=msgspec.to_builtins(told))
            self._wait(lambda: protocol.RELEASE in self._told, JOIN_EVERY_S)
        sender.close()
        if protocol.RELEASE in self._told and sender.confirmed == len(content):
            shutil.rmtree(history.parent.parent, ignore_errors=True)
            arrivals = result.figures.totals().scheduled
            say(f"load worker: {result.ended}: {arrivals} arrivals, the whole record handed over")
            return Exit.BROKEN if result.fatal else Exit.DONE
        say(f"load worker: the master at {self._where} did not take all of the record; it is kept in {history}")
        return Exit.WORKER_LOST


def _content(path: Path) -> bytes:
    """The file's bytes; none for a file that was never written."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
