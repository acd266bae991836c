"""Every answer to a request drawn from the contract is one of the contract's, and a body that it refuses is refused.

A drawn request may ask for what is not there, so any documented answer below 500 will do, whole: status, headers, media
type and body. Nothing is down meanwhile, so no 5xx will, documented or not.
"""

from __future__ import annotations

from collections.abc import Mapping

from chaos.invariants._common import MAX_EXAMPLES, NoParams, Say
from chaos.invariants._contract import PROMISED
from chaos.invariants._drawn import drawn, smallest
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.deviation import Deviation
from chaos.model.exchange import Exchange
from chaos.model.verdict import Counterexample, Finding

SAY = Say("drawn_answers_conform", "every answer to a drawn request is one that the contract has")


class _DrawnAnswersConform(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        exchanged, contract = context.exchanges, context.contract
        asked, told = drawn(contract, exchanged), smallest(contract, exchanged)
        figures = {"answers": len(asked), "deviations": len(told)}
        measured = f"{len(asked)} answers to drawn requests, {len(told)} deviations"
        if told:
            return _violated(list(told.values()), measured, figures)
        if not asked:
            return SAY.inconclusive("no drawn request was answered", measured, figures=figures)
        if open_ := [f"{case.id}: {one.error or 'its answer was cut'}" for case, one in asked
                     if not one.status or one.cut]:  # fmt: skip
            return SAY.inconclusive("; ".join(open_[:MAX_EXAMPLES]), measured, figures=figures)
        return SAY.held(measured, figures)


def _violated(told: list[tuple[Exchange, Deviation]], measured: str, figures: Mapping[str, int]) -> Finding:
    exchange, first = told[0]
    lines = [f"{one.operation} · {one.place} · {one.family}: {one.says}" for _, one in told]
    return SAY.violated(
        f"{len(told)} × not as promised: {'; '.join(lines[:MAX_EXAMPLES])}",
        measured,
        examples=[each.id for each, _ in told[:MAX_EXAMPLES]],
        figures=figures,
        where=exchange.curl,
        counterexample=Counterexample(says=f"{first.operation}: {first.says}", operations=(exchange.id,)),
    )


KIND = kind_of_exchanges(SAY, __doc__, _DrawnAnswersConform, sources=frozenset({"contract_drawn"}), witnesses=PROMISED)
