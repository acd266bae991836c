"""Scores: record what you can do, drill by drill, with the evidence beside it.

A form remembers the version of the score that it was drawn with, for as long as it stands on the page. The scorecard
refuses a save over any other version, so a page that has become stale can't overwrite what somebody saved meanwhile.
"""

from __future__ import annotations

import time
from functools import partial

import streamlit as st

from dashboard import markup, scorecard, sources, words
from dashboard.errors import SourceAway
from dashboard.markup import Cell
from dashboard.parts import away

UNSCORED = "Not scored"
CHOICES: dict[str, int | None] = {UNSCORED: None} | {f"{value} {word}": value for value, word in words.SCORES.items()}
MOST_NOTES, SHOWN_CHANGES = 10_000, 20


def main() -> None:
    st.title("Scores")
    drills, error = sources.attempt(lambda: sources.scores().drills())
    if drills is None:
        if error is not None:
            away(error)
        return
    st.html(
        markup.quiet(
            "0 Unfamiliar · 1 Assisted · 2 Independent · 3 Owner. The status follows from the score: "
            "2–3 competent, 1 needs guided practice, 0 critical gap."
        )
    )
    shown = picked(drills)
    if len(shown) > 1:
        table(shown)
    for drill in shown:
        one(drill)


def table(drills: list[scorecard.Drill]) -> None:
    """The scoring table at a glance; the forms are below."""
    head = [
        Cell(html="Drill"), Cell(html="Dimensions", wide_only=True), Cell(html="AI / risk focus", wide_only=True),
        Cell(html="Score", tight=True), Cell(html="Status"), Cell(html="Ceiling"),
        Cell(html="Notes", wide_only=True, tight=True),
    ]  # fmt: skip
    rows = []
    for drill in drills:
        stands = drill.standing
        ceiling = "no evidence" if stands.ceiling is None else str(stands.ceiling)
        if stands.overclaim:
            ceiling += f" {markup.sign(words.Sign(words.WARN, f'gap of {stands.gap}', 'warn'))}"
        if stands.regressed:
            ceiling += f" {markup.sign(words.Sign(words.BAD, 'regression', 'bad'))}"
        notes = " ".join(drill.score.notes.split())
        rows.append(
            [
                Cell(html=markup.link("scores", f"{drill.number} · {drill.title}", drill=drill.key)),
                Cell(html=markup.text(", ".join(each.name for each in drill.dimensions)), wide_only=True),
                Cell(html=markup.text(drill.risk_focus), wide_only=True),
                Cell(html=words.UNKNOWN if drill.score.value is None else str(drill.score.value), tight=True),
                Cell(html=markup.sign(words.status_sign(drill.score.value)).replace("fd-sign", "fd-sign fd-wrap")),
                Cell(html=ceiling),
                Cell(html=markup.text(notes[:90] + "…" * (len(notes) > 90)), wide_only=True),
            ]
        )
    st.html(markup.table(head, rows, label="Scores of all drills"))


def picked(drills: list[scorecard.Drill]) -> list[scorecard.Drill]:
    """All drills, or the one that the address names (`?drill=`)."""
    wanted = st.query_params.get("drill", "")
    if wanted and wanted not in {drill.key for drill in drills}:
        st.info(f"There is no drill “{words.plain(wanted)}”. These are all there are:")
        return drills
    if wanted:
        st.page_link("app_pages/scores.py", label="Show all six drills", query_params={})
        return [drill for drill in drills if drill.key == wanted]
    return drills


def one(drill: scorecard.Drill) -> None:
    shown = base(drill)
    with st.container(border=True, key=f"score-{drill.number}"):
        st.header(f"{drill.number} · {drill.title}", anchor=drill.key)
        form, beside = st.columns([3, 2], gap="medium")
        with beside:
            evidence(drill, shown)
        with form:
            edit(drill, shown)


def _base_key(drill: scorecard.Drill) -> str:
    return f"base:{drill.key}"


def base(drill: scorecard.Drill) -> scorecard.Score:
    """The score that the form on the page was drawn with. A form that isn't there yet starts from what is stored.

    What was typed and not saved comes back with the version that it was typed over, also after a visit to another page.
    """
    known: scorecard.Score | None = st.session_state.get(_base_key(drill))
    if known is not None and _widget(drill, known, "value") in st.session_state:
        return known
    if known is not None and (draft := st.session_state.get(_draft_key(drill))) is not None:
        for part, typed in zip(("value", "notes"), draft, strict=True):
            st.session_state[_widget(drill, known, part)] = typed
        return known
    st.session_state[_base_key(drill)] = drill.score
    return drill.score


