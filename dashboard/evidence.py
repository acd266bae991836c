"""Evidence folders: which runs there are, which one is going on, and what its journal and history say.

Everything here copes with a folder that is being written at this moment: a last line without its end is left for the
next look, a file that is not there yet counts as empty.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeGuard

import msgspec
import yaml

from chaos.model.history import Dropped, Fail, Info, Invoke, Line, Ok
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import LoadPlan
from chaos.model.units import parse_duration_s
from dashboard.errors import SourceAway
from dashboard.words import plain

RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[A-Za-z0-9._-]+")
QUIET_S = 60.0
"""A journal without an ending, in a folder that nobody has written to for this long, belongs to a runner that died."""
HISTORY_LIMIT_BYTES = 64 * 2**20
RUN_WAY_ON = "Start one with `make scenario`; it shows up here by itself."


class RunState(StrEnum):
    """Whether a run is still going on."""

    RUNNING = "running"
    ENDED = "ended"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of load, in seconds since its start; `end_s` is None while it lasts and nobody knows the plan."""

    name: str
    start_s: float
    end_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What was broken and when, as the journal says. `lifted_s` is None while it is active."""

    id: str
    kind: str
    on: str
    injected_s: float
    lifted_s: float | None

    @property
    def text(self) -> str:
        return f"{self.kind} on {self.on}" if self.on else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """An SLO of the scenario that can be drawn as a line.

    Attributes:
        at_most_s: Latency limit in seconds.
        phase: Empty when it holds for the steady state.
    """

    text: str
    at_most_s: float
    phase: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evidence folder, as far as it has been written.

    Attributes:
        stage: What the run is doing now, in words: `preparing`, a phase's name, `settling`, …; `ended`.
        t0_unix_s: Second 0 of the load's clock; None before the load is scheduled.
        load_end_s: End of the planned load on that clock; None when the plan is not there.
        last_s: How far the run has come on that clock.
        duration_s: How long the whole run took; None until it has ended.
        verdict: Empty until the run is judged.
        broken: Names of the violated checks.
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
    verdict: str = ""
    summary: str = ""
    started_unix_s: float = 0.0
    t0_unix_s: float | None = None
    load_end_s: float | None = None
    last_s: float = 0.0
    duration_s: float | None = None
    broken: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    faults: tuple[Fault, ...] = ()
    all_faults: tuple[Fault, ...] = ()
    limits: tuple[Limit, ...] = ()
    unreadable_lines: int = 0

    @property
    def active_faults(self) -> tuple[Fault, ...]:
        return tuple(fault for fault in self.faults if fault.lifted_s is None)


@dataclass(slots=True)
class Second:
    """What happened within one second of the load's clock. Latencies count from the intended start."""

    offered: int = 0
    served: int = 0
    errors: int = 0
    latencies_s: list[float] = field(default_factory=list)


