"""Starting a run from a page: one at a time, and a refusal says why."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import agent, sources
from dashboard.errors import SourceAway


def busy() -> bool:
    """Whether a run goes on, whoever started it: one at a time has the machine for itself."""
    state, _ = sources.attempt(lambda: sources.runs_agent().state())
    going_on, _ = sources.attempt(partial(sources.running_run_id, sources.evidence_dir()))
    return bool(going_on or (state is not None and state.running is not None))


def start(scenario: str, variant: str, seed: int | None = None) -> bool:
    """Whether it was started. Without a seed the scenario's own is taken."""
    try:
        sources.runs_agent().start(scenario, variant, seed)
    except agent.Refused as refused:
        st.error(f"Not started. {refused}")
    except SourceAway as error:
        st.error(f"Not started. {error.what} {error.way_on}")
    else:
        sources.running_run_id.clear()
        st.toast("Started. It takes a few seconds to prepare the variant; then it shows up on Live.")
        return True
    return False


def button(label: str, scenario: str, variant: str, *, key: str, primary: bool = False) -> None:
    """A button that starts one run and goes to Live. While a run goes on it can't be pressed."""
    occupied = busy()
    pressed = st.button(
        label, key=key, type="primary" if primary else "secondary", disabled=occupied,
        help="A run is going on. The next one can be started when it has ended." if occupied else None,
    )  # fmt: skip
    if pressed and start(scenario, variant):
        st.switch_page("app_pages/live.py")
