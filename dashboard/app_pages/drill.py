"""Drill (`?drill=`): brief, steps, deliverable, hints (logged), how it is checked, scenarios with their last result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import markup, scorecard, sources, starting, words
from dashboard.errors import SourceAway
from dashboard.markup import Cell
from dashboard.parts import away, linked_box

LEVELS = {
    "nudge": "a nudge",
    "direction": "a direction",
    "solution": "gives the solution away",
}


def main() -> None:
    st.title("Drill")
    drills, error = sources.attempt(lambda: sources.scores().drills())
    if drills is None:
        if error is not None:
            away(error)
        return
    drill = picked(drills)
    st.header(f"{drill.number} · {drill.title}", anchor=False)
    st.html(markup.quiet(markup.text(drill.competency_focus)))
    brief, error = sources.attempt(lambda: sources.scores().brief(drill.key))
    if brief is None:
        if error is not None:
            away(error)
    else:
        text(drill, brief)
    scenarios(drill)
    if brief is not None:
        hints(drill, brief)
    where_you_are(drill)


def picked(drills: Sequence[scorecard.Drill]) -> scorecard.Drill:
    by_key = {drill.key: drill for drill in drills}
    wanted = st.query_params.get("drill", "")
    if wanted and wanted not in by_key:
        st.info(f"There is no drill “{words.plain(wanted)}”. This is the first; the box has the others.")
    return by_key[
        linked_box(
            "drill",
            "Which drill",
            list(by_key),
            otherwise=drills[0].key,
            shown=lambda key: f"{by_key[key].number} · {by_key[key].title}",
        )
    ]


def text(drill: scorecard.Drill, brief: scorecard.Brief) -> None:
    st.markdown(brief.brief)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        st.markdown("### Steps")
        st.markdown("\n".join(f"{number}. {step}" for number, step in enumerate(brief.steps, start=1)))
    with right:
        st.markdown("### What you hand in")
        st.markdown("\n".join(f"- {each}" for each in brief.deliverable))
    st.markdown("### How it is checked")
    st.markdown("\n".join(f"- {each}" for each in brief.checked))


def scenarios(drill: scorecard.Drill) -> None:
    st.markdown("### Scenarios")
    if not drill.core and not drill.stretch:
        st.html(markup.quiet("No scenario grades this drill; its checks are the ones named above."))
        return
    runs, error = sources.attempt(partial(last_results, drill.number))
    if runs is None and error is not None:
        away(error)
    newest = {(run.scenario, run.variant): run for run in runs or []}
    head = [
        Cell(html="Scenario"), Cell(html="Part", tight=True, wide_only=True), Cell(html="Your attempt"),
        Cell(html="naive", wide_only=True), Cell(html="hardened", wide_only=True),
    ]  # fmt: skip
    rows = [
        [
            Cell(html=f"{markup.name(name)}<span class='fd-narrow fd-quiet'>{part}</span>"),
            Cell(html=part, tight=True, wide_only=True),
            Cell(html=result(newest.get((name, "attempt")))),
            Cell(html=result(newest.get((name, "naive"))), wide_only=True),
            Cell(html=result(newest.get((name, "hardened"))), wide_only=True),
        ]
        for part, names in (("core", drill.core), ("stretch", drill.stretch))
        for name in names
    ]
    st.html(markup.table(head, rows, label="Scenarios with their last results"))
    start_one(drill)


def start_one(drill: scorecard.Drill) -> None:
    """A scenario of the drill, started from here; below it the same for a terminal."""
    found, error = sources.attempt(lambda: sources.catalogue(sources.stack().urls.agent or ""))
    names = [*drill.core, *drill.stretch]
    offered = {each.name: each.title for each in found.scenarios if each.name in names} if found else {}
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    name = left.selectbox(
        "Scenario", names, key=f"run-scenario:{drill.key}", format_func=lambda one: offered.get(one) or one
    )
    variants = found.variants if found else list(words.VARIANTS)
    first = "attempt" if "attempt" in variants else variants[0]
    variant = middle.selectbox("Variant", variants, index=variants.index(first), key=f"run-variant:{drill.key}")
    chosen, on = name or names[0], variant or first
    with right:
        if chosen in offered:
            starting.button("Start", chosen, on, key=f"run:{drill.key}", primary=True)
    if error is not None:
        st.html(markup.quiet(f"{markup.text(error.what)} A terminal can start it all the same:"))
    elif "attempt" not in variants:
        st.html(markup.quiet("You have no attempt yet: the first of these commands makes it."))
    st.code(f"firedrill attempt start\nmake scenario S={chosen} VARIANT={on}", language="bash", wrap_lines=True)


@st.cache_data(ttl=5, max_entries=12, show_spinner=False)
def last_results(number: int) -> list[scorecard.Run]:
    """The newest run of each scenario and variant of a drill."""
    return sources.scores().newest_of_drill(number)


def result(run: scorecard.Run | None) -> str:
    if run is None:
        return '<span class="fd-quiet">not run yet</span>'
    age = words.UNKNOWN if run.started_unix_s is None else words.age_text(time.time() - run.started_unix_s)
    sign = markup.sign(words.verdict_sign(run.verdict))
    return f'{sign} {markup.link("run", f"seed {run.seed}", run=run.run_id)} <span class="fd-quiet">{age}</span>'


def failing(drill: scorecard.Drill) -> list[str]:
    """The checks that the newest runs of the learner's own code violate; none where that is not known."""
    runs, _ = sources.attempt(partial(last_results, drill.number))
    asked = {*drill.core, *drill.stretch}
    own = [run for run in runs or [] if run.variant == "attempt" and run.scenario in asked]
    return list(dict.fromkeys(check for run in own for check in run.broken))


