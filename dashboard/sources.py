"""What the pages read, cached for as long as it can be trusted. Each cache is bounded in time and in entries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import streamlit as st

from chaos.evidence import growing, safety
from chaos.evidence import labels as labelled
from chaos.evidence.comparable import problems
from chaos.evidence.course import RunState
from chaos.evidence.figures import HistoryFigures, Totals
from chaos.evidence.files import Unreadable
from chaos.evidence.growing import Run
from chaos.evidence.limits import Curve
from chaos.evidence.queue import queue_samples
from chaos.model.evidence import QueueSample
from chaos.model.folder import File
from dashboard import agent, config, evidence, health, queries, scorecard, timeline
from dashboard.errors import SourceAway
from dashboard.prometheus import Prometheus, Sample
from dashboard.stack import Stack, read_stack

T = TypeVar("T")
LIVE_TTL_S = 1.5
"""Shorter than the refresh of the live block, long enough that two open tabs ask once."""


def attempt(read: Callable[[], T]) -> tuple[T | None, SourceAway | None]:
    """The value, or why there is none."""
    try:
        return read(), None
    except SourceAway as away:
        return None, away


def stack() -> Stack:
    """Raises: SourceAway."""
    return read_stack(config.from_environment().stack_file)


@st.cache_resource(ttl=600, max_entries=4, show_spinner=False)
def _agent(url: str, token: str) -> agent.Agent:
    return agent.Agent(url, token)


def runs_agent() -> agent.Agent:
    """Raises: SourceAway, when the stack is down or has no agent."""
    found = stack()
    if found.urls.agent is None:
        raise SourceAway("The stack has no agent.", "`make up` starts it; a terminal can run scenarios without it.")
    return _agent(found.urls.agent.rstrip("/"), found.lab_token)


@st.cache_data(ttl=30, max_entries=2, show_spinner=False)
def catalogue(url: str) -> agent.Catalogue:
    """What can be started; *url* tells one agent from another."""
    return runs_agent().catalogue()


def evidence_dir() -> Path:
    return config.from_environment().evidence_dir


@st.cache_resource(ttl=600, max_entries=4, show_spinner=False)
def _prometheus(url: str) -> Prometheus:
    return Prometheus(url)


def prometheus() -> Prometheus:
    """Raises: SourceAway, when the stack is down or has no Prometheus."""
    url = stack().urls.prometheus
    if url is None:
        raise SourceAway("This machine has no Prometheus.", "`make doctor` names the command that gets it.")
    return _prometheus(url.rstrip("/"))


@st.cache_resource(ttl=600, max_entries=4, show_spinner=False)
def _scorecard(url: str, token: str) -> scorecard.Scorecard:
    return scorecard.Scorecard(url, token)


def scores() -> scorecard.Scorecard:
    """Raises: SourceAway, when the stack is down."""
    found = stack()
    if found.urls.scorecard is None:
        raise SourceAway("The stack has no scorecard.", "`make up` starts it.")
    return _scorecard(found.urls.scorecard.rstrip("/"), found.lab_token)


@st.cache_data(ttl=10, max_entries=2, show_spinner=False)
def drill_map(kind: str) -> bytes:
    """The exported drill map, `markdown` or `json`: a page offers both at each rerun."""
    return scores().exported(kind)


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def parts(_stack: Stack, key: str) -> list[health.Part]:
    """Health of the stack; *key* tells one stack from another without hashing its token."""
    return health.parts(_stack)


@st.cache_data(ttl=LIVE_TTL_S, max_entries=4, show_spinner=False)
def running_run_id(folder: Path) -> str | None:
    return growing.running_run_id(folder)


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def run(folder: Path, run_id: str) -> Run:
    return evidence.read_run(folder, run_id)


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def latest_runs(folder: Path, most: int) -> list[Run]:
    """The newest runs as their folders tell them: for when the scorecard is away."""
    return [growing.read_any(folder, run_id) for run_id in evidence.run_ids(folder)[:most]]


@st.cache_data(ttl=LIVE_TTL_S, max_entries=4, show_spinner=False)
def labels(folder: Path) -> dict[str, str]:
    """Run id → what the learner calls it."""
    return labelled.all_in(folder)


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def runs_named(folder: Path, run_ids: tuple[str, ...]) -> list[Run]:
    """Those of *run_ids* that are there."""
    there = set(evidence.run_ids(folder)).intersection(run_ids)
    return [growing.read_any(folder, run_id) for run_id in run_ids if run_id in there]


def others_of(run: Run, most: int = 4) -> list[Run]:
    """Other runs that may be compared with it, those of another variant first."""
    mine = run.document
    if mine is None:
        return []
    others = latest_runs(run.folder.parent, 40)
    fit = [each for each in others if each.document and not problems(mine, each.document)]
    return sorted(fit, key=lambda each: each.variant == run.variant)[:most]


def alike(run: Run, look_at: int = 40) -> list[Run]:
    """The newest runs of its scenario on its variant, itself among them, of the last *look_at* runs."""
    newest = latest_runs(run.folder.parent, look_at)
    listed = newest if any(each.run_id == run.run_id for each in newest) else [*newest, run]
    return [each for each in listed if (each.scenario, each.variant) == (run.scenario, run.variant)]


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def history(folder: Path, version: str) -> HistoryFigures:
    """Figures of a run's history; *version* is its state, so that the end of a run is read anew."""
    return evidence.figures(folder)


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def queue(folder: Path, version: str) -> list[QueueSample]:
    """The broker's queues as the run recorded them; none when it did not."""
    try:
        return queue_samples(folder / File.METRICS)
    except Unreadable:
        return []


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def timeline_of(run_id: str, url: str, _run: Run) -> timeline.Timeline:
    return timeline.from_prometheus(_prometheus(url), _run, now_unix_s=time.time())


