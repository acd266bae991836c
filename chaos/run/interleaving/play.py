"""Plays a section `interleaved` of a run: installs the gate, tries every schedule, removes the gate."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import LabBroken
from chaos.model.folder import HISTORY, File, of_worker
from chaos.model.interleaving import Said, Schedule
from chaos.ports import Gate, ProcessControl, TaskDesk
from chaos.run.interleaving.client import Client, HistoryFile, start_line
from chaos.run.interleaving.scenes import SCENES, Person, Place, Stage
from chaos.run.interleaving.schedules import Clock, Limits, Pair

OWN_TASK_HOLD_S = 0.6
"""How long a request is held while its own task must not come: the hold ends by this time when all is right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """The section to play. Fields as in `chaos.exchanges.interleaved`."""

    section: str
    pair: tuple[str, str]
    preemptions: int = 1
    at_most: int = 12
    hold_s: float = 1.0
    only: str = ""


class Supplies:
    """Tiers, customers and keys of one run; each is used once. Made while `world.json` still has its tokens.

    Raises: LabBroken when the world file can't be read.
    """

    def __init__(self, world_file: Path) -> None:
        try:
            world = json.loads(world_file.read_text(encoding="utf-8"))
            tiers = [(tier["hot"], Place(id=tier["id"], capacity=tier["capacity"])) for tier in world["tiers"]]
            people = [Person(id=c["id"], access=c["access"], refresh=c["refresh"]) for c in world["customers"]]
            self.password: str = world["password"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabBroken(f"{world_file.name}: got {error!r}, expected the seeded world") from None
        self.places = iter([place for hot, place in tiers if hot])
        self.large = iter([place for hot, place in tiers if not hot])
        self.people = iter(people)
        self.keys = count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What forcing needs from the run and the lab.

    Attributes:
        folder: Evidence of the run.
        worker: Number of the history file; no other section writes to it.
        tell: Journals an event, by its name and data.
        stopped: Whether the user asked the run to end.
    """

    gate: Gate
    desk: TaskDesk
    processes: ProcessControl
    api_url: str
    folder: Path
    supplies: Supplies
    variant: str
    seed: int
    salt: str
    t0_unix_s: float
    now_s: Callable[[], float]
    sleep: Callable[[float], None]
    tell: Callable[[str, Mapping[str, Any]], None] = lambda _name, _data: None
    stopped: Callable[[], bool] = lambda: False
    worker: int = 0


class ScheduleFile:
    """schedules.jsonl, written line by line without a buffer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._lock = threading.Lock()

    def write(self, schedule: Schedule) -> None:
        """Raises: OSError."""
        with self._lock:
            rest = memoryview(msgspec.json.encode(schedule) + b"\n")
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def close(self) -> None:
        """Sync to disk and close."""
        os.fsync(self._file)
        os.close(self._file)


def play(each: Play, means: Means) -> int:
    """Try every schedule of a pair. Returns how many were tried.

    Raises: LabBroken when the gate can't be installed or removed, the world has too few tiers or customers, or a part
        of the lab does not answer.
    """
    tried = 0

    def record(schedule: Schedule) -> None:
        nonlocal tried
        file.write(schedule)
        tried += not schedule.learnt
        means.tell("schedule", _summary(schedule))

    with _history(means) as client, _schedules(means) as file, _gate(means):
        client.phase = each.section
        stage = _stage(means, client)
        pair = Pair(
            section=each.section,
            roles=each.pair,
            gate=means.gate,
            clock=stage.clock,
            limits=Limits(hold_s=_hold_s(each), at_most=each.at_most),
            make=lambda: SCENES[each.pair](stage),
            record=record,
            stopped=means.stopped,
            preemptions=each.preemptions,
            only=each.only,
        )
        left = pair.run()
        if left and not each.only:
            record(_of_all(each, "left", untried=left))
        if unnamed := means.gate.unnamed():
            record(_of_all(each, "unnamed", unnamed=unnamed))
    return tried


def _of_all(each: Play, name: str, *, untried: int = 0, unnamed: int = 0) -> Schedule:
    """What is true of all schedules of the section, as a line of its own."""
    nobody = Said(role="")
    return Schedule(
        id=f"{each.section}/{name}", section=each.section, pair=each.pair, steps=(), a=nobody, b=nobody, learnt=True,
        untried=untried, unnamed=unnamed,
    )  # fmt: skip


def _hold_s(each: Play) -> float:
    return min(each.hold_s, OWN_TASK_HOLD_S) if each.pair == ("buy", "charge") else each.hold_s


def _summary(schedule: Schedule) -> dict[str, Any]:
    """The data of the journal's event; schedules.jsonl has the whole schedule."""
    return {
        "id": schedule.id,
        "pair": list(schedule.pair),
        "learnt": schedule.learnt,
        "held": "" if schedule.learnt else str(schedule.held),
        "stops": len(schedule.stops),
        "took_s": schedule.took_s,
        "a": schedule.a.answer,
        "b": schedule.b.answer,
    }


@contextmanager
def _gate(means: Means) -> Iterator[None]:
    try:
        tables = means.gate.install()
        means.tell("gate_installed", {"tables": tables, "looked_for_by": list(means.gate.lookouts())})
        yield
    finally:
        means.gate.close()
        means.tell("gate_removed", {})


@contextmanager
def _history(means: Means) -> Iterator[Client]:
    start = start_line(
        t0_unix_s=means.t0_unix_s, variant=means.variant, seed=means.seed, salt=means.salt, worker=means.worker
    )
    history = HistoryFile(means.folder / HISTORY / of_worker(means.worker), start)
    client = Client(
        base_url=means.api_url, history=history, salt=means.salt, seed=means.seed, now_s=means.now_s,
        worker=means.worker,
    )  # fmt: skip
    try:
        yield client
    finally:
        client.close()
        history.close()


@contextmanager
def _schedules(means: Means) -> Iterator[ScheduleFile]:
    file = ScheduleFile(means.folder / File.SCHEDULES)
    try:
        yield file
    finally:
        file.close()


def _stage(means: Means, client: Client) -> Stage:
    supplies = means.supplies
    return Stage(
        client=client,
        desk=means.desk,
        processes=means.processes,
        clock=Clock(means.now_s, means.sleep),
        places=supplies.places,
        large=supplies.large,
        people=supplies.people,
        keys=supplies.keys,
        salt=means.salt,
        password=supplies.password,
    )
