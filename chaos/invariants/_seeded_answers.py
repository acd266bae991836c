"""What each read has to show of the seeded world, field by field.

The expected values come from the lab's own plan, and from the ids that the shop gave. The ids of venues and performers
are the shop's own choice and only have to be whole numbers; times are compared in UTC to the second. Everything else
must be equal: a key that the contract does not have is as wrong as a missing one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from chaos.model.exchange import PAGE_SIZE, Exchange, Exchanged
from chaos.model.history import Outcome
from chaos.model.world import SeededEvent, SeededOrder, SeededWorld

PAGE = frozenset({"count", "next", "previous", "results"})
CAST_ORDERS = ("other", "customer")
"""Customers with one more order, refused and made after all others; sorted as a list shows them, newest first."""


LEADS = {"next": "behind", "previous": "before"}
MOST_SHOWN = 120


class Wrong(Exception):
    """An answer that does not show what the world holds; the message says how it differs."""


class Expected:
    """The expected answers for a world with *rows* rows, as it was when *exchange* was sent."""

    def __init__(self, world: SeededWorld, exchanged: Exchanged, exchange: Exchange) -> None:
        self._world, self._exchange = world, exchange
        rows = len(world.events) if exchange.rows is None else exchange.rows
        self.events = world.events[:rows]
        self.orders = world.orders[:rows]
        self._changed = _changes(exchanged, exchange)
        self._edition = exchanged.edition_at(exchange)
        self._sold = Counter[int]()
        for order in self.orders:
            self._sold[order.tier] += order.quantity if order.status == "paid" else 0

    def compare(self, body: Any) -> None:
        """Raises: Wrong. LookupError for an operation that this module does not know."""
        operation = self._exchange.operation
        read: dict[str, Callable[[Any], None]] = {
            "listEvents": self._event_page,
            "getEvent": self._one_event,
            "getMe": self._account,
            "listOrders": lambda body: self._order_page(body, ("customer",), with_customer=False),
            "getOrder": self._one_order,
            "listAllOrders": lambda body: self._order_page(body, CAST_ORDERS, with_customer=True),
            "listSales": self._sales,
        }
        read[operation](body)

    @property
    def _shown(self) -> slice:
        """Which rows of a list the page that was asked for has; without such words the contract's first page."""
        return _rows_of(self._exchange.path)[1]

    def _edited(self, text: str) -> str:
        """A title, name, city or reference in the edition that the lab had written."""
        return f"{text} {self._edition + 1}" if self._edition else text

    # --- events ---

    def _event_page(self, body: Any) -> None:
        every = sorted(self.events, key=lambda event: (event.starts_at, event.event_id))
        expected = every[self._shown]
        for shown, event in zip(self._page(body, len(every), len(expected)), expected, strict=True):
            self._event(shown, event)

    def _one_event(self, body: Any) -> None:
        slug = self._exchange.path.rstrip("/").rpartition("/")[2]
        self._event(body, next(event for event in self.events if event.slug == slug))

    def _event(self, shown: Any, event: SeededEvent) -> None:
        what = f"event {event.slug}"
        tiers = [
            {
                "id": tier.tier_id,
                "name": self._edited(tier.name),
                "price_cents": tier.price_cents,
                "capacity": tier.capacity,
                "remaining": tier.capacity - self._sold[tier.tier_id],
            }
            | self._changed.get(tier.tier_id, {})
            for tier in self._world.tiers
            if tier.event_slug == event.slug
        ]
        _same(
            shown,
            {
                "id": event.event_id,
                "slug": event.slug,
                "title": self._edited(event.title),
                "starts_at": _Moment(event.starts_at),
                "venue": {"id": _WHOLE, "name": self._edited(event.venue), "city": self._edited(event.city)},
                "performers": _Rows(
                    [{"id": _WHOLE, "name": self._edited(name)} for name in event.performers], by="name"
                ),
                "tiers": _Rows(tiers, by="id"),
            },
            what,
        )

    # --- orders ---

    def _order_page(self, body: Any, cast: Sequence[str], *, with_customer: bool) -> None:
        own: list[tuple[str, Any]] = [(name, None) for name in cast] + [("customer", order) for order in self.orders]
        expected = own[self._shown]
        rows = self._page(body, len(own), len(expected))
        for shown, (name, order) in zip(rows, expected, strict=True):
            self._order(shown, order, name, with_customer=with_customer)

    def _one_order(self, body: Any) -> None:
        id_ = self._exchange.path.rstrip("/").rpartition("/")[2]
        self._order(body, next((one for one in self.orders if one.order_id == id_), None), "customer")

    def _order(self, shown: Any, order: SeededOrder | None, whose: str, *, with_customer: bool = False) -> None:
        """One order; None stands for the refused one, whose tier and reference are the seeder's choice."""
        id_ = order.order_id if order is not None else str(self._world.cast[whose].order)
        expected: dict[str, Any] = {"id": id_, "status_url": f"/api/orders/{id_}/"}
        if order is None:
            expected |= {"status": "refused", "tier": _WHOLE, "quantity": 1, "amount_cents": _WHOLE}
            expected |= {"reference": _TEXT, "created_at": _TEXT, "tickets": []}
        else:
            tickets = [{"id": ticket, "tier": order.tier} for ticket in order.tickets]
            expected |= {"status": order.status, "tier": order.tier, "quantity": order.quantity}
            expected |= {"amount_cents": order.amount_cents, "reference": self._edited(order.reference)}
            expected |= {"created_at": _Moment(order.created_at), "tickets": _Rows(tickets, by="id")}
        if with_customer:
            expected["customer"] = self._world.cast[whose].username
        _same(shown, expected, f"order {id_}")

    # --- the rest ---

    def _account(self, body: Any) -> None:
        whose = self._exchange.identity
        person = self._world.cast[whose]
        role = "customer" if whose == "other" else whose
        expected = {"id": person.id, "username": person.username, "email": person.email, "role": role}
        _same(body, expected, f"the account of {whose}")

    def _sales(self, body: Any) -> None:
        slugs = {event.slug for event in self.events}
        paid = [order for order in self.orders if order.status == "paid"]
        expected = [
            {
                "tier": tier.tier_id,
                "event": tier.event_slug,
                "name": self._changed.get(tier.tier_id, {}).get("name", self._edited(tier.name)),
                "paid_orders": sum(order.tier == tier.tier_id for order in paid),
                "revenue_cents": sum(order.amount_cents for order in paid if order.tier == tier.tier_id),
            }
            for tier in self._world.tiers
            if tier.event_slug in slugs
        ]
        _same(body, _Rows(expected, by="tier"), "sales")

    def _page(self, body: Any, count: int, rows: int) -> list[Any]:
        """The rows of the page. Raises: Wrong."""
        if not isinstance(body, dict) or body.keys() != PAGE or not isinstance(body["results"], list):
            raise Wrong("it is no page with count, next, previous and results")
        found = body["results"]
        if body["count"] != count:
            raise Wrong(f"count is {body['count']!r}, there are {count}")
        if len(found) != rows:
            raise Wrong(f"it has {len(found)} rows, expected {rows}")
        leads = {name: isinstance(body[name], str) for name in ("previous", "next")}
        if leads != {"previous": self._shown.start > 0, "next": count > self._shown.stop}:
            raise Wrong("next or previous does not lead where more rows are")
        size = self._shown.stop - self._shown.start
        for name, begins in (("next", self._shown.stop), ("previous", self._shown.start - size)):
            if leads[name] and not self._leads_to(body[name], slice(begins, begins + size)):
                raise Wrong(f"{name} is {body[name][:MOST_SHOWN]!r}, which does not lead to the page {LEADS[name]} it")
        return found

    def _leads_to(self, address: str, rows: slice) -> bool:
        try:
            return _rows_of(address) == (_rows_of(self._exchange.path)[0], rows)
        except ValueError:
            return False