def run_ids(evidence_dir: Path) -> list[str]:
    """Newest first: a run id starts with its UTC time. No folder means no runs.

    Raises: SourceAway, when the folder can't be read.
    """
    try:
        names = [entry.name for entry in evidence_dir.iterdir() if RUN_ID.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceAway(
            f"The evidence folder can't be read ({plain(error.strerror)}).", "Check its owner and its mode."
        ) from error
    return sorted(names, reverse=True)


def running_run_id(evidence_dir: Path, *, look_at: int = 4) -> str | None:
    """The newest run that has started and not ended, among the newest *look_at*: only one runs at a time."""
    for run_id in run_ids(evidence_dir)[:look_at]:
        if read_run(evidence_dir, run_id).state is RunState.RUNNING:
            return run_id
    return None


def read_run(evidence_dir: Path, run_id: str, *, now_unix_s: float | None = None) -> Run:
    """Raises: SourceAway, when there is no such run."""
    folder = evidence_dir / run_id
    if not RUN_ID.fullmatch(run_id) or not folder.is_dir():
        raise SourceAway(
            f"There is no run “{plain(run_id)}” in the evidence folder.", "Pick one of the runs listed on Overview."
        )
    events, unreadable = _events(folder / "journal.jsonl")
    started = next((event for event in events if event.event is EventKind.RUN_STARTED), None)
    verdict = json_object(folder / "verdict.json")
    facts: dict[str, Any] = {**(started.data if started else {}), **verdict}
    state = _state(folder, events, now_unix_s if now_unix_s is not None else time.time())
    plan = _plan(folder / "load-plan.json")
    t0 = _t0(events, plan)
    last_s = max((event.at_s for event in events if event.at_s is not None), default=0.0)
    if state is RunState.RUNNING and t0 is not None:
        last_s = max(last_s, (now_unix_s if now_unix_s is not None else time.time()) - t0)
    scenario = _scenario(folder / "scenario.yaml")
    seed, drill = facts.get("seed"), facts.get("drill", scenario.get("drill"))
    return Run(
        run_id=run_id,
        folder=folder,
        state=state,
        stage=_stage(events, state, judged=bool(verdict)),
        scenario=str(facts.get("scenario") or (plan.scenario if plan else "")),
        title=str(facts.get("title") or scenario.get("title") or facts.get("scenario") or run_id),
        variant=str(facts.get("variant") or (plan.variant if plan else "")),
        learner=str(facts.get("learner") or ""),
        seed=seed if isinstance(seed, int) else None,
        drill=drill if isinstance(drill, int) else None,
        verdict=str(verdict.get("verdict") or ""),
        summary=str(verdict.get("summary") or ""),
        started_unix_s=events[0].at_unix_s if events else _modified(folder),
        t0_unix_s=t0,
        load_end_s=max((phase.start_s + phase.duration_s for phase in plan.phases), default=None) if plan else None,
        last_s=last_s,
        duration_s=_duration(events, verdict),
        broken=_broken(verdict),
        phases=_phases(events, plan),
        faults=_faults(events, last_s),
        limits=_limits(scenario),
        unreadable_lines=unreadable,
    )


def history_seconds(folder: Path) -> dict[int, Second]:
    """The history's main operations by second: offered at the intended time, the rest at the time of the ending.

    Raises: SourceAway, when there is no history yet or it is too large to be read by a page.
    """
    files = sorted([*folder.glob("history/*.jsonl"), *folder.glob("history/*.jsonl.gz")])
    if sum(_size(path) * (12 if path.suffix == ".gz" else 1) for path in files) > HISTORY_LIMIT_BYTES:
        raise SourceAway(
            "This run's history is too large to be drawn without Prometheus.",
            "`firedrill verify` still reads all of it.",
        )
    seconds: dict[int, Second] = {}
    for path in files:
        _add_file(seconds, path)
    if not seconds:
        raise SourceAway("This run has no operation history yet.", "It appears as soon as the load has started.")
    return seconds


def _add_file(seconds: dict[int, Second], path: Path) -> None:
    decoder = msgspec.json.Decoder(Line)
    intended: dict[str, float] = {}
    for raw in whole_lines(path):
        try:
            line = decoder.decode(raw)
        except msgspec.MsgspecError:
            continue
        if isinstance(line, Invoke):
            if line.main:
                intended[line.id] = line.intended
                _second(seconds, line.intended).offered += 1
        elif isinstance(line, Dropped):
            second = _second(seconds, line.intended)
            second.offered += 1
            second.errors += 1
        elif isinstance(line, Ok | Fail | Info) and (start := intended.pop(line.id, None)) is not None:
            second = _second(seconds, line.ended)
            if isinstance(line, Ok) or line.refused:
                second.served += 1
            else:
                second.errors += 1
            second.latencies_s.append(line.ended - start)


def _second(seconds: dict[int, Second], at_s: float) -> Second:
    return seconds.setdefault(max(0, int(at_s)), Second())


def whole_lines(path: Path) -> Iterator[bytes]:
    """Whole lines only: one without its newline is still being written."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line
    except (OSError, EOFError):
        return


def journal_events(folder: Path) -> list[Event]:
    """The journal's events as far as they can be read, in order."""
    return _events(folder / "journal.jsonl")[0]


def _events(path: Path) -> tuple[list[Event], int]:
    decoder = msgspec.json.Decoder(Event)
    events: list[Event] = []
    unreadable = 0
    for raw in whole_lines(path):
        try:
            events.append(decoder.decode(raw))
        except msgspec.MsgspecError:
            unreadable += 1
    return events, unreadable


def _state(folder: Path, events: list[Event], now_unix_s: float) -> RunState:
    if any(event.event is EventKind.RUN_ENDED for event in events) or (folder / "verdict.json").exists():
        return RunState.ENDED
    return RunState.RUNNING if now_unix_s - _modified(folder) < QUIET_S else RunState.CUT_SHORT


def _modified(folder: Path) -> float:
    """When anybody last wrote to the folder: the journal may be silent while the driver and the host record go on."""
    newest = 0.0
    for path in (folder, *folder.glob("*.jsonl*"), *folder.glob("history/*")):
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return newest


_STAGES = {
    EventKind.RUN_STARTED: "preparing the variant",
    EventKind.PREPARED: "starting the load",
    EventKind.LOAD_STARTED: "starting the load",
    EventKind.LOAD_ENDED: "lifting what is left",
    EventKind.HEALED: "settling",
    EventKind.HEAL_FAILED: "healing failed",
    EventKind.SETTLED: "collecting the evidence",
    EventKind.COLLECTED: "collecting the evidence",
    EventKind.ABORTED: "aborted, healing",
}


def _stage(events: list[Event], state: RunState, *, judged: bool) -> str:
    if state is not RunState.RUNNING:
        return "judging" if state is RunState.ENDED and not judged else state.value
    for event in reversed(events):
        if event.event is EventKind.PHASE_STARTED:
            return f"phase {event.data.get('phase', '?')}"
        if event.event in _STAGES:
            return _STAGES[event.event]
    return "preparing the variant"


def _t0(events: list[Event], plan: LoadPlan | None) -> float | None:
    if plan is not None:
        return plan.t0_unix_s
    for event in events:
        if event.event is EventKind.LOAD_STARTED and _is_number(event.data.get("t0_unix_s")):
            return float(event.data["t0_unix_s"])
    return next((event.at_unix_s - event.at_s for event in events if event.at_s is not None), None)


def _phases(events: list[Event], plan: LoadPlan | None) -> tuple[Phase, ...]:
    """As planned; without a plan, as the journal says."""
    if plan is not None:
        return tuple(Phase(name=p.name, start_s=p.start_s, end_s=p.start_s + p.duration_s) for p in plan.phases)
    return tuple(
        Phase(
            name=str(event.data.get("phase") or "?"),
            start_s=_number(event.data.get("start_s"), event.at_s or 0.0),
            end_s=float(event.data["end_s"]) if _is_number(event.data.get("end_s")) else None,
        )
        for event in events
        if event.event is EventKind.PHASE_STARTED
    )


def _faults(events: list[Event], last_s: float) -> tuple[Fault, ...]:
    """One for each injection, by the time that it took effect; a heal lifts whatever is still active."""
    faults: dict[str, Fault] = {}
    for event in events:
        at_s = event.at_s if event.at_s is not None else last_s
        data = event.data
        key = str(data.get("fault") or event.seq)
        if event.event is EventKind.FAULT_INJECTED:
            faults[key] = Fault(
                id=key,
                kind=str(data.get("kind") or "fault"),
                on=str(data.get("on") or ""),
                injected_s=_number(data.get("effective_s"), at_s),
                lifted_s=None,
            )
        elif event.event is EventKind.FAULT_LIFTED and key in faults:
            faults[key] = _lifted(faults[key], _number(data.get("lifted_s"), at_s))
        elif event.event in (EventKind.HEALED, EventKind.RUN_ENDED):
            faults = {each: _lifted(fault, at_s) for each, fault in faults.items()}
    return tuple(sorted(faults.values(), key=lambda fault: fault.injected_s))


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any, otherwise: float) -> float:
    return float(value) if _is_number(value) else otherwise


