"""Live: the run that is going on, else the last one, or the one that the address names (`?run=`)."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import evidence, markup, runchart, sources, timeline, words
from dashboard.errors import SourceAway
from dashboard.evidence import Run, RunState
from dashboard.parts import away

REFRESH = "2s"


def main() -> None:
    title, pause = st.columns([5, 1], vertical_alignment="bottom")
    title.title("Live")
    paused = pause.toggle("Pause", key="paused", help="Stop refreshing, to read or to point at something.")
    st.fragment(block, run_every=None if paused else REFRESH)()


def block() -> None:
    """Everything that moves; one fragment, so that a tick leaves the rest of the page alone."""
    folder = sources.evidence_dir()
    wanted = st.query_params.get("run", "")
    running, error = sources.attempt(partial(sources.running_run_id, folder))
    if error is not None:
        away(error)
        return
    run_id = wanted or running or next(iter(evidence.run_ids(folder)), None)
    if run_id is None:
        st.info(f"No runs yet. {evidence.RUN_WAY_ON}")
        dependencies()
        return
    run, error = sources.attempt(partial(sources.run, folder, run_id))
    if run is None:
        if error is not None:
            away(error)
        back(running)
        return
    banner(run)
    if wanted and running and running != run_id:
        back(running)
    drawn, why_not = runchart.timeline_for(run)
    cards(run)
    if why_not is not None:
        away(why_not)
    runchart.chart(run, drawn)
    if run.state is RunState.RUNNING or not wanted:
        dependencies()


def back(running: str | None) -> None:
    if running:
        st.page_link("app_pages/live.py", label="Watch the run that is going on", query_params={"run": running})
    else:
        st.page_link("app_pages/overview.py", label="All runs are on Overview")


def banner(run: Run) -> None:
    seed = "" if run.seed is None else f", seed {run.seed}"
    what = f"<b>{markup.text(run.title)}</b> on <b>{markup.text(run.variant or '?')}</b>{seed}"
    if run.state is RunState.RUNNING:
        lines = [f"▶ running: {what} · {markup.text(run.stage)}{_progress(run)}"]
        active = [
            f'<span class="fd-sign fd-bad">{words.BAD} {markup.text(fault.text)}</span>' for fault in run.active_faults
        ]
        lines.append(f"Active faults: {', '.join(active)}" if active else "No fault is active.")
        st.html(markup.banner(lines, hot=bool(active)))
        return
    if run.state is RunState.CUT_SHORT:
        lines = [
            f'<span class="fd-sign fd-warn">{words.WARN} cut short</span> {what}',
            "Its runner ended without a verdict. <code>firedrill heal</code> checks that nothing is left broken.",
        ]
    else:
        lines = [f"{markup.sign(words.verdict_sign(run.verdict))} {what}"]
        if run.summary:
            lines.append(markup.text(run.summary))
    lines.append(f'<span class="fd-quiet">No run is going on; this is {markup.text(run.run_id)}.</span>')
    st.html(markup.banner(lines))


def _progress(run: Run) -> str:
    if run.t0_unix_s is None or run.load_end_s is None or not 0 <= run.last_s <= run.load_end_s:
        return ""
    return f" · {run.last_s:.0f} of {run.load_end_s:.0f} s of load"


def cards(run: Run) -> None:
    shown = None
    if run.state is RunState.RUNNING:
        shown, _ = sources.attempt(lambda: live_cards(run))
    if shown is None:
        seconds, _ = sources.attempt(partial(sources.history, run.folder, run.state.value))
        shown = total_cards(timeline.totals(seconds or {}), over=run.state is not RunState.RUNNING)
    with st.container(key="cards"):
        for label, value, more in shown:
            st.metric(label, value, help=HELP[label], border=True, delta=more, delta_color="off", delta_arrow="off")


HELP = {
    "Offered": "Arrivals that the open-model schedule wanted, sent or not.",
    "Served": "2xx and documented refusals such as “sold out”.",
    "Errors": "Failed, unknown (timeout, reset, 5xx) and never sent.",
    "p95": "95 % of the operations ended within this, counted from the moment they were wanted.",
}


def live_cards(run: Run) -> list[tuple[str, str, str]]:
    """Label, figure and small line of each card. Raises: SourceAway, when Prometheus has nothing of this run."""
    sources.prometheus()
    now = sources.live_figures(runchart.prometheus_url(), run.variant)
    if now.offered_per_s is None:
        raise SourceAway("Prometheus has no sample of this run yet.", "It scrapes every second.")
    return [
        ("Offered", words.rate_text(now.offered_per_s), "by the schedule"),
        ("Served", words.rate_text(now.served_per_s), "as promised"),
        ("Errors", words.rate_text(now.errors_per_s), f"{words.ratio_text(now.error_ratio)} of what ended"),
        ("p95", words.latency_text(now.p95_s, top_bucket_s=now.top_bucket_s), "from intended start"),
    ]


def total_cards(totals: timeline.Totals, *, over: bool) -> list[tuple[str, str, str]]:
    """The same from the history: counts instead of rates."""
    ended = totals.served + totals.errors
    ratio = words.ratio_text(totals.errors / ended if ended else None)
    counts = [totals.offered, totals.served, totals.errors] if totals.offered else [None] * 3
    offered, served, errors = (words.count_text(count) for count in counts)
    when = "in the whole run" if over else "so far"
    return [
        ("Offered", offered, when),
        ("Served", served, when),
        ("Errors", errors, f"{ratio} of what ended"),
        ("p95", words.latency_text(totals.p95_s), "from intended start"),
    ]


def dependencies() -> None:
    st.subheader("Dependencies")
    client, error = sources.attempt(sources.prometheus)
    found, error = (
        sources.attempt(lambda: sources.dependencies(runchart.prometheus_url()))
        if client is not None
        else (None, error)
    )
    if found is None:
        if error is not None:
            st.html(markup.quiet(f"{markup.text(error.what)} Proxies and queues are read from Prometheus."))
        return
    toxics = {sample.labels.get("proxy", "?"): sample.value for sample in found["toxics"]}
    chips = [
        (sample.labels.get("proxy", "?"), proxy_sign(sample.value, toxics.get(sample.labels.get("proxy", "?"))))
        for sample in sorted(found["enabled"], key=lambda sample: sample.labels.get("proxy", ""))
    ]
    chips += [
        (
            f"queue {sample.labels.get('queue', '?')}",
            words.Sign("", f"{words.count_text(sample.value)} waiting", "none"),
        )
        for sample in sorted(found["queue"], key=lambda sample: sample.labels.get("queue", ""))
    ]
    chips += [
        ("worker", words.Sign("", f"{words.count_text(sample.value)} unacked", "none")) for sample in found["unacked"]
    ]
    if chips:
        st.html(markup.strip(chips, label="Proxies and queues"))
    else:
        st.html(markup.quiet("The agent has reported no proxies or queues yet."))


def proxy_sign(enabled: float | None, toxics: float | None) -> words.Sign:
    if enabled is None:
        return words.Sign("○", "unknown", "none")
    if enabled == 0:
        return words.Sign(words.BAD, "cut", "bad")
    if toxics:
        return words.Sign(words.WARN, f"{toxics:.0f} toxic" + ("s" if toxics != 1 else ""), "warn")
    return words.Sign(words.GOOD, "open", "good")


main()
