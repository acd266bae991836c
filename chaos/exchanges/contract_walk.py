"""`contract_walk`: requests to the whole API, each with the answer that the contract promises."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from chaos.exchanges._source import Ground, Source, SourceParams, compact
from chaos.model.exchange import Case, Identity, Method
from chaos.model.words import part_of_a_hall
from chaos.model.world import World

PAID_WITHIN_S = 3.0
ACCOUNTS: tuple[Identity, ...] = ("customer", "support", "admin")
"""One of each kind."""
MOST_SEATS = 40
"""Largest capacity of a hot tier: the smallest tier is sold out on the way, four seats per request."""
DEEP = "[" * 100_000
HALF = r'"a\ud800b"'


class ContractWalk(SourceParams):
    """Every operation successfully, once for each kind of account that may use it, and every promise with edge cases.

    Edge cases are values that are empty, null, too long, too many, of the wrong type, half a character or very deeply
    nested, and every field that the caller must not write. The smallest tier is sold out on the way.
    """

    send: Literal["contract_walk"]
    outage: bool = Field(False, description="Whether something is down meanwhile: only the plain requests are sent.")
    only: Literal["schema"] | None = Field(
        None, description="`schema`: nothing but the served schema is asked for. All when left out."
    )


class ContractWalkSource(Source):
    """See `ContractWalk`."""

    name = "contract_walk"
    params = ContractWalk
    contract = True

    def problems(self, params: ContractWalk, world: World) -> Iterator[tuple[str, str]]:
        if params.outage and params.only:
            yield "only", f"got {params.only} with outage, expected one of both"
        if world.seats > MOST_SEATS and not (params.outage or params.only):
            yield "send", f"got a world with {world.seats} seats in its hot tiers, expected at most {MOST_SEATS}"

    def cases(self, params: ContractWalk, ground: Ground) -> Iterator[Case]:
        walk = _Walk(params, ground)
        yield from walk.outage() if params.outage else walk.schema() if params.only else walk.whole()


class _Walk:
    def __init__(self, params: ContractWalk, ground: Ground) -> None:
        self._section, self._outage, self._ground = params.section, params.outage, ground
        self._number = count(1)
        full = min(ground.world.tiers, key=lambda tier: (tier.capacity, tier.tier_id))
        large = max(ground.world.tiers, key=lambda tier: (tier.capacity, -tier.tier_id))
        self._full, self._seats, self._tier = full.tier_id, full.capacity, large.tier_id
        self._slug, self._reference = full.event_slug, ground.key(params.section, "reference")
        # Nothing has these names and numbers; none of them is the same in two labs.
        self._no_number = ground.number(params.section, "number", 2_000, 9_999)
        self._no_tier = ground.number(params.section, "tier", 10_000_000, 99_999_999)
        self._nobody = str(
            UUID(int=ground.number(params.section, "nobody", 1 << 62, (1 << 63) - 1) << 64 | 1 << 63, version=4)
        )

    def case(
        self,
        operation: str,
        method: Method,
        path: str,
        identity: Identity = "anonymous",
        promised: int = 200,
        blame: str = "",
        *,
        body: Any = None,
        headers: dict[str, str] | None = None,
        wait_s: float = 0.0,
        **about: Any,
    ) -> Case:
        """One request. *blame*: the flaw that another status shows, as `place: family`."""
        number = next(self._number)
        given = dict(headers or {})
        if operation == "placeOrder":
            given = {"Idempotency-Key": self._ground.key(self._section, number)} | given
        told = {"promised": promised, "success": promised < 400} | ({"outage": True} if self._outage else {}) | about
        return Case(
            id=f"{self._section}-{number}",
            section=self._section,
            operation=operation,
            identity=identity,
            method=method,
            path=path,
            headers={name: value for name, value in given.items() if value},
            body=body if body is None or isinstance(body, str) else compact(body),
            wait_s=wait_s,
            about=told | ({"blame": blame} if blame else {}),
        )

    def outage(self) -> Iterator[Case]:
        """Only ordinary requests, for a section with a fault."""
        order = self._ground.people["customer"]["order"]
        yield self.case("listEvents", "GET", "/api/events/")
        yield self.case("getEvent", "GET", f"/api/events/{self._slug}/")
        yield self.case("getMe", "GET", "/api/me/", "customer")
        yield self.case("listOrders", "GET", "/api/orders/", "customer")
        yield self.case("getOrder", "GET", f"/api/orders/{order}/", "customer")
        yield self.case("placeOrder", "POST", "/api/orders/", "customer", 202, body=self._good())
        yield self.case("listAllOrders", "GET", "/api/support/orders/", "support")
        yield self.case("listSales", "GET", "/api/admin/sales/", "admin")

    def schema(self) -> Iterator[Case]:
        """What the shop says of itself."""
        yield self.case("schema", "GET", "/api/schema/?format=json", schema=True)

    def whole(self) -> Iterator[Case]:
        """All requests; those that log out come last."""
        yield from self.schema()
        yield from self._sold_out()
        yield from self._events()
        yield from self._orders()
        yield from self._states()
        yield from self._staff()
        yield from self._account()
        yield from self._tokens()

    def _good(self, **other: Any) -> dict[str, Any]:
        return {"tier": self._tier, "quantity": 1, "reference": self._reference} | other

    def _sold_out(self) -> Iterator[Case]:
        left = self._seats
        while left > 0:
            body = {"tier": self._full, "quantity": min(4, left)}
            yield self.case("placeOrder", "POST", "/api/orders/", "other", 202, body=body)
            left -= body["quantity"]
        body = {"tier": self._full, "quantity": 4}
        yield self.case("placeOrder", "POST", "/api/orders/", "other", 409, body=body)

    def _events(self) -> Iterator[Case]:
        one = f"/api/events/{self._slug}/"
        for operation, path in (("listEvents", "/api/events/"), ("getEvent", one)):
            yield self.case(operation, "GET", path, wait_s=6.0 if operation == "listEvents" else 0.0)
            yield self.case(operation, "GET", path, promised=406, headers={"Accept": "text/html"})
        for slug in (self._word("slug"), self._word("dot").replace("-", ".")):
            yield self.case("getEvent", "GET", f"/api/events/{slug}/", promised=404)
        yield from self._pages("listEvents", "/api/events/", "anonymous")

    def _pages(self, operation: str, path: str, identity: Identity) -> Iterator[Case]:
        yield self.case(operation, "GET", f"{path}?page_size=2", identity, at_most=2)
        for size in ("101", "0", "x", "1000000"):
            yield self.case(operation, "GET", f"{path}?page_size={size}", identity, 400, "query page_size: limit")
        yield self.case(operation, "GET", f"{path}?page={self._no_number}", identity, 404, "query page: ignored")

    def _orders(self) -> Iterator[Case]:
        def place(promised: int, blame: str = "", *, body: Any, headers: dict[str, str] | None = None) -> Case:
            return self.case(
                "placeOrder", "POST", "/api/orders/", "customer", promised, blame, body=body, headers=headers
            )

        good, text = self._good(), {"Content-Type": "text/plain"}
        without = {name: {key: value for key, value in good.items() if key != name} for name in good}
        yield place(202, body=good)
        yield place(202, "request reference: required", body=without["reference"])
        for name in ("tier", "quantity"):
            yield place(400, f"request {name}: required", body=without[name])
            yield place(400, f"request {name}: null", body=good | {name: None})
        for quantity in (5, 0, -1, 2**40, "two", 1.5):
            yield place(400, "request quantity: limit", body=good | {"quantity": quantity})
        yield place(400, "request reference: limit", body=good | {"reference": "x" * 65})
        yield place(400, "request reference: limit", body=good | {"reference": "a\0b"})
        yield place(400, "request reference: limit", body=compact(good).replace(f'"{self._reference}"', HALF))
        yield place(400, body=good | {"tier": self._no_tier})
        yield place(400, "request: limit", body=DEEP)
        yield place(400, body="{")
        yield place(415, body=compact(good), headers=text)
        yield place(400, "header Idempotency-Key: required", body=good, headers={"Idempotency-Key": ""})
        yield place(400, "header Idempotency-Key: limit", body=good, headers={"Idempotency-Key": "k" * 129})
        key = {"Idempotency-Key": self._ground.key(self._section, "again")}
        yield place(202, body=good, headers=key)
        yield self._with(place(202, body=good, headers=key), replayed=True)
        yield place(422, body=good | {"quantity": 2}, headers=key)
        other = self._ground.people["other"]["id"]
        for name, value in (("customer", other), ("status", "refused"), ("amount_cents", 1)):
            yield self._with(place(202, body=good | {name: value}), writes=[name, value])

    def _word(self, which: str) -> str:
        return self._ground.word(self._section, which)

    @staticmethod
    def _with(case: Case, **about: Any) -> Case:
        case.about.update(about)
        return case

    def _states(self) -> Iterator[Case]:
        every, path = "/api/orders/", "/api/orders/{}/"
        refused = self._ground.people["customer"]["order"]  # the world is seeded with this order
        made = self.case("placeOrder", "POST", every, "customer", 202, body=self._good())
        yield made
        fresh = f"<<{made.id}.id>>"
        yield self.case("getOrder", "GET", path.format(fresh), "customer")
        yield self.case("getOrder", "GET", path.format(fresh), "customer", wait_s=PAID_WITHIN_S)
        yield self.case("getOrder", "GET", path.format(refused), "customer")
        yield self.case("listOrders", "GET", every, "customer")
        yield self.case("listAllOrders", "GET", "/api/support/orders/", "support")
        yield from self._pages("listOrders", every, "customer")
        for unknown in (self._nobody, str(self._no_number)):
            yield self.case("getOrder", "GET", path.format(unknown), "customer", 404)
        yield self.case("getOrder", "GET", path.format(fresh), "other", 404, "status 404: access")
        yield self.case("getOrder", "GET", path.format(fresh), "admin", 403)
        yield self.case("listOrders", "GET", every, "anonymous", 401)
        cancel = path.format(fresh) + "cancel/"
        yield self.case("cancelOrder", "POST", cancel, "other", 404)
        yield self.case("cancelOrder", "POST", path.format(self._no_number) + "cancel/", "customer", 404)
        for _ in range(2):
            yield self.case("cancelOrder", "POST", cancel, "customer")
        yield self.case("cancelOrder", "POST", path.format(refused) + "cancel/", "customer", 409)
        yield self.case("getOrder", "GET", path.format(fresh), "customer")

    def _staff(self) -> Iterator[Case]:
        everybodys, sales, tier = "/api/support/orders/", "/api/admin/sales/", f"/api/admin/tiers/{self._tier}/"
        named = {"name": part_of_a_hall(self._ground.salt, self._ground.seed)}
        yield from self._pages("listAllOrders", everybodys, "support")
        yield self.case("listAllOrders", "GET", everybodys, "admin")
        yield self.case("listSales", "GET", sales, "admin")
        for operation, path in (("listAllOrders", everybodys), ("listSales", sales)):
            yield self.case(operation, "GET", path, "customer", 403)
        yield self.case("changeTier", "PATCH", tier, "customer", 403, body=named)
        yield self.case("changeTier", "PATCH", tier, "admin", body=named)
        yield self.case("changeTier", "PATCH", tier, "admin", body={"sold": 3}, writes=["sold", 3])
        for price in (2**29, -1, "12.50", None):
            blame = "request price_cents: limit"
            yield self.case("changeTier", "PATCH", tier, "admin", 400, blame, body={"price_cents": price})
        for name in ("", "x" * 61, "a\0b"):
            yield self.case("changeTier", "PATCH", tier, "admin", 400, "request name: limit", body={"name": name})
        yield self.case("changeTier", "PATCH", tier, "admin", 409, body={"capacity": 0})
        for unknown in (str(self._no_tier), self._word("tier")):
            yield self.case("changeTier", "PATCH", f"/api/admin/tiers/{unknown}/", "admin", 404, body={})
        yield self.case("changeTier", "PATCH", tier, "admin", 400, "request: limit", body=DEEP)

    def _account(self) -> Iterator[Case]:
        me, whom = "/api/me/", "request password"
        for identity in ACCOUNTS:
            yield self.case("getMe", "GET", me, identity)
        yield self.case("getMe", "GET", me, "anonymous", 401)
        for identity in ACCOUNTS:
            yield self.case("changeMe", "PATCH", me, identity, body={"email": f"{self._word(identity)}@example.org"})
        yield self.case(
            "changeMe", "PATCH", me, "customer", 400, "request email: type", body={"email": self._word("address")}
        )
        yield self.case(
            "changeMe", "PATCH", me, "customer", 400, f"{whom}: limit", body={"password": self._word("short")[:5]}
        )
        for name, value in (("username", self._word("other")), ("role", "support")):
            yield self.case("changeMe", "PATCH", me, "other", body={name: value}, writes=[name, value])
            yield self.case("getMe", "GET", me, "other", wrote=[name, value])

    def _tokens(self) -> Iterator[Case]:
        login, refresh = "/api/auth/token/", "/api/auth/refresh/"
        good = {"username": "<<world.username>>", "password": "<<world.password>>"}
        entered = self.case("login", "POST", login, body=good)
        yield entered
        yield self.case(
            "login",
            "POST",
            login,
            promised=401,
            body={"username": self._word("unknown"), "password": self._word("wrong")},
        )
        yield self.case("login", "POST", login, promised=400, body={"username": self._word("half")})
        odd = f'{{"username": {HALF}, "password": "{self._word("odd")}"}}'
        yield self.case("login", "POST", login, "anonymous", 400, "request username: limit", body=odd)
        yield self.case("login", "POST", login, promised=415, body="{}", headers={"Content-Type": "text/plain"})
        guessed = {"username": self._word("guessed"), "password": self._word("guess")}
        for _ in range(5):
            yield self.case("login", "POST", login, promised=401, body=guessed)
        yield self.case("login", "POST", login, promised=429, body=guessed)
        renewed = self.case("refresh", "POST", refresh, body={"refresh": f"<<{entered.id}.refresh>>"})
        yield renewed
        yield self.case("refresh", "POST", refresh, promised=400, body={})
        yield self.case("refresh", "POST", refresh, promised=401, body={"refresh": self._word("token")})
        own = {"Authorization": f"Bearer <<{renewed.id}.access>>"}
        logout = ("logout", "POST", "/api/auth/logout/")
        yield self.case(*logout, "anonymous", 401)  # type: ignore[arg-type]
        yield self.case(*logout, "anonymous", 204, "request refresh: required", headers=own)  # type: ignore[arg-type]
        yield self.case("getMe", "GET", "/api/me/", "anonymous", 401, "status 401: access", headers=own)
        second = self.case("login", "POST", login, body=good)
        yield second
        own = {"Authorization": f"Bearer <<{second.id}.access>>"}  # a second logout, with the refresh token in its body
        body = {"refresh": f"<<{second.id}.refresh>>"}
        yield self.case("logout", "POST", "/api/auth/logout/", "anonymous", 204, body=body, headers=own)


KIND = ContractWalkSource()