def _lifted(fault: Fault, at_s: float) -> Fault:
    if fault.lifted_s is not None:
        return fault
    return replace(fault, lifted_s=max(at_s, fault.injected_s))


def _duration(events: list[Event], verdict: dict[str, Any]) -> float | None:
    ending = next((event.data for event in reversed(events) if event.event is EventKind.RUN_ENDED), {})
    value = verdict.get("duration_s", ending.get("duration_s"))
    return float(value) if _is_number(value) else None


def _broken(verdict: dict[str, Any]) -> tuple[str, ...]:
    findings = verdict.get("findings")
    listed = findings if isinstance(findings, list) else []
    return tuple(
        str(finding.get("check", "?"))
        for finding in listed
        if isinstance(finding, dict) and finding.get("verdict") == "violated"
    )


def _plan(path: Path) -> LoadPlan | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=LoadPlan)
    except (OSError, msgspec.MsgspecError):
        return None


def json_object(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty when it is not there or holds something else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return {}


def _scenario(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _limits(scenario: dict[str, Any]) -> tuple[Limit, ...]:
    """Latency limits on a quantile, from the steady state and from the SLOs; what can't be understood isn't drawn."""
    found = []
    for where in ("steady_state", "checks"):
        entries = scenario.get(where)
        for entry in entries if isinstance(entries, list) else []:
            if not isinstance(entry, dict) or "latency" not in (entry.get("probe"), entry.get("slo")):
                continue
            try:
                at_most_s = parse_duration_s(entry.get("at_most"))
                quantile = float(entry.get("quantile", 0.95))
            except (TypeError, ValueError):
                continue
            text = f"{entry.get('op', 'all')} p{quantile * 100:g} ≤ {entry['at_most']}"
            found.append(Limit(text=text, at_most_s=at_most_s, phase=str(entry.get("phase") or "")))
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
