"""Contract: the learner's own contract and the schema that the shop serves, side by side, each in Swagger UI."""

from __future__ import annotations

import streamlit as st

from dashboard import markup, openapi, sources
from dashboard.parts import away, is_dark

HEIGHT_PX = 900


def main() -> None:
    st.title("Contract")
    st.html(
        markup.quiet(
            "Drill 1. Neither is the promise: that is the brief, <code>contract/BRIEF.md</code> in your attempt. "
            "Requests go by <code>firedrill try</code>, on fresh data."
        )
    )
    left, right = st.columns(2)
    with left:
        st.header("Your contract", anchor=False)
        mine, error = sources.attempt(openapi.own)
        if error is not None:
            away(error)
        elif mine is not None:
            drawn("own", "contract/openapi.yaml, as it is on disk; reload after a save.")
    with right:
        st.header("What the shop serves", anchor=False)
        served, error = sources.attempt(openapi.served)
        if error is not None:
            away(error)
        elif served is not None:
            drawn("served", f"Variant {markup.text(served.variant or 'unknown')}, at /api/schema/.")


def drawn(name: str, told: str) -> None:
    st.html(markup.quiet(told))
    st.iframe(openapi.address(name, dark=is_dark()), height=HEIGHT_PX, alt=f"Swagger UI: {openapi.NAMES[name]}")


main()
