"""Progress: radar with its table, weakest dimensions, level and what is missing, months; the drill map to take away."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import charts, markup, scorecard, sources, words
from dashboard.errors import SourceAway
from dashboard.markup import Cell
from dashboard.parts import away, base_version, is_dark, rebase

MOST_NOTES = 10_000


def main() -> None:
    st.title("Progress")
    found, error = sources.attempt(lambda: sources.scores().progress())
    if found is None:
        if error is not None:
            away(error)
        return
    drills, _ = sources.attempt(lambda: sources.scores().drills())
    by_number = {drill.number: drill for drill in drills or []}
    whose()
    level(found)
    radar(found, by_number)
    trend(found, by_number)
    month_notes(found)
    take_away()
    bring_back()


def whose() -> None:
    """The learner's name: asked once, changeable."""
    learner, error = sources.attempt(lambda: sources.scores().learner())
    if learner is None:
        if error is not None:
            away(error)
        return
    said = st.session_state.pop("named", None)
    version = base_version("name", learner.version)
    title = f"Drill map of {words.plain(learner.name)}" if learner.name else "Whose drill map is this?"
    with st.expander(title, expanded=not learner.name), st.form("learner", border=False):
        name = st.text_input(
            "Your name, for evidence, handing in and exports", value=learner.name, max_chars=100, key=f"name:{version}"
        )
        if st.form_submit_button("Save name"):
            try:
                sources.scores().name_learner(name.strip(), version=version)
            except scorecard.StaleScore:
                now = words.plain(learner.name)
                st.error(f"Not saved: the name was changed elsewhere to “{now}”. Save again to change it.")
                rebase("name")
            except SourceAway as error:
                st.error(f"Not saved. {error.what} {error.way_on}")
            else:
                st.session_state["named"] = "Saved."
                rebase("name")
                st.rerun()
    if said:
        st.success(said)


def level(found: scorecard.Progress) -> None:
    names = {each.key: each.name for each in found.levels}
    reached = names.get(found.reached or "", "")
    scored = f"{found.scored} of 6 drills scored"
    average = "no average yet" if found.average is None else f"average {found.average:.2f} of 3"
    lines = [f"<b>{markup.text(reached or 'No level yet')}</b> · {scored}, {average}"]
    following = next((each for each in found.levels if each.key == found.next_level), None)
    if following is None:
        lines.append("Every level is reached.")
    else:
        lines.append(f"Missing for <b>{markup.text(following.name)}</b>:")
    st.html(markup.banner(lines))
    if following is not None:
        st.html(markup.bullets([markup.text(each.text) for each in following.missing], label="What is missing"))
    if found.self_attested:
        listed = ", ".join(str(number) for number in found.self_attested)
        st.html(
            markup.quiet(f"Self-attested 3, until a mentor's re-run confirms it (on the page Scores): drill {listed}.")
        )
    with st.expander("All three levels"):
        head = [Cell(html="Level"), Cell(html="What it takes"), Cell(html="State")]
        rows = [
            [
                Cell(html=f"<b>{markup.text(each.name)}</b>"),
                Cell(html=markup.text(each.asks)),
                Cell(html=markup.sign(words.Sign(words.GOOD, "reached", "good"))
                     if each.reached else f"{len(each.missing)} missing"),
            ]
            for each in found.levels
        ]  # fmt: skip
        st.html(markup.table(head, rows, label="Completion levels"))


def radar(found: scorecard.Progress, drills: dict[int, scorecard.Drill]) -> None:
    st.header("Dimensions")
    if not found.scored:
        st.info("Nothing is scored yet, so the radar would be a dot. Record a first score on the page Scores.")
        st.page_link("app_pages/scores.py", label="Record a score")
    left, right = st.columns([1, 1], gap="medium") if found.scored else (st.container(), st.container())
    with left:
        if found.scored:
            st.echarts_chart(
                charts.radar_option(
                    [axis.name for axis in found.radar], [axis.mean for axis in found.radar], dark=is_dark()
                ),
                height=360,
                key="radar",
                alt="Radar of mean scores by dimension; the table beside it has the figures",
            )
    with right:
        head = [Cell(html="Dimension"), Cell(html="Mean", tight=True), Cell(html="Drills")]
        rows = [
            [
                Cell(html=markup.text(axis.name)),
                Cell(html=words.UNKNOWN if axis.mean is None else f"{axis.mean:.2f}", tight=True),
                Cell(html=_drill_links(axis.drills, drills) + f' <span class="fd-quiet">({axis.scored} scored)</span>'),
            ]
            for axis in found.radar
        ]
        st.html(markup.table(head, rows, label="Mean score of each dimension"))
    if found.weakest and found.scored:
        st.markdown("**Weakest dimensions**, and which drills raise them:")
        st.html(
            markup.bullets(
                [
                    f"{markup.text(axis.name)} ({'no score' if axis.mean is None else f'{axis.mean:.2f}'}): "
                    + _drill_links(axis.raise_with, drills)
                    for axis in found.weakest
                ],
                label="Weakest dimensions",
            )
        )


def _drill_links(numbers: Sequence[int], drills: dict[int, scorecard.Drill]) -> str:
    return ", ".join(
        markup.link("drill", f"drill {number}", drill=drills[number].key) if number in drills else f"drill {number}"
        for number in numbers
    )


