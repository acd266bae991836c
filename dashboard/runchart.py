"""A run's timeline on a page: where its lines come from, the chart, and the list of its faults."""

from __future__ import annotations

import math
from functools import partial

import streamlit as st

from chaos.evidence.course import Fault, RunState
from chaos.evidence.growing import UNANSWERED_AFTER_S, Run
from chaos.evidence.limits import curves_of
from dashboard import charts, markup, sources, timeline
from dashboard.errors import SourceAway
from dashboard.parts import is_dark


def timeline_for(run: Run) -> tuple[timeline.Timeline, SourceAway | None]:
    """While it goes on from Prometheus, where that has something of it; else from the run's own history."""
    why_not: SourceAway | None = None
    if run.state is RunState.RUNNING:
        if run.t0_unix_s is None:
            return timeline.Timeline(source="", lines=()), None
        client, why_not = sources.attempt(sources.prometheus)
        if client is not None:
            found, why_not = sources.attempt(lambda: sources.timeline_of(run.run_id, prometheus_url(), run))
            if found is not None and any(line.name == "offered" for line in found.lines) and not found.empty:
                return found, None
    figures, no_history = sources.attempt(partial(sources.history, run.folder, run.state.value))
    if figures is None:
        return timeline.Timeline(source="", lines=()), why_not or no_history
    queue = sources.queue(run.folder, run.state.value)
    drawn = timeline.from_history(figures, curves_of(run.limits), queue=queue, until_s=known_until_s(run))
    return drawn, why_not


def known_until_s(run: Run) -> float:
    """Up to when it is known how operations ended: while the run goes on, the youngest may still be answered."""
    return run.last_s - UNANSWERED_AFTER_S if run.state is RunState.RUNNING else math.inf


def prometheus_url() -> str:
    """Raises: SourceAway."""
    return (sources.stack().urls.prometheus or "").rstrip("/")


def chart(run: Run, drawn: timeline.Timeline, *, window: tuple[float, float] | None = None) -> None:
    if drawn.empty and not run.phases:
        st.info("Nothing to draw yet: the load has not started.")
        return
    part = "" if window is None else f", seconds {window[0]:.0f} to {window[1]:.0f}"
    st.echarts_chart(
        charts.timeline_option(drawn, run, dark=is_dark(), window=window),
        height=charts.height_px(drawn, run, window=window),
        key="timeline",
        alt=f"{run.title} on {run.variant}: requests per second, latency and backlog, "
        f"with {len(run.faults)} faults{part}",
    )
    if run.faults:
        items = "".join(f"<li>{fault_line(index, fault)}</li>" for index, fault in enumerate(run.faults))
        st.html(f'<ul class="fd-faults" aria-label="Faults">{items}</ul>')
    st.html(markup.quiet(origin(drawn)))
    if run.unreadable_lines:
        st.warning(f"{run.unreadable_lines} line(s) of the journal can't be read; `firedrill verify` says which.")


def origin(drawn: timeline.Timeline) -> str:
    """A sentence that names the source of the lines."""
    said = ["fault bands from the journal", "time in seconds since the load started"]
    if drawn.source == "Prometheus":
        said.insert(0, "Lines from Prometheus, averaged over 5 s, by when operations ended")
    elif drawn.source:
        said.insert(0, f"Lines from the run's own {drawn.source}, second by second, by when each operation was wanted")
    if drawn.unanswered_s:
        said.append("red in the latency panel: the operation at the p95 had no promised answer")
    return markup.text("; ".join(said)) + "."


def fault_line(index: int, fault: Fault) -> str:
    until = "still active" if fault.lifted_s is None else f"lifted at {fault.lifted_s:.1f} s"
    return f"<b>{charts.fault_tag(index)}</b> {markup.text(fault.text)}: injected at {fault.injected_s:.1f} s, {until}"
