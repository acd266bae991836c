"""Every answer that the contract documents is given by `hardened`, in the form that is promised for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import jsonschema
import pytest
import yaml

from chaos.model.openapi import METHODS
from tests.stack.shop_fixtures import ROOT, Answer, Shop, ShopServices, call, eventually, free_port, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

CONTRACT: dict[str, Any] = yaml.safe_load((ROOT / "services/shop/contract.yaml").read_text())
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    item[method]["operationId"]: (method.upper(), path, item[method])
    for path, item in CONTRACT["paths"].items()
    for method in METHODS
    if method in item
}
TOO_LARGE = "?page_size=101"
DOCUMENTED = [(name, int(status)) for name, (_, _, op) in OPERATIONS.items() for status in op["responses"]]


class Request(NamedTuple):
    """What is sent; `None` as a body sends none."""

    body: Any = None
    headers: Mapping[str, str] = {}
    path: Mapping[str, object] = {}
    query: str = ""


class Case:
    """What a test needs of a running shop to make an operation answer as wanted."""

    def __init__(self, shop: Shop, services: ShopServices) -> None:
        self.shop, self.services = shop, services

    def role(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.shop.world['cast'][name]['access']}"}

    def login(self, number: int) -> dict[str, str]:
        """Tokens of a session of its own, of the *number*-th customer from the end."""
        body = {"username": self.shop.expendable(number)["username"], "password": self.shop.world["password"]}
        answer = call(self.shop.port, "POST", "/api/auth/token/", body=body)
        assert answer.status == 200, answer
        tokens: dict[str, str] = answer.body
        return tokens

    def new_order(self, **more: Any) -> dict[str, Any]:
        return {"tier": self.shop.large_tier(), "quantity": 1, **more}

    def order_id(self) -> str:
        placed = self.shop.order(tier=self.shop.large_tier(), key=uuid.uuid4().hex)
        assert placed.status == 202, placed
        order_id: str = placed.body["id"]
        return order_id

    def refused_order_id(self) -> str:
        with self.services.gateway_faults(status={"code": 402, "ratio": 1.0}):
            order_id = self.order_id()
            eventually(lambda: self.shop.status(order_id) == "refused", what="the order refused")
        return order_id


def key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


def good(case: Case, name: str) -> Request:
    """A request that gets the documented success."""
    own, world = case.shop.bearer(), case.shop.world
    match name:
        case "listEvents":
            return Request()
        case "getEvent":
            return Request(path={"slug": world["events"][0]["slug"]})
        case "login":
            return Request(body={"username": case.shop.expendable(15)["username"], "password": world["password"]})
        case "refresh":
            return Request(body={"refresh": case.login(16)["refresh"]})
        case "logout":
            return Request(headers={"Authorization": f"Bearer {case.login(17)['access']}"})
        case "getMe":
            return Request(headers=own)
        case "changeMe":
            return Request(headers=own, body={"email": "somebody@example.org"})
        case "listOrders":
            return Request(headers=own)
        case "placeOrder":
            return Request(headers={**own, **key()}, body=case.new_order())
        case "getOrder" | "cancelOrder":
            return Request(headers=own, path={"id": case.order_id()})
        case "listAllOrders":
            return Request(headers=case.role("support"))
        case "listSales":
            return Request(headers=case.role("admin"))
        case "changeTier":
            return Request(headers=case.role("admin"), path={"id": case.shop.large_tier()}, body={"name": "Stalls"})
    raise AssertionError(f"{name}: no request is known for it")


def conflict(case: Case, name: str) -> Request:
    request = good(case, name)
    match name:
        case "placeOrder":  # ten seats, four at a time
            tier, own = case.shop.hot_tier(2), case.shop.bearer()
            for _ in range(2):
                call(
                    case.shop.port, "POST", "/api/orders/", body={"tier": tier, "quantity": 4}, headers={**own, **key()}
                )
            return request._replace(body={"tier": tier, "quantity": 4})
        case "cancelOrder":
            return request._replace(path={"id": case.refused_order_id()})
        case "changeTier":
            case.order_id()
            return request._replace(body={"capacity": 0})
    raise AssertionError(f"{name}: no conflict is known for it")


def not_found(case: Case, name: str) -> Request:
    request = good(case, name)
    if request.path:
        wrong: dict[str, object] = {"slug": "nowhere", "id": uuid.uuid4() if "Order" in name else 99_999_999}
        return request._replace(path={field: wrong[field] for field in request.path})
    return request._replace(query="?page=4711")


def invalid(case: Case, name: str) -> Request:
    request = good(case, name)
    return (
        request._replace(body=["no", "object"]) if OPERATIONS[name][0] != "GET" else request._replace(query=TOO_LARGE)
    )


def unauthenticated(case: Case, name: str) -> Request:
    request = good(case, name)
    match name:
        case "login":
            return request._replace(body={"username": "nobody", "password": "wrong"})
        case "refresh":
            return request._replace(body={"refresh": "wrong"})
    return request._replace(headers={**request.headers, "Authorization": "Bearer wrong"})


def key_reused(case: Case, name: str) -> Request:
    request = good(case, name)
    assert ask(case.shop.port, name, request).status == 202
    return request._replace(body=case.new_order(quantity=2))


def too_many(case: Case, name: str) -> Request:
    request = Request(body={"username": "somebody-who-is-guessed", "password": "wrong"})
    for _ in range(5):
        assert ask(case.shop.port, name, request).status == 401
    return request


def with_header(**headers: str) -> Callable[[Case, str], Request]:
    def build(case: Case, name: str) -> Request:
        request = good(case, name)
        return request._replace(headers={**request.headers, **{n.replace("_", "-"): v for n, v in headers.items()}})

    return build


def other_role(case: Case, name: str) -> Request:
    """A customer where customers are not let in, an admin where only they are."""
    request = good(case, name)
    role = "customer" if name in {"listAllOrders", "listSales", "changeTier"} else "admin"
    return request._replace(headers={**request.headers, **case.role(role)})


WAYS: dict[int, Callable[[Case, str], Request]] = {
    200: good,
    202: good,
    204: good,
    400: invalid,
    401: unauthenticated,
    403: other_role,
    404: not_found,
    406: with_header(Accept="text/html"),
    409: conflict,
    415: with_header(Content_Type="text/plain"),
    422: key_reused,
    429: too_many,
    503: good,
}


def ask(port: int, name: str, request: Request) -> Answer:
    method, path, _ = OPERATIONS[name]
    return call(port, method, path.format(**request.path) + request.query, body=request.body, headers=request.headers)


@pytest.fixture(scope="module")
def case(shop_services: ShopServices) -> Case:
    return Case(shop_services.shop("hardened"), shop_services)


@pytest.fixture(scope="module")
def api_without_database(shop_services: ShopServices) -> Iterator[int]:
    """The port of another API of the same shop whose database is not there."""
    shop = shop_services.make("hardened", name="hardened-without-database", SHOP_POSTGRES_PORT=str(free_port()))
    shop.start("api")
    try:
        eventually(lambda: _live(shop), what="the API live")
        yield shop.port
    finally:
        shop.stop()


def _live(shop: Shop) -> bool:
    try:
        return shop.get("/live").status == 200
    except OSError:
        return False


@pytest.mark.parametrize(("name", "status"), DOCUMENTED)
def test_documented_answers_are_given(case: Case, api_without_database: int, name: str, status: int) -> None:
    request = WAYS[status](case, name)
    answer = ask(api_without_database if status == 503 else case.shop.port, name, request)
    assert answer.status == status, answer
    _conforms(answer, OPERATIONS[name][2]["responses"][str(status)])


def _conforms(answer: Answer, response: dict[str, Any]) -> None:
    response = _followed(response)
    for header, entry in response.get("headers", {}).items():
        described, value = _followed(entry), answer.headers.get(header.lower())
        assert value is not None or not described.get("required"), f"{header} is missing: {answer}"
        if value is not None and described["schema"]["type"] == "integer":
            assert int(value) >= described["schema"]["minimum"]
    if "content" not in response:
        assert answer.body == ""
        return
    ((media_type, described),) = response["content"].items()
    assert answer.headers["content-type"].split(";")[0] == media_type
    schema = {**described["schema"], "components": CONTRACT["components"]}
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(answer.body)
    if media_type == "application/problem+json":
        assert answer.body["status"] == answer.status


def _followed(entry: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in entry:
        found: Any = CONTRACT
        for step in entry["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        entry = found
    return entry


@pytest.mark.parametrize("size", ["0", "-1", "101", "1e1", "٣", "", " 5"])
def test_a_page_size_that_is_not_promised_is_refused(case: Case, size: str) -> None:
    answer = ask(case.shop.port, "listEvents", Request(query=f"?page_size={quote(size)}"))
    assert (answer.status, list(answer.body["invalid_params"])) == (400, ["page_size"])


def test_pages_of_any_size_have_the_same_rows(case: Case) -> None:
    whole = ask(case.shop.port, "listEvents", Request(query="?page_size=100")).body["results"]
    seen, address = [], "/api/events/?page_size=2"
    while address:
        page = call(case.shop.port, "GET", address)
        assert page.status == 200, page
        seen += page.body["results"]
        address = page.body["next"] and page.body["next"].partition(f":{case.shop.port}")[2]
    assert [event["id"] for event in seen] == [event["id"] for event in whole]
    assert len(seen) > 2


@pytest.mark.parametrize("query", ["?page=201", "?page=101&page_size=100", "?page=999999999999", "?page=0", "?page=x"])
def test_there_is_no_page_below_the_last_that_can_be_reached(case: Case, query: str) -> None:
    answer = ask(case.shop.port, "listOrders", Request(headers=case.shop.bearer(), query=query))
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    if query in {"?page=201", "?page=101&page_size=100"}:
        assert "10000" in answer.body["detail"]