def trend(found: scorecard.Progress, drills: dict[int, scorecard.Drill]) -> None:
    st.header("Months")
    if sum(month.has_data for month in found.months) > 1:
        st.echarts_chart(
            charts.trend_option(
                [month.month for month in found.months],
                [month.average for month in found.months],
                [len(month.red_flags) if month.has_data else None for month in found.months],
                dark=is_dark(),
            ),
            height=220,
            key="trend",
            alt="Average score and red flags by month; the table below has the figures",
        )
    head = [
        Cell(html="Month", tight=True), Cell(html="Average", tight=True), Cell(html="Red flags"),
        Cell(html="Notes", tight=True),
    ]  # fmt: skip
    rows = []
    for month in reversed(found.months):
        if month.has_data:
            average = "none scored" if month.average is None else f"{month.average:.2f}"
            flags = (
                f"{len(month.red_flags)}: " + "; ".join(_flag(flag, drills) for flag in month.red_flags)
                if month.red_flags
                else "0"
            )
        else:
            average, flags = "no data", "no data"
        notes = markup.text(month.notes).replace("\n", "<br>") or '<span class="fd-quiet">none</span>'
        rows.append([Cell(html=month.month, tight=True), Cell(html=average), Cell(html=flags), Cell(html=notes)])
    st.html(markup.table(head, rows, label="Months, newest first"))
    st.html(
        markup.quiet(
            "Each month as it stood at its end (the current one: now). A red flag is a critical gap, a score above "
            "what the evidence supports, or a scenario that held and is violated now."
        )
    )


def _flag(flag: scorecard.RedFlag, drills: dict[int, scorecard.Drill]) -> str:
    return f"{_drill_links([flag.drill], drills)} {markup.text(flag.text)}"


def month_notes(found: scorecard.Progress) -> None:
    months = {month.month: month for month in reversed(found.months)}
    with st.expander("Notes on a month"):
        chosen = months[st.selectbox("Month", list(months), key="month") or next(iter(months))]
        version = base_version(chosen.month, chosen.version)
        key = f"{chosen.month}:{version}"
        with st.form(f"month:{chosen.month}", border=False, enter_to_submit=False):
            notes = st.text_area(
                f"Notes on {chosen.month}", value=chosen.notes, max_chars=MOST_NOTES, key=f"notes:{key}",
                placeholder="What you worked on, what held you up, what comes next",
            )  # fmt: skip
            if st.form_submit_button("Save notes"):
                save_month(chosen, notes or "", version)
        if version != chosen.version:
            st.warning(f"These notes were changed elsewhere since this page loaded them. Stored is: "
                       f"“{words.plain(chosen.notes, most=300)}”.")  # fmt: skip
            if st.button("Show what is stored", help="Drops what you typed here."):
                rebase(chosen.month)
                st.rerun()
    said = st.session_state.pop("noted", None)
    if said:
        st.success(said)


def save_month(month: scorecard.Month, notes: str, version: int) -> None:
    try:
        sources.scores().save_month(month.month, notes=notes, version=version)
    except scorecard.StaleScore:
        st.error("Not saved. What you typed is still here.")
    except SourceAway as error:
        st.error(f"Not saved. {error.what} {error.way_on} What you typed is still here.")
    else:
        st.session_state["noted"] = f"Saved the notes on {month.month}."
        rebase(month.month)
        st.rerun()


def take_away() -> None:
    st.header("Take the drill map away")
    with st.container(horizontal=True):
        for label, kind, name, mime in (
            ("Markdown", "markdown", "drill-map.md", "text/markdown"),
            ("JSON", "json", "drill-map.json", "application/json"),
        ):
            found, error = sources.attempt(lambda kind=kind: sources.drill_map(kind))  # type: ignore[misc]
            if found is not None:
                st.download_button(
                    f"Export as {label}", data=found, file_name=name, mime=mime, key=f"export:{kind}", on_click="ignore"
                )
            elif error is not None:
                away(error)
    st.html(
        markup.quiet(
            "Markdown is for people and Git hosts; JSON can be put back here or in another lab. "
            "<code>firedrill export</code> and <code>firedrill import</code> do the same."
        )
    )


def bring_back() -> None:
    with st.expander("Import a drill map"), st.form("import", border=False, clear_on_submit=True):
        file = st.file_uploader("A file that was exported as JSON", type=["json"], max_upload_size=4)
        if st.form_submit_button("Import"):
            if file is None:
                st.info("Choose a file first.")
            else:
                put_back(file.getvalue())
    said = st.session_state.pop("imported", None)
    if said:
        st.success(said)


def put_back(document: bytes) -> None:
    try:
        added = sources.scores().imported(document)
    except scorecard.Refused as refused:
        st.error(f"Nothing was imported. {refused}")
    except SourceAway as error:
        st.error(f"Nothing was imported. {error.what} {error.way_on}")
    else:
        listed = ", ".join(f"{count} {name}" for name, count in added.items() if count)
        st.session_state["imported"] = f"Imported: {listed}." if listed else "Everything in it was here already."
        sources.drill_map.clear()
        st.rerun()


main()
