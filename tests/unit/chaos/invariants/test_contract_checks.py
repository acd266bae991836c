"""The checks of drill 1 over a walk through a shop that answers just what the contract promises, bent by each test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._source import Ground
from chaos.invariants import KINDS
from chaos.invariants._kind import Context
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.evidence import EndState
from chaos.model.exchange import Case, Exchange, Exchanged
from chaos.model.verdict import Finding, Verdict
from tests.unit.chaos.invariants.exchanged import world

CONTRACT = Contract(reference())
Bend = Callable[[Case, Exchange], Exchange]
NUMBER = "6f1a4f0e-5d0f-4f7e-9a2c-0d6f6b1f5f7a"


def sample(schema: Any) -> Any:
    """Something that *schema* describes."""
    while "$ref" in schema:
        schema = CONTRACT.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: sample(inner) for name, inner in schema["properties"].items() if name in schema["required"]}
        case "array":
            return [sample(schema["items"])]
        case "integer":
            return schema.get("minimum", 1)
        case "string":
            forms = {"uuid": NUMBER, "date-time": "2026-01-02T03:04:05Z", "email": "a@example.org"}
            return forms.get(schema.get("format", ""), "word")
    return None


def followed(entry: Any) -> Any:
    while "$ref" in entry:
        found: Any = CONTRACT.document
        for step in entry["$ref"][2:].split("/"):
            found = found[step]
        entry = found
    return entry


def promised(case: Case) -> Exchange:
    """The answer that the contract promises for *case*."""
    status = case.about["promised"]
    headers, body = {}, ""
    if case.about.get("schema"):
        headers, body = {"content-type": "application/json"}, json.dumps(CONTRACT.document)
    else:
        response = followed(CONTRACT.operations[CONTRACT.names[case.operation]]["responses"][str(status)])
        for name, entry in response.get("headers", {}).items():
            if followed(entry).get("required") or case.about.get("replayed"):
                headers[name.lower()] = "1"
        for kind, described in response.get("content", {}).items():
            headers["content-type"], body = kind, json.dumps(sample(described["schema"]))
            if status >= 400:
                body = json.dumps(json.loads(body) | {"status": status})
    headers["x-request-id"] = f"request-{case.id}"
    named_ = {name: getattr(case, name) for name in ("section", "operation", "identity", "method", "path")}
    return Exchange(
        id=case.id,
        case=case.id,
        request_id=f"request-{case.id}",
        status=status,
        headers=headers,
        body=body,
        intended=0.0,
        sent=0.0,
        ended=0.0,
        **named_,
    )


def walk_cases(*, outage: bool = False) -> tuple[Case, ...]:
    """What the source sends over a small world."""
    kind, seeded = SOURCES["contract_walk"], world()
    params = kind.params.model_validate({"section": "walk", "send": "contract_walk", "outage": outage})
    people = {name: msgspec.to_builtins(person) for name, person in seeded.cast.items()}
    return tuple(kind.cases(params, Ground(seed=3, world=seeded, people=people, salt="s")))


@dataclass
class Walk:
    """A run of the source over the shop."""

    outage: bool = False
    bends: list[Bend] = field(default_factory=list)

    def judge(self, check: str, state: EndState | None = None) -> Finding:
        cases = walk_cases(outage=self.outage)
        exchanges = []
        for case in cases:
            exchange = promised(case)
            for bend in self.bends:
                exchange = bend(case, exchange)
            exchanges.append(exchange)
        context = Context(
            state=state or EndState(), t0_unix_s=0.0, phases=(), history_complete=True,
            exchanges=Exchanged(cases=cases, exchanges=tuple(exchanges)), contract=CONTRACT,
        )  # fmt: skip
        invariant = KINDS[check]
        return invariant.reducer(invariant.params()).finish(context)


def on(operation: str, promised_: int, **changed: Any) -> Bend:
    """Another answer where *operation* was promised *promised_*."""

    def bend(case: Case, exchange: Exchange) -> Exchange:
        hit = case.operation == operation and case.about["promised"] == promised_
        return msgspec.structs.replace(exchange, **changed) if hit else exchange

    return bend


def field_of(operation: str, name: str, value: Any) -> Bend:
    """Another value of a field in each success of *operation*."""

    def bend(case: Case, exchange: Exchange) -> Exchange:
        if case.operation != operation or exchange.status >= 300:
            return exchange
        return msgspec.structs.replace(exchange, body=json.dumps(json.loads(exchange.body) | {name: value}))

    return bend


def test_each_operation_is_to_succeed_for_every_kind_of_account_that_may_have_it() -> None:
    seen: dict[str, set[str]] = {}
    for case in walk_cases():
        if case.about["success"]:
            seen.setdefault(case.operation, set()).add("customer" if case.identity == "other" else case.identity)
    everybody, anybody = {"customer", "support", "admin"}, {"anonymous"}
    assert seen == {
        **{"schema": anybody, "listEvents": anybody, "getEvent": anybody, "login": anybody, "refresh": anybody},
        "logout": anybody,  # with a token that the walk has just been given
        **{"getMe": everybody, "changeMe": everybody, "listAllOrders": {"support", "admin"}},
        **{name: {"customer"} for name in ("placeOrder", "listOrders", "getOrder", "cancelOrder")},
        **{name: {"admin"} for name in ("listSales", "changeTier")},
    }


HTML = {"status": 500, "headers": {"content-type": "text/html"}, "body": "<h1>Server Error (500)</h1>"}
ALL = ("schema_matches_contract", "answers_conform", "refuses_what_it_should", "writes_only_what_is_promised")


@pytest.mark.parametrize("check", ALL)
def test_a_shop_that_answers_as_promised_is_held(check: str) -> None:
    assert Walk().judge(check).verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (field_of("getOrder", "amount_cents", "12"), "GET /api/orders/{id}/ · response amount_cents · type"),
        (field_of("getOrder", "tickets", None), "GET /api/orders/{id}/ · response tickets · null"),
        (field_of("getMe", "last_login", None), "GET /api/me/ · response last_login · extra"),
        (on("placeOrder", 202, status=201), "POST /api/orders/ · status 201/202 · status"),
        (on("placeOrder", 409, headers={"content-type": "application/json"}), "POST /api/orders/ · error 409 · error"),
        (on("login", 429, headers={"content-type": "application/problem+json"}), "header retry-after · header"),
        (on("listEvents", 200, headers={"content-type": "application/json"}), "header age · header"),
        (on("listSales", 200, **HTML), "GET /api/admin/sales/ · status 200/500 · status"),
        (field_of("listOrders", "results", [{}] * 3), "GET /api/orders/ · query page_size · ignored"),
        (field_of("listEvents", "results", []), "GET /api/events/ · response · ignored"),
        (on("listSales", 200, body="[]"), "GET /api/admin/sales/ · response · ignored"),
    ],
)
def test_an_answer_that_is_otherwise(bend: Bend, told: str) -> None:
    finding = Walk(bends=[bend]).judge("answers_conform")
    assert finding.verdict is Verdict.VIOLATED
    assert told in finding.reason
    assert finding.counterexample is not None


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (on("getEvent", 404, **HTML), "GET /api/events/{slug}/ · status 404/500 · status"),
        (on("cancelOrder", 409, status=400), "POST /api/orders/{id}/cancel/ · status 400/409 · status"),
        (on("listOrders", 400, status=200, body="{}"), "GET /api/orders/ · query page_size · limit"),
        (on("placeOrder", 400, status=202, body="{}"), "POST /api/orders/ · request quantity · limit"),
        (on("changeMe", 400, **HTML), "PATCH /api/me/ · status 400/500 · status"),
    ],
)
def test_what_is_not_refused(bend: Bend, told: str) -> None:
    finding = Walk(bends=[bend]).judge("refuses_what_it_should")
    assert finding.verdict is Verdict.VIOLATED
    assert told in finding.reason


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (field_of("changeTier", "sold", 3), "PATCH /api/admin/tiers/{id}/ · request sold · writable"),
        (field_of("changeMe", "role", "support"), "PATCH /api/me/ · request role · writable"),
        (field_of("placeOrder", "amount_cents", 1), "POST /api/orders/ · request amount_cents · writable"),
    ],
)
def test_what_was_written(bend: Bend, told: str) -> None:
    finding = Walk(bends=[bend]).judge("writes_only_what_is_promised")
    assert finding.verdict is Verdict.VIOLATED
    assert told in finding.reason


def test_an_account_that_was_written_and_told_as_before_is_read_again() -> None:
    def later(case: Case, exchange: Exchange) -> Exchange:
        if case.about.get("wrote", [""])[0] != "role":
            return exchange
        return msgspec.structs.replace(exchange, body=json.dumps(json.loads(exchange.body) | {"role": "support"}))

    finding = Walk(bends=[later]).judge("writes_only_what_is_promised")
    assert finding.verdict is Verdict.VIOLATED
    assert (
        "PATCH /api/me/ · request role · writable: role = 'support' was sent, and the account has it" in finding.reason
    )


def test_the_database_counts_where_the_answer_is_silent() -> None:
    order = {"order_id": NUMBER, "customer_id": 72, "client_key": "", "tier_id": 1, "quantity": 1, "status": "pending",
             "amount_cents": 5, "created_unix_s": 0.0, "updated_unix_s": 0.0}  # fmt: skip
    state = msgspec.convert({"orders": [order]}, EndState)
    finding = Walk().judge("writes_only_what_is_promised", state)
    assert finding.verdict is Verdict.VIOLATED
    assert "request customer · writable: customer = 72 was sent, and the database has it" in finding.reason


def test_other_bytes_than_utf_8_and_a_request_id_that_does_not_come_back() -> None:
    def latin(case: Case, exchange: Exchange) -> Exchange:
        return msgspec.structs.replace(exchange, text=False) if case.operation == "getMe" else exchange

    def without(case: Case, exchange: Exchange) -> Exchange:
        return msgspec.structs.replace(exchange, headers=exchange.headers | {"x-request-id": "of-another"})

    found = Walk(bends=[latin]).judge("answers_conform")
    assert "GET /api/me/ · response · type: JSON in UTF-8 is promised, other bytes came" in found.reason
    assert (
        "· header x-request-id · header: x-request-id request-walk-"
        in Walk(bends=[without]).judge("answers_conform").reason
    )


def test_another_schema() -> None:
    def without_operation(case: Case, exchange: Exchange) -> Exchange:
        if not case.about.get("schema"):
            return exchange
        served = json.loads(exchange.body)
        del served["paths"]["/api/me/"]
        return msgspec.structs.replace(exchange, body=json.dumps(served))

    finding = Walk(bends=[without_operation]).judge("schema_matches_contract")
    assert finding.verdict is Verdict.VIOLATED
    assert "GET /api/me/" in finding.reason


@pytest.mark.parametrize("text", ["no json", "[]", '{"paths": []}', '{"paths": {"/a/": {"get": 3}}}'])
def test_a_schema_that_can_t_be_read_is_another_one(text: str) -> None:
    def other(case: Case, exchange: Exchange) -> Exchange:
        return msgspec.structs.replace(exchange, body=text) if case.about.get("schema") else exchange

    assert Walk(bends=[other]).judge("schema_matches_contract").verdict is Verdict.VIOLATED


def down(case: Case, exchange: Exchange) -> Exchange:
    body = {"type": "about:blank", "title": "Down", "status": 503, "detail": "", "code": "dependency_down"}
    headers = {"content-type": "application/problem+json", "retry-after": "1", "x-request-id": exchange.request_id}
    return msgspec.structs.replace(exchange, status=503, headers=headers, body=json.dumps(body))


def test_the_promised_503_is_fine_in_an_outage_and_only_there() -> None:
    assert Walk(outage=True, bends=[down]).judge("conforms_in_an_outage").verdict is Verdict.HELD
    assert Walk(outage=True).judge("conforms_in_an_outage").verdict is Verdict.HELD
    assert Walk(bends=[down]).judge("answers_conform").verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    "changed",
    [HTML, {"headers": {"content-type": "application/problem+json"}}, {"headers": {"content-type": "text/plain"}}],
)
def test_another_answer_in_an_outage(changed: dict[str, Any]) -> None:
    def bend(case: Case, exchange: Exchange) -> Exchange:
        return msgspec.structs.replace(down(case, exchange), **changed)

    assert Walk(outage=True, bends=[bend]).judge("conforms_in_an_outage").verdict is Verdict.VIOLATED


def test_an_empty_list_is_no_answer_in_an_outage() -> None:
    finding = Walk(outage=True, bends=[field_of("listEvents", "results", [])]).judge("conforms_in_an_outage")
    assert (finding.verdict, "response · ignored" in finding.reason) == (Verdict.VIOLATED, True)


@pytest.mark.parametrize("check", ALL[1:3])
def test_no_answer_is_no_pass(check: str) -> None:
    def silent(case: Case, exchange: Exchange) -> Exchange:
        return msgspec.structs.replace(exchange, status=0, body="", error="ReadTimeout")

    assert Walk(bends=[silent]).judge(check).verdict is Verdict.INCONCLUSIVE


def test_nothing_sent_is_no_pass() -> None:
    for check in ALL:
        assert Walk(outage=True).judge(check).verdict is Verdict.INCONCLUSIVE
    assert Walk().judge("conforms_in_an_outage").verdict is Verdict.INCONCLUSIVE


def test_the_same_seed_and_world_walk_the_same_way() -> None:
    def cases() -> list[Case]:
        kind, seeded = SOURCES["contract_walk"], world()
        params = kind.params.model_validate({"section": "walk", "send": "contract_walk"})
        people = {name: msgspec.to_builtins(person) for name, person in seeded.cast.items()}
        return list(kind.cases(params, Ground(seed=3, world=seeded, people=people, salt="s")))

    assert cases() == cases()
    assert {case.operation for case in cases()} == {*(
        item[method]["operationId"] for item in CONTRACT.document["paths"].values() for method in item
    ), "schema"}  # fmt: skip
