"""Counterexamples of a run, and its forced schedules, as a page shows them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from chaos.evidence.growing import Run
from chaos.model.counterexamples import Explained
from chaos.model.verdict import Finding
from dashboard import details, forced, lanes, markup, story, words


def show(run: Run, listed: Sequence[Finding]) -> None:
    violated = [finding for finding in listed if finding.verdict == "violated"]
    if not violated:
        return
    st.header("Counterexamples")
    explained = details.explained(run.folder)
    for finding in violated:
        with st.expander(
            f"{words.plain(finding.check)}: {words.plain(finding.measured, most=100)}", expanded=finding is violated[0]
        ):
            if finding.reason:
                st.text(finding.reason)
            found = explained.get(finding.check)
            if found is None:
                shown = ", ".join(finding.examples[:5]) or "none were kept"
                st.html(markup.quiet(f"No counterexample was kept. Examples: {markup.text(shown)}."))
            else:
                counterexample(found, run_id=run.run_id)


def counterexample(found: Explained, *, run_id: str) -> None:
    """The operations, then one time line of what they did, as `firedrill explain` has it."""
    if found.says:
        st.text(found.says)
    for schedule in found.schedules[:1]:
        st.html(f"<p><strong>{markup.text(schedule.id)}</strong></p>{forced.lanes(schedule)}")
        st.html(markup.table(*forced.steps(schedule), label=f"Steps of {schedule.id}"))
        st.code(f"firedrill force {run_id} {schedule.id}", language="sh")
    if found.operations:
        st.html(lanes.lanes(found))
        st.html(markup.table(*story.operations(found), label=f"Operations that show {found.check}"))
    for line in story.requests(found):
        st.code(line, language="bash", wrap_lines=True)
    if found.race is not None:
        st.html(f"<p>{' '.join(map(markup.text, story.race(found.race)))}</p>")
        st.html(markup.table(*story.operations(found.race), label=f"The two that raced for {found.race.row}"))
        st.html(markup.table(*story.moments(found.race), label=f"How they raced for {found.race.row}"))
    if found.moments:
        st.html(markup.table(*story.moments(found), label=f"Time line of {found.check}"))
        st.html(markup.quiet(story.origin(found)))
    for what in found.unknown:
        st.html(markup.quiet(f"Not known: {markup.text(what)}."))


def schedules(run: Run) -> None:
    listed = details.schedules(run.folder)
    if not listed:
        return
    st.header("Forced schedules")
    st.html(markup.table(*forced.listed(listed), label="Schedules that were forced"))
    chosen = st.selectbox("Show one", [each.id for each in listed], index=None, key="schedule")
    for schedule in listed:
        if schedule.id == chosen:
            st.html(forced.lanes(schedule))
            st.html(markup.table(*forced.steps(schedule), label=f"Steps of {schedule.id}"))
