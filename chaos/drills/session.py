"""One command's worth of lab: the stack is up, the proxies are clean, the lab is ours, and crashed runs are closed."""

from __future__ import annotations

import hmac
import importlib.metadata
import os
import platform
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from chaos.adapters import drawing
from chaos.adapters.gate import Gate
from chaos.adapters.lab import Adapters, connect
from chaos.adapters.scorecard import Scorecard
from chaos.adapters.stack import ask_stack
from chaos.adapters.tasks import TaskDesk
from chaos.adapters.watch import StackWatch
from chaos.config import LEASE_S, NotUp, Stack, evidence_dir, lab_dir, read_stack
from chaos.drills.attempt import SHOP, is_the_learners, patch
from chaos.drills.calibrate import aside, scale_of
from chaos.drills.conclude import conclude
from chaos.drills.contract_audit import served_schema
from chaos.drills.crashed import conclude_crashed, crashed
from chaos.drills.drafts import BASE, base_of
from chaos.drills.results import RunResult
from chaos.drills.written import written_for
from chaos.errors import FiredrillError, Inconclusive, InvalidInput, LabBroken
from chaos.exchanges import KINDS as SOURCES
from chaos.heal import deviations, heal
from chaos.model.loadplan import Elsewhere
from chaos.model.world import World
from chaos.ports import Lab
from chaos.ports.run import StackControl
from chaos.run.lock import run_lock
from chaos.run.request import Request, Stop, Tools, View
from chaos.run.runner import perform
from chaos.scenario import Scenario

HEAL_PATIENCE_S = 30.0
# What healing in a dead runner's place may take once its lease has run out.
WATCHDOG_S = 15.0
POLL_S = 0.2
LOAD_MASTER_OFFSET = 20
"""Where load workers elsewhere meet the driver, from the base port on: the last one of those that a lab keeps."""
_VERSIONED = ("django", "djangorestframework", "celery", "granian", "locust", "psycopg", "redis", "toxiproxy-python")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may ask of a run besides scenario, variant and seed.

    Attributes:
        bring_up: Start the stack when it is down.
        heal_first: Clean dirty proxies instead of refusing them.
        scale: Factor on all rates; None for what this machine was calibrated to, else 1.
        workers: Load workers.
        elsewhere: Whether they are on other hosts; None, or where they meet the driver: `host:port`, empty for the
            lab's own port on loopback.
    """

    bring_up: bool = True
    heal_first: bool = False
    scale: float | None = None
    workers: int = 1
    elsewhere: str | None = None


class Session:
    """The lab, held by this process. Use `session()`."""

    def __init__(self, stack: Stack, options: Options, view: View, stop: Stop, *, lock: int | None = None) -> None:
        self.stack, self.options, self.view, self.stop, self._lock = stack, options, view, stop, lock
        self._schemas: dict[str, Mapping[str, Any]] = {}

    def _elsewhere(self) -> Elsewhere | None:
        if self.options.elsewhere is None:
            return None
        if self.stack.mode != "local" and not self.options.elsewhere:
            raise InvalidInput(
                f"workers elsewhere: got a {self.stack.mode} stack, whose runs start in a container without a port for "
                "them, expected a local one (STACK=local), or --master-at where you published one"
            )
        listen = self.options.elsewhere or f"127.0.0.1:{self.stack.base_port + LOAD_MASTER_OFFSET}"
        return Elsewhere(listen=listen, key_file=str(load_key_file()))

    def prepare(self, variant: str, world: Path) -> None:
        """Start *variant* on fresh data, without load; its world, with tokens, is written to *world*.

        Raises: LearnerCodeError, InvalidInput, LabBroken.
        """
        connect(self.stack, variant).stack.prepare(variant=variant, seed=1, world=World().asked(), world_file=world)

    def schema(self, variant: str) -> Mapping[str, Any]:
        """That *variant* serves; it is started for that, once. Raises: LabBroken, and what `prepare` raises."""
        if variant not in self._schemas:
            self.view.say(f"asking {variant} for the schema that it serves")
            self._schemas[variant] = served_schema(variant, prepare=self.prepare, url=self.stack.url("api"))
        return self._schemas[variant]

    def run(self, scenario: Scenario, variant: str, seed: int | None, *, scale: float | None = None) -> RunResult:
        """One run with its verdict, indexed in the scorecard when that is there.

        A scenario that grades what was written runs on the seed of its draft, so that only another draft is a fresh
        seed.

        Raises: LearnerCodeError, InvalidInput, LabBroken (the evidence so far is in its folder). Inconclusive when
            somebody asked to end before it began.
        """
        folder = self.performed(scenario, variant, seed, scale=scale)
        return conclude(folder, index=connect(self.stack, variant).scorecard, say=self.view.say)

    def performed(
        self,
        scenario: Scenario,
        variant: str,
        seed: int | None,
        *,
        scale: float | None = None,
        look: tuple[Path, StackControl] | None = None,
    ) -> Path:
        """The folder of a run that is not judged yet. Raises: as `run`.

        *look*: for a quick look, which is no evidence: where its folder is made, and who prepares its world.
        """
        if self.stop.asked:
            raise Inconclusive(f"{scenario.name} on {variant}: got {self.stop.reason}, expected to run it")
        elsewhere = self._elsewhere()
        written = written_for(scenario, variant, self.schema)
        if written is not None and seed != written.seed:
            self.view.say(f"it runs on seed {written.seed}, that of the draft")
        if any(SOURCES[section.source].drawn(section.params) for section in scenario.exchanges):
            drawing.get(self.view.say)
        adapters = connect(self.stack, variant)
        factor, source = scale_of(self.options.scale if scale is None else scale)
        if said := aside(factor):
            self.view.say(said)
        request = Request(
            scenario=scenario,
            variant=variant,
            root=look[0] if look else evidence_dir(),
            seed=seed if written is None else written.seed,
            scale=factor,
            workers=self.options.workers,
            elsewhere=elsewhere,
            versions={**versions(self.stack), "scale": source, **_base_of(variant)},
            learner=learner_of(adapters.scorecard),
            patch=(lambda: None) if look else (lambda: patch(variant)),
            written=None if written is None else (written.file, written.content),
        )
        keep_open = () if self._lock is None else (self._lock,)
        tools = _tools(self.stack, adapters, keep_open)
        return perform(request, replace(tools, stack=look[1]) if look else tools, self.view, self.stop)


def _base_of(variant: str) -> dict[str, str]:
    """From what the learner's code was made; nothing for a variant of the lab's."""
    return {BASE: base_of(SHOP / variant)} if is_the_learners(variant) else {}


def learner_of(scorecard: Scorecard) -> str:
    """The learner's name. Nothing waits for it: empty without the scorecard."""
    try:
        return scorecard.learner()
    except OSError:
        return ""


