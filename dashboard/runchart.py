"""A run's timeline on a page: where its lines come from, the chart, and the list of its faults."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import charts, evidence, markup, sources, timeline
from dashboard.errors import SourceAway
from dashboard.evidence import Run, RunState
from dashboard.parts import is_dark


def timeline_for(run: Run) -> tuple[timeline.Timeline, SourceAway | None]:
    """From Prometheus; where it is away or remembers nothing of this run, from the run's own history."""
    client, why_not = sources.attempt(sources.prometheus)
    if client is not None and run.t0_unix_s is not None:
        found, why_not = sources.attempt(lambda: sources.timeline_of(run.run_id, prometheus_url(), run))
        # A short run may have been over before its load was scraped: half a picture is worse than the history.
        if found is not None and any(line.name == "offered" for line in found.lines) and not found.empty:
            return found, None
    if run.state is RunState.RUNNING and run.t0_unix_s is None:
        return timeline.Timeline(source="", lines=()), None
    seconds, no_history = sources.attempt(partial(sources.history, run.folder, run.state.value))
    if seconds is not None:
        until_s = run.last_s if run.state is RunState.RUNNING else None
        return timeline.from_history(seconds, until_s=until_s), why_not
    return timeline.Timeline(source="", lines=()), why_not or no_history


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
    """Where the lines come from, so that nobody takes one source for another."""
    said = ["fault bands from the journal", "time in seconds since the load started"]
    if drawn.source == "Prometheus":
        said.insert(0, "Lines from Prometheus, averaged over 5 s")
    elif drawn.source:
        said.insert(0, f"Lines from the run's own {drawn.source}, the client's side only")
    return markup.text("; ".join(said)) + "."


def fault_line(index: int, fault: evidence.Fault) -> str:
    until = "still active" if fault.lifted_s is None else f"lifted at {fault.lifted_s:.1f} s"
    return f"<b>{charts.fault_tag(index)}</b> {markup.text(fault.text)}: injected at {fault.injected_s:.1f} s, {until}"
