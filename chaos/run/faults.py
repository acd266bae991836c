"""Holds each planned fault for its time and lifts it however the run ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import Any

from chaos.errors import FiredrillError
from chaos.evidence.journal import Journal
from chaos.faults import KINDS, Held
from chaos.model.journal import EventKind
from chaos.plan import PlannedFault
from chaos.ports import Lab
from chaos.run.paths import Paths
from chaos.run.triggers import TRIGGERS

TRIGGER_POLL_S = 0.003
READ_AGAIN_S = 0.25
MOST_MISSED = 20
# Every adapter call has a deadline; the sum of the deadlines of one fault stays below this.
LIFT_PATIENCE_S = 40.0


class FaultTask(threading.Thread):
    """One fault, from arming to the proof that it is gone."""

    def __init__(
        self,
        fault: PlannedFault,
        *,
        lab: Lab,
        journal: Journal,
        paths: Paths,
        t0_unix_s: float,
        stop: threading.Event,
        ends_s: float,
    ) -> None:
        super().__init__(name=fault.spec.id, daemon=True)
        self._fault, self._lab, self._journal, self._paths = fault, lab, journal, paths
        self._t0_unix_s, self._stop_event, self._ends_s = t0_unix_s, stop, ends_s
        self._kind = KINDS[fault.spec.kind]
        self._on = fault.spec.params.on
        self._follows: tuple[FaultTask, ...] = ()
        self.active = False
        self.over = threading.Event()

    def follow(self, others: Iterable[FaultTask]) -> None:
        """Wait, before arming, for the end of those of *others* on this target whose lift is due during the arming.

        Arming holds the target's turn. It would delay their lift until after this fault's start, and a switch that
        both faults use would then be off for both.
        """
        mine = self._fault
        self._follows = tuple(
            other
            for other in others
            if other is not self and other._on == self._on and other._fault.lift_s is not None
            and mine.inject_s - self._kind.arm_ahead_s <= other._fault.lift_s <= mine.inject_s
        )  # fmt: skip

    def run(self) -> None:
        """Arm, wait, inject, prove, hold, count, lift."""
        try:
            self._run()
        finally:
            self.over.set()

    def _run(self) -> None:
        held = Held(id=self._fault.spec.id, params=self._fault.spec.params, seed=self._fault.seed)
        armed = False
        try:
            if not self._wait_until(self._fault.inject_s - self._kind.arm_ahead_s):
                return self._failed("the run ended before its time")
            if not all(self._wait_for_end_of(other) for other in self._follows):
                return self._failed("the run ended before its time")
            with ExitStack() as turn:
                turn.enter_context(self._paths.turn(self._on))
                self._note_concurrent_faults(held)
                self._kind.arm(held, self._lab)
                if not self._wait_until(self._fault.inject_s):
                    return self._failed("the run ended before its time")
                missed = 0
                while self._fault.trigger:
                    turn.close()  # the wait has no known length, and other faults must not wait for its end
                    if missed == MOST_MISSED or not self._wait_for(self._fault.trigger):
                        how = f"seen {missed} times, and each time {self._on} was not in the middle of it"
                        return self._failed(
                            f"its trigger {self._fault.trigger} was {how if missed else 'not seen in time'}"
                        )
                    turn.enter_context(self._paths.turn(self._on))
                    self._note_concurrent_faults(held)
                    armed = True
                    if self._kind.catches(held, self._lab):
                        break
                    armed, missed = False, missed + 1
                armed = True
                self._inject(held)
            self._hold(held)
        except Exception as error:
            self._failed(_words(error) if armed else f"it could not be armed: {_words(error)}")
        finally:
            if armed:
                self._lift(held)

    def _note_concurrent_faults(self, held: Held) -> None:
        held.beside = self._paths.beside(self._on, held.id)

    def _inject(self, held: Held) -> None:
        self.active = True
        self._paths.enter(self._on, held.id)
        self._kind.inject(held, self._lab)
        proof = self._kind.prove(held, self._lab)
        self._journal.write(
            EventKind.FAULT_INJECTED,
            fault=held.id,
            kind=self._kind.name,
            on=held.params.on,
            planned_s=None if self._fault.trigger else self._fault.inject_s,
            injected_s=self._at_s(held.injected_unix_s),
            effective_s=self._at_s(held.effective_unix_s),
            **asdict(proof),
        )

    def _hold(self, held: Held) -> None:
        watch = _StillThere(lambda: self._kind.missing(held, self._lab), lambda reason: self._missing(held, reason))
        watch.start()
        try:
            self._until_its_lift(held)
        finally:
            watch.stop()

    def _missing(self, held: Held, reason: str) -> None:
        now_s = self._at_s(self._lab.clock.now_unix_s())
        with suppress(OSError):
            self._journal.write(EventKind.FAULT_MISSING, fault=held.id, seen_s=now_s, reason=reason)

    def _until_its_lift(self, held: Held) -> None:
        self._wait_for_lift(held)
        count, witness = self._kind.exposure(held, self._lab)
        self._journal.write(
            EventKind.EXPOSURE, fault=held.id, count=count, witness=witness, at_least=held.params.exposed_at_least
        )

    def _wait_for_lift(self, held: Held) -> None:
        if self._fault.lift_s is not None:
            self._wait_until(self._fault.lift_s)
        elif self._fault.lasts_s is not None:  # from its trigger on
            self._wait_until(self._at_s(held.effective_unix_s) + self._fault.lasts_s)

    def _lift(self, held: Held) -> None:
        lifted_s: float | None = None
        canary: Mapping[str, Any] = {}
        try:
            with self._paths.turn(self._on):
                self._kind.lift(held, self._lab)
                lifted_s = self._at_s(self._lab.clock.now_unix_s())
                self._paths.leave(self._on, held.id)
                self._note_concurrent_faults(held)
                gone = self._kind.gone(held, self._lab)
                pristine, reason, canary = gone.proven, gone.reason, gone.canary
        except Exception as error:
            pristine, reason = False, _words(error)
        self.active = False
        with suppress(OSError):
            self._journal.write(
                EventKind.FAULT_LIFTED,
                fault=held.id,
                lifted_s=lifted_s,
                pristine=pristine,
                reason=reason,
                canary=dict(canary),
            )

    def _failed(self, reason: str) -> None:
        with suppress(OSError):
            self._journal.write(
                EventKind.FAULT_FAILED,
                fault=self._fault.spec.id,
                kind=self._kind.name,
                on=self._fault.spec.params.on,
                reason=reason,
            )

    def _at_s(self, unix_s: float) -> float:
        return round(unix_s - self._t0_unix_s, 6)

    def _wait_until(self, at_s: float) -> bool:
        """False when the run was stopped first."""
        return not self._stop_event.wait(max(0.0, self._t0_unix_s + at_s - self._lab.clock.now_unix_s()))

    def _wait_for_end_of(self, other: FaultTask) -> bool:
        """False when the run was stopped first."""
        while not other.over.is_set():
            if self._stop_event.wait(TRIGGER_POLL_S):
                return False
        return True

    def _wait_for(self, trigger: str) -> bool:
        seen = TRIGGERS[trigger]
        last_unix_s = self._t0_unix_s + self._ends_s - (self._fault.lasts_s or 0.0)
        while self._lab.clock.now_unix_s() < last_unix_s:
            if seen(self._lab):
                return True
            if self._stop_event.wait(TRIGGER_POLL_S):
                return False
        return False


def _words(error: Exception) -> str:
    """The text of one of our own errors; any other error with its type, since it is a defect of the engine."""
    return str(error) if isinstance(error, FiredrillError | OSError) else repr(error)


class _StillThere(threading.Thread):
    """Reads a held fault back every READ_AGAIN_S, to notice one that was removed before its lift.

    It has a thread of its own, so that a server that hangs does not delay the lift. A server that does not answer does
    not prove that the fault is gone.
    """

    def __init__(self, missing: Callable[[], str], tell: Callable[[str], None]) -> None:
        super().__init__(name="still-there", daemon=True)
        self._missing, self._tell = missing, tell
        self._stop_event = threading.Event()

    def run(self) -> None:
        """Until it is stopped, or has reported a missing fault once."""
        while not self._stop_event.wait(READ_AGAIN_S):
            reason = ""
            with suppress(FiredrillError, OSError):
                reason = self._missing()
            if reason and not self._stop_event.is_set():  # after the stop the lift itself removes the fault
                return self._tell(reason)

    def stop(self) -> None:
        """Ignore what is read from now on."""
        self._stop_event.set()


class SectionFault(FaultTask):
    """A fault that is held while a section of an exchange run lasts, however long that is."""

    def __init__(self, fault: PlannedFault, **more: Any) -> None:
        super().__init__(fault, **more)
        self.felt = threading.Event()
        self._enough = threading.Event()

    def begin(self) -> None:
        """Inject it; returns when the proof was made, or when it failed."""
        self.start()
        while not self.felt.wait(TRIGGER_POLL_S * 10) and not self.over.is_set():
            pass

    def end(self) -> None:
        """Count its exposure and lift it; returns when it is lifted, or after LIFT_PATIENCE_S."""
        self._enough.set()
        self.join(LIFT_PATIENCE_S)

    def _wait_for_lift(self, held: Held) -> None:
        self.felt.set()
        while not self._enough.wait(TRIGGER_POLL_S * 10) and not self._stop_event.is_set():
            pass


class Faults:
    """All faults of a run. Leaving the block lifts those that are still held."""

    def __init__(
        self, planned: Sequence[PlannedFault], *, lab: Lab, journal: Journal, t0_unix_s: float, ends_s: float
    ) -> None:
        self._stop = threading.Event()
        paths = Paths()
        self._tasks = [
            FaultTask(fault, lab=lab, journal=journal, paths=paths, t0_unix_s=t0_unix_s, stop=self._stop, ends_s=ends_s)
            for fault in planned
        ]
        for task in self._tasks:
            task.follow(self._tasks)

    def __enter__(self) -> Faults:
        for task in self._tasks:
            task.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.join()

    @property
    def active(self) -> tuple[str, ...]:
        """Ids of the faults that are held right now."""
        return tuple(task.name for task in self._tasks if task.active)

    def join(self) -> None:
        """Wait until every fault is lifted; one whose lift hangs is left to the healing that follows."""
        for task in self._tasks:
            task.join(LIFT_PATIENCE_S)
