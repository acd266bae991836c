from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest

from chaos.model.disguise import intent_key
from chaos.model.history import Outcome
from chaos.model.loadplan import LoadPlan
from chaos.model.operations import OPERATIONS
from chaos.model.world import EventSeen, TierSeen, page_digest
from loadtests.draws import Draws, Stream
from loadtests.journey import Arrival, Call, Journey, Reading, series_of
from loadtests.journeys import discover
from loadtests.journeys.browse import Browse
from loadtests.journeys.buy import Buy, of_order, read_accepted, read_clicked_twice, read_order
from loadtests.journeys.buy_and_cancel import BuyAndCancel, read_cancelled
from loadtests.journeys.detail import Detail
from loadtests.journeys.live import Live
from loadtests.journeys.login import BothTokens, Login
from loadtests.journeys.resubmit import Resubmit, read_other_body
from loadtests.pages import read_event, read_page
from loadtests.world import World, WorldCustomer, WorldEvent, WorldTier

WORLD = World(
    variant="naive",
    password="pw",
    events=(WorldEvent(id=1, slug="e"),),
    tiers=tuple(WorldTier(id=n, event_slug="e", capacity=10, hot=n == 1) for n in range(1, 6)),
    customers=tuple(WorldCustomer(id=n, username=f"c{n}", access=f"t{n}") for n in range(1, 51)),
)


class FakeHttp:
    """Answers from a script; time passes only in `sleep_until`."""

    def __init__(self, *answers: Reading) -> None:
        self.answers = list(answers)
        self.calls: list[Call] = []
        self.at_s = 0.0
        self.down_at_s = float("inf")

    def head(self, method: str, path: str, *, headers: dict[str, str] | None = None, length: int = 0) -> bytes:
        return f"{method} {path} {headers or {}} {length}".encode()

    def exchange(self, call: Call) -> Reading:
        self.calls.append(call)
        return self.answers.pop(0) if self.answers else Reading(Outcome.OK, order="o-1", order_status="paid")

    def beside(self, call: Call) -> Callable[[], Reading]:
        return lambda: self.exchange(call)

    def now_s(self) -> float:
        return self.at_s

    def sleep_until(self, at_s: float) -> None:
        self.at_s = at_s

    def winding_down(self) -> bool:
        return self.at_s > self.down_at_s


def plan(**changes: object) -> LoadPlan:
    fields = {
        "run_id": "r",
        "scenario": "s",
        "variant": "naive",
        "seed": 7,
        "t0_unix_s": 0.0,
        "base_url": "http://127.0.0.1:1",
        "world_file": "",
        "out_dir": "",
        "phases": [],
        **changes,
    }
    return LoadPlan(**fields)  # type: ignore[arg-type]


def arrival(index: int = 0) -> Arrival:
    return Arrival(index=index, intended=1.5, phase=0, draws=Draws(7, index, Stream.JOURNEY))


def made(kind: type[Journey], http: FakeHttp, count: int = 1, **changes: object) -> list[Call]:
    journey = kind(plan=plan(**changes), world=WORLD, http=http)
    for index in range(count):
        journey.run(arrival(index))
    return http.calls


def event(**changes: object) -> bytes:
    """A page of one event, as the API shows it."""
    tier = {"id": 2, "name": "Floor", "price_cents": 4200, "capacity": 100, "remaining": 93}
    shown = {
        "id": 1,
        "slug": "gig",
        "title": "A with B",
        "starts_at": "2026-12-24T20:00:00+01:00",
        "venue": {"id": 1, "name": "Hall", "city": "Cork"},
        "performers": [{"id": 2, "name": "B"}, {"id": 1, "name": "A"}],
        "tiers": [tier, {**tier, "id": 1, "name": "Front", "remaining": 100}],
    }
    return json.dumps({**shown, **changes}).encode()


def test_a_page_is_read_in_one_order_whatever_the_answers_was() -> None:
    seen = read_event(200, event())
    assert seen.page is not None
    assert seen.page[0] == EventSeen(
        1,
        "gig",
        "A with B",
        "2026-12-24T19:00:00Z",
        "Hall",
        "Cork",
        ("A", "B"),
        (TierSeen(1, "Front", 4200, 100), TierSeen(2, "Floor", 4200, 100)),
    )
    assert (seen.seats, seen.seen) == ("0 7", page_digest(seen.page))
    for body in (b'{"count": 1, "results": [' + event() + b"]}", b"[" + event() + b"]"):
        listed = read_page(200, body)
        assert (listed.seen, listed.seats, listed.page) == (seen.seen, seen.seats, seen.page)
    assert read_page(200, b"[" + event(title="C") + b"]").seen != seen.seen


