"""One walk through the whole API, request by request, each with the answer that the contract promises for it.

What comes back is judged by `chaos.model.conform`; what no single answer shows (a field that could be written, a row
too many) is looked up afterwards. Orders get their states by SQL, so neither a worker nor a gateway is needed.
"""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from chaos.model.conform import Contract
from chaos.model.deviation import Deviation, places
from tests.stack.shop_fixtures import ROOT, Shop, call

CONTRACT = Contract(yaml.safe_load((ROOT / "services/shop/contract.yaml").read_text()))
PROTECTED = tuple(name for name, held in CONTRACT.operations.items() if "security" not in held)
SURROGATE = r'"a\ud800b"'


@dataclass(frozen=True, slots=True)
class Came:
    """An answer, with its body as text."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Tour:
    """Walks; `found` has what was not as promised."""

    shop: Shop
    found: list[Deviation] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def ask(
        self,
        operation: str,
        promised: int,
        about: str = "",
        family: str = "status",
        *,
        who: str | int | None = None,
        query: str = "",
        body: Any = None,
        raw: str | None = None,
        headers: Mapping[str, str] | None = None,
        **path: object,
    ) -> Came:
        """One request. *about* says whose mistake it is when another status comes: the place, and the family."""
        method, _, template = operation.partition(" ")
        sent = {"Content-Type": "application/json", **self._bearer(who), **(headers or {})}
        if operation == "POST /api/orders/":
            sent = {"Idempotency-Key": uuid.uuid4().hex} | sent
        payload = raw if raw is not None else None if body is None else json.dumps(body)
        connection = http.client.HTTPConnection("127.0.0.1", self.shop.port, timeout=60)
        try:
            connection.request(method, template.format(**path) + query, payload, {k: v for k, v in sent.items() if v})
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            received = {name.lower(): value for name, value in response.getheaders()}
        finally:
            connection.close()
        came = Came(response.status, received, text)
        self.log.append(f"{operation} {query} {(payload or '')[:200]} → {came.status} {text[:160]}")
        for seen in CONTRACT.deviations(operation, promised, status=came.status, headers=received, body=text):
            self.found.append(self._blamed(seen, about, family) if (came.status < 400) != (promised < 400) else seen)
        return came

    @staticmethod
    def _blamed(seen: Deviation, about: str, family: str) -> Deviation:
        if not about or seen.place.part != "status":
            return seen
        return Deviation(seen.operation, places(about)[0], family, seen.says)

    def note(self, operation: str, where: str, family: str, says: str, *, when: bool) -> None:
        """What only a second look shows."""
        if when:
            self.found.append(Deviation(operation, places(where)[0], family, says))

    def _bearer(self, who: str | int | None) -> dict[str, str]:
        if who is None:
            return {}
        world = self.shop.world
        token = world["customers"][who]["access"] if isinstance(who, int) else world["cast"].get(who, {}).get("access")
        return {"Authorization": f"Bearer {token or who}"}

    def walk(self) -> list[Deviation]:
        """All of it."""
        for part in (self._events, self._auth, self._account, self._orders, self._states, self._staff, self._oddities):
            part()
        return self.found

    def _events(self) -> None:
        tier = self.shop.world["tiers"][-1]["id"]
        self.shop.execute("UPDATE shop_tickettier SET sold = capacity WHERE id = %s", tier)
        slug = self.shop.rows("SELECT e.slug FROM shop_event e JOIN shop_tickettier t ON t.event_id = e.id"
                              " WHERE t.id = %s", tier)[0][0]  # fmt: skip
        everything = "GET /api/events/"
        for operation in (everything, "GET /api/events/{slug}/"):  # at once: a copy is kept for seconds
            self.ask(operation, 200, slug=slug)
            self.ask(operation, 406, slug=slug, headers={"Accept": "text/html"})
        for slug in ("nowhere", "no.where"):
            self.ask("GET /api/events/{slug}/", 404, slug=slug)
        self._pages(everything, None)

    def _pages(self, operation: str, who: str | int | None) -> None:
        two = self.ask(operation, 200, who=who, query="?page_size=2")
        rows = two.json.get("results", []) if isinstance(two.json, dict) else []
        self.note(operation, "query page_size", "ignored", "2 rows were asked for", when=len(rows) > 2)
        for size in ("101", "0", "x"):
            self.ask(operation, 400, "query page_size", "limit", who=who, query=f"?page_size={size}")
        self.ask(operation, 404, "query page", "ignored", who=who, query="?page=4711")
        self.ask(operation, 404, "query page", "limit", who=who, query="?page=201")

    def _auth(self) -> None:
        world, login, refresh = self.shop.world, "POST /api/auth/token/", "POST /api/auth/refresh/"
        good = {"username": world["customers"][-1]["username"], "password": world["password"]}
        tokens = self.ask(login, 200, body=good).json or {}
        wrong = self.ask(login, 401, body={**good, "password": "wrong"})
        unknown = self.ask(login, 401, body={**good, "username": "nobody"})
        same = [one.json for one in (wrong, unknown)]
        self.note(
            login, "error 401", "access", "an unknown name is told from a wrong password", when=same[0] != same[1]
        )
        self.ask(login, 400, body={"username": good["username"]})
        self.ask(login, 415, headers={"Content-Type": "text/plain"}, raw="x")
        self.ask(login, 406, headers={"Accept": "text/html"}, body=good)
        for _ in range(5):
            self.ask(login, 401, body={"username": "guessed", "password": "wrong"})
        self.ask(login, 429, body={"username": "guessed", "password": "wrong"})
        first = tokens.get("refresh", "")
        second = self.ask(refresh, 200, body={"refresh": first}).json or {}
        self.ask(refresh, 401, body={"refresh": first})
        self.ask(refresh, 401, "request refresh", "access", body={"refresh": second.get("refresh", "")})
        self.ask(refresh, 400, body={})
        self.ask(refresh, 415, headers={"Content-Type": "text/plain"}, raw="x")
        self.ask(refresh, 406, headers={"Accept": "text/html"}, body={"refresh": "x"})
        own = {"username": world["customers"][-2]["username"], "password": world["password"]}
        pair = self.ask(login, 200, body=own).json or {}
        access, logout = pair.get("access", "x"), "POST /api/auth/logout/"
        self.ask(logout, 401, who="rubbish")
        ended = self.ask(logout, 204, "request refresh", "required", who=access)
        if ended.status != 204:
            self.ask(logout, 204, who=access, body={"refresh": pair.get("refresh")})
        self.note(logout, "status 401", "access", "the access token still works", when=self._works(access))

    def _works(self, access: str) -> bool:
        return call(self.shop.port, "GET", "/api/me/", headers=self._bearer(access)).status == 200

    def _account(self) -> None:
        get, change = "GET /api/me/", "PATCH /api/me/"
        for who in (1, "support", "admin"):
            self.ask(get, 200, who=who)
        self.ask(change, 200, who=1, body={"email": "somebody@example.org"})
        for name, value in (("role", "admin"), ("username", "somebody-else")):
            before = self.shop.rows("SELECT role, username FROM shop_customer ORDER BY id")
            self.ask(change, 200, who=2, body={name: value})
            after = self.shop.rows("SELECT role, username FROM shop_customer ORDER BY id")
            self.note(change, f"request {name}", "writable", "it was to be ignored", when=before != after)
        self.ask(change, 400, who=3, body={"email": "no address"})
        password = self.shop.world["password"]
        self.ask(
            change, 400, "request password", "limit", who=4, body={"password": "short", "current_password": password}
        )
        self.ask(change, 400, "request current_password", "required", who=5, body={"password": "long-enough-4711"})
        self.ask(change, 200, who=6, body={"password": "long-enough-4711", "current_password": password})
        kept = self._works(self.shop.world["customers"][6]["access"])
        self.note(change, "request password", "access", "a token of before the new password still works", when=kept)
        self.ask(change, 415, who=1, headers={"Content-Type": "text/plain"}, raw="x")

    def _orders(self) -> None:
        shop, place = self.shop, "POST /api/orders/"
        tier, full = shop.large_tier(), shop.world["tiers"][-1]["id"]
        good = {"tier": tier, "quantity": 1, "reference": "mine"}
        self.ask(place, 202, who=0, body=good)
        self.ask(place, 202, "request reference", "required", who=0, body={"tier": tier, "quantity": 1})
        self.ask(place, 202, who=0, body={**good, "reference": ""})
        self.ask(place, 400, "request quantity", "required", who=0, body={"tier": tier})
        for quantity in (5, 0):
            self.ask(place, 400, "request quantity", "limit", who=0, body={**good, "quantity": quantity})
        shop.execute("UPDATE shop_order SET quantity = 4 WHERE quantity > 4")  # told once is enough
        self.ask(place, 400, "request reference", "limit", who=0, body={**good, "reference": "x" * 65})
        self.ask(place, 400, who=0, body={**good, "tier": 99_999_999})
        self.ask(place, 400, "request tier", "null", who=0, body={**good, "tier": None})
        self.ask(place, 409, who=0, body={**good, "tier": full})
        self.ask(place, 400, "header Idempotency-Key", "required", who=0, body=good, headers={"Idempotency-Key": ""})
        self.ask(place, 415, who=0, headers={"Content-Type": "text/plain"}, raw="x")
        key = {"Idempotency-Key": uuid.uuid4().hex}
        self.ask(place, 202, who=0, body=good, headers=key)
        again = self.ask(place, 202, who=0, body=good, headers=key)
        missing = "idempotent-replayed" not in again.headers
        self.note(place, "header Idempotent-Replayed", "header", "the key had come before", when=missing)
        self.ask(place, 422, who=0, body={**good, "quantity": 2}, headers=key)
        other = shop.rows("SELECT id FROM shop_customer WHERE role = 'customer' ORDER BY id DESC LIMIT 1")[0][0]
        for name, value in (("customer", other), ("status", "paid"), ("amount_cents", 1)):
            known = {row[0] for row in shop.rows("SELECT id FROM shop_order")}
            self.ask(place, 202, who=0, body={**good, name: value})
            column = "customer_id" if name == "customer" else name
            written = [row for row in shop.rows(f"SELECT id, {column} FROM shop_order") if row[0] not in known]
            self.note(place, f"request {name}", "writable", "no such field is promised",
                      when=any(row[1] == value for row in written))  # fmt: skip

    def _states(self) -> None:
        """One order of each state, looked at in each way."""
        shop = self.shop
        made = {state: self._order(state) for state in ("pending", "paid", "refused", "cancelled")}
        one, every, cancel = "GET /api/orders/{id}/", "GET /api/orders/", "POST /api/orders/{id}/cancel/"
        for order in made.values():
            self.ask(one, 200, who=0, id=order)
        self.ask(every, 200, who=0)
        self.ask("GET /api/support/orders/", 200, who="support")
        self._pages(every, 0)
        self.ask(one, 404, who=0, id=uuid.uuid4())
        self.ask(one, 404, who=0, id="4711")
        self.ask(cancel, 404, who=0, id="4711")
        self.ask(one, 404, "status 404", "access", who=1, id=made["paid"])
        self.ask(cancel, 404, who=1, id=made["pending"])
        self.ask(cancel, 409, who=0, id=made["refused"])
        self.ask(cancel, 200, who=0, id=made["pending"])
        self.ask(cancel, 200, who=0, id=made["pending"])
        for operation in (one, every, cancel, "POST /api/orders/"):
            self.ask(operation, 403, who="admin", id=made["paid"], body=None if "GET" in operation else {})
            self.ask(operation, 406, who=0, id=made["paid"], headers={"Accept": "text/html"})
        assert shop.rows("SELECT count(*) FROM shop_order")[0][0] > 4

    def _order(self, state: str) -> str:
        shop, known = self.shop, {row[0] for row in self.shop.rows("SELECT id FROM shop_order")}
        shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex)
        ((order,),) = [row for row in shop.rows("SELECT id FROM shop_order") if row[0] not in known]
        shop.execute("UPDATE shop_order SET status = %s WHERE id = %s", state, order)
        if state == "paid":
            seat = shop.rows("SELECT 1 FROM information_schema.columns WHERE table_name = 'shop_ticket'"
                             " AND column_name = 'seat'")  # fmt: skip
            shop.execute(
                f"INSERT INTO shop_ticket (id, order_id, tier_id, created_at{', seat' if seat else ''})"
                f" SELECT %s, id, tier_id, now(){', 1' if seat else ''} FROM shop_order WHERE id = %s",
                uuid.uuid4(),
                order,
            )
        return str(order)

    def _staff(self) -> None:
        shop, change = self.shop, "PATCH /api/admin/tiers/{id}/"
        tier = shop.large_tier()
        self._pages("GET /api/support/orders/", "support")
        self.ask("GET /api/admin/sales/", 200, who="admin")
        self.ask(change, 200, who="admin", id=tier, body={"name": "Stalls"})
        self.ask(change, 200, who="admin", id=tier, body={"sold": 3})
        self.note(change, "request sold", "writable", "it is not the caller's to change",
                  when=shop.rows("SELECT sold FROM shop_tickettier WHERE id = %s", tier)[0][0] == 3)  # fmt: skip
        self.ask(change, 400, "request price_cents", "limit", who="admin", id=tier, body={"price_cents": 2**29})
        self.ask(change, 400, "request price_cents", "limit", who="admin", id=tier, body={"price_cents": -1})
        self.ask(change, 409, who="admin", id=tier, body={"capacity": 0})
        for unknown in (99_999_999, "first"):
            self.ask(change, 404, who="admin", id=unknown, body={})
        self.ask(change, 415, who="admin", id=tier, headers={"Content-Type": "text/plain"}, raw="x")
        for operation in ("GET /api/support/orders/", "GET /api/admin/sales/", change):
            self.ask(operation, 403, who=0, id=tier, body=None if "GET" in operation else {})
            who = "admin"
            self.ask(operation, 406, who=who, id=tier, headers={"Accept": "text/html"})

    def _oddities(self) -> None:
        for operation in PROTECTED:
            self.ask(operation, 401, id=uuid.uuid4() if "orders" in operation else 1)
        for operation, who, name in self._texts():
            raw = f'{{"tier": {self.shop.large_tier()}, "quantity": 1, "password": "x", "{name}": {SURROGATE}}}'
            self.ask(operation, 400, f"request {name}", "limit", who=who, raw=raw, id=self.shop.large_tier())
            self.ask(operation, 400, "request", "limit", who=who, raw="[" * 100_000, id=self.shop.large_tier())
        self.shop.execute(
            "UPDATE shop_customer SET role = 'customer' WHERE id = %s", self.shop.world["cast"]["support"]["id"]
        )
        self.ask("GET /api/support/orders/", 403, "status 403", "access", who="support")

    @staticmethod
    def _texts() -> Iterator[tuple[str, str | int | None, str]]:
        yield "POST /api/auth/token/", None, "username"
        yield "POST /api/orders/", 0, "reference"
        yield "PATCH /api/me/", 1, "email"
        yield "PATCH /api/admin/tiers/{id}/", "admin", "name"
