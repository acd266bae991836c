"""Reads runs from their folders: which runs exist, which one is running, and how far it has come.

Everything here works on a folder that is being written at this moment: an incomplete last line is left for the next
read, a file that does not exist yet counts as empty.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.evidence.course import (
    Fault,
    Phase,
    RunState,
    faults_of,
    phases_of,
    second_0_unix_s,
    sections_of,
    stage_of,
)
from chaos.evidence.files import UNFIT, NoSuchFile, Unreadable, lines, read_json
from chaos.evidence.limits import Limit, limits_of, read_scenario
from chaos.evidence.stamps import oldest_first
from chaos.evidence.verdict import read_verdict
from chaos.model.bounds import second
from chaos.model.folder import EXCHANGES_GROWING, HISTORY, File
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import LoadPlan
from chaos.model.text import all_visible, struct_visible, visible
from chaos.model.verdict import Verdict, VerdictDocument

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[A-Za-z0-9._-]+")
QUIET_S = 60.0
"""The runner has died when its journal has no ending and nothing was written to the folder for this long."""
UNANSWERED_AFTER_S = 2.0
"""An operation that has not ended after this long counts as unanswered; a younger one does not count yet."""
MOST_GROWING_BYTES = 64 * 2**20
"""Of a file that is read for a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evidence folder, as far as it has been written.

    Attributes:
        stage: What the run is doing now, in words: `preparing`, a phase's name, `settling`, …; `ended`.
        t0_unix_s: Second 0 of the load's clock; None before the load is scheduled.
        load_end_s: End of the planned load on that clock; None without a plan.
        last_s: How far the run has come on that clock.
        sections: Those of an exchange run, in their order; none for a run with load.
        answered: How many exchanges are on record so far, while it runs.
        duration_s: How long the whole run took; None until it has ended.
        document: What the run said of itself; None until it is judged, and where that can't be read.
        unreadable_verdict: Why it can't be read; empty where it can, or where there is none.
        all_faults: For a view of a part of the run: the faults of the whole; else empty.
        unreadable_lines: Lines of the journal that could not be understood.
    """

    run_id: str
    folder: Path
    state: RunState
    stage: str
    scenario: str = ""
    title: str = ""
    variant: str = ""
    learner: str = ""
    seed: int | None = None
    drill: int | None = None
    document: VerdictDocument | None = None
    unreadable_verdict: str = ""
    started_unix_s: float = 0.0
    t0_unix_s: float | None = None
    load_end_s: float | None = None
    last_s: float = 0.0
    duration_s: float | None = None
    phases: tuple[Phase, ...] = ()
    sections: tuple[str, ...] = ()
    answered: int = 0
    faults: tuple[Fault, ...] = ()
    all_faults: tuple[Fault, ...] = ()
    limits: tuple[Limit, ...] = ()
    unreadable_lines: int = 0

    @property
    def verdict(self) -> str:
        """Empty until the run is judged."""
        return self.document.verdict if self.document else ""

    @property
    def summary(self) -> str:
        """The verdict in a sentence, or why it can't be read; empty until the run is judged."""
        if self.unreadable_verdict:
            return f"The verdict can't be read: {self.unreadable_verdict}."
        return self.document.summary if self.document else ""

    @property
    def advice(self) -> str:
        return self.document.advice if self.document else ""

    @property
    def aborted(self) -> bool:
        return bool(self.document and self.document.aborted)

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the violated checks."""
        listed = self.document.findings if self.document else ()
        return tuple(finding.check for finding in listed if finding.verdict is Verdict.VIOLATED)

    @property
    def active_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.lifted_s is None)


class NoSuchRun(Unreadable):
    """There is no folder of that name."""


def run_ids(evidence_dir: Path) -> list[str]:
    """Newest first: a run id starts with its UTC time. No folder means no runs. Raises: Unreadable."""
    try:
        names = [entry.name for entry in evidence_dir.iterdir() if RUN_ID.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unreadable(f"{evidence_dir}: got {error.strerror or error}, expected a folder that can be read") from None
    return oldest_first(names)[::-1]


def running_run_id(evidence_dir: Path, *, look_at: int = 4) -> str | None:
    """The newest run that has started and not ended, among the newest *look_at*: only one runs at a time."""
    for run_id in run_ids(evidence_dir)[:look_at]:
        if read_any(evidence_dir, run_id).state is RunState.RUNNING:
            return run_id
    return None


def read_run(evidence_dir: Path, run_id: str, *, now_unix_s: float | None = None) -> Run:
    """The run *run_id*, as far as it has come. Raises: NoSuchRun."""
    folder = evidence_dir / run_id
    if not RUN_ID.fullmatch(run_id) or not folder.is_dir():
        raise NoSuchRun(f"run: got {run_id[:80]!r}, expected one that is in {evidence_dir}")
    events, unreadable = _events(folder / File.JOURNAL)
    started = next((event for event in events if event.event is EventKind.RUN_STARTED), None)
    document, unreadable_verdict = _verdict(folder)
    facts = {**(started.data if started else {}), **_facts(document)}
    state = _state(folder, events, now_unix_s if now_unix_s is not None else time.time())
    plan = _plan(folder / File.LOAD_PLAN)
    t0 = second_0_unix_s(events, plan)
    last_s = max((event.at_s for event in events if event.at_s is not None), default=0.0)
    if state is RunState.RUNNING and t0 is not None:
        last_s = max(last_s, (now_unix_s if now_unix_s is not None else time.time()) - t0)
    scenario = read_scenario(folder / File.SCENARIO)
    seed, drill = facts.get("seed"), facts.get("drill", scenario.get("drill"))
    return Run(
        run_id=run_id,
        folder=folder,
        state=state,
        stage=stage_of(events, state, judged=(folder / File.VERDICT).exists()),
        scenario=str(facts.get("scenario") or (plan.scenario if plan else "")),
        title=str(facts.get("title") or scenario.get("title") or facts.get("scenario") or run_id),
        variant=str(facts.get("variant") or (plan.variant if plan else "")),
        learner=str(facts.get("learner") or ""),
        seed=seed if isinstance(seed, int) else None,
        drill=drill if isinstance(drill, int) else None,
        document=document,
        unreadable_verdict=unreadable_verdict,
        started_unix_s=events[0].at_unix_s if events else _modified(folder),
        t0_unix_s=t0,
        load_end_s=max((phase.start_s + phase.duration_s for phase in plan.phases), default=None) if plan else None,
        last_s=last_s,
        duration_s=_duration(events, document),
        phases=phases_of(events, plan),
        sections=sections_of(events),
        answered=sum(1 for _ in whole_lines(folder / EXCHANGES_GROWING)) if state is RunState.RUNNING else 0,
        faults=faults_of(events, last_s),
        limits=limits_of(scenario),
        unreadable_lines=unreadable,
    )


def read_any(evidence_dir: Path, run_id: str) -> Run:
    """As `read_run`; an unreadable folder gives a run that was cut short, so that the other runs are still shown."""
    try:
        return read_run(evidence_dir, run_id)
    except Exception:  # one bad folder must not break a page of many runs
        return Run(run_id=run_id, folder=evidence_dir / run_id, state=RunState.CUT_SHORT, stage="can't be read")


def whole_lines(path: Path, *, most: int = MOST_GROWING_BYTES) -> Iterator[bytes]:
    """Whole lines only: one without its newline is still being written. As many as can be read."""
    try:
        yield from lines(path, most=most, torn=False)
    except Unreadable:
        return


def journal_events(folder: Path) -> list[Event]:
    """The journal's events as far as they can be read, in order."""
    return _events(folder / File.JOURNAL)[0]


