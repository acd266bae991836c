"""A sample with its reviewer's notes: Markdown and HTML, with anchors at lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from chaos.model.cwe import names
from chaos.model.notes import Note
from chaos.model.text import visible

_STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;
  color:light-dark(#1c1f27,#e8eaf0);background:light-dark(#fff,#12151c)}
a{color:light-dark(#1d5fc4,#7fb2ff)}
pre{margin:0;overflow-x:auto;border:1px solid light-dark(#d5d8e0,#444a5a);border-radius:.5rem;padding:.5rem 0}
.line{display:block;padding:0 .8rem;white-space:pre}.line:target{background:light-dark(#fff3c4,#4a3f12)}
.line a{display:inline-block;width:3.5ch;text-align:right;margin-right:1.5ch;text-decoration:none;
  color:light-dark(#5a5e6b,#b0b4c2)}
.noted{background:light-dark(#eef4fd,#1b2536)}
.note{display:block;margin:.1rem .8rem .4rem 6ch;padding:.3rem .7rem;white-space:normal;
  border-left:.25rem solid light-dark(#1d5fc4,#7fb2ff);background:light-dark(#f4f6fa,#1d222d);
  font:15px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
@media print{pre{overflow:visible}.line{white-space:pre-wrap}}
"""


def markdown(files: Mapping[str, str], notes: Sequence[Note], *, named: str) -> str:
    """A table of the notes, then each file: its lines numbered, each note below the lines that it is about."""
    return "".join(f"{line}\n" for line in _markdown(files, notes, named))


def _markdown(files: Mapping[str, str], notes: Sequence[Note], named: str) -> Iterator[str]:
    yield f"# Code review, {named}\n"
    yield f"{len(notes)} notes.\n"
    yield "| where | CWE | severity | why |\n|---|---|---|---|"
    for note in notes:
        link = f"[{note.file}:{note.lines}](#{_anchor(note.file, note.line)})"
        yield f"| {link} | CWE-{note.cwe} {_cell(names()[note.cwe])} | {note.severity} | {_cell(note.why)} |"
    for file, text in files.items():
        yield f"\n## {file}\n"
        lines = text.rstrip("\n").split("\n")
        width, begin = len(str(len(lines))), 1
        for end, here in _stops(file, notes, len(lines)):
            block = lines[begin - 1 : end]
            fence = "`" * max(3, *(_longest_ticks(line) + 1 for line in block))
            for number in sorted({note.line for note in notes if note.file == file and begin <= note.line <= end}):
                yield f'<a id="{_anchor(file, number)}"></a>'
            yield f"{fence}python"
            yield from (f"{number:>{width}}  {visible(line)}" for number, line in enumerate(block, begin))
            yield f"{fence}\n"
            for note in here:
                yield f"> **CWE-{note.cwe}, {note.severity}** (line {note.lines}): {_cell(note.why)}\n"
            begin = end + 1


def _stops(file: str, notes: Sequence[Note], last: int) -> Iterator[tuple[int, list[Note]]]:
    """Where a block of lines ends, with the notes below it."""
    ends = sorted({note.last_line for note in notes if note.file == file} | {last})
    for end in ends:
        yield end, [note for note in notes if note.file == file and note.last_line == end]


def html(files: Mapping[str, str], notes: Sequence[Note], *, named: str) -> str:
    """One page without scripts and external resources; `#views.py-L12` leads to a line."""
    listed = "".join(
        f'<li><a href="#{_anchor(note.file, note.line)}">{_text(note.file)}:{note.lines}</a> '
        f"CWE-{note.cwe} {_text(names()[note.cwe])}, {note.severity}: {_text(note.why)}</li>"
        for note in notes
    )
    body = "".join(_file(file, text, notes) for file, text in files.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Code review, {_text(named)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Code review, {_text(named)}</h1><ol>{listed}</ol>{body}</body></html>\n"
    )


def _file(file: str, text: str, notes: Sequence[Note]) -> str:
    own = [note for note in notes if note.file == file]
    rows: list[str] = []
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        noted = " noted" if any(note.line <= number <= note.last_line for note in own) else ""
        anchor = _anchor(file, number)
        rows.append(
            f'<span class="line{noted}" id="{anchor}"><a href="#{anchor}" aria-label="line {number}">{number}</a>'
            f"{_text(line)}</span>"
        )
        rows += [
            f'<span class="note"><strong>CWE-{note.cwe}, {note.severity}</strong>: {_text(note.why)}</span>'
            for note in own
            if note.last_line == number
        ]
    return f'<h2>{_text(file)}</h2><pre tabindex="0" aria-label="{_text(file)}">{"".join(rows)}</pre>'


def _anchor(file: str, line: int) -> str:
    return f"{escape(file, quote=True)}-L{line}"


def _text(value: str) -> str:
    return escape(visible(value))


def _cell(value: str) -> str:
    """*value* on one line, escaped for a cell of a Markdown table."""
    return escape(visible(" ".join(value.split())), quote=False).replace("|", "\\|").replace("`", "\\`")


def _longest_ticks(line: str) -> int:
    longest = run = 0
    for character in line:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
