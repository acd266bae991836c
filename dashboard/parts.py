"""Pieces that more than one page shows."""

from __future__ import annotations

import streamlit as st

from dashboard.errors import SourceAway


def away(error: SourceAway) -> None:
    """One sentence on what is the case, one on the way on."""
    st.info(f"{error.what} {error.way_on}")


def is_dark() -> bool:
    return st.context.theme.type == "dark"