def test_every_file_is_a_journey_under_its_own_name() -> None:
    journeys = discover()
    assert set(journeys) == set(OPERATIONS)
    for name, journey in journeys.items():
        again = {f"{op}_again" for op in (name, *journey.follow_ups)}
        other = tuple(follow_up for follow_up in journey.follow_ups if follow_up not in again)
        assert other == OPERATIONS[name].follow_ups


def test_browse_is_one_anonymous_request() -> None:
    (call,) = made(Browse, FakeHttp())
    assert (call.op, call.method, call.main, call.customer, call.key) == ("browse", "GET", True, None, "")
    assert call.head.startswith(b"GET /api/events/ ")


def test_live_and_detail_are_anonymous_requests() -> None:
    (live,) = made(Live, FakeHttp())
    assert (live.op, live.customer) == ("live", None)
    assert live.head.startswith(b"GET /live ")
    details = made(Detail, FakeHttp(), count=30)
    asked = {call.head.split()[1].decode() for call in details}
    assert asked == {f"/api/events/{event.slug}/" for event in WORLD.events}


def test_an_event_has_tiers() -> None:
    assert read_event(200, event()).outcome is Outcome.OK
    assert read_event(200, event(tiers=[])).reason == "bad_body"
    assert read_event(200, b'{"slug": "x", "tiers": [0]}').reason == "bad_body"
    assert read_event(503, b"").reason == "http_503"


def test_login_sends_the_customers_password() -> None:
    (call,) = made(Login, FakeHttp())
    body = json.loads(call.body)
    assert body == {"username": f"c{call.customer}", "password": "pw"}


class LoggingIn(FakeHttp):
    """Reads each answer as the journey would have it read."""

    def exchange(self, call: Call) -> Reading:
        self.calls.append(call)
        return call.read(200, b'{"access": "acc", "refresh": "ref", "id": 1}')


def test_a_token_from_a_login_is_used() -> None:
    login, use = made(Login, LoggingIn())
    assert (use.op, use.main, use.state, use.customer) == ("use", False, "valid", login.customer)
    assert b"GET /api/me/ {'Authorization': 'Bearer acc'}" in use.head


def test_an_order_carries_key_reference_and_token() -> None:
    (call,) = made(Buy, FakeHttp(), double_click_ratio=0.0)
    body = json.loads(call.body)
    assert call.key == body["reference"] == intent_key("", 0)
    assert (call.tier, call.quantity) == (body["tier"], body["quantity"])
    assert f"'Authorization': 'Bearer t{call.customer}', 'Idempotency-Key': '{call.key}'".encode() in call.head
    assert (call.intended, call.main, call.attempt) == (1.5, True, 1)


def test_demand_depends_on_seed_and_arrival_alone() -> None:
    slow = Reading(Outcome.OK, order="o", order_status="pending")

    def demand(*answers: Reading) -> list[tuple[object, ...]]:
        calls = made(Buy, FakeHttp(*answers), 200)
        return [(c.key, c.customer, c.tier, c.quantity, c.attempt) for c in calls if c.op == "buy"]

    assert demand() == demand(*[slow] * 500)
    keys = [row[0] for row in demand() if row[4] == 1]
    assert len(set(keys)) == 200


def test_demand_has_its_shares() -> None:
    calls = made(Buy, FakeHttp(), 4000, double_click_ratio=0.2)
    firsts = [call for call in calls if call.attempt == 1]
    tiers = Counter(call.tier for call in firsts)
    assert tiers[1] / 4000 == pytest.approx(0.9, abs=0.03)
    assert min(tiers[n] for n in range(2, 6)) > 50
    assert Counter(call.quantity for call in firsts).keys() == {1, 2}
    assert sum(1 for call in calls if call.attempt == 2) / 4000 == pytest.approx(0.2, abs=0.03)
    assert len({call.customer for call in firsts}) == 50


def test_a_double_click_is_the_identical_request() -> None:
    http = FakeHttp()
    first, second = made(Buy, http, double_click_ratio=1.0)
    assert (second.head, second.body, second.key, second.intended) == (
        first.head,
        first.body,
        first.key,
        first.intended,
    )
    assert {(call.main, call.attempt, series_of(call)) for call in (first, second)} == {
        (True, 1, "buy"),
        (False, 2, "buy_again"),
    }