def _draft_key(drill: scorecard.Drill) -> str:
    return f"draft:{drill.key}"


def _widget(drill: scorecard.Drill, shown: scorecard.Score, part: str) -> str:
    """Widgets are named after the version that they edit: a newer one starts afresh."""
    return f"{part}:{drill.key}:{shown.version}"


def edit(drill: scorecard.Drill, shown: scorecard.Score) -> None:
    number = drill.number
    labels = list(CHOICES)
    current = next((label for label, value in CHOICES.items() if value == shown.value), UNSCORED)
    for part, stored in (("value", current), ("notes", shown.notes)):
        st.session_state.setdefault(_widget(drill, shown, part), stored)
    choice = st.radio(f"Score of drill {number}", labels, horizontal=True, key=_widget(drill, shown, "value"))
    notes = st.text_area(
        f"Notes and lessons learned of drill {number}", max_chars=MOST_NOTES, height=96,
        key=_widget(drill, shown, "notes"), placeholder="What went wrong, what you would do next time. Markdown.",
    )  # fmt: skip
    typed = (choice or UNSCORED, notes or "")
    if typed == (current, shown.notes):
        st.session_state.pop(_draft_key(drill), None)
    else:
        st.session_state[_draft_key(drill)] = typed
    if st.button(f"Save drill {number}", type="primary", key=f"save:{drill.key}"):
        save(drill, shown, value=CHOICES[typed[0]], notes=typed[1])
    # Below the button: what appears above it would move it away from under a pointer.
    if _draft_key(drill) in st.session_state:
        st.html(markup.quiet("Not saved yet. It stays here while you look at other pages, not over a reload."))
    if notes:
        with st.container(key=f"read-{number}"):
            st.markdown(words.notes(notes))
    conflict(drill, shown)
    said = st.session_state.pop(f"saved:{drill.key}", None)
    if said:
        st.success(said)


def save(drill: scorecard.Drill, shown: scorecard.Score, *, value: int | None, notes: str) -> None:
    try:
        stored = sources.scores().save(drill.key, value=value, notes=notes, version=shown.version)
    except scorecard.StaleScore:
        st.session_state[f"stale:{drill.key}"] = shown.version
        return
    except SourceAway as error:
        st.error(f"Not saved. {error.what} {error.way_on} What you typed is still here.")
        return
    st.session_state[_base_key(drill)] = stored
    st.session_state.pop(_draft_key(drill), None)
    # The widgets of the new version start with what was just saved, before they are first drawn.
    st.session_state[_widget(drill, stored, "value")] = next(label for label, v in CHOICES.items() if v == stored.value)
    st.session_state[_widget(drill, stored, "notes")] = stored.notes
    st.session_state.pop(f"stale:{drill.key}", None)
    st.session_state[f"saved:{drill.key}"] = f"Saved: {words.score_text(stored.value)}."
    st.rerun()


def conflict(drill: scorecard.Drill, shown: scorecard.Score) -> None:
    """A refused save: say what is stored, and let the reader decide."""
    if st.session_state.get(f"stale:{drill.key}") != shown.version:
        return
    now = drill.score
    st.error(
        f"Not saved: this score was changed elsewhere since this page loaded it. Stored is "
        f"{words.plain(words.score_text(now.value) + _quoted(now.notes), most=200)}."
    )
    with st.container(horizontal=True):
        if st.button("Show what is stored", key=f"take:{drill.key}", help="Drops what you typed here."):
            rebase(drill, now, keep=None)
        if st.button(
            "Keep mine, to save again", key=f"keep:{drill.key}", help="Puts what you typed on top of what is stored."
        ):
            mine = (st.session_state[_widget(drill, shown, "value")], st.session_state[_widget(drill, shown, "notes")])
            rebase(drill, now, keep=mine)


