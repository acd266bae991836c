"""All cells of the access matrix, again and again: a caller, an endpoint, a method and a token."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from chaos.model import access
from chaos.model.disguise import intent_key
from chaos.model.loadplan import LoadPlan
from loadtests.accounts import Read, read_account, read_done
from loadtests.journey import Arrival, Call, Http, Journey, Reading
from loadtests.journeys.foreign_order import read_orders
from loadtests.journeys.support_list import read_everybodys, read_sales
from loadtests.pages import read_event, read_page
from loadtests.world import World, WorldCustomer

CELLS_AN_ARRIVAL = 3
# Right statuses for a method without a row, at an endpoint with rows: every caller must be refused.
UNLISTED_METHOD = (401, 403, 404, 405)
LOGOUT = "/api/auth/logout/"
EVENT = "/api/events/{slug}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One request of the matrix.

    Attributes:
        name: `GET /api/me/ customer`.
        endpoint: As in the matrix; *path* has its parameters filled in.
        token: The access token; empty: none.
        expects: Statuses that are right; empty for an address without any row.
    """

    name: str
    method: str
    endpoint: str
    path: str
    who: str
    token: str
    customer: int | None
    expects: tuple[int, ...]


def cells(rows: tuple[access.Row, ...], world: World) -> list[Cell]:
    """All cells of *rows* on *world*: listed, unlisted methods of listed endpoints, unlisted addresses."""
    found = [cell for row in rows for cell in _of_row(row, world)]
    listed = {(row.template, row.method) for row in rows}
    admin = world.person("admin")
    for template in sorted({row.template for row in rows}):
        row = next(row for row in rows if row.template == template)
        found += [
            _cell(row.endpoint, method, "admin", admin.access, admin.id, UNLISTED_METHOD, world)
            for method in access.METHODS
            if (template, method) not in listed
        ]
    found += [
        Cell(name=f"GET {route} admin", method="GET", endpoint=route, path=_some_path(route), who="admin",
             token=admin.access, customer=admin.id, expects=())
        for route in access.unlisted(rows, world.routes)
    ]  # fmt: skip
    return found


def _of_row(row: access.Row, world: World) -> Iterator[Cell]:
    customer = world.person("customer")
    tokens: list[tuple[str, str, str, int | None]] = [("anonymous", "anonymous", "", None)]
    for role in access.ROLES[1:]:
        person = world.person(role)
        tokens.append((role, role, person.access, person.id))
    if row.endpoint != LOGOUT:  # there it would end the session of the cast's customer
        tokens.append(("customer", "customer with an admin's claim", customer.stale, customer.id))
    bad = sorted(world.bad_tokens.items())
    if row.statuses.get(access.REFUSED) == row.statuses.get("anonymous") and 401 not in row.statuses["anonymous"]:
        bad = bad[:1]  # the endpoint is open to everybody, so all bad tokens have the same right answer
    tokens += [(access.REFUSED, flaw, token, customer.id) for flaw, token in bad]
    for column, who, token, customer_id in tokens:
        if column in row.statuses:
            yield _cell(row.endpoint, row.method, who, token, customer_id, row.statuses[column], world)


def _cell(
    endpoint: str, method: str, who: str, token: str, customer: int | None, expects: tuple[int, ...], world: World
) -> Cell:
    values = {
        "slug": world.events[0].slug,
        "order": world.person("customer").order,
        "foreign_order": world.person("other").order,
        "tier": str(world.tiers[-1].id),
    }
    path = endpoint
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return Cell(
        name=f"{method} {endpoint} {who}", method=method, endpoint=endpoint, path=path, who=who, token=token,
        customer=customer, expects=expects,
    )  # fmt: skip


def _some_path(route: str) -> str:
    """An address that roughly fits the template: its request only has to be recorded, whatever the answer is."""
    return route.replace("{}", "1").replace("^", "").split("(")[0].split("$")[0]


class Matrix(Journey):
    """Three cells per arrival, in the table's order, from its start in every phase.

    A cell that ends a session, or creates an order, uses a session or a key of its own.
    """

    name = "matrix"
    follow_ups = ("matrix_more",)

    def __init__(self, *, plan: LoadPlan, world: World, http: Http) -> None:
        self._plan, self._world, self._http = plan, world, http
        self._cells = cells(access.parse(plan.access_table), world)
        self._next: dict[int, int] = {}

    def run(self, arrival: Arrival) -> None:
        for position in range(CELLS_AN_ARRIVAL):
            number = self._next.get(arrival.phase, 0)
            self._next[arrival.phase] = number + 1
            index = number % len(self._cells)
            self._http.exchange(self._call(arrival, index, main=position == 0))

    def _call(self, arrival: Arrival, index: int, *, main: bool) -> Call:
        cell = self._cells[index]
        spender = self._spender(arrival, cell)
        token = cell.token if spender is None else spender.access
        body = self._body(arrival, cell, spender, main)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if cell.method == "POST" and cell.path == "/api/orders/":
            headers["Idempotency-Key"] = intent_key(self._plan.salt, arrival.index, index + 1)
        sent = msgspec.json.encode(body) if cell.method != "GET" else b""
        return Call(
            op=self.name if main else "matrix_more",
            method=cell.method,
            head=self._http.head(cell.method, cell.path, headers=headers, length=len(sent)),
            body=sent,
            read=_reader(cell.expects, self._content(cell)),
            intended=arrival.intended if main else self._http.now_s(),
            phase=arrival.phase,
            main=main,
            key=f"{index + 1}/{len(self._cells)} {cell.name}",
            customer=cell.customer if spender is None else spender.id,
            state="matrix",
            expects=" ".join(map(str, cell.expects)),
            about=self._world.events[0].slug if cell.endpoint == EVENT else "",
            **({"tier": body["tier"], "quantity": body["quantity"]} if "quantity" in body else {}),
        )

    def _content(self, cell: Cell) -> Read:
        """The reader of the cell's answer: it checks the content that the world defines, elsewhere only the status."""
        if cell.method != "GET":
            return read_done
        match cell.endpoint:
            case "/api/events/":
                return read_page
            case "/api/events/{slug}/":
                return read_event
            case "/api/me/":
                return read_account
            case "/api/support/orders/":
                return read_everybodys
            case "/api/admin/sales/":
                return read_sales(self._world)
            case "/api/orders/{order}/" if cell.who.startswith("customer"):
                own = self._world.person("customer")
                return read_orders({own.order: own.id}, own.id, own=own.order)
        return read_done

    def _spender(self, arrival: Arrival, cell: Cell) -> WorldCustomer | None:
        """The customer whose session a logout ends, another one each time; None for all other cells."""
        ends = cell.path == LOGOUT and cell.method == "POST" and cell.who == "customer"
        return self._world.customers[arrival.index % len(self._world.customers)] if ends else None

    def _body(self, arrival: Arrival, cell: Cell, spender: WorldCustomer | None, main: bool) -> dict[str, Any]:
        if cell.path == LOGOUT:
            return {"refresh": (spender or self._world.customers[-1]).refresh}
        if cell.method == "POST" and cell.path == "/api/orders/":
            return {
                "tier": self._world.tiers[-1].id,
                "quantity": 1,
                "reference": intent_key(self._plan.salt, arrival.index),
            }
        return {}


def _reader(expects: tuple[int, ...], content: Read) -> Read:
    def read(status: int, body: bytes) -> Reading:
        found = content(status, body)
        return msgspec.structs.replace(found, refused=True) if status in expects and status >= 400 else found

    return read
