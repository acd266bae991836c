"""Start with `python -m dashboard`: navigation, the style of all pages, and what happens when one fails."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # Streamlit puts the script's own folder on the path, not the checkout
    sys.path.insert(0, str(HERE.parent))

import streamlit as st  # noqa: E402

from dashboard import markup  # noqa: E402

NAMES = ("Overview", "Live", "Run", "Compare", "Scores", "Progress", "Drill", "Contract", "Review")
PAGES = {
    name.lower(): st.Page(
        str(HERE / "app_pages" / f"{name.lower()}.py"), title=name, url_path=name.lower(), default=name == "Overview"
    )
    for name in NAMES
}


def main() -> None:
    """Draw the page that the address names; an unknown path shows Overview."""
    st.set_page_config(page_title="Firedrill", page_icon=HERE / "icon.svg", layout="wide")
    page = st.navigation(list(PAGES.values()), position="top")
    st.html(markup.STYLE)
    with st.container(key="phone-nav", horizontal=True):  # a phone hides the top navigation
        for each in PAGES.values():
            st.page_link(each)
    try:
        page.run()
    except Exception:
        logging.getLogger("dashboard").exception("%s could not be drawn", page.title)
        st.error(
            f"{page.title} could not be drawn; the details are in the dashboard's log (`make logs`). "
            "Reload the page; the other pages still work."
        )


main()
