"""Run (`?run=`): the verdict in a sentence, each check, the window that failed, what to take away."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from chaos.evidence.course import RunState
from chaos.evidence.files import MOST_STATE_BYTES, read_bytes
from chaos.evidence.growing import Run
from chaos.model.folder import File
from chaos.model.verdict import Finding, FindingKind, Verdict
from dashboard import (
    counterexamples,
    details,
    evidence,
    labelling,
    markup,
    runchart,
    safety,
    sources,
    trend,
    words,
)
from dashboard.markup import Cell
from dashboard.parts import away, picked_run

UNADVISED = "Its verdict names no root. Run it again; <code>make logs</code> has what the lab wrote."
WINDOWS = {"Failing window": True, "Whole run": False}
KINDS = {
    FindingKind.INVARIANT: "exact, over the whole history",
    FindingKind.SLO: "limit over a phase",
    FindingKind.RECOVERY: "after the last lift",
    FindingKind.STEADY_STATE: "before any fault",
    FindingKind.FAULT: "was it broken, and felt",
    FindingKind.SELF_CHECK: "the lab itself",
    FindingKind.WITNESS: "who saw it",
}


def main() -> None:
    st.title("Run")
    run = picked_run("run", label="Which run")
    if run is None:
        return
    listed = details.findings(run)
    verdict(run, listed)
    labelling.edit(run)
    if run.state is RunState.RUNNING:
        st.page_link("app_pages/live.py", label="It is still going on: watch it live", query_params={"run": run.run_id})
        return
    if run.verdict == "inconclusive" or run.state is RunState.CUT_SHORT:
        next_steps(run)
    checks(run, listed)
    lifted = (fault.lifted_s or 0.0 for fault in run.faults)
    safety.show(run, until_s=max([run.load_end_s or 0.0, *lifted, 10.0]), listed=listed)
    course(run, listed)
    counterexamples.show(run, listed)
    over_time(run)
    counterexamples.schedules(run)
    operations(run)
    samples(run)
    events(run)
    downloads(run)


def course(run: Run, listed: Sequence[Finding]) -> None:
    """The chart; forced interleavings have none: they are shown step by step."""
    drawn, why_not = runchart.timeline_for(run)
    if why_not is not None and drawn.empty:
        if (run.folder / File.EXCHANGES).is_file():
            return
        st.header("Timeline")
        away(why_not)
    else:
        st.header("Timeline")
    runchart.chart(run, drawn, window=window(run, listed))


def verdict(run: Run, listed: Sequence[Finding]) -> None:
    seed = "" if run.seed is None else f", seed {run.seed}"
    what = f"<b>{markup.text(run.title)}</b> on <b>{markup.text(run.variant or '?')}</b>{seed}"
    sign = words.run_sign(run.verdict, aborted=run.aborted)
    if run.state is RunState.RUNNING:
        st.html(markup.banner([f"▶ running: {what} · {markup.text(run.stage)}"]))
        return
    if run.state is RunState.CUT_SHORT:
        sign = words.Sign(words.WARN, "cut short", "warn")
    elif run.unreadable_verdict:
        sign = words.UNREADABLE
    counted = {name: sum(each.verdict == name for each in listed) for name in ("violated", "inconclusive", "held")}
    lines = [f"{markup.sign(sign)} {what}", markup.text(run.summary or "This run has no verdict.")]
    if listed:
        told = ", ".join(f"{count} {name}" for name, count in counted.items() if count)
        took = words.duration_text(run.duration_s)
        by = f" · by {markup.text(run.learner)}" if run.learner else ""
        lines.append(f'<span class="fd-quiet">{told} of {len(listed)} checks · took {took} · {run.run_id}{by}</span>')
    st.html(markup.banner(lines, hot=run.verdict == "violated"))
    if run.verdict == "violated" and run.variant == "naive":
        st.html(markup.quiet("naive is the positive control: violated is what is expected of it."))


def next_steps(run: Run) -> None:
    st.header("What to do next")
    if run.state is RunState.CUT_SHORT:
        st.markdown("The runner ended without a verdict. `firedrill heal` checks that nothing is left broken; the next "
                    "`firedrill run` closes this run with the evidence so far.")  # fmt: skip
    else:
        st.html(f"<p>{markup.text(run.advice) if run.advice else UNADVISED}</p>")


def checks(run: Run, listed: Sequence[Finding]) -> None:
    st.header("Checks")
    if run.unreadable_verdict:
        st.info("The checks stand in the verdict, which can't be read. `firedrill verify` says what else was changed.")
        return
    if not listed:
        st.info("No check has been judged in this run. An unfinished run is judged by the next `firedrill run`.")
        return
    head = [
        Cell(html="Verdict", tight=True), Cell(html="Check"), Cell(html="Expected", wide_only=True),
        Cell(html="Measured"), Cell(html="Where", wide_only=True),
    ]  # fmt: skip
    main: list[list[Cell]] = []
    lab: list[list[Cell]] = []
    for finding in listed:
        reason = "" if finding.verdict == "held" else finding.why
        more = f'<br><span class="fd-quiet">{markup.text(reason)}</span>' if reason else ""
        row = [
            Cell(html=markup.sign(words.verdict_sign(finding.verdict)), tight=True),
            Cell(html=f"{markup.name(finding.check)}<br><span class='fd-quiet'>{KINDS[finding.kind]}</span>"),
            Cell(html=markup.text(finding.expected or words.UNKNOWN), wide_only=True),
            Cell(html=_expected_on_phones(finding) + markup.text(finding.measured or words.UNKNOWN) + more),
            Cell(html=markup.text(finding.where or "whole run"), wide_only=True),
        ]
        quiet = finding.verdict is Verdict.HELD and finding.kind.about_run
        (lab if quiet else main).append(row)
    if main:
        st.html(markup.table(head, main, label="Checks, worst first"))
    if lab:
        with st.expander(f"{len(lab)} checks of the lab itself held"):
            st.html(markup.table(head, lab, label="Checks of the lab itself"))


def _expected_on_phones(finding: Finding) -> str:
    """A phone has no room for the columns "expected" and "where"."""
    where = f" ({markup.text(finding.where)})" if finding.where else ""
    return f'<span class="fd-narrow fd-quiet">Expected: {markup.text(finding.expected)}{where}</span>'


def window(run: Run, listed: Sequence[Finding]) -> tuple[float, float] | None:
    """The window that failed, unless the reader asks for the whole run."""
    failing = details.failing_window(run, listed)
    if failing is None:
        return None
    choice = st.pills("Show", list(WINDOWS), default="Failing window", key="window", label_visibility="collapsed")
    return failing if WINDOWS.get(choice or "Whole run", False) else None


def over_time(run: Run) -> None:
    """The same scenario on the same variant, run by run."""
    found = trend.trends(sources.alike(run))
    if not found:
        return
    st.header("Over your runs")
    st.html(markup.table(*trend.table(found), label="Checks of this scenario over the last runs, oldest first"))
    st.html(markup.quiet(f"The last runs of this scenario on {markup.text(run.variant)}, whatever their seed."))


def operations(run: Run) -> None:
    st.header("Operations")
    listed = _operations(run)
    if not listed:
        st.info("This run has no operations: it ended before its load did, or nothing was sent.")
        return
    head = [Cell(html="Phase"), Cell(html="Operation"), Cell(html="Total", tight=True)]
    head += [Cell(html=name, tight=True, wide_only=True) for name in ("ok", "refused", "failed", "unknown", "dropped")]
    head += [Cell(html="Errors", tight=True), Cell(html="p50", tight=True), Cell(html="p95", tight=True)]
    head += [Cell(html="p99", tight=True, wide_only=True)]
    rows = [
        [
            Cell(html=markup.text(each.phase)), Cell(html=markup.text(each.op)),
            Cell(html=words.count_text(row.total), tight=True),
            *(Cell(html=words.count_text(getattr(row, name)), tight=True, wide_only=True) for name in details.COUNTS),
            Cell(html=words.count_text(row.errors), tight=True),
            Cell(html=words.quantile_text(row.p50_ms, row.total), tight=True),
            Cell(html=words.quantile_text(row.p95_ms, row.total), tight=True),
            Cell(html=words.quantile_text(row.p99_ms, row.total), tight=True, wide_only=True),
        ]
        for each in listed
        if (row := each.row)
    ]  # fmt: skip
    with st.expander(f"{len(listed)} rows: phase × operation", expanded=len(listed) <= 12):
        st.html(markup.table(head, rows, label="Operations by phase"))
    st.html(
        markup.quiet(
            "Times count from the intended start to the promised answer; no answer: the operation at that rank got "
            "none. Refused is a documented refusal, such as sold out; unknown may have happened."
        )
    )


def _operations(run: Run) -> list[details.Operation]:
    figures, _ = sources.attempt(partial(sources.history, run.folder, run.state.value))
    return details.operations(run, figures)


def samples(run: Run) -> None:
    st.header("Sampled requests and answers")
    listed = details.samples(run.folder)
    if not listed:
        st.html(markup.quiet("This run kept no samples: it was made before the driver took them, or nothing was sent."))
        return
    kinds = sorted({(each.phase, each.op, each.outcome) for each in listed})
    labels = {f"{phase} · {op} · {outcome}": (phase, op, outcome) for phase, op, outcome in kinds}
    choice = st.selectbox("Phase, operation and outcome", list(labels), key="sample")
    shown = [each for each in listed if (each.phase, each.op, each.outcome) == labels.get(choice or "")]
    for each in shown[:3]:
        st.code(_exchange_text(each), language="http", wrap_lines=True)


def _exchange_text(sample: details.Sample) -> str:
    asked = [f"{sample.method} {sample.path}", *(f"{name}: {value}" for name, value in sample.request_headers.items())]
    if sample.request_body:
        asked += ["", sample.request_body]
    took = words.latency_text(sample.ended - sample.sent)
    head = f"HTTP {sample.status}" if sample.status else f"no answer ({sample.reason})"
    answer = [f"{head}   after {took}, at {sample.ended:.2f} s", *(f"{k}: {v}" for k, v in sample.headers.items())]
    if sample.body:
        answer += ["", sample.body + ("…" if sample.cut else "")]
    return "\n".join([*asked, "", *answer])


def events(run: Run) -> None:
    listed = details.events(run.folder)
    st.header("Event log")
    if not listed:
        st.info("The journal is empty or can't be read; `firedrill verify` says more.")
        return
    with st.expander(f"{len(listed)} events"):
        head = [Cell(html="At", tight=True), Cell(html="Event", tight=True), Cell(html="Details")]
        rows = [
            [
                Cell(html=words.UNKNOWN if event.at_s is None else f"{event.at_s:.2f} s", tight=True),
                Cell(html=markup.text(event.event.value.replace("_", " ")), tight=True),
                Cell(html=markup.text(_data(event.data))),
            ]
            for event in listed
        ]
        st.html(markup.table(head, rows, label="Events of the run, in order"))


def _data(data: dict[str, object]) -> str:
    said = [f"{name} {value}" for name, value in data.items() if isinstance(value, str | int | float) and value != ""]
    text = ", ".join(said)
    return text if len(text) <= 240 else f"{text[:239]}…"


def downloads(run: Run) -> None:
    st.header("Take it away")
    missing = []
    with st.container(horizontal=True):
        for each in details.downloads(run):
            if each.path is None:
                missing.append(each)
                continue
            st.download_button(
                each.label, data=partial(read_bytes, each.path, most=MOST_STATE_BYTES), file_name=each.file_name,
                mime=each.mime, key=f"take:{each.file_name}", on_click="ignore",
            )  # fmt: skip
        st.download_button(
            "Operations (CSV)", data=partial(_operations_csv, run), file_name=f"{run.run_id}-operations.csv",
            mime="text/csv", key="take:operations", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Seconds (CSV)", data=partial(_seconds_csv, run), file_name=f"{run.run_id}-seconds.csv", mime="text/csv",
            key="take:seconds", on_click="ignore",
        )  # fmt: skip
    for each in missing:
        st.html(markup.quiet(f"{markup.text(each.label)}: {markup.code(each.why)}."))
    others = sources.others_of(run)
    if others:
        st.html(markup.quiet("Compare with " + ", ".join(
            markup.link("compare", f"{other.variant}, seed {other.seed}", a=run.run_id, b=other.run_id)
            for other in others) + "."))  # fmt: skip


def _operations_csv(run: Run) -> str:
    return details.operations_csv(_operations(run))


def _seconds_csv(run: Run) -> str:
    figures, _ = sources.attempt(partial(evidence.figures, run.folder))
    return details.seconds_csv(figures.all.seconds() if figures else ())


main()
