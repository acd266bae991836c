"""Review: the sample of drill 6 with its lines numbered, the notes below them, and a form to add one."""

from __future__ import annotations

from functools import partial

import streamlit as st

from chaos.model import cwe
from chaos.model.notes import SEVERITIES, Note
from dashboard import config, markup, review, sources, words
from dashboard.errors import SourceAway
from dashboard.parts import away, linked_box
from dashboard.review import Sample

_STYLE = """<style>
.fd-code{border:1px solid light-dark(#d5d8e0,#444a5a);border-radius:.5rem;padding:.4rem 0;overflow-x:auto;
  font:.86rem/1.55 ui-monospace,monospace;max-height:44rem;overflow-y:auto}
.fd-code:focus-visible{outline:2px solid light-dark(#1d5fc4,#7fb2ff)}
.fd-code div{display:flex;min-width:max-content;padding-right:1rem}
.fd-code b{flex:none;width:4ch;text-align:right;margin-right:1.5ch;font-weight:400;
  color:light-dark(#5a5e6b,#b0b4c2);user-select:none}
.fd-code code{white-space:pre;background:none;padding:0;font:inherit;color:inherit}
.fd-code .fd-noted{background:light-dark(#eef4fd,#1b2536)}
.fd-code p{position:sticky;left:0;max-width:min(62rem,80vw);margin:.1rem 0 .4rem 6ch;padding:.25rem .7rem;
  font:.92rem/1.45 "Source Sans",sans-serif;border-left:.25rem solid light-dark(#1d5fc4,#7fb2ff)}
</style>"""


def main() -> None:
    st.title("Review")
    folder = config.from_environment().attempt_dir / "review"
    sample, error = sources.attempt(partial(review.read, folder))
    if sample is None:
        if error is not None:
            away(error)
        return
    st.html(_STYLE)
    named = "imported code, which has no key" if sample.seed is None else f"seed {sample.seed}"
    told = f"Drill 6, {named}. {counted(len(sample.notes))}. <code>firedrill review check</code> grades them."
    st.html(markup.quiet(told + " Its key was shown." * bool(sample.revealed)))
    for problem in sample.problems:
        st.warning(words.plain(problem))
    said = st.session_state.pop("review-said", None)
    if said:
        st.success(said)
    file = linked_box("file", "File", list(sample.files), otherwise=next(iter(sample.files)), shown=str)
    reading, writing = st.columns([3, 2], gap="large")
    with reading:
        st.html(code(sample, file))
    with writing:
        form(sample, file)
        listed(sample, file)


def code(sample: Sample, file: str) -> str:
    """The file with its lines numbered, each note below the last line that it is about."""
    own = [note for note in sample.notes if note.file == file]
    rows: list[str] = []
    for number, line in enumerate(sample.files[file].rstrip("\n").split("\n"), 1):
        noted = ' class="fd-noted"' if any(note.line <= number <= note.last_line for note in own) else ""
        rows.append(f'<div{noted} id="L{number}"><b>{number}</b><code>{markup.text(line) or " "}</code></div>')
        rows += [
            f"<p><strong>CWE-{note.cwe}, {note.severity}</strong>: {markup.text(note.why)}</p>"
            for note in own
            if note.last_line == number
        ]
    return f'<div class="fd-code" tabindex="0" role="region" aria-label="{markup.text(file)}">{"".join(rows)}</div>'


def form(sample: Sample, file: str) -> None:
    """What to say about which lines. What was typed stays until it is saved."""
    most = len(sample.files[file].rstrip("\n").split("\n"))
    which = f"{file}:{st.session_state.get('review-added', 0)}"  # a note that was added leaves an empty form
    with st.form(f"note:{which}", clear_on_submit=False):
        st.markdown(f"**A note on {file}**")
        first, last = st.columns(2)
        line = first.number_input("Line", 1, most, 1, key=f"line:{which}")
        last_line = last.number_input("To line (0: that line only)", 0, most, 0, key=f"last:{which}")
        number = st.selectbox(
            "Weakness (type a name or a number)",
            list(cwe.names()),
            index=None,
            format_func=lambda one: f"CWE-{one} {cwe.names()[one]}",
            key=f"cwe:{which}",
            placeholder="SQL injection, 89, …",
            filter_mode="contains",  # a fuzzy match would offer weaknesses that only share some letters
        )
        severity = st.radio("Severity", SEVERITIES, index=1, horizontal=True, key=f"severity:{which}")
        why = st.text_area("Why: what is wrong, and what comes of it", key=f"why:{which}", max_chars=2000)
        if not st.form_submit_button("Add this note"):
            return
    if number is None:
        st.error("Not added: no weakness is chosen. Type a part of its name, then pick one.")
        return
    if 0 < last_line < line:
        st.error(f"Not added: got lines {line} to {last_line}, expected the second one not before the first.")
        return
    note = Note(
        file=file,
        line=int(line),
        last_line=max(int(line), int(last_line)),
        cwe=number,
        severity=severity,
        why=" ".join((why or "").split()),
    )
    change(
        partial(review.add, config.from_environment().attempt_dir / "review", sample, note),
        f"Added: line {note.lines}.",
    )


def listed(sample: Sample, file: str) -> None:
    """The notes on the file; those of notes.yaml can be taken back."""
    own = [note for note in sample.notes if note.file == file]
    st.markdown(f"**{counted(len(own))} on {file}**")
    for place, note in enumerate(own):
        with st.container(border=True, key=f"listed-{place}"):
            st.html(
                f"<strong>{note.lines}</strong> · CWE-{note.cwe} {markup.text(cwe.names()[note.cwe])}, {note.severity}"
                f"<br>{markup.text(note.why)}"
            )
            if note not in sample.in_yaml:
                st.html(markup.quiet("stands in the file itself"))
            elif st.button(
                f"Remove the note on line {note.lines}", key=f"remove:{file}:{place}:{note.cwe}:{note.lines}"
            ):
                folder = config.from_environment().attempt_dir / "review"
                change(partial(review.remove, folder, sample, note), f"Removed: line {note.lines}.")


def counted(number: int) -> str:
    return "1 note" if number == 1 else f"{number} notes"


def change(do: partial[None], said: str) -> None:
    try:
        do()
    except SourceAway as error:
        st.error(f"{error.what} {error.way_on}")
    else:
        st.session_state["review-said"] = said
        st.session_state["review-added"] = st.session_state.get("review-added", 0) + 1
        st.rerun()


main()