def rebase(drill: scorecard.Drill, now: scorecard.Score, *, keep: tuple[str, str] | None) -> None:
    stored = next((label for label, value in CHOICES.items() if value == now.value), UNSCORED)
    value, notes = keep or (stored, now.notes)
    st.session_state[_base_key(drill)] = now
    st.session_state[_widget(drill, now, "value")] = value
    st.session_state[_widget(drill, now, "notes")] = notes
    st.session_state.pop(f"stale:{drill.key}", None)
    st.rerun()


def _quoted(notes: str) -> str:
    short = " ".join(notes.split())
    return "" if not short else f", “{short[:120]}{'…' if len(short) > 120 else ''}”"


def evidence(drill: scorecard.Drill, shown: scorecard.Score) -> None:
    facts = [
        *markup.standing_facts(shown.value, drill.standing),
        ("Dimensions", markup.text(", ".join(each.name for each in drill.dimensions) or words.UNKNOWN)),
        ("Risk focus", markup.text(drill.risk_focus or words.UNKNOWN)),
    ]
    for run in drill.latest_runs:
        age = words.UNKNOWN if run.started_unix_s is None else words.age_text(time.time() - run.started_unix_s)
        named = markup.link("run", run.title or run.scenario, run=run.run_id)
        told = f"{markup.sign(words.verdict_sign(run.verdict))} {named}"
        told += f' <span class="fd-quiet">{age}{": " + markup.text(", ".join(run.broken)) if run.broken else ""}</span>'
        facts.append((run.variant, told))
    facts += [("Confirmed", _confirmed(each)) for each in drill.confirmations]
    if not drill.latest_runs:
        facts.append(("Evidence", '<span class="fd-quiet">no evidence yet; a score needs none</span>'))
    st.html(markup.card("Evidence", drill.competency_focus, facts))
    st.page_link(
        "app_pages/drill.py", label=f"Brief, steps and hints of drill {drill.number}", query_params={"drill": drill.key}
    )
    if drill.standing.self_attested:
        confirm(drill)
    past, _ = sources.attempt(partial(past_scores, drill.key, shown.version))
    if past:
        with st.expander(f"History of drill {drill.number} ({shown.version})"):
            for score in past[:SHOWN_CHANGES]:
                at = score.changed_at[:16].replace("T", " ")
                st.text(f"{at} UTC  {words.score_text(score.value)}{_quoted(score.notes)}")
            if shown.version > SHOWN_CHANGES:
                st.html(
                    markup.quiet(f"The newest {SHOWN_CHANGES} of {shown.version}; the export on Progress has them all.")
                )


def _confirmed(one: scorecard.Confirmation) -> str:
    """By whom, when, on which seed, and what the mentor wrote."""
    notes = f'<br><span class="fd-quiet">{markup.text(one.notes)}</span>' if one.notes else ""
    return f"by {markup.text(one.mentor)} on {markup.text(one.confirmed_at[:10])}, seed {one.seed}{notes}"


def confirm(drill: scorecard.Drill) -> None:
    """A mentor has run the learner's code again, on a seed of his choice."""
    with st.expander(f"Confirm the 3 of drill {drill.number} (for a mentor)"):
        st.html(
            markup.quiet(
                "Run the learner's patch on a seed of your own "
                "(<code>firedrill run … --variant attempt --seed N</code>); when it held, name the run here."
            )
        )
        with st.form(f"confirm:{drill.key}", border=False):
            mentor = st.text_input(f"Mentor of drill {drill.number}", max_chars=100, key=f"mentor:{drill.key}")
            run_id = st.text_input(f"Run that confirms drill {drill.number}", max_chars=120, key=f"by:{drill.key}")
            if st.form_submit_button(f"Confirm drill {drill.number}"):
                try:
                    sources.scores().confirm(drill.key, mentor=mentor.strip(), run_id=run_id.strip())
                except scorecard.Refused as refused:
                    st.error(f"Not confirmed. {refused}")
                except SourceAway as error:
                    st.error(f"Not confirmed. {error.what} {error.way_on}")
                else:
                    st.session_state[f"saved:{drill.key}"] = f"Confirmed by {words.plain(mentor)}."
                    st.rerun()


@st.cache_data(ttl=30, max_entries=32, show_spinner=False)
def past_scores(key: str, version: int) -> list[scorecard.ScoreChange]:
    """The history up to *version*, which is part of the cache's key; nothing for a drill never scored."""
    return sources.scores().history(key) if version else []


main()
