"""A learner's label of a run on its page: shown, changed and removed. The agent keeps it, beside the evidence."""

from __future__ import annotations

import streamlit as st

from chaos.evidence.growing import Run
from chaos.evidence.labels import MOST_LABEL
from dashboard import agent, sources
from dashboard.errors import SourceAway


def edit(run: Run) -> None:
    """A box with the label, and a button that saves it. Nothing in the box takes the label away."""
    label = sources.labels(run.folder.parent).get(run.run_id, "")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Label, to find this run by", value=label, max_chars=MOST_LABEL, key=f"label:{run.run_id}",
            placeholder="None. A few words, such as: with a row lock",
        )  # fmt: skip
        pressed = st.button("Save label", key="save-label", disabled=(typed or "") == label)
    if pressed:
        _save(run, typed or "")


def _save(run: Run, text: str) -> None:
    try:
        sources.runs_agent().label(run.run_id, text)
    except agent.Refused as refused:
        st.error(f"Not saved. {refused}")
    except SourceAway as error:
        st.error(f"Not saved. {error.what} {error.way_on} `firedrill label` works without the stack.")
    else:
        sources.labels.clear()
        st.rerun()
