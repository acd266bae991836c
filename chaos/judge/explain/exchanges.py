"""What shows a violated check of exchanges: the requests that the finding points at, each with its statements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase

from chaos.model import sql
from chaos.model.counterexamples import Explained, Moment, Shown
from chaos.model.exchange import Exchange, Exchanged, Query
from chaos.model.trace import LogLine
from chaos.model.verdict import Finding

MOST_EXCHANGES = 4
MOST_GROUPS = 25
MOST_TEXT = 300


def explained(finding: Finding, exchanged: Exchanged, lines: Sequence[LogLine] | None) -> Explained:
    """*finding* with its requests as lines to paste, their answers, and their statements by fingerprint."""
    pointers = finding.counterexample
    ids = pointers.operations if pointers is not None else finding.examples
    by_id = {exchange.id: exchange for exchange in exchanged.exchanges}
    shown = [by_id[id_] for id_ in dict.fromkeys(ids) if id_ in by_id][:MOST_EXCHANGES]
    labels = {exchange.id: letter for exchange, letter in zip(shown, ascii_uppercase, strict=False)}
    moments: list[Moment] = []
    left_out = 0
    for exchange in shown:
        groups = list(_groups(exchanged.made[exchange.id]))
        left_out += max(0, len(groups) - MOST_GROUPS)
        moments.append(_asked(exchange, labels))
        moments += [_statement(group, exchange, exchanged.t0_unix_s, labels) for group in groups[:MOST_GROUPS]]
        moments += list(_lines(lines or (), exchange, exchanged.t0_unix_s, labels))
    return Explained(
        check=finding.check,
        says=pointers.says if pointers is not None else finding.reason,
        expected=finding.expected,
        measured=finding.measured,
        where=finding.where,
        operations=tuple(_shown(exchange, exchanged, labels) for exchange in shown),
        moments=tuple(sorted(moments, key=lambda moment: (moment.label, moment.at_s))),
        left_out=left_out,
        unknown=tuple(_unknown(ids, by_id, lines)),
    )


def _unknown(ids: Sequence[str], by_id: Mapping[str, Exchange], lines: Sequence[LogLine] | None) -> Iterator[str]:
    yield from (f"exchange {id_}: not on record" for id_ in ids if id_ not in by_id)
    if lines is None:
        yield "the run kept no lines of the shop's log"


def _shown(exchange: Exchange, exchanged: Exchanged, labels: Mapping[str, str]) -> Shown:
    count = exchanged.count(exchange)
    answer = str(exchange.status) if exchange.status else f"no answer: {exchange.error}"
    rows = f", {exchange.rows} rows in the world" if exchange.rows is not None else ""
    return Shown(
        label=labels[exchange.id],
        id=exchange.id,
        op=exchange.operation,
        phase=exchange.section,
        sent_s=exchange.sent or exchange.intended,
        ended_s=exchange.ended,
        answer=f"{answer}, {exchange.body_bytes} bytes, {count} queries{rows}",
        request=exchange.curl,
    )


def _asked(exchange: Exchange, labels: Mapping[str, str]) -> Moment:
    body = " ".join(exchange.body.split())
    cut = "…" if len(body) > MOST_TEXT else ""
    return Moment(
        at_s=exchange.sent or exchange.intended,
        until_s=exchange.ended,
        lane="client",
        kind="operation",
        who=exchange.id,
        label=labels[exchange.id],
        text=f"{exchange.method} {exchange.path} as {exchange.identity}: {exchange.status or exchange.error} "
        f"{body[:MOST_TEXT]}{cut}",
    )


def _groups(queries: Sequence[Query]) -> Iterator[list[Query]]:
    """Queries grouped by fingerprint and line, in the order of each group's first."""
    found: dict[tuple[str, str], list[Query]] = {}
    for query in queries:
        if query.count:
            found.setdefault((sql.fingerprint(query.sql), query.line), []).append(query)
    yield from found.values()


def _statement(group: Sequence[Query], exchange: Exchange, t0_unix_s: float, labels: Mapping[str, str]) -> Moment:
    first, times = group[0], sum(query.count for query in group)
    took_ms = sum(query.took_ms for query in group)
    at_s = round(first.at_unix_s - t0_unix_s, 6)
    text = sql.fingerprint(first.sql) if times > 1 else first.sql
    other = "" if first.request == exchange.request_id else " [its comment is of another request, or missing]"
    failed = f" [{first.error}]" if first.error else ""
    return Moment(
        at_s=at_s,
        until_s=round(at_s + took_ms / 1000, 6),
        lane="database",
        kind="statement",
        who=exchange.id,
        label=labels[exchange.id],
        text=f"{f'{times} × ' if times > 1 else ''}{sql.short(text, MOST_TEXT)}{other}{failed}",
        line=first.line,
        session=first.pid,
    )


def _lines(
    lines: Sequence[LogLine], exchange: Exchange, t0_unix_s: float, labels: Mapping[str, str]
) -> Iterator[Moment]:
    for line in lines:
        if line.acting_for == exchange.request_id and line.level != "INFO":
            yield Moment(
                at_s=round(line.at_unix_s - t0_unix_s, 6),
                lane=line.part,
                kind="log",
                who=exchange.id,
                label=labels[exchange.id],
                text=f"{line.level} {line.text}",
            )
