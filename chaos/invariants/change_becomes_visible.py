"""An admin's change is in every answer once the promised time has passed.

A price is changed after it was read often enough to be in every cache of the shop; after `within` of the source, each
of several answers has to show the new price. One old answer violates it, as a cache without expiry gives, or one that
a single process keeps. Inconclusive when the change was not accepted, or when no answer could be read afterwards.
"""

from __future__ import annotations

from typing import Any

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.invariants._reads import rows_in
from chaos.model.exchange import Exchange
from chaos.model.history import Outcome
from chaos.model.verdict import Counterexample, Finding

SAY = Say("change_becomes_visible", "a change is in every answer once the promised time has passed")


class _ChangeBecomesVisible(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        exchanged = context.exchanges
        old: list[tuple[Exchange, str]] = []
        seen, accepted = 0, False
        open_: dict[str, None] = {}
        for exchange in exchanged.exchanges:
            case = exchanged.case_of.get(exchange.case)
            when = case.about.get("when") if case is not None else None
            if case is None or when not in ("change", "after"):
                continue
            if exchange.outcome is not Outcome.OK:
                said = exchange.status or exchange.error
                open_[f"{exchange.operation} was answered {said}, so nothing is known of it"] = None
            elif when == "change":
                accepted = True
            elif (price := _price(exchange, case.about["tier"])) is None:
                open_[f"{exchange.operation}: its answer does not show the tier {case.about['tier']}"] = None
            else:
                seen += 1
                if price != case.about["price_cents"]:
                    old.append((exchange, _says(exchange, price, case.about)))
        measured = f"{seen} answers after the change, {len(old)} of them old"
        figures = {"answers": seen, "old": len(old)}
        if not accepted:
            return SAY.inconclusive("; ".join(open_) or "nothing was changed", measured, figures=figures)
        if old:
            first, says = old[0]
            return SAY.violated(
                f"{len(old)} × an old answer, such as: {says}",
                measured,
                examples=[exchange.id for exchange, _ in old],
                figures=figures,
                where=first.curl,
                counterexample=Counterexample(says=says, operations=(first.id,)),
            )
        if open_ or not seen:
            return SAY.inconclusive("; ".join(open_) or "nothing was read afterwards", measured, figures=figures)
        return SAY.held(measured, figures)


def _says(exchange: Exchange, price: Any, about: dict[str, Any]) -> str:
    return f"{exchange.operation} showed {price} cents for tier {about['tier']}, which costs {about['price_cents']}"


def _price(exchange: Exchange, tier: int) -> Any:
    """The price of the tier in the answer; None when the answer does not show it."""
    try:
        body = exchange.json()
    except ValueError:
        return None
    for event in rows_in(body) or [body]:
        tiers = event.get("tiers") if isinstance(event, dict) else None
        for shown in tiers if isinstance(tiers, list) else ():
            if isinstance(shown, dict) and shown.get("id") == tier:
                return shown.get("price_cents")
    return None


KIND = kind_of_exchanges(SAY, __doc__, _ChangeBecomesVisible, sources=frozenset({"change"}))