def hints(drill: scorecard.Drill, brief: scorecard.Brief) -> None:
    """Those for the checks that fail first, under the check and the files that it is about."""
    st.markdown("### Hints")
    st.html(
        markup.quiet(
            "Opening a hint is logged, once. The stretch counts only for runs before the first hint; one that gives "
            "the solution away sets the ceiling to 1, unless the core has held before."
        )
    )
    left = {hint.key: hint for hint in brief.hints}
    checks = failing(drill)
    for check in checks:
        files = ", ".join(brief.files_of(check))
        where = f' <span class="fd-quiet">services/shop/attempt/: {markup.text(files)}</span>' if files else ""
        st.html(f"<p>{markup.sign(words.verdict_sign('violated'))} <b>{markup.name(check)}</b>{where}</p>")
        boxes(drill, [found for hint in brief.ladder(check) if (found := left.pop(hint.key, None))])
    if not checks:
        boxes(drill, list(left.values()))
    elif left:
        hints_word = "hint" if len(left) == 1 else "hints"
        with st.expander(f"{len(left)} other {hints_word}, for checks that do not fail now"):
            boxes(drill, list(left.values()))


def boxes(drill: scorecard.Drill, listed: Sequence[scorecard.Hint]) -> None:
    for hint in listed:
        with st.container(border=True, key=f"hint-{hint.key}"):
            st.markdown(f"**{hint.title}** · {LEVELS.get(hint.level, hint.level)}")
            if hint.text is not None:
                st.markdown(hint.text)
                st.html(markup.quiet(f"opened {markup.text((hint.used_at or '')[:10])}"))
            elif st.button("Open this hint", key=f"open:{drill.key}:{hint.key}"):
                open_hint(drill, hint)


def open_hint(drill: scorecard.Drill, hint: scorecard.Hint) -> None:
    try:
        sources.scores().open_hint(drill.key, hint.key)
    except SourceAway as error:
        st.error(f"Not opened. {error.what} {error.way_on}")
    else:
        st.rerun()


def where_you_are(drill: scorecard.Drill) -> None:
    st.markdown("### Where you are")
    st.html(markup.card("Score and evidence", "", markup.standing_facts(drill.score.value, drill.standing)))
    st.page_link("app_pages/scores.py", label=f"Record drill {drill.number}", query_params={"drill": drill.key})


main()
