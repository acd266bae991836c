"""Notes on a sample: in place as comments, or in `notes.yaml`. Each names lines of the sample as it was given.

In place a note is `# review: CWE-89 high: why`, at the end of the line that it is about or on a line of its own above
it. The text without its notes has to be the sample again, so a note never changes the line numbers of others.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, get_args

import msgspec
import yaml

from chaos.errors import InvalidInput
from chaos.model import cwe

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
NOTES_FILE: Final = "notes.yaml"
MOST_NOTES: Final = 1000
MOST_BYTES: Final = 1 << 20
"""Of one file."""
_FEWEST_LETTERS: Final = 3
_MARK: Final = re.compile(r"[ \t]*#[ \t]*review:[ \t]*(?P<said>.*)$")
_SAID: Final = re.compile(r"(?P<cwe>CWE-\d{1,5})[ \t]+(?P<severity>\w+)[ \t]*:(?P<why>.*)")
_LINES: Final = re.compile(r"(?P<first>[1-9]\d{0,5})(?:-(?P<last>[1-9]\d{0,5}))?")
_KEYS: Final = ("file", "line", "cwe", "severity", "why")


class BadNotes(InvalidInput):
    """Notes that can't be read, or a sample that was changed."""


class Note(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A reviewer's note about lines of the sample.

    Attributes:
        file: One of the sample's.
        line, last_line: Of the sample as it was given, from 1.
        cwe: Number of the Common Weakness Enumeration.
        where: How to find the note again: `views.py:41` or `notes.yaml: note 3`.
    """

    file: str
    line: int
    last_line: int
    cwe: int
    severity: Severity
    why: str
    where: str = ""

    @property
    def lines(self) -> str:
        """`12` or `12-15`."""
        return str(self.line) if self.line == self.last_line else f"{self.line}-{self.last_line}"


def text_of(content: bytes, where: str) -> str:
    """Python or YAML as text with plain line ends. Raises: BadNotes for what is too large or no UTF-8."""
    if len(content) > MOST_BYTES:
        raise BadNotes(f"{where}: got {len(content) / 1e6:.1f} MB, expected at most {MOST_BYTES >> 20} MiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadNotes(f"{where}: got a byte that is no UTF-8 at {error.start}, expected text in UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def says_something(why: str) -> bool:
    """Whether *why* can be a reason."""
    return sum(character.isalpha() for character in why) >= _FEWEST_LETTERS


def in_place(file: str, text: str, original: str) -> list[Note]:
    """The notes in *text*, which is *original* with notes in it.

    Raises: BadNotes for notes that can't be read, and for a sample that was changed otherwise (with the diff).
    """
    kept: list[str] = []
    said: list[tuple[int, int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        mark = _MARK.search(line)
        if mark is None:
            kept.append(line)
            continue
        code = line[: mark.start()]
        own_line = not code.strip()
        said.append((len(kept) + 1, number, mark["said"].strip()))
        if not own_line:
            kept.append(code)
    _unchanged(file, kept, original)
    most = max(1, len(original.rstrip("\n").split("\n")))
    problems: list[str] = []
    found: list[Note] = []
    for about, number, words in said:
        where = f"{file}:{number}"
        match = _SAID.fullmatch(words)
        if match is None:
            problems.append(f"{where}: got {words[:80]!r}, expected `# review: CWE-89 high: why`")
            continue
        fields: dict[str, Any] = {"file": file, "line": min(about, most), **match.groupdict()}
        found += _checked(fields, where, {file: original}, problems)
    if problems:
        raise BadNotes(problems)
    return found


def _unchanged(file: str, kept: list[str], original: str) -> None:
    before, after = ([line.rstrip() for line in lines] for lines in (original.split("\n"), kept))
    while before and not before[-1]:
        before.pop()
    while after and not after[-1]:
        after.pop()
    if before == after:
        return
    diff = list(
        difflib.unified_diff(before, after, f"{file} as it was given", f"{file} without your notes", lineterm="", n=1)
    )
    raise BadNotes(
        [
            f"review/{file}: got a sample that was changed, expected it with notes only; "
            "mend the code in the attempt instead (backoffice/), and take this back:",
            *diff[:40],
        ]
    )


def from_yaml(text: str, originals: Mapping[str, str]) -> list[Note]:
    """The notes of `notes.yaml`. Raises: BadNotes with everything that is wrong."""
    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}" if mark is not None else ""
        raise BadNotes(f"{NOTES_FILE}{at}: got {getattr(error, 'problem', error)}, expected YAML") from None
    except (RecursionError, ValueError) as error:
        raise BadNotes(f"{NOTES_FILE}: got {error or 'too deep a document'}, expected YAML") from None
    listed = document.get("notes") if isinstance(document, dict) else document
    if (isinstance(document, dict) and set(document) != {"notes"}) or not isinstance(listed, list | None):
        raise BadNotes(f"{NOTES_FILE}: got {str(document)[:60]!r}, expected notes: and a list below it")
    if listed is None:
        return []
    if len(listed) > MOST_NOTES:
        raise BadNotes(f"{NOTES_FILE}: got {len(listed)} notes, expected at most {MOST_NOTES}")
    problems: list[str] = []
    found: list[Note] = []
    for number, one in enumerate(listed, 1):
        where = f"{NOTES_FILE}: note {number}"
        if not isinstance(one, dict):
            problems.append(f"{where}: got {str(one)[:60]!r}, expected {', '.join(_KEYS)}")
            continue
        unknown = sorted(str(key) for key in one if key not in _KEYS)
        missing = [key for key in _KEYS if key not in one]
        if unknown or missing:
            got = f"got {', '.join(unknown)}" if unknown else f"got no {', '.join(missing)}"
            problems.append(f"{where}: {got}, expected {', '.join(_KEYS)}")
            continue
        found += _checked(one, where, originals, problems)
    if problems:
        raise BadNotes(problems)
    return found


def _checked(
    fields: Mapping[str, Any], where: str, originals: Mapping[str, str], problems: list[str]
) -> Iterable[Note]:
    """The note of *fields*; without one, adds its problem to *problems*."""
    file, severity, why = str(fields["file"]), str(fields["severity"]), str(fields["why"] or "").strip()
    lines = _LINES.fullmatch(str(fields["line"]).strip())
    number = re.fullmatch(r"(?:CWE-)?(\d{1,5})", str(fields["cwe"]).strip(), re.IGNORECASE)
    if file not in originals:
        problems.append(f"{where}: file: got {file[:60]!r}, expected one of {', '.join(sorted(originals))}")
    elif lines is None:
        problems.append(f"{where}: line: got {str(fields['line'])[:40]!r}, expected a line, or two as 12-15")
    elif number is None or int(number[1]) not in cwe.names():
        problems.append(f"{where}: cwe: got {str(fields['cwe'])[:40]!r}, expected one of the CWE, such as CWE-89")
    elif severity not in SEVERITIES:
        problems.append(f"{where}: severity: got {severity[:40]!r}, expected one of {', '.join(SEVERITIES)}")
    elif not says_something(why):
        problems.append(f"{where}: why: got no reason, expected what is wrong there")
    else:
        first = int(lines["first"])
        last = int(lines["last"] or first)
        most = len(originals[file].rstrip("\n").split("\n"))
        if not first <= last <= most:
            problems.append(f"{where}: line: got {fields['line']}, expected 1 to {most} in {file}")
        else:
            yield Note(
                file=file,
                line=first,
                last_line=last,
                cwe=int(number[1]),
                severity=severity,
                why=why,
                where=where,
            )


def distinct(notes: Iterable[Note]) -> list[Note]:
    """*notes*, sorted; of several with the same lines and CWE number only the first."""
    found: dict[tuple[Any, ...], Note] = {}
    for note in notes:
        found.setdefault((note.file, note.line, note.last_line, note.cwe), note)
    return sorted(found.values())


def as_yaml(notes: Iterable[Note]) -> str:
    """`notes.yaml` with *notes*."""
    rows = [
        {"file": note.file, "line": note.lines, "cwe": f"CWE-{note.cwe}", "severity": note.severity, "why": note.why}
        for note in notes
    ]
    return yaml.safe_dump({"notes": rows}, sort_keys=False, allow_unicode=True, width=110)