def _events(path: Path) -> tuple[list[Event], int]:
    decoder = msgspec.json.Decoder(Event)
    events: list[Event] = []
    unreadable = 0
    for raw in whole_lines(path):
        try:
            event = decoder.decode(raw)
            events.append(msgspec.structs.replace(event, data=all_visible(event.data)))
        except UNFIT:
            unreadable += 1
    return events, unreadable


def _state(folder: Path, events: list[Event], now_unix_s: float) -> RunState:
    if any(event.event is EventKind.RUN_ENDED for event in events) or (folder / File.VERDICT).exists():
        return RunState.ENDED
    return RunState.RUNNING if now_unix_s - _modified(folder) < QUIET_S else RunState.CUT_SHORT


def _modified(folder: Path) -> float:
    """When the folder was last written: the driver and the host record write while the journal may not."""
    newest = 0.0
    for path in (folder, *folder.glob("*.jsonl*"), *folder.glob(f"{HISTORY}/*")):
        try:
            newest = max(newest, path.lstat().st_mtime)
        except OSError:
            continue
    return newest


def _verdict(folder: Path) -> tuple[VerdictDocument | None, str]:
    """What the run said of itself; without it, why it can't be read: empty where nothing is there."""
    try:
        return struct_visible(read_verdict(folder)), ""
    except NoSuchFile:
        return None, ""
    except Unreadable as error:
        return None, visible(str(error))


def _facts(document: VerdictDocument | None) -> dict[str, Any]:
    """What was run, by the names that the journal has for it."""
    names = ("scenario", "title", "variant", "learner", "seed", "drill")
    return {name: getattr(document, name) for name in names} if document else {}


def _duration(events: list[Event], document: VerdictDocument | None) -> float | None:
    if document:
        return second(document.duration_s)
    ending = next((event.data for event in reversed(events) if event.event is EventKind.RUN_ENDED), {})
    return second(ending.get("duration_s"))


def _plan(path: Path) -> LoadPlan | None:
    try:
        return struct_visible(read_json(path, LoadPlan))
    except Unreadable:
        return None
