"""Events of a run, as they stand in journal.jsonl."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from chaos.model.bounds import AtS, Count, UnixS


class EventKind(StrEnum):
    """What happened. Times of load, faults and phases are on one clock: seconds since the load's start."""

    RUN_STARTED = "run_started"
    PREPARED = "prepared"
    LOAD_STARTED = "load_started"
    PHASE_STARTED = "phase_started"
    PHASE_ENDED = "phase_ended"
    STEADY_STATE = "steady_state"
    FAULT_INJECTED = "fault_injected"
    FAULT_MISSING = "fault_missing"
    FAULT_LIFTED = "fault_lifted"
    FAULT_FAILED = "fault_failed"
    EXPOSURE = "exposure"
    GATE_INSTALLED = "gate_installed"
    SCHEDULE = "schedule"
    GATE_REMOVED = "gate_removed"
    GUARDRAIL = "guardrail"
    ABORTED = "aborted"
    LOAD_ENDED = "load_ended"
    HEALED = "healed"
    HEAL_FAILED = "heal_failed"
    SETTLED = "settled"
    COLLECTED = "collected"
    IDENTITY = "identity"
    STRANGER = "stranger"
    WATCHED = "watched"
    WATCHDOG = "watchdog"
    NOTE = "note"
    RUN_ENDED = "run_ended"


BY_USER = "user"
"""Who aborted a run, in the event `aborted`: whoever started it, by a signal."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the journal.

    Attributes:
        seq: Position in the journal, from 0 without gaps.
        at_unix_s: Wall clock, for people; nothing is judged by it.
        at_s: Seconds since the load's intended start, by the monotonic clock; None before the load is scheduled.
        data: Details, by event kind; see docs/operate/evidence.md.
    """

    seq: Count
    at_unix_s: UnixS
    event: EventKind
    at_s: AtS | None = None
    data: dict[str, Any] = {}
