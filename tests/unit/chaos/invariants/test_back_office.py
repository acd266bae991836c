"""The checks of drill 6: a mended back office holds, each flaw is caught, and each cheat of a refactor too."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._source import Ground
from chaos.exchanges.exploits import scene_of
from chaos.exploits import EXPLOITS
from chaos.exploits._exploit import Scene
from chaos.invariants import KINDS
from chaos.invariants._kind import Context
from chaos.model.evidence import Charge, EndState
from chaos.model.exchange import Case, Exchange, Exchanged
from chaos.model.secrets import scrubbed
from chaos.model.verdict import Finding, Verdict
from chaos.model.words import word
from chaos.model.world import SeededEvent, SeededTier, SeededWorld

PEOPLE = {
    who: {"id": number, "username": f"{who}.one", **({"order": f"order-of-{who}"} if number < 3 else {})}
    for number, who in enumerate(("customer", "other", "support", "admin"), 1)
}
WORLD = SeededWorld(
    events=(
        SeededEvent(event_id=1, slug="a", title="A", starts_at="2030-01-01", venue="V", city="C", performers=("P",)),
    ),
    tiers=tuple(
        SeededTier(tier_id=n, event_slug="a", name="Floor", price_cents=2000, capacity=100) for n in range(1, 4)
    ),
)
GROUND = Ground(seed=7, world=WORLD, people=PEOPLE, salt="salted", api="http://127.0.0.1:1")
Answer = Callable[[Case, Scene], tuple[int, Any]]
REFUSALS = "exploits_are_refused"
USES = "back_office_works"


def cases() -> list[Case]:
    source = SOURCES["exploits"]
    return list(source.cases(source.params.model_validate({"section": "all", "send": "exploits"}), GROUND))


def mended(case: Case, scene: Scene) -> tuple[int, Any]:
    """What a back office answers in which everything is right."""
    name, step, mark = case.about.get("exploit") or case.about["use"], case.about["step"], scene.mark
    path, who = case.path, case.identity
    body = json.loads(case.body) if case.body else {}
    if path == "/api/orders/":
        return 202, {"id": "order-new", "amount_cents": 2300 if name == "prices" else 2000}
    if path.startswith("/api/events/"):
        return (404, {}) if word(mark, "half") in path else (200, {"tiers": [{"remaining": 10}]})
    part = path.removeprefix("/api/backoffice/")
    if part == "orders.csv":
        return 200, "order,status,reference,amount_cents\norder-new,pending,'=x,1\n"
    if part.startswith("orders/?") or part == "orders/":
        if who != "support":
            return 403 if who == "customer" else 401, {}
        if "sort=" in part:
            return 400, {}
        return 200, {"results": [{"id": "order-new"}] if part.endswith(f"q={mark}-use") else []}
    if part.startswith("documents/"):
        texts = {"terms.txt": "Terms: x", "refunds.txt": "Refunds: y"}
        text = texts.get(part.partition("name=")[2])
        return (200, text) if text else (404, {})
    if part.startswith("customers/"):
        rows = [{"id": person["id"]} for person in PEOPLE.values() if f"q={person['username']}" in part]
        return 200, rows
    if part.endswith("/receipt/") or "/receipt/?" in part:
        return (200, {"id": f"order-of-{who}"}) if f"order-of-{who}" in part else (404, {})
    if part.startswith("bookings/"):
        return (401, {}) if who == "anonymous" else (200, [{"id": f"order-of-{who}"}])
    if part.endswith("/claim/"):
        return 201, {"code": "SECRET"}
    if part.startswith("claims/"):
        return (200, {"id": "order-of-customer"}) if "<<" in path else (404, {})
    if part.startswith("posters/"):
        return (400, {}) if case.method == "POST" else (405, {})
    if part.endswith("/capacity/"):
        if who != "support":
            return 403, {}
        return (200, {"capacity": (105, 102, 100)[step]}) if name == "capacity" else (400, {})
    if part.startswith("programme/"):
        if name != "evening_on_the_wrong_day":
            return 200, {"events": [word(mark, "use")]}
        there = {"06-11": [word(mark, "evening")], "01-10": [word(mark, "winter")]}
        return 200, {"events": there.get(part[-5:], [])}
    if part == "events/":
        return (400, {}) if name in ("event_in_the_past", "half_an_event") else (201, {"slug": body["slug"]})
    if part.startswith("prices/"):
        return (200, {"changed": 1}) if name == "prices" else (400, {})
    assert part.endswith("/surcharge/"), path
    if name == "refused_charge_booked" and step == 1:
        return 400, {}
    return 201, {"charged_cents": {2100: 2153, 490: 502}.get(body["amount_cents"], 0)}


def played(answer: Answer) -> Exchanged:
    """What is on record when every case is answered so."""
    listed, scene = cases(), scene_of(GROUND)
    exchanges = []
    for number, case in enumerate(listed):
        status, body = answer(case, scene)
        exchanges.append(
            Exchange(
                id=case.id, case=case.id, section=case.section, operation=case.operation, identity=case.identity,
                method=case.method, path=case.path, request_body=case.body, status=status,
                body=body if isinstance(body, str) else json.dumps(body),
                intended=float(number), sent=float(number), ended=number + 0.1,
            )
        )  # fmt: skip
    return Exchanged(cases=tuple(listed), exchanges=tuple(exchanges), queries=(), t0_unix_s=1.0)


LEDGER = (
    Charge(charge_id="c", order_id="order-of-customer", idempotency_key="s", amount_cents=2153, captured_unix_s=2.0),
)


def judged(check: str, answer: Answer, ledger: Sequence[Charge] = LEDGER) -> Finding:
    context = Context(
        state=EndState(charges=list(ledger)),
        t0_unix_s=1.0,
        phases=(),
        history_complete=True,
        world=WORLD,
        exchanges=played(answer),
    )
    kind = KINDS[check]
    return kind.reducer(kind.params()).finish(context)


def test_a_mended_back_office_holds() -> None:
    for check in (REFUSALS, USES):
        found = judged(check, mended)
        assert (found.verdict, found.reason) == (Verdict.HELD, "")


@pytest.mark.parametrize(
    ("cheat", "answer"),
    [
        ("denies everybody", lambda case, scene: (403, {})),
        ("the address is gone", lambda case, scene: (404, {})),
        ("answers 500", lambda case, scene: (500, "oops")),
        ("fixed data", lambda case, scene: (200, {"results": [], "events": [], "capacity": 1, "changed": 1})),
        ("empty lists", lambda case, scene: (200, [])),
    ],
)
def test_a_refactor_that_is_no_back_office_any_more_is_violated(cheat: str, answer: Answer) -> None:
    found = judged(USES, answer)
    assert found.verdict is Verdict.VIOLATED, cheat
    assert found.figures["broken"] >= 8


@pytest.mark.parametrize("status", [500, 503])
def test_a_5xx_is_no_refusal_of_an_exploit(status: int) -> None:
    found = judged(REFUSALS, lambda case, scene: (status, "oops"))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.figures == {"tried": len(EXPLOITS), "succeeded": 0, "unclear": len(EXPLOITS)}


def test_a_removed_address_is_named() -> None:
    found = judged(USES, lambda case, scene: (404, {}) if "/prices/" in case.path else mended(case, scene))
    assert (found.verdict, found.reason) == (Verdict.VIOLATED, "prices: a price that was changed is not counted")


@pytest.mark.parametrize(
    ("name", "step", "answer", "says"),
    [
        ("capacity", 1, {"capacity": 97}, "seats that were added and taken away again are not told so"),
        ("prices", 1, {"id": "o", "amount_cents": 2000}, "a price that was changed is not what an order costs"),
        ("surcharge", 0, {"charged_cents": 0}, "a surcharge of 2100 cents is told as 0"),
    ],
)
def test_a_change_that_is_told_and_not_made_is_violated(name: str, step: int, answer: Any, says: str) -> None:
    def fake(case: Case, scene: Scene) -> tuple[int, Any]:
        told = mended(case, scene)
        return (told[0], answer) if (case.about.get("use"), case.about["step"]) == (name, step) else told

    found = judged(USES, fake)
    assert (found.verdict, found.reason) == (Verdict.VIOLATED, f"{name}: {says}")


def test_a_surcharge_that_the_gateway_does_not_know_is_violated() -> None:
    found = judged(USES, mended, ledger=())
    told = "2153 cents of order order-of-customer are told as charged, and the gateway has no charge"
    assert (found.verdict, found.reason) == (Verdict.VIOLATED, f"surcharge: {told}")


FLAWED: dict[str, tuple[Callable[[Case], bool], Answer]] = {
    "report_without_role": (lambda case: case.identity == "customer", lambda case, scene: (200, {"results": []})),
    "foreign_receipt": (lambda case: "customer=" in case.path, lambda case, scene: (200, {"id": "order-of-other"})),
    "bookings_of_another": (lambda case: True, lambda case, scene: (200, [{"id": "order-of-other"}])),
    "code_computed": (lambda case: case.identity == "anonymous", lambda case, scene: (200, {"id": "order-of-other"})),
    "search_injection": (lambda case: "OR" in case.path, lambda case, scene: (200, {"results": [{"id": "x"}]})),
    "sort_by_secret": (
        lambda case: True,
        lambda case, scene: (200, {"results": [{"id": n} for n in ("ab" if "=-" in case.path else "ba")]}),
    ),
    "document_outside": (lambda case: True, lambda case, scene: (200, "INSTALLED_APPS = []")),
    "request_to_inside": (lambda case: True, lambda case, scene: (200, {"type": "text/html", "size": 3})),
    "formula_in_export": (
        lambda case: case.path.endswith(".csv"),
        lambda case, scene: (200, f'o,pending,"=HYPERLINK(""http://{scene.mark}.invalid"")",1\n'),
    ),
    "password_hash_shown": (lambda case: True, lambda case, scene: (200, [{"id": 1, "password": "pbkdf2_x"}])),
    "unbounded_lookup": (lambda case: True, lambda case, scene: (200, [{"id": n} for n in range(51)])),
    "error_told_to_caller": (lambda case: True, lambda case, scene: (400, {"detail": "DataError('integer')"})),
    "refused_orders_exported": (lambda case: True, lambda case, scene: (200, "order-of-customer,refused,x,1\n")),
    "capacity_below_sold": (lambda case: case.identity == "support", lambda case, scene: (200, {"capacity": 0})),
    "sold_seats_written": (lambda case: case.method == "GET", lambda case, scene: (200, {"tiers": [{"remaining": 3}]})),
    "event_in_the_past": (lambda case: True, lambda case, scene: (201, {})),
    "half_an_event": (lambda case: case.method == "GET", lambda case, scene: (200, {})),
    "evening_on_the_wrong_day": (lambda case: case.method == "GET", lambda case, scene: (200, {"events": []})),
    "half_a_cent": (lambda case: True, lambda case, scene: (201, {"charged_cents": 2152})),
    "refused_charge_booked": (lambda case: True, lambda case, scene: (201, {"charged_cents": 1})),
    "bad_row_passed_over": (lambda case: True, lambda case, scene: (200, {"changed": 1})),
    "capacity_by_customer": (lambda case: case.identity == "customer", lambda case, scene: (200, {"capacity": 1})),
}


@pytest.mark.parametrize("name", sorted(FLAWED))
def test_each_flaw_alone_is_caught_by_its_exploit_and_by_no_other(name: str) -> None:
    here, answer = FLAWED[name]

    def flawed(case: Case, scene: Scene) -> tuple[int, Any]:
        return answer(case, scene) if case.about.get("exploit") == name and here(case) else mended(case, scene)

    found = judged(REFUSALS, flawed)
    assert found.verdict is Verdict.VIOLATED
    assert found.reason.startswith(f"{name}: ")
    assert found.figures["succeeded"] == 1


@pytest.mark.parametrize(
    "body", [[{"id": 1, "secret": "pbkdf2_sha256$1000$salt$hash"}], [[1, "argon2$argon2id$v=19$m=1"]]]
)
def test_a_hash_under_another_name_is_shown_by_what_evidence_keeps_of_it(body: Any) -> None:
    """Evidence holds no hash, but it says that there was one."""

    def flawed(case: Case, scene: Scene) -> tuple[int, Any]:
        shows = case.about.get("exploit") == "password_hash_shown"
        return (200, scrubbed(json.dumps(body))) if shows else mended(case, scene)

    assert judged(REFUSALS, flawed).reason.startswith("password_hash_shown: customers come with a hash by ")


def test_an_error_in_words_for_people_tells_nothing() -> None:
    def sound(case: Case, scene: Scene) -> tuple[int, Any]:
        told = case.about.get("exploit") == "error_told_to_caller"
        return (400, {"detail": "delta is out of range"}) if told else mended(case, scene)

    assert judged(REFUSALS, sound).verdict is Verdict.HELD


def test_there_is_a_case_of_each_exploit() -> None:
    assert set(FLAWED) == set(EXPLOITS)


def test_the_same_seed_sends_the_same_requests() -> None:
    assert cases() == cases()