@st.cache_data(ttl=60, max_entries=8, show_spinner=False)
def steady(folder: Path, phase_end_s: float, stop_s: float) -> Totals | None:
    """The run's own steady state: its first, fault-free phase, up to *stop_s*. None before anything ended in it."""
    try:
        found = evidence.figures(folder).all.totals(until_s=min(phase_end_s, stop_s))
    except SourceAway:
        return None
    return found if found.served else None


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def pictures(folder: Path, version: str, t0_unix_s: float | None) -> tuple[safety.Picture, ...]:
    """The safety figures; of a run that goes on only while its history is small enough to be read again and again."""
    most = safety.MOST_LIVE_BYTES if version == RunState.RUNNING.value else None
    return safety.pictures(folder, t0_unix_s=t0_unix_s, most=most)


@st.cache_data(ttl=LIVE_TTL_S, max_entries=4, show_spinner=False)
def charges(url: str, t0_unix_s: float) -> list[tuple[float, int]]:
    """Second of the load, and the charges that the gateway had captured since it began."""
    found = _prometheus(url).range(
        queries.charges().promql, start_unix_s=float(int(t0_unix_s)), end_unix_s=time.time(), step_s=1
    )
    if not found:
        return []
    series = zip(found[0].times_unix_s, found[0].values, strict=True)
    known = [(at, value) for at, value in series if value is not None]
    return [(round(max(at - t0_unix_s, 0.0), 2), int(value - known[0][1])) for at, value in known]


@st.cache_data(ttl=LIVE_TTL_S, max_entries=4, show_spinner=False)
def judged_before(folder: Path, run_id: str) -> Run | None:
    """The newest run before *run_id* that has a verdict, among the few before it."""
    older = [each for each in evidence.run_ids(folder) if each < run_id]
    return next((run for each in older[:4] if (run := growing.read_any(folder, each)).verdict), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigures:
    """The four cards at this moment; None where there is no data.

    Attributes:
        top_bucket_s: Largest finite bucket of the latency histogram: a p95 there is a lower bound.
    """

    offered_per_s: float | None
    served_per_s: float | None
    errors_per_s: float | None
    error_ratio: float | None
    p95_s: float | None
    top_bucket_s: float | None


@st.cache_data(ttl=LIVE_TTL_S, max_entries=8, show_spinner=False)
def live_figures(url: str, variant: str) -> LiveFigures:
    client = _prometheus(url)
    bounds = [
        float(s.labels["le"]) for s in client.instant(queries.client_latency_bounds(variant).promql) if "le" in s.labels
    ]
    return LiveFigures(
        offered_per_s=client.value(queries.offered(variant).promql),
        served_per_s=client.value(queries.served(variant).promql),
        errors_per_s=client.value(queries.errors(variant).promql),
        error_ratio=client.value(queries.error_ratio(variant).promql),
        p95_s=client.value(queries.client_quantile(variant, Curve()).promql),
        top_bucket_s=max((bound for bound in bounds if bound != float("inf")), default=None),
    )


@st.cache_data(ttl=LIVE_TTL_S, max_entries=4, show_spinner=False)
def dependencies(url: str, variant: str) -> dict[str, list[Sample]]:
    """The dependency strip: by proxy, queue or dependency, as each query says."""
    client = _prometheus(url)
    return {
        "enabled": client.instant(queries.proxies_enabled().promql),
        "toxics": client.instant(queries.proxy_toxics().promql),
        "queue": client.instant(queries.queue_depths().promql),
        "unacked": client.instant(queries.unacked().promql),
        "breaker": client.instant(queries.breakers(variant).promql),
        "failing": client.instant(queries.dependency_errors(variant).promql),
        "pool": client.instant(queries.pool_wait(variant).promql),
    }
