"""Drill 2's deliverable as Markdown: each request before and after the change, and what the learner says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.model import sql
from chaos.model.exchange import Exchanged, PlanRead
from chaos.report.markdown import cell, code, table
from chaos.report.queries import Row, groups, overview

MOST_SQL = 160
MOST_GROUPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two sides: the runs, by name, and what is on record of them. Without `pages` there are no plans.

    Attributes:
        verdicts: Run → its verdict.
    """

    reads_run: str
    reads: Exchanged
    verdicts: Mapping[str, str]
    pages_run: str = ""
    pages: Exchanged | None = None

    @property
    def rows(self) -> dict[str, Row]:
        """Operation → its counts."""
        return {row.operation: row for row in overview(self.reads)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list: rows that its statements read, and the plan that read the most."""

    operation: str
    number: int
    rows_read: int
    worst: PlanRead


def pages(exchanged: Exchanged | None) -> dict[tuple[str, int], Page]:
    """(Operation, page) → what was read for it."""
    found: dict[tuple[str, int], Page] = {}
    if exchanged is None:
        return found
    plans: dict[str, list[PlanRead]] = {}
    for plan in exchanged.plans:
        if not plan.error:
            plans.setdefault(plan.exchange, []).append(plan)
    for exchange in exchanged.exchanges:
        case, own = exchanged.case_of.get(exchange.case), plans.get(exchange.id)
        if case is not None and own and "page" in case.about:
            found[exchange.operation, int(case.about["page"])] = Page(
                operation=exchange.operation,
                number=int(case.about["page"]),
                rows_read=sum(plan.rows_read for plan in own),
                worst=max(own, key=lambda plan: (plan.rows_read, plan.buffers)),
            )
    return found


def cheaper(before: Side, after: Side) -> list[str]:
    """Operations that ask fewer queries than before, or read fewer rows for a page."""
    then, now = before.rows, after.rows
    found = {name for name in then.keys() & now.keys() if _most(now[name]) < _most(then[name])}
    read, reads_now = pages(before.pages), pages(after.pages)
    found |= {key[0] for key in read.keys() & reads_now.keys() if reads_now[key].rows_read < read[key].rows_read}
    return sorted(found, key=list(dict.fromkeys([*then, *(operation for operation, _ in read)])).index)


def _most(row: Row) -> int:
    return max(row.queries.values())


def markdown(before: Side, after: Side, said: Mapping[str, str], *, base: str) -> str:
    """The whole report."""
    return "\n".join(_lines(before, after, said, base)) + "\n"


def _lines(before: Side, after: Side, said: Mapping[str, str], base: str) -> Iterator[str]:
    chosen = cheaper(before, after)
    yield "# Queries before and after"
    yield ""
    yield f"An attempt that was made from {code(base)}. Counted in PostgreSQL's own log, one request at a time."
    yield "Times are PostgreSQL's on this machine, as busy as it was; they decide nothing."
    yield ""
    for word, side in (("before", before), ("after", after)):
        named = [f"{code(run)} ({side.verdicts[run]})" for run in (side.reads_run, side.pages_run) if run]
        yield f"- {word}: {', '.join(named)}"
    yield ""
    yield "## Counts"
    yield from table(("request", "before", "after", "ms before", "ms after"), _counts(before.rows, after.rows))
    rows = list(_rows_read(pages(before.pages), pages(after.pages)))
    yield ""
    yield "## Rows read for a page of ten"
    if rows:
        yield from table(("request", "page", "before", "after"), rows)
    else:
        yield from ("", "Not measured: there is no run of queries/pages of both before and after.")
    for operation in chosen:
        yield from ("", f"## {operation}", "", *_said(said.get(operation, "")))
        for word, side in (("before", before), ("after", after)):
            yield from ("", f"### {operation} {word}")
            yield from _statements(side, operation)
            yield from _plans(side, operation)
    if rest := [name for name in after.rows if name not in chosen]:
        yield from ("", "## As before", "", ", ".join(rest))


def _said(text: str) -> Iterator[str]:
    """In the learner's words: quoted, so that no heading or table of theirs becomes one of the report's."""
    yield from (f"> {cell(line)}" if line.strip() else ">" for line in text.splitlines())


def _counts(then: Mapping[str, Row], now: Mapping[str, Row]) -> Iterator[Sequence[str]]:
    for name in dict.fromkeys([*then, *now]):
        one, other = then.get(name), now.get(name)
        yield (
            name,
            one.counts if one else "never succeeded",
            other.counts if other else "never succeeded",
            f"{one.took_ms:g}" if one else "–",
            f"{other.took_ms:g}" if other else "–",
        )


def _rows_read(then: Mapping[tuple[str, int], Page], now: Mapping[tuple[str, int], Page]) -> Iterator[Sequence[str]]:
    for key in then:
        if key in now:
            yield (key[0], str(key[1]), str(then[key].rows_read), str(now[key].rows_read))


def _statements(side: Side, operation: str) -> Iterator[str]:
    found = groups(side.reads, operation)
    if not found:
        yield from ("", "No statement of it is on record.")
        return
    yield from table(
        ("times", "ms", "line", "statement"),
        [
            (" → ".join(map(str, one.times.values())), f"{one.took_ms:g}", one.line or "no line",
             code(sql.short(one.sql, MOST_SQL)))
            for one in found[:MOST_GROUPS]
        ],
    )  # fmt: skip
    if len(found) > MOST_GROUPS:
        yield from ("", f"… and {len(found) - MOST_GROUPS} more.")


def _plans(side: Side, operation: str) -> Iterator[str]:
    for page in pages(side.pages).values():
        if page.operation == operation:
            yield from ("", f"Page {page.number}: {page.rows_read} rows read. The statement that read the most:", "")
            yield code(sql.short(sql.fingerprint(page.worst.sql), MOST_SQL))
            yield from ("", *(f"    {line}" for line in page.worst.plan.splitlines()))
