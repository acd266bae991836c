"""Live: the run that is going on, else the last one, or the one that the address names (`?run=`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from chaos.evidence.course import RunState
from chaos.evidence.figures import NO_ANSWER, Totals
from chaos.evidence.growing import Run
from dashboard import (
    agent,
    charts,
    dependencies,
    details,
    evidence,
    markup,
    notice,
    progress,
    runchart,
    safety,
    sources,
    starting,
    words,
)
from dashboard.errors import SourceAway
from dashboard.parts import away, moving

REFRESH = "2s"


def main() -> None:
    title, switches = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Live")
    with switches, st.container(horizontal=True):
        paused = st.toggle("Pause", key="paused", help="Stop refreshing, to read or to point at something.")
        notify = notice.asked()
    desk()
    moving(partial(block, notify=notify), every=None if paused else REFRESH)


def desk() -> None:
    """Start a run. What goes on, and stopping it, are part of the block that moves."""
    with st.expander("Start a run"):
        found, error = sources.attempt(lambda: sources.catalogue(sources.stack().urls.agent or ""))
        if found is None or not found.scenarios:
            if error is not None:
                away(error)
            else:
                st.info("The agent knows no valid scenario. `firedrill validate` says what is wrong with them.")
            return
        by_name = {each.name: each for each in found.scenarios}
        left, middle, right = st.columns([3, 2, 1])
        name = left.selectbox(
            "Scenario", list(by_name), key="start-scenario",
            format_func=lambda name: f"{by_name[name].title} ({name}, {by_name[name].lasts_s:.0f} s of load)",
        )  # fmt: skip
        chosen = by_name[name or found.scenarios[0].name]
        first = "attempt" if "attempt" in found.variants else "hardened"
        index = found.variants.index(first) if first in found.variants else 0
        variant = middle.selectbox("Variant", found.variants, index=index, key="start-variant")
        # A box of another scenario is another box: it starts with that one's seed.
        seed = right.number_input("Seed", 0, 2**31 - 1, chosen.seed, key=f"start-seed:{chosen.name}")
        ask = partial(start, chosen.name, variant or found.variants[0], int(seed))
        st.fragment(starter, run_every=REFRESH)(ask)


def starter(ask: Callable[[], None]) -> None:
    """The button, which can be pressed while nothing runs: one run at a time has the machine for itself."""
    busy = starting.busy()
    if st.button("Start", type="primary", key="start", disabled=busy):
        ask()
    if busy:
        st.html(markup.quiet("A run is going on. The next one can be started when it has ended."))


def start(scenario: str, variant: str, seed: int) -> None:
    if starting.start(scenario, variant, seed):
        st.query_params.clear()  # follow the new run, not the one that the address names


def ours(run: Run | None) -> None:
    """The run that was started from here: a button that stops it, or how it ended when it left no run behind."""
    state, _ = sources.attempt(lambda: sources.runs_agent().state())
    if state is None:
        return
    if state.running is not None:
        if state.running.stopping:
            st.html(markup.quiet("Stopping: faults are lifted, the evidence is collected, then the run is judged."))
        elif run is not None and run.verdict and run.started_unix_s > state.running.started_unix_s:
            st.html(markup.quiet("The runner is ending: it writes the report and puts the run into the index."))
        elif st.button("Stop this run", key="stop", help="Ends it cleanly; its verdict will be inconclusive."):
            stop()
        elif run is None or run.state is not RunState.RUNNING:
            st.html(markup.quiet(f"Preparing {markup.text(state.running.scenario)} on {state.running.variant}…"))
    elif state.ended is not None and state.ended.exit_code not in (0, 1, 3):
        said = words.plain(state.ended.said, most=400) or "It said nothing; `make logs P=agent` may."
        st.error(f"{words.plain(state.ended.scenario)} on {words.plain(state.ended.variant)} could not be run. {said}")


def stop() -> None:
    try:
        sources.runs_agent().stop()
    except (agent.Refused, SourceAway) as error:
        st.error(f"Not stopped. {error}")
    else:
        st.rerun()


def block(*, notify: bool = False) -> None:
    """Everything that moves."""
    folder = sources.evidence_dir()
    wanted = st.query_params.get("run", "")
    running, error = sources.attempt(partial(sources.running_run_id, folder))
    if error is not None:
        away(error)
        return
    run_id = wanted or running or next(iter(evidence.run_ids(folder)), None)
    if run_id is None:
        ours(None)
        st.info(f"No runs yet. {evidence.RUN_WAY_ON}")
        dependencies.show("")
        return
    run, error = sources.attempt(partial(sources.run, folder, run_id))
    if run is None:
        if error is not None:
            away(error)
        back(running)
        return
    notice.tell(run, notify=notify)
    banner(run)
    ours(run)
    if wanted and running and running != run_id:
        back(running)
    drawn, why_not = runchart.timeline_for(run)
    cards(run)
    safety.show(run, until_s=charts.horizon_s(drawn, run), listed=details.findings(run))
    if why_not is not None:
        away(why_not)
    runchart.chart(run, drawn)
    if run.state is RunState.RUNNING or not wanted:
        dependencies.show(run.variant)


def back(running: str | None) -> None:
    if running:
        st.page_link("app_pages/live.py", label="Watch the run that is going on", query_params={"run": running})
    else:
        st.page_link("app_pages/overview.py", label="All runs are on Overview")


def banner(run: Run) -> None:
    seed = "" if run.seed is None else f", seed {run.seed}"
    on = f" on <b>{markup.text(run.variant)}</b>" if run.variant else ""
    what = f"<b>{markup.text(run.title)}</b>{on}{seed}"
    if run.state is RunState.RUNNING:
        lines = [f"▶ running: {what} · {markup.text(run.stage)}{_progress(run)}"]
        active = [
            f'<span class="fd-sign fd-bad">{words.BAD} {markup.text(fault.text)}</span>' for fault in run.active_faults
        ]
        lines.append(f"Active faults: {', '.join(active)}" if active else "No fault is active.")
        st.html(markup.banner(lines, hot=bool(active)) + progress.bar(run))
        before(run)
        return
    if run.state is RunState.CUT_SHORT:
        lines = [
            f'<span class="fd-sign fd-warn">{words.WARN} cut short</span> {what}',
            "Its runner ended without a verdict. <code>firedrill heal</code> checks that nothing is left broken.",
        ]
    else:
        lines = [f"{markup.sign(words.run_sign(run.verdict, aborted=run.aborted))} {what}"]
        if run.summary:
            lines.append(markup.text(run.summary))
    report = markup.link("run", "open its page", run=run.run_id)
    lines.append(f'<span class="fd-quiet">No run is going on; this is {markup.text(run.run_id)}:</span> {report}')
    st.html(markup.banner(lines))


def before(run: Run) -> None:
    """How the last run ended stays in sight while the next one goes on."""
    last = sources.judged_before(run.folder.parent, run.run_id)
    if last is None:
        return
    sign = markup.sign(words.run_sign(last.verdict, aborted=last.aborted))
    link = markup.link("run", f"{last.title} on {last.variant}", run=last.run_id)
    said = f'<span class="fd-quiet">{markup.text(last.summary)}</span>'
    st.html(f'<p class="fd-before">The run before: {sign} {link} {said}</p>')


def _progress(run: Run) -> str:
    told = progress.said(run)
    in_time = run.t0_unix_s is not None and (run.load_end_s is None or 0 <= run.last_s <= run.load_end_s)
    return f" · {told}" if told and in_time else ""


def cards(run: Run) -> None:
    shown = None
    if run.state is RunState.RUNNING:
        shown, _ = sources.attempt(lambda: live_cards(run))
    if shown is None:
        figures, _ = sources.attempt(partial(sources.history, run.folder, run.state.value))
        totals = Totals() if figures is None else figures.all.totals(until_s=runchart.known_until_s(run))
        shown = total_cards(totals, over=run.state is not RunState.RUNNING)
    with st.container(key="cards"):
        for label, value, more in shown:
            st.metric(label, value, help=HELP[label], border=True, delta=more, delta_color="off", delta_arrow="off")


HELP = {
    "Offered": "Arrivals that the open-model schedule wanted, sent or not.",
    "Served": "2xx and documented refusals such as “sold out”.",
    "Errors": "Failed, unknown (timeout, reset, 5xx) and never sent.",
    "p95": "95 % of the operations were answered as promised within this, counted from the moment they were wanted. "
    "No answer: more than 5 % were not.",
}


def live_cards(run: Run) -> list[tuple[str, str, str]]:
    """Label, figure and small line of each card. Raises: SourceAway, when Prometheus has nothing of this run."""
    sources.prometheus()
    now = sources.live_figures(runchart.prometheus_url(), run.variant)
    if now.offered_per_s is None:
        raise SourceAway("Prometheus has no sample of this run yet.", "It scrapes every second.")
    before = steady_state(run)
    return [
        ("Offered", words.rate_text(now.offered_per_s), before["Offered"] or "by the schedule"),
        ("Served", words.rate_text(now.served_per_s), before["Served"] or "as promised"),
        (
            "Errors",
            words.rate_text(now.errors_per_s),
            f"{words.ratio_text(now.error_ratio)}{before['Errors'] or ' of what ended'}",
        ),
        ("p95", live_p95(now), before["p95"] or "from intended start"),
    ]


def steady_state(run: Run) -> dict[str, str]:
    """What the cards are held against: the run's own first phase, before any fault. Empty texts while it goes on."""
    nothing = dict.fromkeys(HELP, "")
    first = run.phases[0] if run.phases else None
    if first is None or first.end_s is None or run.last_s < first.end_s:
        return nothing
    stop_s = min([first.end_s, *(fault.injected_s for fault in run.faults)])
    found = sources.steady(run.folder, first.end_s, float(int(stop_s)))
    if found is None or stop_s < 1:
        return nothing
    ended = found.served + found.errors
    return {
        "Offered": f"steady {found.offered / stop_s:.1f}/s",
        "Served": f"steady {found.served / stop_s:.1f}/s",
        "Errors": f", steady {words.ratio_text(found.errors / ended)}",
        "p95": f"steady {words.quantile_text(found.p95_ms, found.offered)}",
    }


def live_p95(now: sources.LiveFigures) -> str:
    """Beyond the last bound are the operations without a promised answer."""
    if now.p95_s is not None and now.top_bucket_s is not None and now.p95_s >= now.top_bucket_s:
        return NO_ANSWER
    return words.latency_text(now.p95_s)


def total_cards(totals: Totals, *, over: bool) -> list[tuple[str, str, str]]:
    """The same from the history: counts instead of rates."""
    ratio = words.ratio_text(totals.errors / totals.offered if totals.offered else None)
    counts = [totals.offered, totals.served, totals.errors] if totals.offered else [None] * 3
    offered, served, errors = (words.count_text(count) for count in counts)
    when = "in the whole run" if over else "so far"
    return [
        ("Offered", offered, when),
        ("Served", served, when),
        ("Errors", errors, f"{ratio} of what was offered"),
        ("p95", words.quantile_text(totals.p95_ms, totals.offered), "from intended start"),
    ]


main()
