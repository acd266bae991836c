"""`answers_match_the_world` for an exchange run: compares each read at each size of the world."""

from __future__ import annotations

from collections import Counter

from chaos.invariants._common import Say
from chaos.invariants._kind import Context
from chaos.invariants._reads import unknown
from chaos.invariants._seeded_answers import Expected, Wrong
from chaos.model.exchange import Exchange
from chaos.model.history import Outcome
from chaos.model.verdict import Counterexample, Finding

COMPARED = frozenset({"try", "page"})
"""What is noted of a case whose answer is compared: a try of a read, or a page of a list."""


def finding(say: Say, context: Context) -> Finding:
    """Violated by one field of one row that is not as it was seeded."""
    exchanged = context.exchanges
    wrong: list[tuple[Exchange, str]] = []
    open_: list[str] = []
    compared: Counter[str] = Counter()
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        if case is None or case.about.keys().isdisjoint(COMPARED):
            continue
        if exchange.outcome is not Outcome.OK:
            if "page" in case.about:
                open_.append(f"{exchange.operation} page {case.about['page']}: got {exchange.status}, expected 200")
            continue  # `unknown` tells a try that failed
        if exchange.cut:
            open_.append(f"{exchange.operation}: {exchange.body_bytes} bytes, of which not all are on record")
            continue
        try:
            Expected(context.world, exchanged, exchange).compare(exchange.json())
        except Wrong as error:
            wrong.append((exchange, f"{exchange.operation} at {exchange.rows} rows: {error}"))
        except ValueError as error:
            wrong.append((exchange, f"{exchange.operation} at {exchange.rows} rows: its body is no JSON ({error})"))
        compared[exchange.operation] += 1
    measured = f"{compared.total()} answers of {len(compared)} operations compared, {len(wrong)} of them wrong"
    figures = {"answers": compared.total(), "wrong": len(wrong)}
    if wrong:
        told = dict.fromkeys(says for _, says in wrong)
        return say.violated(
            "; ".join(list(told)[:5]) + (f"; and {len(told) - 5} more" if len(told) > 5 else ""),
            measured,
            examples=[exchange.id for exchange, _ in wrong],
            figures=figures,
            where=wrong[0][0].curl,
            counterexample=Counterexample(says=wrong[0][1], operations=(wrong[0][0].id,)),
        )
    open_ += unknown(exchanged)
    if not compared and not open_:
        open_ = ["no answer could be compared with the world"]
    return say.inconclusive("; ".join(open_), measured, figures=figures) if open_ else say.held(measured, figures)