def _rows_of(address: str) -> tuple[str, slice]:
    """The path of an address of a list, and which rows it asks for. Raises: ValueError."""
    parts = urlsplit(address)
    asked = parse_qs(parts.query)
    page, size = (int(asked.get(name, [default])[0]) for name, default in (("page", 1), ("page_size", PAGE_SIZE)))
    return parts.path, slice((page - 1) * size, page * size)


def _changes(exchanged: Exchanged, until: Exchange) -> Mapping[int, dict[str, Any]]:
    """Tier → the fields that an admin had changed by then."""
    found: dict[int, dict[str, Any]] = {}
    for exchange in exchanged.exchanges:
        if exchange.operation != "changeTier" or exchange.outcome is not Outcome.OK:
            continue
        if (exchange.ended or 0.0) <= (until.sent or 0.0):
            tier = exchange.path.rstrip("/").rpartition("/")[2]
            found.setdefault(int(tier), {}).update(msgspec.json.decode(exchange.request_body or "{}"))
    return found


# --- comparing ---


class _Any:
    """A value of which only the type is checked."""

    def __init__(self, type_: type, words: str) -> None:
        self.type, self.words = type_, words


_WHOLE, _TEXT = _Any(int, "a whole number"), _Any(str, "text")


class _Moment(str):
    """A time, compared in UTC to the second."""

    __slots__ = ()


