"""Compare (`?a=&b=`): two runs of one scenario on one axis, seconds since the fault's start."""

from __future__ import annotations

from functools import partial

import streamlit as st

from chaos.evidence import comparable
from chaos.evidence.comparable import Axis
from chaos.evidence.figures import Timeline
from chaos.evidence.growing import Run
from dashboard import charts, comparison, details, evidence, markup, sources, words
from dashboard.comparison import Row, Side
from dashboard.markup import Cell
from dashboard.parts import away, is_dark, linked_box, run_label, unknown

OFFERED_RUNS = 50


def main() -> None:
    st.title("Compare")
    folder = sources.evidence_dir()
    ids, error = sources.attempt(partial(evidence.run_ids, folder))
    if ids is None or error is not None:
        if error is not None:
            away(error)
        return
    if len(ids) < 2:
        st.info(f"Comparing takes two runs; there {'is one' if ids else 'are none'}. {evidence.RUN_WAY_ON}")
        return
    default = default_pair(ids)
    left, right = st.columns(2)
    with left:
        a = pick("a", ids, default[0])
    with right:
        b = pick("b", ids, default[1])
    if a is None or b is None:
        return
    why_not = comparison.refusal(a, b)
    if why_not or a.document is None or b.document is None:
        st.error(why_not)
        offer(a)
        return
    axis = comparable.axis(a.document, b.document)
    for caution in axis.cautions:
        st.warning(words.plain(caution, most=300))
    show(side(a), side(b), axis)


def default_pair(ids: list[str]) -> tuple[str, str]:
    """The newest run that another can stand beside: of another variant (`naive` on the left), else the one before.

    One that was aborted only where there is no other: it shows half a picture.
    """
    newest, _ = sources.attempt(partial(sources.latest_runs, sources.evidence_dir(), 12))
    pairs = [(first, other) for first in newest or [] for other in sources.others_of(first)]
    found = min(pairs, key=lambda pair: bool(pair[0].aborted or pair[1].aborted), default=None)
    if found is None:
        return ids[1], ids[0]
    pair = sorted(found, key=lambda run: (run.variant != "naive", run.run_id))
    return pair[0].run_id, pair[1].run_id


def pick(parameter: str, ids: list[str], otherwise: str) -> Run | None:
    wanted = st.query_params.get(parameter, "")
    if wanted and wanted not in ids:
        away(unknown(wanted))
    offered = list(dict.fromkeys([*ids[:OFFERED_RUNS], otherwise, *([wanted] if wanted in ids else [])]))
    chosen = linked_box(parameter, f"Run {parameter.upper()}", offered, otherwise=otherwise, shown=run_label)
    run, error = sources.attempt(partial(sources.run, sources.evidence_dir(), chosen))
    if error is not None:
        away(error)
    return run


def offer(a: Run) -> None:
    others = sources.others_of(a)
    if others:
        links = ", ".join(
            markup.link("compare", run_label(other.run_id), a=a.run_id, b=other.run_id) for other in others
        )
        st.html(markup.quiet(f"Runs that can stand beside A: {links}."))


def side(run: Run) -> Side:
    figures, _ = sources.attempt(partial(sources.history, run.folder, run.state.value))
    return Side(
        run=run,
        findings=details.findings(run),
        operations=details.operations(run, figures),
        timeline=figures.all if figures else Timeline(),
    )


def show(a: Side, b: Side, axis: Axis) -> None:
    names = comparison.names(a, b)
    heads = [
        f"<b>{letter}</b> {markup.sign(words.run_sign(each.run.verdict, aborted=each.run.aborted))} "
        f"{markup.link('run', name, run=each.run.run_id)}, seed {each.run.seed}"
        for letter, each, name in (("A", a, names[0]), ("B", b, names[1]))
    ]
    said = [markup.text(sentence) for sentence in comparison.in_words(a, b)]
    st.html(markup.banner([f"<b>{markup.text(a.run.title)}</b>: {' against '.join(heads)}", *said]))
    st.header("On one axis")
    if a.timeline.seconds() and b.timeline.seconds():
        chart(a, b, names, axis)
    else:
        st.info("One of the runs has no operation history that a page could draw; the tables below still stand.")
    st.header("Checks")
    table("Checks of both runs", comparison.check_rows(a, b), names, with_delta=False)
    st.header("Figures")
    table("Figures of both runs", comparison.figure_rows(a, b), names, with_delta=True)


def chart(a: Side, b: Side, names: tuple[str, str], axis: Axis) -> None:
    longer, zero_s = max(zip((a, b), axis.zero_s, strict=True), key=lambda each: len(each[0].run.faults))
    bands = [(fault.injected_s - zero_s, (fault.lifted_s or fault.injected_s) - zero_s) for fault in longer.run.faults]
    lines = [
        line
        for side, name, zero in zip((a, b), names, axis.zero_s, strict=True)
        for line in comparison.lines(side, name, zero)
    ]
    since = f"since {axis.fault} took effect" if axis.fault else "since the load started"
    st.echarts_chart(
        charts.comparison_option(lines, names=names, faults=bands, dark=is_dark()),
        height=charts.COMPARISON_PX,
        key="comparison",
        alt=f"{a.run.title}: served, errors and p95 of {names[0]} and {names[1]} by seconds {since}",
    )
    faults = ", ".join(fault.text for fault in longer.run.faults) or "none"
    shown = markup.text(f"Seconds {since} in each run; shaded: {faults} (as in {longer.name}).")
    st.html(
        markup.quiet(
            f"{shown} Lines from the operation histories, by when each operation was wanted; a gap in p95: no answer."
        )
    )


def table(label: str, rows: list[Row], names: tuple[str, str], *, with_delta: bool) -> None:
    head = [Cell(html=markup.text(each)) for each in (label.split(" ", maxsplit=1)[0], *names)]
    if with_delta:
        head.append(Cell(html="Difference"))
    body = []
    for row in rows:
        cells = [Cell(html=markup.name(row.what))]
        for letter, value in (("a", row.a), ("b", row.b)):
            told = markup.text(value)
            cells.append(Cell(html=f"<b>{told}</b>" if row.better == letter else told))
        if with_delta:
            cells.append(Cell(html=markup.text(row.delta or words.UNKNOWN)))
        body.append(cells)
    st.html(markup.table(head, body, label=label))
    st.html(
        markup.quiet(
            "Bold: better by more than chance. Where none is, they are alike, too few to tell, or one was not decided."
        )
    )


main()
