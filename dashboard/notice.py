"""The browser's title while a run goes on and when it has ended, and a notification for who asked for one."""

from __future__ import annotations

import json

import streamlit as st

from chaos.evidence.course import RunState
from chaos.evidence.growing import Run
from dashboard import words

NAME = "Firedrill"
_SEEN = "seen-running"
_TOLD = "told-of"
ASK = "if ('Notification' in window && Notification.permission === 'default') Notification.requestPermission();"


def title_of(run: Run, *, seen: str) -> str:
    """What the tab is called. *seen*: the run that this page saw going on; of any other the end is no news."""
    if run.state is RunState.RUNNING:
        return f"▶ {run.stage} · {run.title} · {NAME}"
    if run.run_id != seen:
        return NAME
    sign = words.run_sign(run.verdict, aborted=run.aborted) if run.verdict else words.Sign(words.WARN, "ended", "warn")
    return f"{sign.text}: {run.title} · {NAME}"


def tell(run: Run, *, notify: bool) -> None:
    """Name the tab; when a run that was seen going on has ended, say so once."""
    if run.state is RunState.RUNNING:
        st.session_state[_SEEN] = run.run_id
    seen = st.session_state.get(_SEEN, "")
    title = title_of(run, seen=seen)
    st.set_page_config(page_title=title)
    over = run.state is not RunState.RUNNING and run.run_id == seen and (run.verdict or run.state is RunState.CUT_SHORT)
    if not over or st.session_state.get(_TOLD) == run.run_id:
        return
    st.session_state[_TOLD] = run.run_id
    st.toast(words.plain(f"{title.removesuffix(f' · {NAME}')} on {run.variant}"))
    if notify:
        said = json.dumps({"title": title, "body": f"on {run.variant}. {run.summary}"[:300]}).replace("<", "\\u003c")
        script(
            "if ('Notification' in window && Notification.permission === 'granted')"
            f"{{const told = {said}; new Notification(told.title, {{body: told.body}});}}"
        )


def asked() -> bool:
    """A switch for a notification; the browser asks whether it may."""
    wanted = st.toggle("Notify me", key="notify", help="A notification of the browser when the run has ended.")
    if wanted:
        script(ASK)
    return wanted


def script(text: str) -> None:
    st.html(f"<script>{text}</script>", unsafe_allow_javascript=True)
