"""The request for a run, and the tools that the run gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chaos.model.drawn import Drawn
from chaos.model.folder import File
from chaos.model.journal import BY_USER, Event
from chaos.model.loadplan import Elsewhere, Progress
from chaos.ports import (
    CustomersView,
    Gate,
    Lab,
    LeaseKeeper,
    Recorder,
    StackControl,
    TaskDesk,
    Tracer,
    Watch,
    WorldWitness,
)
from chaos.run.driver import LOAD_DRIVER
from chaos.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a run waits for its parts, in seconds.

    Attributes:
        driver_start_s: From the driver's start to its schedule: meanwhile it imports Locust, tests itself and connects.
        driver_ready_s: How late the driver may say that it is ready.
        driver_end_s: For operations under way when the last phase ends: a timeout each, then polls in their budget.
        steady_grace_s: For the first phase's last operations, before the steady state is judged.
        heal_s: For lifting all faults, with repetitions.
        worker_ping_s: For the worker's answer after settling.
    """

    driver_start_s: float = 5.0
    driver_ready_s: float = 3.0
    driver_end_s: float = 30.0
    steady_grace_s: float = 1.0
    heal_s: float = 45.0
    worker_ping_s: float = 3.0


class Draw(Protocol):
    """Draws requests from a contract."""

    def draw(self, document: Mapping[str, Any], *, seed: int, cases: int) -> Sequence[Drawn]:
        """Up to *cases* valid ones of each operation, and as many invalid ones. Raises: LabBroken."""

    def smaller(self, document: Mapping[str, Any], *, seed: int, cases: int) -> Smaller:
        """Ready to look for the smallest request that shows something. Raises: LabBroken."""


class Smaller(Protocol):
    """Finds the smallest of the requests that show something."""

    def find(self, operation: str, *, valid: bool, shows: Callable[[Drawn], bool]) -> None:
        """Ask *shows* of one request after the other, until none is known that is smaller. Raises: LabBroken."""

    def close(self) -> None:
        """End it."""


class View(Protocol):
    """Shows a run to the user. Called from several threads."""

    def say(self, text: str) -> None:
        """A step of the run, in words."""

    def event(self, event: Event) -> None:
        """An event that was journalled."""

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        """Twice a second while the load runs."""


class Aborted(Exception):
    """The run's traffic stops here; the run is then healed, collected and inconclusive.

    *by* as in docs/operate/evidence.md.
    """

    def __init__(self, reason: str, *, by: str) -> None:
        super().__init__(reason)
        self.by = by


class Stop:
    """The user's wish to end the run. Set by a signal and read between steps, so that healing is never interrupted."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = threading.Event()

    def ask(self, reason: str) -> None:
        """Idempotent; the first reason is kept."""
        self.reason = self.reason or reason
        self._event.set()

    @property
    def event(self) -> threading.Event:
        """Set when the end was asked for; threads can wait for it."""
        return self._event

    @property
    def asked(self) -> bool:
        """Whether the run should end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raises: Aborted."""
        if self.asked:
            raise Aborted(self.reason, by=BY_USER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The outside world of a run.

    Attributes:
        lab: What faults may touch, for the variant.
        world: Reads the variant's end state.
        customers: Reads what the variant shows its customers.
        mark_log: Remembers how far PostgreSQL's log is written, and starts recording the broker and the commits.
        metrics: Service → URL of its /metrics.
        gate: Forces interleavings in the variant's database; None: the run can't force any.
        desk: The workers' messages while interleavings are forced.
        watch: Looks for foreign processes and clients; None: the run is not watched.
        draw: Draws requests from a contract; None where nothing can.
        recorder: Statements and cache of an exchange run, which requires it.
        tracer: Keeps the statements and log lines that explain the run; None: the run has no trace.
        driver: Command that plays the load plan whose file is its last argument.
        keep_open: File descriptors for the driver to hold, such as the lab's lock.
        salt: Seed → secret from which ids in requests are made, so that the code under test can't predict them.
    """

    stack: StackControl
    lease: LeaseKeeper
    lab: Lab
    world: WorldWitness
    customers: CustomersView
    mark_log: Callable[[], None]
    api_url: str
    metrics: Mapping[str, str | None]
    driver_metrics_port: int
    gate: Gate | None = None
    desk: TaskDesk | None = None
    watch: Watch | None = None
    tracer: Tracer | None = None
    recorder: Recorder | None = None
    driver: Sequence[str] = LOAD_DRIVER
    keep_open: Sequence[int] = ()
    salt: Callable[[int], str] = str
    draw: Draw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to run.

    Attributes:
        scale: Factor on all rates, for larger or smaller machines.
        workers: Load workers; more than one for a load that one core can't play.
        elsewhere: Where load workers on other hosts meet the driver; None starts them here.
        root: Where evidence folders are made.
        learner: Name of the lab's owner; empty when it is not known.
        patch: Returns the learner's changes to the code that runs; None for a variant that comes with the lab. Called
            once the variant runs.
        written: What the learner wrote and the scenario grades: file of the evidence, and its content; None where it
            grades the code alone.
        pace: How long to wait for the parts of the run.
    """

    scenario: Scenario
    variant: str
    root: Path
    seed: int | None = None
    scale: float = 1.0
    workers: int = 1
    elsewhere: Elsewhere | None = None
    versions: Mapping[str, str]
    learner: str = ""
    patch: Callable[[], bytes | None] = lambda: None
    written: tuple[File, bytes] | None = None
    pace: Pace = Pace()
