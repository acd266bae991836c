"""A field that callers may not write keeps its value when one sends it.

Each is sent with a value of its own. The database must not have that value afterwards, by the views that the lab reads
itself, and no answer may show it, nor may the account that is read next, which no view has. What the shop answers can
only violate the check, it never proves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chaos.invariants._common import LIVE, NoParams, Say
from chaos.invariants._contract import PROMISED, SOURCE, named, verdict
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.deviation import Deviation, Place
from chaos.model.evidence import EndState
from chaos.model.exchange import Case, Exchange
from chaos.model.history import Outcome
from chaos.model.verdict import Finding

SAY = Say("writes_only_what_is_promised", "what is not the caller's to write stays as it is")
_IN_VIEWS = {"customer": "customer_id", "status": "status", "amount_cents": "amount_cents"}


class _WritesOnlyWhatIsPromised(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        sent = [case for case in context.exchanges.cases if "writes" in case.about]
        if not sent:
            return SAY.inconclusive("no field that is not the caller's was sent")
        state = context.state

        def seen(case: Case, exchange: Exchange) -> Iterator[Deviation]:
            if "wrote" in case.about and _shows(_members(exchange), *case.about["wrote"]):
                field, value = case.about["wrote"]
                says = f"{field} = {value!r} was sent, and the account has it when it is read"
                yield Deviation(context.contract.names["changeMe"], Place("request", (field,)), "writable", says)
            if "writes" in case.about and exchange.outcome is Outcome.OK:
                field, value = case.about["writes"]
                where = _written(field, value, exchange, state)
                if where:
                    says = f"{field} = {value!r} was sent, and {where}"
                    yield Deviation(named(context.contract, case), Place("request", (field,)), "writable", says)

        return verdict(SAY, context, seen)


def _members(exchange: Exchange) -> dict[str, Any]:
    try:
        body = exchange.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _shows(shown: Mapping[str, Any], field: str, value: Any) -> bool:
    """Whether an answer with these members has the field with that value."""
    return field in shown and bool(shown[field] == value)


def _written(field: str, value: Any, exchange: Exchange, state: EndState) -> str:
    """Where the value was found, in words; empty when it was not."""
    shown = _members(exchange)
    if _shows(shown, field, value):
        return "the answer shows it"
    if field == "sold":
        return _sold(shown.get("id"), state)
    if column := _IN_VIEWS.get(field):
        order = next((order for order in state.orders if order.order_id == str(shown.get("id"))), None)
        if order is not None and getattr(order, column) == value:
            return "the database has it"
    return ""


def _sold(tier_id: Any, state: EndState) -> str:
    """How a tier's `sold` differs from the seats of its live orders, in words; empty when they agree."""
    tier = next((tier for tier in state.tiers if tier.tier_id == tier_id), None)
    seats = sum(order.quantity for order in state.orders if order.tier_id == tier_id and order.status in LIVE)
    if tier is None or tier.sold == seats:
        return ""
    return f"the database has {tier.sold} sold, {seats} are in orders"


KIND = kind_of_exchanges(
    SAY,
    __doc__,
    _WritesOnlyWhatIsPromised,
    sources=frozenset({SOURCE}),
    witnesses=PROMISED | {"orders", "tiers"},
)
