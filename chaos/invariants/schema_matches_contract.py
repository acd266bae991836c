"""The schema that the shop serves says what the contract says: operations, types, what is required, null, statuses.

Both are compared as flat lists of facts, without descriptions and whatever the notation. A right schema does not prove
right answers; those are judged by `answers_conform`.
"""

from __future__ import annotations

from chaos.invariants._common import MAX_EXAMPLES, NoParams, Say
from chaos.invariants._contract import PROMISED, SOURCE
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.openapi import NotComparable, facts
from chaos.model.verdict import Counterexample, Finding

SAY = Say("schema_matches_contract", "the served schema says what the contract says")


class _SchemaMatchesContract(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        exchanged = context.exchanges
        asked = [one for one in exchanged.exchanges
                 if (case := exchanged.case_of.get(one.case)) and case.about.get("schema")]  # fmt: skip
        if not asked:
            return SAY.inconclusive("the schema was never asked for")
        exchange = asked[-1]
        if exchange.status != 200 or exchange.cut:
            return SAY.inconclusive(f"the schema was answered {exchange.status or exchange.error}, or not whole")
        try:
            served = facts(exchange.json())
        except (NotComparable, ValueError, AttributeError, KeyError, TypeError) as error:
            return SAY.violated(
                f"the schema can't be read: {error}", "no schema", examples=[exchange.id], figures={"places": 1},
                where=exchange.curl,
            )  # fmt: skip
        promised = facts(context.contract.document)
        places = sorted(promised.keys() | served.keys())
        unlike = [
            f"{place}: {promised.get(place, 'nothing')} is promised, {served.get(place, 'nothing')} is documented"
            for place in places
            if promised.get(place) != served.get(place)
        ]
        figures = {"places": len(places), "unlike": len(unlike)}
        measured = f"{len(places)} places, {len(unlike)} of them otherwise"
        if unlike:
            return SAY.violated(
                "; ".join(unlike[:MAX_EXAMPLES]),
                measured,
                examples=[exchange.id],
                figures=figures,
                where=exchange.curl,
                counterexample=Counterexample(says=unlike[0], operations=(exchange.id,)),
            )
        return SAY.held(measured, figures)


KIND = kind_of_exchanges(SAY, __doc__, _SchemaMatchesContract, sources=frozenset({SOURCE}), witnesses=PROMISED)
