"""Holds each planned fault for its time and lifts it however the run ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from chaos.errors import FiredrillError
from chaos.faults import KINDS
from chaos.journal import Journal
from chaos.model.journal import EventKind
from chaos.plan import PlannedFault
from chaos.ports import Held, Lab
from chaos.run.triggers import TRIGGERS

# Enough to read a canary and open connections before the moment itself.
ARM_AHEAD_S = 0.6
TRIGGER_POLL_S = 0.003
# Every adapter call has a deadline of its own; the sum of them for one fault stays below this.
LIFT_PATIENCE_S = 40.0


class FaultTask(threading.Thread):
    """One fault, from arming to the proof that it is gone."""

    def __init__(
        self, fault: PlannedFault, *, lab: Lab, journal: Journal, t0_unix_s: float, stop: threading.Event, ends_s: float
    ) -> None:
        super().__init__(name=fault.spec.id, daemon=True)
        self._fault, self._lab, self._journal = fault, lab, journal
        self._t0_unix_s, self._stop_event, self._ends_s = t0_unix_s, stop, ends_s
        self._kind = KINDS[fault.spec.kind]
        self.active = False

    def run(self) -> None:
        """Arm, wait, inject, prove, hold, count, lift."""
        held = Held(id=self._fault.spec.id, params=self._fault.spec.params)
        try:
            if not self._wait_until(self._fault.inject_s - ARM_AHEAD_S):
                return self._failed("the run ended before its time")
            self._kind.arm(held, self._lab)
            if not self._wait_until(self._fault.inject_s):
                return self._failed("the run ended before its time")
            if self._fault.trigger and not self._wait_for(self._fault.trigger):
                return self._failed(f"its trigger {self._fault.trigger} was not seen before the load ended")
        except Exception as error:
            return self._failed(f"it could not be armed: {_words(error)}")
        self._hold(held)

    def _hold(self, held: Held) -> None:
        try:
            self.active = True
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
            if self._fault.lift_s is not None:
                self._wait_until(self._fault.lift_s)
            count, witness = self._kind.exposure(held, self._lab)
            self._journal.write(
                EventKind.EXPOSURE, fault=held.id, count=count, witness=witness, at_least=held.params.exposed_at_least
            )
        except Exception as error:
            self._failed(_words(error))
        finally:
            self._lift(held)

    def _lift(self, held: Held) -> None:
        lifted_s: float | None = None
        try:
            self._kind.lift(held, self._lab)
            lifted_s = self._at_s(self._lab.clock.now_unix_s())
            gone = self._kind.gone(held, self._lab)
            pristine, reason = gone.proven, gone.reason
        except Exception as error:
            pristine, reason = False, _words(error)
        self.active = False
        with suppress(OSError):
            self._journal.write(
                EventKind.FAULT_LIFTED, fault=held.id, lifted_s=lifted_s, pristine=pristine, reason=reason
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

    def _wait_for(self, trigger: str) -> bool:
        seen = TRIGGERS[trigger]
        while self._lab.clock.now_unix_s() < self._t0_unix_s + self._ends_s:
            if seen(self._lab):
                return True
            if self._stop_event.wait(TRIGGER_POLL_S):
                return False
        return False


def _words(error: Exception) -> str:
    """Our own errors are sentences; anything else is a defect that must not pass for a fault that was felt."""
    return str(error) if isinstance(error, FiredrillError | OSError) else repr(error)


class Faults:
    """All faults of a run. Leaving the block lifts whatever is still held."""

    def __init__(
        self, planned: Sequence[PlannedFault], *, lab: Lab, journal: Journal, t0_unix_s: float, ends_s: float
    ) -> None:
        self._stop = threading.Event()
        self._tasks = [
            FaultTask(fault, lab=lab, journal=journal, t0_unix_s=t0_unix_s, stop=self._stop, ends_s=ends_s)
            for fault in planned
        ]

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
        """Wait for every fault to be lifted; what is stuck is left to the heal that follows."""
        for task in self._tasks:
            task.join(LIFT_PATIENCE_S)
