"""Overview: what to do next, six drills, the runs with a search, the parts of the stack."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import evidence, markup, next_step, runlist, scorecard, sources, starting, words
from dashboard.parts import away, moving
from dashboard.stack import Stack

SHOWN_RUNS, MOST_FITTING = 12, 50
REFRESH = "10s"
WHAT_THIS_IS = (
    "Firedrill is a lab for backend engineers. A web shop runs on this machine; a scenario puts load on it, breaks "
    "something on purpose, and judges from evidence whether the shop kept its promises. Six drills lead from seeing a "
    "failure to fixing it in your own copy of the code. You score yourself from 0 to 3; the **ceiling** beside your "
    "score is the highest that your runs so far support, so that you see where the two differ."
)


def main() -> None:
    st.title("Overview")
    moving(drill_block, every=REFRESH, key="drills")
    st.header("Runs")
    wanted = runlist.asked(scenarios(), sources.labels(sources.evidence_dir()).values())
    moving(partial(runs_block, wanted), every=REFRESH, key="runs")
    moving(stack_block, every=REFRESH, key="stack")


def drill_block() -> None:
    """What goes on, what to do next, and the drills."""
    running()
    _, stack_away = sources.attempt(sources.stack)
    if stack_away is not None:
        away(stack_away)
        return
    drills, drills_away = sources.attempt(lambda: sources.scores().drills())
    if drills_away is not None:
        away(drills_away)
    if drills:
        welcome(drills)
        st.header("Drills")
        cards(drills)


def welcome(drills: Sequence[scorecard.Drill]) -> None:
    """On a first visit what this is; always what comes next."""
    step = next_step.next_step(drills)
    first = not any(drill.latest_runs for drill in drills) and all(drill.score.value is None for drill in drills)
    with st.container(border=True, key="next-step"):
        st.header("What this is" if first else "Next", anchor=False)
        if first:
            st.markdown(WHAT_THIS_IS)
        st.markdown(step.text)
        if step.start is not None:
            starting.button(step.label, *step.start, key="next-start", primary=True)
        else:
            st.page_link(f"app_pages/{step.page}.py", label=step.label, query_params=dict(step.query))


def runs_block(wanted: runlist.Wanted) -> None:
    found = rows(wanted)
    if found:
        st.html(runlist.table(found))
        if any(row.variant == "naive" and row.sign.word == "violated" for row in found):
            st.html(markup.quiet("naive is the positive control: violated is what is expected of it."))
    elif wanted.everything:
        st.info(f"No runs yet. {evidence.RUN_WAY_ON}")
    else:
        st.info("No run fits. Choose “any” again, or search for less.")


def stack_block() -> None:
    stack, _ = sources.attempt(sources.stack)
    if stack is not None:
        st.header("Stack")
        health(stack)


def scenarios() -> list[str]:
    """Those that can be filtered by: of all drills, and of the newest runs."""
    drills, _ = sources.attempt(lambda: sources.scores().drills())
    runs, _ = sources.attempt(partial(sources.latest_runs, sources.evidence_dir(), SHOWN_RUNS))
    graded = [name for drill in drills or [] for name in (*drill.core, *drill.stretch)]
    return sorted({*graded, *(run.scenario for run in runs or [] if run.scenario)})


def rows(wanted: runlist.Wanted) -> list[runlist.Row]:
    """As the scorecard has them, and those that it doesn't know (yet) from their folders."""
    indexed, _ = sources.attempt(
        lambda: sources.scores().runs(
            drill=wanted.drill, scenario=wanted.scenario, variant=wanted.variant, verdict=wanted.verdict, q=wanted.text
        )
    )
    most = SHOWN_RUNS if wanted.everything else MOST_FITTING
    found, folder_away = sources.attempt(partial(sources.latest_runs, sources.evidence_dir(), most))
    if folder_away is not None:
        away(folder_away)
    labels = sources.labels(sources.evidence_dir())
    older, _ = sources.attempt(partial(sources.runs_named, sources.evidence_dir(), tuple(wanted.named(labels)[:most])))
    return runlist.together(
        map(runlist.indexed, indexed or []),
        map(runlist.from_folder, [*(found or []), *(older or [])]),
        wanted, most=most, labels=labels,
    )  # fmt: skip


def running() -> None:
    run_id, error = sources.attempt(lambda: sources.running_run_id(sources.evidence_dir()))
    if run_id is None or error is not None:
        return
    run, _ = sources.attempt(lambda: sources.run(sources.evidence_dir(), run_id))
    if run is not None:
        follow = markup.link("live", "Watch it live", run=run.run_id)
        st.html(
            markup.banner(
                [f"<b>A run is going on:</b> {markup.text(run.title)} on {markup.text(run.variant)}. {follow}"]
            )
        )


def cards(drills: Sequence[scorecard.Drill]) -> None:
    for start in range(0, len(drills), 3):
        for column, drill in zip(st.columns(3), drills[start : start + 3], strict=False):
            with column, st.container(border=True, height="stretch", key=f"drill-{drill.number}"):
                focus = drill.competency_focus or ", ".join(each.name for each in drill.dimensions)
                st.html(markup.card(f"{drill.number} · {drill.title}", focus, facts(drill)))
                with st.container(horizontal=True):
                    for page, label in (("drill", "Open"), ("scores", "Record")):
                        st.page_link(
                            f"app_pages/{page}.py", label=f"{label} drill {drill.number}",
                            query_params={"drill": drill.key},
                        )  # fmt: skip


def facts(drill: scorecard.Drill) -> list[tuple[str, str]]:
    stands = drill.standing
    gap = f" {markup.sign(words.Sign(words.WARN, f'score is {stands.gap} above', 'warn'))}" if stands.overclaim else ""
    regressed = f" {markup.sign(words.Sign(words.BAD, 'regression', 'bad'))}" if stands.regressed else ""
    ceiling = '<span class="fd-quiet">no evidence</span>' if stands.ceiling is None else str(stands.ceiling)
    listed = [
        ("Status", markup.sign(words.status_sign(drill.score.value))),
        ("Self-score", markup.text(words.score_text(drill.score.value))),
        ("Ceiling", f"{ceiling}{gap}{regressed}"),
    ]
    for run in sorted(drill.latest_runs, key=lambda run: _variant_order(run.variant)):
        listed.append(
            (run.variant, f"{result_link(run)} <span class='fd-quiet'>{runlist.age(run.started_unix_s)}</span>")
        )
    if not drill.latest_runs:
        listed.append(("Runs", "<span class='fd-quiet'>no evidence yet</span>"))
    return listed


def result_link(run: scorecard.Run) -> str:
    return f"{markup.sign(words.verdict_sign(run.verdict))} {markup.link('run', 'open', run=run.run_id)}"


def _variant_order(variant: str) -> int:
    return words.VARIANTS.index(variant) if variant in words.VARIANTS else len(words.VARIANTS)


def health(stack: Stack) -> None:
    found = sources.parts(stack, repr(stack.urls))
    st.html(markup.strip([(part.name, part.sign) for part in found], label="Parts of the stack"))
    if stack.urls.prometheus is None:
        st.html(
            markup.quiet(
                "Without Prometheus runs are judged as ever, and Live draws them from their own history. "
                "<code>make doctor</code> says how to get it."
            )
        )


main()