class _Rows(list[Any]):
    """A list whose order is not promised; the key *by* is unique in it."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], *, by: str) -> None:
        super().__init__(sorted(rows, key=lambda row: str(row[by])))
        self.by = by


def _same(shown: Any, expected: Any, where: str) -> None:
    """Raises: Wrong, naming the first field that differs."""
    match expected:
        case _Any():
            if not isinstance(shown, expected.type) or isinstance(shown, bool):
                raise Wrong(f"{where} is {_short(shown)}, expected {expected.words}")
        case _Moment():
            if _utc(shown) != _utc(str(expected)):
                raise Wrong(f"{where} is {_short(shown)}, expected {str(expected)!r}")
        case _Rows():
            _same_rows(shown, expected, where)
        case dict():
            _same_fields(shown, expected, where)
        case list():
            if not isinstance(shown, list) or len(shown) != len(expected):
                raise Wrong(f"{where} is {_short(shown)}, expected {_short(expected)}")
            for one, other in zip(shown, expected, strict=True):
                _same(one, other, where)
        case _:
            if shown != expected or type(shown) is not type(expected):
                raise Wrong(f"{where} is {_short(shown)}, expected {_short(expected)}")


def _same_fields(shown: Any, expected: Mapping[str, Any], where: str) -> None:
    if not isinstance(shown, dict):
        raise Wrong(f"{where} is {_short(shown)}, expected an object")
    if missing := sorted(expected.keys() - shown.keys()):
        raise Wrong(f"{where} has no {', '.join(missing)}")
    if more := sorted(shown.keys() - expected.keys()):
        raise Wrong(f"{where} has {', '.join(map(str, more))}, which is not promised")
    for name, value in expected.items():
        _same(shown[name], value, f"{where}: {name}")


def _same_rows(shown: Any, expected: _Rows, where: str) -> None:
    if not isinstance(shown, list) or not all(isinstance(row, dict) for row in shown):
        raise Wrong(f"{where} is {_short(shown)}, expected a list of objects")
    if len(shown) != len(expected):
        raise Wrong(f"{where}: {len(shown)} rows, expected {len(expected)}")
    for one, other in zip(sorted(shown, key=lambda row: str(row.get(expected.by))), expected, strict=True):
        _same(one, other, f"{where} {other[expected.by]}")


def _utc(text: Any) -> Any:
    """A time in UTC to the second; a text that is no time is returned as it is, and so equals no time."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    if moment.tzinfo is None:
        return f"{text} without an offset"
    return moment.astimezone(UTC).replace(microsecond=0)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
