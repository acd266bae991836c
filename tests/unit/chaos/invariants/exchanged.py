"""A shop that answers the reads of an exchange run truly, to be bent by the tests, and the database's log of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec

from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._source import Ground
from chaos.invariants import KINDS
from chaos.invariants._kind import Context
from chaos.model.evidence import EndState
from chaos.model.exchange import Case, Exchange, Exchanged, PlanRead, Query
from chaos.model.verdict import Finding
from chaos.model.world import SeededEvent, SeededOrder, SeededPerson, SeededTier, SeededWorld

T0_UNIX_S = 1_000_000.0
CAST = {
    "customer": SeededPerson(id=71, username="ann", email="ann@example.org", order="order-of-ann"),
    "other": SeededPerson(id=72, username="bob", email="bob@example.org", order="order-of-bob"),
    "support": SeededPerson(id=73, username="sue", email="sue@example.org"),
    "admin": SeededPerson(id=74, username="eve", email="eve@example.org"),
}


def world(events: int = 9, *, price_cents: int = 100) -> SeededWorld:
    """Events with two tiers each, and as many orders of Ann, every second one paid."""
    return SeededWorld(
        events=tuple(
            SeededEvent(
                event_id=100 + n, slug=f"gig-{n}", title=f"Gig {n}",
                starts_at=f"{date(2026, 12, 28) - timedelta(n)}T19:00:00Z",
                venue="Hall", city="Cork", performers=("B", "A"),
            )
            for n in range(events)
        ),
        tiers=tuple(
            SeededTier(tier_id=1000 + 2 * n + place, event_slug=f"gig-{n}", name=name, price_cents=price_cents + n,
                       capacity=50)
            for n in range(events)
            for place, name in enumerate(("Floor", "Balcony"))
        ),
        orders=tuple(
            SeededOrder(
                order_id=f"order-{n}", customer="ann", tier=1000 + 2 * n, quantity=2, reference=f"ref-{n}",
                amount_cents=2 * (price_cents + n), status="refused" if n % 2 else "paid",
                created_at=f"{date(2026, 11, 20) - timedelta(n)}T10:00:00Z",
                tickets=() if n % 2 else (f"ticket-{n}-1", f"ticket-{n}-2"),
            )
            for n in range(events)
        ),
        cast=CAST,
    )  # fmt: skip


Body = Callable[[Case, int], Any]


class Shop:
    """Renders answers from the world by itself: not by the code that it tests.

    Attributes:
        answer: What it says; replace it to lie.
        makes: Queries of a case with so many rows.
        logs: Statements that are logged between a case's answer and the next one, for anybody.
    """

    def __init__(
        self, source: str = "reads", *, seeded: SeededWorld | None = None, old_orders: int = 0, **params: Any
    ) -> None:
        self.seeded = seeded or world()
        kind = SOURCES[source]
        given = {"section": source, "send": source, **params}
        asked = kind.params.model_validate(given, strict=True)
        people = {name: msgspec.to_builtins(person) for name, person in self.seeded.cast.items()}
        self.cases = tuple(kind.cases(asked, Ground(seed=3, world=self.seeded, people=people, old_orders=old_orders)))
        sizes = [re.search(r"page_size=(\d+)", case.path) for case in self.cases]
        self.page_size = next((int(found[1]) for found in sizes if found), 50)
        self.answer: Body = self.true
        self.status: Callable[[Case], int] = lambda case: 200
        self.makes: Callable[[Case, int], int] = lambda case, rows: 2
        self.labels: Callable[[Exchange], str] = lambda exchange: exchange.request_id
        self.explained: Callable[[Case], list[PlanRead]] = lambda case: []
        self.logs: Callable[[Case], list[str]] = lambda case: []
        self.late_s = 0.0
        self.cut: frozenset[str] = frozenset()
        self.changed: dict[int, int] = {}
        self.edition = 0

    def true(self, case: Case, rows: int) -> Any:
        """As the world is."""
        self.edition = self.edition if case.edition is None else case.edition
        match case.operation:
            case "listEvents":
                events = sorted(self.seeded.events[:rows], key=lambda event: event.starts_at)
                return self._page([self._event(event, rows) for event in events], case)
            case "getEvent":
                slug = case.path.split("/")[-2]
                return self._event(next(event for event in self.seeded.events if event.slug == slug), rows)
            case "getMe":
                return {"id": 71, "username": "ann", "email": "ann@example.org", "role": "customer"}
            case "listOrders":
                orders = [self._refused("order-of-ann"), *(self._order(one) for one in self.seeded.orders[:rows])]
                return self._page(orders, case)
            case "getOrder":
                return self._order(self.seeded.orders[0])
            case "listAllOrders":
                orders = [self._refused("order-of-bob") | {"customer": "bob"}]
                orders += [self._refused("order-of-ann") | {"customer": "ann"}]
                orders += [self._order(one) | {"customer": "ann"} for one in self.seeded.orders[:rows]]
                return self._page(orders, case)
            case "listSales":
                return [
                    {
                        "tier": tier.tier_id, "event": tier.event_slug, "name": self._now(tier.name),
                        "paid_orders": sum(one.status == "paid" for one in self._orders_of(tier, rows)),
                        "revenue_cents": sum(
                            one.amount_cents for one in self._orders_of(tier, rows) if one.status == "paid"
                        ),
                    }
                    for tier in self.seeded.tiers[: 2 * rows]
                ]  # fmt: skip
            case "changeTier" | "cancelOrder" | "placeOrder":
                return {}
        raise AssertionError(case.operation)

    def _page(self, every: list[Any], case: Case) -> dict[str, Any]:
        shown = case.about.get("page", 1)
        rows = every[(shown - 1) * self.page_size : shown * self.page_size]
        more = len(every) > shown * self.page_size
        return {"count": len(every), "next": self._link(case, shown + 1) if more else None,
                "previous": self._link(case, shown - 1) if shown > 1 else None, "results": rows}  # fmt: skip

    def _link(self, case: Case, page: int) -> str:
        path, _, query = case.path.partition("?")
        others = [part for part in query.split("&") if part and not part.startswith("page=")]
        return f"http://shop{path}?{'&'.join([*others, f'page={page}'])}"

    def _orders_of(self, tier: SeededTier, rows: int) -> list[SeededOrder]:
        return [one for one in self.seeded.orders[:rows] if one.tier == tier.tier_id]

    def _event(self, event: SeededEvent, rows: int) -> dict[str, Any]:
        tiers = [
            {
                "id": tier.tier_id, "name": self._now(tier.name), "capacity": tier.capacity,
                "price_cents": self.changed.get(tier.tier_id, tier.price_cents),
                "remaining": 50 - sum(2 for one in self._orders_of(tier, rows) if one.status == "paid"),
            }
            for tier in self.seeded.tiers
            if tier.event_slug == event.slug
        ]  # fmt: skip
        return {
            "id": event.event_id, "slug": event.slug, "title": self._now(event.title),
            "starts_at": event.starts_at.replace("Z", "+00:00"),
            "venue": {"id": 1, "name": self._now("Hall"), "city": self._now("Cork")},
            "performers": [{"id": 2, "name": self._now("A")}, {"id": 1, "name": self._now("B")}], "tiers": tiers,
        }  # fmt: skip

    def _now(self, text: str) -> str:
        return text if self.edition == 0 else f"{text} {self.edition + 1}"

    def _order(self, order: SeededOrder) -> dict[str, Any]:
        return {
            "id": order.order_id, "status": order.status, "status_url": f"/api/orders/{order.order_id}/",
            "tier": order.tier, "quantity": order.quantity, "amount_cents": order.amount_cents,
            "reference": self._now(order.reference), "created_at": order.created_at,
            "tickets": [{"id": ticket, "tier": order.tier} for ticket in order.tickets],
        }  # fmt: skip

    @staticmethod
    def _refused(id_: str) -> dict[str, Any]:
        return {
            "id": id_, "status": "refused", "status_url": f"/api/orders/{id_}/", "tier": 1, "quantity": 1,
            "amount_cents": 5, "reference": "x", "created_at": "2026-11-28T10:00:00Z", "tickets": [],
        }  # fmt: skip

    def record(self) -> Exchanged:
        """All cases sent, a second apart."""
        exchanges, queries = [], []
        for number, case in enumerate(self.cases):
            rows = len(self.seeded.events) if case.rows is None else case.rows
            exchange = Exchange(
                id=case.id, case=case.id, section=case.section, operation=case.operation, identity=case.identity,
                method=case.method, path=case.path, request_body=case.body, request_id=f"request-{number}",
                status=self.status(case), body=json.dumps(self.answer(case, rows)), rows=case.rows,
                cut=case.operation in self.cut, intended=float(number), sent=float(number), ended=number + 0.2,
            )  # fmt: skip
            exchanges.append(exchange)
            queries += [
                Query(at_unix_s=T0_UNIX_S + number + 0.01 + self.late_s, pid=5, request=self.labels(exchange),
                      sql=f"SELECT * FROM shop_event WHERE id = {n}", line="serializers.py:55 EventSerializer.venue")
                for n in range(self.makes(case, rows))
            ]  # fmt: skip
            queries += [
                Query(at_unix_s=T0_UNIX_S + number + 0.5, pid=9, sql=text, line="tasks.py:20 charge_order")
                for text in self.logs(case)
            ]
        return Exchanged(
            cases=self.cases,
            exchanges=tuple(exchanges),
            queries=tuple(queries),
            t0_unix_s=T0_UNIX_S,
            plans=tuple(plan for case in self.cases for plan in self.explained(case)),
        )

    def judge(self, check: str, **params: Any) -> Finding:
        """What *check* finds."""
        kind = KINDS[check]
        context = Context(
            state=EndState(), t0_unix_s=T0_UNIX_S, phases=(), history_complete=True, world=self.seeded,
            exchanges=self.record(),
        )  # fmt: skip
        return kind.reducer(kind.params(**params)).finish(context)