def test_polls_stop_at_a_final_status() -> None:
    pending = Reading(Outcome.OK, order="o-1", order_status="pending")
    http = FakeHttp(
        pending, pending, Reading(Outcome.INFO, reason="timeout"), Reading(Outcome.OK, "", "", "o-1", "paid")
    )
    calls = made(Buy, http, double_click_ratio=0.0, poll_budget=9, poll_every_s=0.5)
    assert [call.op for call in calls] == ["buy", "poll", "poll", "poll"]
    assert [call.intended for call in calls[1:]] == [0.5, 1.0, 1.5]
    assert {(call.order, call.main, call.key) for call in calls[1:]} == {("o-1", False, "")}
    assert calls[1].head.startswith(b"GET /api/orders/o-1/ ")


def test_polls_have_a_budget_and_end_with_the_run() -> None:
    pending = [Reading(Outcome.OK, order="o-1", order_status="pending")] * 20
    assert len(made(Buy, FakeHttp(*pending), double_click_ratio=0.0, poll_budget=3)) == 1 + 3
    http = FakeHttp(*pending)
    http.down_at_s = 0.75
    assert len(made(Buy, http, double_click_ratio=0.0, poll_budget=9, poll_every_s=0.5)) == 1 + 1


def test_a_refused_buyer_does_not_poll() -> None:
    refused = Reading(Outcome.FAIL, refused=True, reason="sold_out")
    assert len(made(Buy, FakeHttp(refused), double_click_ratio=0.0)) == 1


def test_the_second_clicks_order_is_followed_when_the_first_was_told_to_wait() -> None:
    http = FakeHttp(
        Reading(Outcome.FAIL, refused=True, reason="key_in_flight"),
        Reading(Outcome.OK, order="o-2", order_status="pending"),
    )
    calls = made(Buy, http, double_click_ratio=1.0)
    assert [call.order for call in calls if call.op == "poll"] == ["o-2"]


def test_the_order_is_cancelled_and_looked_at() -> None:
    http = FakeHttp(
        Reading(Outcome.OK, order="o-1", order_status="pending"),
        Reading(Outcome.OK, order="o-1", order_status="cancelled"),
        Reading(Outcome.OK, order="o-1", order_status="cancelled"),
    )
    order, cancel, poll = made(BuyAndCancel, http, double_click_ratio=0.0)
    assert [(call.op, call.main) for call in (order, cancel, poll)] == [
        ("buy_and_cancel", True), ("cancel", False), ("poll", False),
    ]  # fmt: skip
    assert (order.key, order.tier is not None, cancel.key, cancel.tier) == (intent_key("", 0), True, "", None)
    assert cancel.head.startswith(b"POST /api/orders/o-1/cancel/ ")
    assert {call.order for call in (cancel, poll)} == {"o-1"}
    assert {call.customer for call in http.calls} == {order.customer}


def test_many_cancel_while_the_charge_may_be_under_way_and_some_much_later() -> None:
    pauses = []
    for index in range(200):
        http = FakeHttp()
        BuyAndCancel(plan=plan(double_click_ratio=0.0), world=WORLD, http=http).run(arrival(index))
        pauses.append(http.calls[1].intended)
    assert sum(pause < 0.4 for pause in pauses) > 120
    assert max(pauses) > 1.0


def test_a_cancel_may_be_clicked_twice_and_nobody_cancels_what_was_refused() -> None:
    calls = made(BuyAndCancel, FakeHttp(), double_click_ratio=1.0)
    assert [series_of(call) for call in calls] == ["buy_and_cancel", "cancel", "cancel_again", "poll"]
    refused = Reading(Outcome.FAIL, refused=True, reason="sold_out")
    assert len(made(BuyAndCancel, FakeHttp(refused))) == 1


def test_the_same_request_three_times_and_another_one_under_its_key() -> None:
    first, second, third, other, look = made(Resubmit, FakeHttp())
    assert (look.op, look.order, look.intended) == ("poll", "o-1", 2.0)
    assert [call.attempt for call in (first, second, third, other)] == [1, 2, 3, 4]
    assert [call.main for call in (first, second, third, other)] == [True, False, False, False]
    assert {call.key for call in (first, second, third, other)} == {intent_key("", 0)}
    assert first.body == second.body == third.body
    assert first.head == second.head == third.head
    assert {first.quantity, other.quantity} == {1, 2}
    assert json.loads(other.body) == {**json.loads(first.body), "quantity": other.quantity}


