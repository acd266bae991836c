"""Workers on other hosts, on the master's side: joining, refusals, their messages, and losses by silence."""

from __future__ import annotations

import secrets
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gevent
import msgspec

from chaos.model.folder import HISTORY, SAMPLES_BY_WORKER, of_worker
from chaos.model.loadplan import Elsewhere, LoadPlan
from loadtests import protocol
from loadtests.clocks import Offset
from loadtests.crew import Ears, Runner, message
from loadtests.relay import Receiver
from loadtests.report import Member
from loadtests.tally import Figures
from loadtests.worker import WorkerResult
from loadtests.world import World

MOST_REFUSALS_NOTED = 20
MOST_SAMPLE_BYTES = 64 * 1024 * 1024
FAREWELL_S = 0.3
"""Time for the last messages to be sent, since this process ends without waiting for its sockets."""


class _Worker:
    """A worker that has joined.

    Attributes:
        node: Its address in Locust's protocol.
        ticket: Secret that proves that a message comes from the worker that joined.
        heard_s: Time of its last message.
    """

    def __init__(self, number: int, node: str, host: str, heard_s: float) -> None:
        self.number, self.node, self.host, self.heard_s = number, node, host, heard_s
        self.ticket = secrets.token_hex(16)
        self.history: Receiver | None = None
        self.clock: Offset | None = None
        self.gone = False
        self.handed_over = False


