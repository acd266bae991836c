"""Every cell of the access matrix, over and over: who asks which endpoint by which method with which token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from chaos.model import access
from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from loadtests.journey import Arrival, Call, Http, Journey, Reading, unless_ok
from loadtests.world import World, WorldCustomer

CELLS_AN_ARRIVAL = 3
# A method that has no row for an endpoint that has one: whoever asks must not get through.
UNLISTED_METHOD = (401, 403, 404, 405)
LOGOUT = "/api/auth/logout/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question.

    Attributes:
        name: `GET /api/me/ customer`.
        token: Empty for nobody's.
        expects: Statuses that are right; empty for an address that has no row at all.
    """

    name: str
    method: str
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
        Cell(name=f"GET {route} admin", method="GET", path=_some_path(route), who="admin", token=admin.access,
             customer=admin.id, expects=())
        for route in access.unlisted(rows, world.routes)
    ]  # fmt: skip
    return found


def _of_row(row: access.Row, world: World) -> Iterator[Cell]:
    customer = world.person("customer")
    tokens: list[tuple[str, str, str, int | None]] = [("anonymous", "anonymous", "", None)]
    for role in access.ROLES[1:]:
        person = world.person(role)
        tokens.append((role, role, person.access, person.id))
    if row.endpoint != LOGOUT:  # else the cast's own session would end
        tokens.append(("customer", "customer with an admin's claim", customer.stale, customer.id))
    bad = sorted(world.bad_tokens.items())
    if row.statuses.get(access.REFUSED) == row.statuses.get("anonymous") and 401 not in row.statuses["anonymous"]:
        bad = bad[:1]  # open to everybody: which token it is makes no difference that could be wrong
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
        name=f"{method} {endpoint} {who}", method=method, path=path, who=who, token=token, customer=customer,
        expects=expects,
    )  # fmt: skip


def _some_path(route: str) -> str:
    """An address that fits the template, or nearly: it is asked to be on record, the answer decides nothing."""
    return route.replace("{}", "1").replace("^", "").split("(")[0].split("$")[0]


class Matrix(Journey):
    """Three cells an arrival, in the table's order, from its start in every phase.

    A cell that ends a session, or makes something, uses a session or a key of its own.
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
            headers["Idempotency-Key"] = _key(self._plan.seed, arrival, index)
        sent = msgspec.json.encode(body) if cell.method != "GET" else b""
        return Call(
            op=self.name if main else "matrix_more",
            method=cell.method,
            head=self._http.head(cell.method, cell.path, headers=headers, length=len(sent)),
            body=sent,
            read=_reader(cell.expects),
            intended=arrival.intended if main else self._http.now_s(),
            phase=arrival.phase,
            main=main,
            key=f"{index + 1}/{len(self._cells)} {cell.name}",
            customer=cell.customer if spender is None else spender.id,
            state="matrix",
            expects=" ".join(map(str, cell.expects)),
        )

    def _spender(self, arrival: Arrival, cell: Cell) -> WorldCustomer | None:
        """Whoever is logged out stays so: a customer for each time. None where the cell's own token will do."""
        ends = cell.path == LOGOUT and cell.method == "POST" and cell.who == "customer"
        return self._world.customers[arrival.index % len(self._world.customers)] if ends else None

    def _body(self, arrival: Arrival, cell: Cell, spender: WorldCustomer | None, main: bool) -> dict[str, Any]:
        if cell.path == LOGOUT:
            return {"refresh": (spender or self._world.customers[-1]).refresh}
        if cell.method == "POST" and cell.path == "/api/orders/":
            return {"tier": self._world.tiers[-1].id, "quantity": 1, "reference": _key(self._plan.seed, arrival, 0)}
        return {}


def _key(seed: int, arrival: Arrival, index: int) -> str:
    return f"s{seed}-a{arrival.index}-c{index}"


def _reader(expects: tuple[int, ...]) -> Callable[[int, bytes], Reading]:
    def read(status: int, body: bytes) -> Reading:
        found = Reading(Outcome.OK) if 200 <= status < 300 else unless_ok(status, body)
        return msgspec.structs.replace(found, refused=True) if status in expects and status >= 400 else found

    return read
