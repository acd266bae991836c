"""Which row a logged statement reads or changes, from its text. What it can't tell for sure is None: it explains only.

Understood are statements about one table by its primary key, the way that an ORM writes them: `SELECT … FROM "t" WHERE
"t"."id" = 7` and `UPDATE "t" SET "n" = 1 WHERE "t"."id" = 7`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_STRING = re.compile(r"[eE]?'(?:[^'\\]|''|\\.)*'")
_HEADS = re.compile(
    r"[()]|(?<![\w\"])(?:FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|RETURNING|SET|UNION"
    r"|FOR (?:NO KEY UPDATE|KEY SHARE|UPDATE|SHARE))(?![\w\"])",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?:^|\bJOIN |, ?)\"?(\w+)\"?", re.IGNORECASE)
_LITERAL = r"(?P<value>#\d+#|-?\d+(?:\.\d+)?)(?:::[\w\[\]]+)?"
_KEY = re.compile(rf"\(?(?:\"?(?P<table>\w+)\"?\.)?\"?(?:id|uuid)\"? = {_LITERAL}\)?")
_CONSTANT = re.compile(rf"{_LITERAL}|NULL|true|false", re.IGNORECASE)
_TARGET = re.compile(r"UPDATE (?:ONLY )?\"?(\w+)\"?\s*$", re.IGNORECASE)
_COLUMN = re.compile(r"\"?(\w+)\"? = (.+)")
_TIMESTAMP = re.compile(r"'\d{4}-\d\d-\d\d[ T]\d\d:")
_LOCKS = {"FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE"}


@dataclass(frozen=True, slots=True)
class Read:
    """A SELECT.

    Attributes:
        rows: Table → the key of the row that it reads; None where the text does not tell which rows of it.
        one: It reads one row, and what is joined to it, by the primary key.
        locked: Tables whose rows it locks against being changed.
    """

    rows: dict[str, str | None]
    one: bool
    locked: frozenset[str]


@dataclass(frozen=True, slots=True)
class Write:
    """An UPDATE of one row by its primary key, under no other condition.

    Attributes:
        constants: Column → the value that it is set to, as text; without columns that hold a time.
        computed: Columns that are set to an expression.
    """

    table: str
    key: str
    constants: dict[str, str]
    computed: frozenset[str]


def read_of(sql: str) -> Read | None:
    """What *sql* reads; None when it is no plain SELECT."""
    masked, strings = _masked(sql)
    parts = dict(_parts(masked))
    if not masked.upper().startswith("SELECT") or "UNION" in parts or not (source := parts.get("FROM", "")):
        return None
    tables = _JOINED.findall(source)
    if not tables:
        return None
    base = tables[0]
    key = None
    if (where := _conditions(parts.get("WHERE", ""))) is not None:
        for condition in where:
            found = _KEY.fullmatch(condition)
            if found is not None and (found["table"] or base) == base:
                key = _value(found["value"], strings)
    locked: set[str] = set()
    for head in _LOCKS & parts.keys():
        of = re.match(r"OF (.*?)(?: NOWAIT| SKIP LOCKED)?$", parts[head].strip(), re.IGNORECASE)
        locked |= set(re.findall(r"\w+", of[1])) if of else set(tables)
    rows: dict[str, str | None] = dict.fromkeys(tables)
    # A table that is read within a subquery, too, may be read whole.
    rows |= {name: None for name in re.findall(r"\b(?:FROM|JOIN) \"?(\w+)", masked) if name != base}
    rows[base] = key
    return Read(rows=rows, one=key is not None, locked=frozenset(locked))


def write_of(sql: str) -> Write | None:
    """What *sql* changes; None when it is no UPDATE of one row by its key alone."""
    masked, strings = _masked(sql)
    parts = dict(_parts(masked))
    target = _TARGET.fullmatch(parts.get("", "").strip())
    where = _conditions(parts.get("WHERE", ""))
    if target is None or "SET" not in parts or "FROM" in parts or where is None or len(where) != 1:
        return None
    key = _KEY.fullmatch(where[0])
    if key is None or (key["table"] or target[1]) != target[1]:
        return None
    constants: dict[str, str] = {}
    computed: set[str] = set()
    for assignment in _split(parts["SET"], ","):
        found = _COLUMN.fullmatch(assignment)
        if found is None:
            return None
        constant = _CONSTANT.fullmatch(found[2])
        if constant is None:
            computed.add(found[1])
        elif not _TIMESTAMP.match(text := _unmasked(found[2], strings)):
            constants[found[1]] = text.split("::", maxsplit=1)[0]
    return Write(table=target[1], key=_value(key["value"], strings), constants=constants, computed=frozenset(computed))


def _masked(sql: str) -> tuple[str, list[str]]:
    """*sql* on one line with `#0#`, `#1#`, … in place of its strings, and these."""
    strings: list[str] = []

    def mask(found: re.Match[str]) -> str:
        strings.append(found[0])
        return f"#{len(strings) - 1}#"

    return " ".join(_STRING.sub(mask, sql).split()).rstrip(" ;"), strings


def _unmasked(text: str, strings: list[str]) -> str:
    return re.sub(r"#(\d+)#", lambda found: strings[int(found[1])], text)


def _value(text: str, strings: list[str]) -> str:
    return _unmasked(text, strings).lstrip("eE").strip("'")


def _parts(masked: str) -> Iterator[tuple[str, str]]:
    """Head → its text, of the outermost statement; what comes before the first head has none."""
    depth, head, start = 0, "", 0
    for found in _HEADS.finditer(masked):
        if found[0] == "(":
            depth += 1
        elif found[0] == ")":
            depth -= 1
        elif depth == 0:
            yield head, masked[start : found.start()].strip()
            head, start = found[0].upper(), found.end()
    yield head, masked[start:].strip()


def _split(text: str, by: str) -> list[str]:
    """*text* at each *by* that is in no parentheses."""
    pieces, depth, start, position = [], 0, 0, 0
    while position < len(text):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            depth -= 1
        elif depth == 0 and text.startswith(by, position):
            pieces.append(text[start:position].strip())
            start = position + len(by)
        position += 1
    return [*pieces, text[start:].strip()]


def _conditions(where: str) -> list[str] | None:
    """The conditions that all have to be true; None when they can't be told apart, or there are none."""
    while where.startswith("(") and where.endswith(")") and _encloses(where):
        where = where[1:-1].strip()
    if not where or len(_split(where, " OR ")) > 1:
        return None
    return _split(where, " AND ")


def _encloses(text: str) -> bool:
    """Whether the first parenthesis ends with the last one."""
    depth = 0
    for position, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