class CrewElsewhere:
    """The crew of workers on other hosts. Its messages: see `loadtests.protocol`. Raises: ValueError without a key."""

    def __init__(
        self,
        runner: Runner,
        ears: Ears,
        plan: LoadPlan,
        world: World,
        *,
        steady_s: Callable[[], float] = time.monotonic,
    ) -> None:
        assert plan.elsewhere is not None
        self._runner, self._ears, self._plan, self._world = runner, ears, plan, world
        self._elsewhere: Elsewhere = plan.elsewhere
        self._steady_s = steady_s
        self._key = protocol.read_key(Path(plan.elsewhere.key_file))
        self._workers: dict[int, _Worker] = {}
        self._refused: dict[str, str] = {}
        self._briefed = False
        self._mustering = True
        for name, listener in (
            (protocol.JOIN, self._on_join),
            (protocol.PING, self._on_ping),
            (protocol.ARMED, self._on_armed),
            (protocol.FIGURES, self._on_figures),
            (protocol.HISTORY, self._on_history),
            (protocol.RESULT, self._on_result),
        ):
            runner.register_message(name, listener)

    @property
    def members(self) -> Mapping[int, Member]:
        return {worker.number: Member(worker.host, worker.clock) for worker in self._workers.values()}

    def _send(self, name: str, node: str, data: object) -> None:
        self._runner.server.send_to_client(message(name, data, node))

    # --- joining

    def _on_join(self, environment: Any, msg: Any) -> None:
        node = str(msg.node_id)
        known = next((worker for worker in self._workers.values() if worker.node == node), None)
        if known is None:
            why = protocol.refusal(msg.data, self._key) if isinstance(msg.data, dict) else "protocol: got no data"
            if not why and not self._mustering:
                why = f"workers: got one more, expected {self._plan.workers}: all are there"
            if why:
                self._refuse(node, why, msg.data)
                return
            number = next(number for number in range(self._plan.workers) if number not in self._workers)
            known = self._workers[number] = _Worker(number, node, str(msg.data["host"])[:100], self._steady_s())
            self._mustering = len(self._workers) < self._plan.workers
            self._ears.note(
                f"load worker {number} came from {known.host} ({len(self._workers)} of {self._plan.workers})"
            )
        joined = {"number": known.number, "workers": self._plan.workers, "ticket": known.ticket}
        self._send(protocol.JOINED, node, joined)

    def _refuse(self, node: str, why: str, join: object) -> None:
        if node not in self._refused and len(self._refused) < MOST_REFUSALS_NOTED:
            host = str(join.get("host", "?"))[:100] if isinstance(join, dict) else "?"
            self._refused[node] = f"a load worker from {host} was refused: {why}"
            self._ears.note(self._refused[node])
        self._send(protocol.REFUSED, node, {"why": why})

    def muster(self, wait_until: Callable[[Callable[[], bool], float], bool]) -> list[str]:
        wanted, patience_s = self._plan.workers, self._elsewhere.patience_s
        self._ears.note(
            f"waiting up to {patience_s:g} s for {wanted} load worker(s) at {self._elsewhere.listen}; on each of their "
            f"hosts: make load-worker MASTER={self._elsewhere.listen}"
        )
        if wait_until(lambda: len(self._workers) == wanted, patience_s):
            return []
        here = len(self._workers)
        problem = (
            f"load workers elsewhere: got {here} of {wanted} within {patience_s:g} s, expected all (on each of their "
            f"hosts: make load-worker MASTER={self._elsewhere.listen}, see docs/operate/scale.md;"
            " or load from here: --workers)"
        )
        return ["; ".join([problem, *self._refused.values()])]

    def brief(self, plan: LoadPlan) -> None:
        self._plan, self._briefed = plan, True
        for worker in self._workers.values():
            worker.history = Receiver(Path(plan.out_dir) / HISTORY / of_worker(worker.number))
            worker.heard_s = self._steady_s()
            data = {"plan": msgspec.json.encode(plan), "world": msgspec.json.encode(self._world)}
            self._send(protocol.PLAN, worker.node, data)

    # --- during the run

    def _known(self, msg: Any) -> _Worker | None:
        """The worker that sent *msg*; None for a wrong ticket, and for a worker that counts as lost."""
        data = msg.data
        worker = self._workers.get(data.get("worker", -1)) if isinstance(data, dict) else None
        if worker is None or not secrets.compare_digest(str(data.get("ticket")).encode(), worker.ticket.encode()):
            return None
        if worker.gone:
            self._send(protocol.STOP, worker.node, {"why": "it was silent for too long and counts as lost"})
            return None
        worker.heard_s = self._steady_s()
        return worker

    def _on_ping(self, environment: Any, msg: Any) -> None:
        worker = self._known(msg)
        if worker is None:
            return
        scheduled = bool(msg.data["scheduled"])
        if scheduled and not self._ears.scheduled():
            return
        at_s = self._ears.now_s() if scheduled else time.time()
        clock = msg.data.get("clock")
        if clock is not None:
            worker.clock = Offset(*clock)
        received = worker.history.received if worker.history else 0
        data = {"sent_s": msg.data["sent_s"], "scheduled": scheduled, "at_s": at_s, "received": received}
        self._send(protocol.PONG, worker.node, data)

    def _on_armed(self, environment: Any, msg: Any) -> None:
        if (worker := self._known(msg)) is not None:
            self._ears.armed(worker.number, msg.data["arrivals"])

    def _on_figures(self, environment: Any, msg: Any) -> None:
        if (worker := self._known(msg)) is not None:
            self._ears.figures(
                worker.number, msgspec.convert(msg.data["figures"], Figures), list(msg.data["latencies_s"])
            )

    def _on_history(self, environment: Any, msg: Any) -> None:
        worker = self._known(msg)
        if worker is None or worker.history is None or worker.handed_over:
            return
        try:
            worker.history.take(msg.data["start"], msg.data["lines"])
        except OSError as error:
            self._ears.note(f"worker {worker.number}: got {error.strerror}, expected room to write its history")
            worker.heard_s = float("-inf")  # counts as lost, since its record is incomplete from now on

    def _on_result(self, environment: Any, msg: Any) -> None:
        worker = self._known(msg)
        if worker is None or worker.history is None:
            return
        if not worker.handed_over:
            told = msgspec.convert(msg.data["result"], protocol.Result)
            result = msgspec.convert(told.result, WorkerResult)
            if told.clock is not None:
                worker.clock = Offset(*told.clock)
            problem = worker.history.problem(told.history_bytes, told.history_sha256)
            if problem:
                result.crashed = [*result.crashed, f"worker {worker.number} ({worker.host}): {problem}"]
            self._keep_samples(worker, told.samples)
            worker.handed_over = True
            worker.history.close()
            self._ears.result(result)
        self._send(protocol.RELEASE, worker.node, {})

    def _keep_samples(self, worker: _Worker, compressed: bytes) -> None:
        """Write its samples. As for a worker here, an error loses the samples and nothing else."""
        samples = zlib.decompressobj().decompress(compressed, MOST_SAMPLE_BYTES)
        if not samples:
            return
        with suppress(OSError):
            folder = Path(self._plan.out_dir) / SAMPLES_BY_WORKER
            folder.mkdir(exist_ok=True)
            (folder / of_worker(worker.number)).write_bytes(samples)

    # --- leaving

    def losses(self) -> Mapping[int, str]:
        silent = [
            worker
            for worker in self._workers.values()
            if not (worker.gone or worker.handed_over) and self._steady_s() - worker.heard_s > protocol.LOST_AFTER_S
        ]
        if not self._briefed:  # before the start another worker can take its place
            for worker in silent:
                del self._workers[worker.number]
                self._mustering = True
                self._ears.note(f"load worker {worker.number} from {worker.host} is gone again before the start")
            return {}
        for worker in silent:
            worker.gone = True
            self._send(protocol.STOP, worker.node, {"why": "it was silent for too long and counts as lost"})
        return {
            worker.number: f"worker {worker.number} on {worker.host} was silent for {protocol.LOST_AFTER_S:g} s"
            for worker in silent
        }

    def part(self) -> bool:
        for worker in self._workers.values():
            if not worker.handed_over:
                self._send(protocol.STOP, worker.node, {"why": "the run is over"})
        gevent.sleep(FAREWELL_S)
        return self._briefed

    def close(self) -> None:
        for worker in self._workers.values():
            if worker.history is not None:
                worker.history.close()