def load_key_file() -> Path:
    """The key that load workers elsewhere have to show, made once per lab; whoever may read it may be one."""
    path = lab_dir() / "keep" / "load-key"
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
    return path


def _tools(stack: Stack, adapters: Adapters, keep_open: Sequence[int] = ()) -> Tools:
    return Tools(
        stack=adapters.stack,
        lease=adapters.lease,
        lab=adapters.lab,
        world=adapters.world,
        customers=adapters.customers,
        mark_log=adapters.mark,
        gate=Gate(stack.postgres, adapters.postgres.database),
        desk=TaskDesk(stack.redis, adapters.broker),
        watch=StackWatch(),
        tracer=adapters.trace,
        recorder=adapters.recorder,
        api_url=stack.url("api"),
        draw=drawing,
        metrics=stack.metrics,
        driver_metrics_port=stack.driver_metrics_port,
        keep_open=keep_open,
        salt=lambda seed: hmac.new(stack.lab_token.encode(), f"salt:{seed}".encode(), "sha256").hexdigest()[:32],
    )


def versions(stack: Stack) -> Mapping[str, str]:
    """What the run stands on, for the evidence."""
    found = {name: _version(name) for name in ("firedrill", *_VERSIONED)}
    proxy = f"{stack.toxiproxy.get('version', '?')} ({stack.toxiproxy.get('kind', '?')})"
    return {"python": platform.python_version(), "toxiproxy": proxy, "mode": stack.mode, **found}


def _version(package: str) -> str:
    """A checkout may be run without having been installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@contextmanager
def session(options: Options, view: View, *, purpose: str) -> Iterator[Session]:
    """Hold the lab for the block.

    Raises: LabBroken when the stack is down and may not be started, or when proxies are dirty and may not be healed.
        InvalidInput when another run holds the lab.
    """
    stop = Stop()
    with run_lock(lab_dir(), purpose, say=view.say) as lock, _signals(stop):
        stack = _stack(options, view)
        adapters = connect(stack, "none")
        _await_watchdog(adapters, view)
        _clean(adapters.lab, options, view)
        for folder in conclude_crashed(evidence_dir(), index=adapters.scorecard, say=view.say):
            view.say(f"closed the crashed run {folder.name} as inconclusive, with the evidence that it left")
        yield Session(stack, options, view, stop, lock=lock)


def _await_watchdog(adapters: Adapters, view: View) -> None:
    """A runner that died a moment ago still has its lease: what the agent does in its place is evidence of its run."""
    dead = {folder.name for folder in crashed(evidence_dir())}
    give_up, said = time.monotonic() + LEASE_S + WATCHDOG_S, False
    while dead and time.monotonic() < give_up:
        try:
            holder = adapters.lease.holder()
        except LabBroken:
            return  # a command that needs it reports it
        if holder not in dead:
            return
        if not said:
            view.say(f"{holder} is dead; waiting for the agent to heal in its place")
            said = True
        time.sleep(POLL_S)


def _stack(options: Options, view: View) -> Stack:
    if options.bring_up:
        if isinstance(read_stack(), NotUp):
            view.say("the stack is down: bringing it up")
        ask_stack(["up"], quiet=False)
    stack = read_stack()
    if isinstance(stack, NotUp):
        raise LabBroken(
            f"stack: got a stack that is down ({stack.reason}), expected it up (make up, or without --no-up)"
        )
    return stack


def _clean(lab: Lab, options: Options, view: View) -> None:
    try:
        # What is dirty is named even where another part can't be asked: that is what healing says then.
        dirty = list(lab.proxies.deviations()) or deviations(lab)
    except FiredrillError as error:
        raise LabBroken(f"lab: got {error}, expected a pristine one (make down, then make up)") from None
    if not dirty:
        return
    if not options.heal_first:
        raise LabBroken(f"lab: got {'; '.join(dirty)}, expected a pristine one (firedrill heal, or --heal)")
    view.say(f"healing first: {'; '.join(dirty)}")
    _, left = heal(lab, patience_s=HEAL_PATIENCE_S)
    if left:
        raise LabBroken(f"lab: got {'; '.join(left)} after healing, expected a pristine one")


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to end; it still heals, collects and judges."""

    def ask(number: int, _: FrameType | None) -> None:
        stop.ask(f"stopped by {signal.Signals(number).name}")

    before: dict[signal.Signals, Callable[..., object] | int | None] = {
        number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
