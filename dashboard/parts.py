"""Pieces that more than one page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from chaos.evidence.growing import Run
from dashboard import evidence, sources, words
from dashboard.errors import SourceAway

OFFERED_RUNS = 50


def away(error: SourceAway) -> None:
    """One sentence on what is the case, one on the way on."""
    st.info(f"{error.what} {error.way_on}")


def moving(block: Callable[[], None], *, every: str | None, key: str = "block") -> None:
    """Draw *block*, and again *every* so often: one fragment, so that a tick leaves the rest of the page alone.

    Args:
        key: Tells one block of a page from another.
    """

    def drawn() -> None:
        with st.container(key=f"moving-{key}"):  # the style keeps it readable while a tick is slow
            block()

    st.fragment(drawn, run_every=every)()


def is_dark() -> bool:
    return st.context.theme.type == "dark"


def picked_run(parameter: str, *, label: str) -> Run | None:
    """The run that the address names, else the newest; a box to pick another. None after a sentence on why."""
    folder = sources.evidence_dir()
    ids, error = sources.attempt(partial(evidence.run_ids, folder))
    if ids is None:
        if error is not None:
            away(error)
        return None
    if not ids:
        st.info(f"No runs yet. {evidence.RUN_WAY_ON}")
        return None
    wanted = st.query_params.get(parameter, "")
    if wanted and wanted not in ids:
        away(unknown(wanted))
    offered = ids[:OFFERED_RUNS]
    if wanted in ids and wanted not in offered:
        offered = [*offered, wanted]
    chosen = linked_box(parameter, label, offered, otherwise=offered[0], shown=run_label)
    run, error = sources.attempt(partial(sources.run, folder, chosen))
    if run is None and error is not None:
        away(error)
    return run


def linked_box(
    parameter: str, label: str, offered: Sequence[str], *, otherwise: str, shown: Callable[[str], str]
) -> str:
    """A box that says what the address says: a link sets it, and picking something changes the address.

    Args:
        otherwise: What is picked when the address names nothing that is offered.
        shown: How an entry reads.
    """
    key, seen = f"pick-{parameter}", f"seen-{parameter}"
    wanted = st.query_params.get(parameter, "")
    if wanted in offered and st.session_state.get(seen) != wanted:
        st.session_state[key] = wanted  # the address was changed from outside, not by the box
    if st.session_state.get(key) not in offered:
        st.session_state[key] = otherwise
    chosen: str = st.selectbox(label, offered, key=key, format_func=shown) or otherwise
    if chosen != wanted:
        st.query_params[parameter] = chosen
    st.session_state[seen] = chosen
    return chosen


def base_version(key: str, stored: int) -> int:
    """The version that the form *key* was drawn with, for as long as it stands on the page."""
    known: int = st.session_state.setdefault(f"base:{key}", stored)
    return known


def rebase(key: str) -> None:
    """Let the form *key* start from what is stored now."""
    st.session_state.pop(f"base:{key}", None)


def unknown(run_id: str) -> SourceAway:
    """A run that the address names and the evidence folder does not have, though the scorecard may know of it."""
    known, _ = sources.attempt(lambda: sources.scores().run(run_id))
    if known is None:
        return SourceAway(f"There is no run “{words.plain(run_id)}” in the evidence folder.", "Pick another one below.")
    told = f"{known.title} on {known.variant} was {known.verdict}"
    return SourceAway(
        f"The scorecard knows the run “{words.plain(run_id)}” ({words.plain(told)}), but its evidence is not here.",
        "Copy its folder into `evidence/`, or pick another one below.",
    )


def run_label(run_id: str) -> str:
    """`24 Nov 13:21:46 · flash-sale-naive-s1`: what a run id says, readable."""
    day, moment, what = run_id.split("-", 2)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    month = int(day[4:6])
    name = months[month - 1] if 1 <= month <= 12 else day[4:6]
    return f"{day[6:]} {name} {moment[:2]}:{moment[2:4]}:{moment[4:]} · {what}"