def test_who_got_no_order_does_not_go_on() -> None:
    refused = Reading(Outcome.FAIL, refused=True, reason="sold_out")
    assert len(made(Resubmit, FakeHttp(refused, refused))) == 2


ORDER = b'{"id":"7b0c-1","status":"pending","amount_cents":100}'
SHOWN = Reading(Outcome.OK, order="7b0c-1", order_status="pending", seen="?/?/100/?")


@pytest.mark.parametrize(
    ("read", "status", "body", "expected"),
    [
        (read_accepted, 202, ORDER, SHOWN),
        (read_accepted, 200, ORDER, SHOWN),
        (read_accepted, 202, b'{"status":"pending"}', Reading(Outcome.INFO, reason="bad_body")),
        (read_accepted, 202, b'{"id":7,"status":"pending"}', Reading(Outcome.INFO, reason="bad_body")),
        (read_accepted, 202, b'{"id":"a b\\r\\n","status":"pending"}', Reading(Outcome.INFO, reason="bad_body")),
        (read_accepted, 202, b"<html>", Reading(Outcome.INFO, reason="bad_body")),
        (read_accepted, 202, b"\xff", Reading(Outcome.INFO, reason="bad_body")),
        (read_accepted, 409, b'{"code":"sold_out"}', Reading(Outcome.FAIL, refused=True, reason="sold_out")),
        (
            read_cancelled,
            409,
            b'{"code":"not_cancellable"}',
            Reading(Outcome.FAIL, refused=True, reason="not_cancellable"),
        ),
        (read_cancelled, 404, b'{"code":"not_found"}', Reading(Outcome.FAIL, reason="not_found")),
        (read_other_body, 422, b'{"code":"key_reused"}', Reading(Outcome.FAIL, refused=True, reason="key_reused")),
        (read_accepted, 422, b'{"code":"key_reused"}', Reading(Outcome.FAIL, reason="key_reused")),
        (read_accepted, 409, b'{"code":"key_in_flight"}', Reading(Outcome.FAIL, reason="key_in_flight")),
        (read_clicked_twice, 409, b'{"code":"key_in_flight"}', Reading(Outcome.FAIL, True, "key_in_flight")),
        (read_accepted, 422, b'{"code":"sold_out"}', Reading(Outcome.FAIL, reason="sold_out")),
        (read_accepted, 400, b"[]", Reading(Outcome.FAIL, reason="http_400")),
        (read_accepted, 500, b'{"code":"sold_out"}', Reading(Outcome.INFO, reason="http_500")),
        (read_accepted, 302, b"", Reading(Outcome.INFO, reason="http_302")),
        (read_order, 409, b'{"code":"sold_out"}', Reading(Outcome.FAIL, reason="sold_out")),
        (read_page, 200, b'{"results":[0]}', Reading(Outcome.INFO, reason="bad_body")),
        (read_page, 200, b'[{"id":1}]', Reading(Outcome.INFO, reason="bad_body")),
        (read_page, 200, b'{"results":[]}', Reading(Outcome.INFO, reason="bad_body")),
        (read_page, 200, b"{}", Reading(Outcome.INFO, reason="bad_body")),
        (read_page, 404, b"", Reading(Outcome.FAIL, reason="http_404")),
        (BothTokens(), 200, b'{"access":"a","refresh":"r"}', Reading(Outcome.OK, issued="454349e422f05297")),
        (BothTokens(), 200, b'{"access":"a"}', Reading(Outcome.INFO, reason="bad_body")),
        (BothTokens(), 401, b'{"code":"no_active_account"}', Reading(Outcome.FAIL, reason="no_active_account")),
    ],
)
def test_readings(read: Callable[[int, bytes], Reading], status: int, body: bytes, expected: Reading) -> None:
    assert read(status, body) == expected


def test_who_asks_for_an_order_is_not_told_of_another() -> None:
    read = of_order("7b0c-1", read_order)
    assert read(200, ORDER) == SHOWN
    assert of_order("7b0c-2", read_order)(200, ORDER).reason == "bad_body"
    assert read(404, b"").reason == "http_404"
