"""A page of a list reads about as many rows as it shows, on the first page and on a late one, by an index.

The lab runs the statements of such a request once more under EXPLAIN (ANALYZE, BUFFERS), with the shop's rights, on
fresh statistics and with sequential scans, merge joins and hash joins discouraged, so that an index is used where there
is one. A statement may read `times` as many rows as it skips and the answer shows together, and `slack` more; one that
returns a count and nothing else may read what it counts. Rows that a statement returns and the answer does not show
count against it, as when Python cuts a page out of all rows. A page that begins behind as many rows as the contract
lets a list lead to has to be 404, since PostgreSQL reads all that it skips. Inconclusive when a statement of a page has
no plan, or when a page is not full.
"""

from __future__ import annotations

import re

from pydantic import Field

from chaos.invariants._common import Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import EXCHANGED, OfExchanges, kind_of_exchanges
from chaos.invariants._reads import returned
from chaos.model import sql
from chaos.model.exchange import Case, Exchange, PlanRead
from chaos.model.history import Outcome
from chaos.model.strict import StrictModel
from chaos.model.verdict import Counterexample, Finding

SAY = Say("rows_read_are_rows_returned", "a page reads about the rows that it shows")
SHORT = 90
NOT_FOUND = 404
COUNT = re.compile(r"""\s*SELECT\s+COUNT\([^()]*\)(::\w+)?(\s+(AS\s+)?"?\w+"?)?\s+FROM\b""", re.IGNORECASE)
SKIPS = re.compile(r"\boffset\b", re.IGNORECASE)


class Reading(StrictModel):
    """How much more may be read than is shown."""

    times: int = Field(3, ge=1, le=100, description="Rows read for each that is skipped or shown.")
    slack: int = Field(20, ge=0, le=10_000, description="Rows that any statement may read besides.")


class _RowsReadAreRowsReturned(OfExchanges[Reading]):
    def finish(self, context: Context) -> Finding:
        exchanged = context.exchanges
        plans: dict[str, list[PlanRead]] = {}
        for plan in exchanged.plans:
            plans.setdefault(plan.exchange, []).append(plan)
        over: list[tuple[Exchange, str, PlanRead]] = []
        open_: list[str] = []
        figures: dict[str, int] = {}
        endless: list[tuple[Exchange, str]] = []
        for exchange in exchanged.exchanges:
            case = exchanged.case_of.get(exchange.case)
            if case is not None and "behind" in case.about:
                beyond = f"{exchange.operation}: a page behind {case.about['behind']} rows"
                if exchange.outcome is Outcome.OK:
                    endless.append((exchange, f"{beyond} was served, expected 404"))
                elif exchange.status != NOT_FOUND:
                    open_.append(f"{beyond}: got {exchange.status or exchange.error}, expected 404")
            if case is None or "page" not in case.about:
                continue
            own = [plan for plan in plans.get(exchange.id, ()) if not plan.error]
            if exchange.outcome is not Outcome.OK or not own:
                open_.append(f"{exchange.operation} page {case.about['page']}: no statement of it could be explained")
                continue
            where = f"{exchange.operation} page {case.about['page']}"
            unread = (plan for plan in plans[exchange.id] if plan.error)
            open_ += [f"{where}: not explained: {sql.short(plan.sql, SHORT)} ({plan.error})" for plan in unread]
            if (shown := returned(exchange) or 0) < case.about["page_size"]:
                open_.append(
                    f"{exchange.operation} page {case.about['page']}: {shown} rows came back, expected a full page"
                )
            figures[f"{exchange.operation}_page_{case.about['page']}"] = sum(plan.rows_read for plan in own)
            over += [
                (exchange, self._says(exchange, case, plan), plan)
                for plan in own
                if not _counts(plan) and plan.rows_read > self._most(exchange, case, plan)
            ]
        measured = ", ".join(f"{name.replace('_', ' ')} {read} rows read" for name, read in figures.items())
        if over or endless:
            told = [*((one, says) for one, says, _ in over), *endless]
            first, says = max(over, key=lambda found: found[2].rows_read)[:2] if over else endless[0]
            return SAY.violated(
                "; ".join(dict.fromkeys(says for _, says in told)),
                measured,
                examples=list(dict.fromkeys(exchange.id for exchange, _ in told)),
                figures=figures,
                where=_line(context, first, over),
                counterexample=Counterexample(says=says, operations=(first.id,)),
            )
        if open_ or not figures:
            return SAY.inconclusive("; ".join(open_) or "no page was asked for", measured, figures=figures)
        return SAY.held(measured, figures)

    def _most(self, exchange: Exchange, case: Case, plan: PlanRead) -> int:
        shown = returned(exchange)
        skipped = (case.about["page"] - 1) * case.about["page_size"] if SKIPS.search(plan.sql) else 0
        return self.params.times * (skipped + (shown or 0)) + self.params.slack

    def _says(self, exchange: Exchange, case: Case, plan: PlanRead) -> str:
        shown = returned(exchange) or 0
        what = f"{exchange.operation} page {case.about['page']}: {plan.rows_read} rows read for {shown}"
        asked = sql.short(sql.fingerprint(plan.sql), SHORT)
        return f"{what}, at most {self._most(exchange, case, plan)} expected: {asked}"


def _counts(plan: PlanRead) -> bool:
    """Whether the statement returns one count and nothing else, as a list needs for its `count`."""
    return plan.rows_returned == 1 and COUNT.match(plan.sql) is not None


def _line(context: Context, exchange: Exchange, over: list[tuple[Exchange, str, PlanRead]]) -> str:
    """The line of the shop's code that the statement's comment names."""
    texts = {plan.sql for one, _, plan in over if one.id == exchange.id}
    return next((query.line for query in context.exchanges.made[exchange.id] if query.sql in texts), "")


KIND = kind_of_exchanges(
    SAY,
    __doc__,
    _RowsReadAreRowsReturned,
    sources=frozenset({"pages"}),
    witnesses=EXCHANGED | {"queries", "plans"},
    params=Reading,
)
