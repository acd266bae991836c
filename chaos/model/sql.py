"""Facts about a logged statement, from its text: how many queries it holds, its fingerprint, a short form."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A string, a quoted name, a comment, a dollar-quoted string, or anything else. The inside of the first four is opaque.
_PIECES = re.compile(
    r"(?P<string>[eE]?'(?:[^'\\]|''|\\.)*')|(?P<name>\"(?:[^\"]|\"\")*\")|(?P<comment>/\*.*?\*/|--[^\n]*)"
    r"|(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)|(?P<end>;)|(?P<other>[^'\";/$-]+|.)",
    re.DOTALL,
)
_NUMBER = re.compile(r"(?<![\w$\"])-?\d+(?:\.\d+)?\b")
_LIST = re.compile(r"\((?:\?(?:::\w+(?:\[\])?)?(?:, ?)?)+\)")
_SESSION = re.compile(
    r"(?:BEGIN|START TRANSACTION|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE|CLOSE)\b[^()]*"
    r"|SELECT (?:pg_catalog\.)?set_config\('[^']*', '[^']*', (?:true|false)\)",
    re.IGNORECASE,
)

_CURSOR = re.compile(r"\s*DECLARE\b.*?\bCURSOR\b.*?\bFOR\s+(?=SELECT\b|WITH\b)", re.IGNORECASE | re.DOTALL)
_COPIED = re.compile(r"\s*COPY\s*\((?P<query>.*)\)\s*TO\s+STDOUT\b.*", re.IGNORECASE | re.DOTALL)
_LOCKING = re.compile(
    r"(\s+FOR\s+(NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)(\s+OF\s+[\w\".]+(\s*,\s*[\w\".]+)*)?(\s+(NOWAIT|SKIP\s+LOCKED))?)+\s*$",
    re.IGNORECASE,
)
_READS = re.compile(r"\s*\(*\s*(?:SELECT|WITH|TABLE|VALUES)\b", re.IGNORECASE)
_PLACE = re.compile(r"\$\d+")
_GIVEN = re.compile(r"(?P<place>\$\d+) = (?P<value>NULL|'(?:[^']|'')*')(?:, |$)")


def read_by(statement: str, detail: str = "") -> str:
    """What reads rows in *statement*, as a statement of its own that can be explained; empty where nothing does.

    The query of a cursor or of a COPY is what reads; locks at its end change nothing of that, and need more rights than
    whoever explains it has. *detail* is the log's, with the values of parameters that were
    sent apart from the text: they are put where they belong.
    """
    query = _CURSOR.sub("", statement, count=1)
    if (copied := _COPIED.fullmatch(query)) is not None:
        query = copied["query"]
    if _READS.match(query) is None:
        return ""
    query = _LOCKING.sub("", query)
    given = {found["place"]: found["value"] for found in _GIVEN.finditer(detail.partition(": ")[2])}
    pieces: list[str] = []
    end = 0
    for piece in _PIECES.finditer(query):
        if piece["string"] or piece["name"] or piece["dollar"]:  # its text may look like a place
            pieces += [_filled(query[end : piece.start()], given), piece[0]]
            end = piece.end()
    return "".join([*pieces, _filled(query[end:], given)])


def _filled(text: str, given: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: given.get(place[0], place[0]), text)


def statements(sql: str) -> Iterator[str]:
    """The statements of one text, which may be several, without comments; empty ones are left out."""
    pieces: list[str] = []
    for piece in _PIECES.finditer(sql):
        if piece["end"]:
            yield from _whole(pieces)
            pieces = []
        elif not piece["comment"]:
            pieces.append(piece[0])
    yield from _whole(pieces)


def _whole(pieces: list[str]) -> Iterator[str]:
    if text := " ".join("".join(pieces).split()):
        yield text


def is_query(statement: str) -> bool:
    """Whether it reads or changes rows; BEGIN, COMMIT, a session's settings and the like don't."""
    return _SESSION.fullmatch(statement) is None


def queries(sql: str) -> int:
    """How many queries a logged text holds."""
    return sum(is_query(statement) for statement in statements(sql))


def fingerprint(sql: str) -> str:
    """*sql* without its values: the same for two statements that differ only in their values."""
    pieces = []
    for piece in _PIECES.finditer(sql):
        if piece["comment"]:
            continue
        pieces.append("?" if piece["string"] or piece["dollar"] else piece[0])
    text = _NUMBER.sub("?", " ".join("".join(pieces).split()))
    return _LIST.sub("(…)", text).strip(" ;")


def short(sql: str, most: int) -> str:
    """*sql* in at most *most* characters, without a long list of columns between SELECT and FROM."""
    head, from_, rest = sql.partition(" FROM ")
    if from_ and head.startswith("SELECT") and len(head) > 30:
        sql = " ".join(("SELECT …", "FROM", rest))
    return sql if len(sql) <= most else f"{sql[: most - 1]}…"
