"""What the journeys about accounts send, in which state, and how they read the answers."""

from __future__ import annotations

import json
import re
from collections import Counter

import msgspec
import pytest

from chaos.config import CHECKOUT
from chaos.model import access
from chaos.model.history import Outcome, fingerprint
from loadtests.accounts import PairReader, read_account, refusing
from loadtests.journey import Call, Journey, Reading
from loadtests.journeys.change_password import ChangePassword
from loadtests.journeys.escalate import Escalate
from loadtests.journeys.foreign_order import ForeignOrder, read_orders
from loadtests.journeys.forged import Forged
from loadtests.journeys.login import Login
from loadtests.journeys.login_attack import GUESSES, LoginAttack
from loadtests.journeys.matrix import Matrix, cells
from loadtests.journeys.me import Me
from loadtests.journeys.refresh import AFTER_EXPIRY_S, Refresh
from loadtests.journeys.refresh_race import RACERS, RefreshRace
from loadtests.journeys.reuse import Reuse
from loadtests.journeys.revoke import Revoke
from loadtests.journeys.support_list import SupportList
from loadtests.world import World, WorldCustomer, WorldEvent, WorldPerson, WorldTier
from tests.unit.loadtests.test_journeys import FakeHttp, arrival, plan

TABLE = (CHECKOUT / access.TABLE).read_text()
ROWS = access.parse(TABLE)


def person(id_: int, name: str, **more: str) -> WorldPerson:
    return WorldPerson(id=id_, username=name, access=f"a-{name}", refresh=f"r-{name}", **more)


WORLD = World(
    variant="naive",
    password="pw",
    events=(WorldEvent(id=1, slug="gig"),),
    tiers=(WorldTier(id=4, event_slug="gig", capacity=10),),
    customers=tuple(WorldCustomer(id=n, username=f"c{n}", access=f"a{n}", refresh=f"r{n}") for n in range(1, 21)),
    cast={
        "customer": person(101, "customer", order="o-1", stale="s"),
        "other": person(102, "other", order="o-2"),
        "support": person(103, "support"),
        "admin": person(104, "admin"),
    },
    bad_tokens={"alg_none": "n", "expired_just_now": "e", "deleted": "d"},
    access_lifetime_s=5,
    routes=tuple(sorted({row.template for row in ROWS})),
)


class AnsweringHttp(FakeHttp):
    """Lets the call read a whole answer, as the real client does, and takes some time."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        super().__init__()
        self.script = list(answers)

    def exchange(self, call: Call) -> Reading:
        self.calls.append(call)
        self.at_s += 0.01
        status, body = self.script.pop(0) if self.script else (200, {"id": call.customer})
        return call.read(status, msgspec.json.encode(body))


def made(kind: type[Journey], http: FakeHttp, count: int = 1, world: World = WORLD) -> list[Call]:
    journey = kind(plan=plan(access_table=TABLE), world=world, http=http)
    for index in range(count):
        journey.run(arrival(index))
    return http.calls


PAIR = {"access": "new-access", "refresh": "new-refresh"}


def test_the_own_account_says_whose_it_is() -> None:
    (call,) = made(Me, AnsweringHttp())
    assert (call.op, call.state, call.main) == ("me", "valid", True)
    assert read_account(200, b'{"id": 7}') == Reading(Outcome.OK, shown=7)
    assert read_account(200, b"<html>").outcome is Outcome.INFO
    assert read_account(401, b"{}").outcome is Outcome.FAIL


def test_who_must_be_let_in_is_nobody_whose_session_or_name_is_being_used_up() -> None:
    spent = {call.customer for call in made(Revoke, AnsweringHttp(*[(204, {})] * 90), 18) if call.customer}
    attacked = {call.token for call in made(LoginAttack, AnsweringHttp(*[(401, {})] * 400), 18)}
    for journey in (Me, Login):
        calls = made(journey, AnsweringHttp(*[(200, PAIR)] * 60), 60)
        assert {call.customer for call in calls} == {19, 20}
        assert not {call.customer for call in calls} & spent
        assert not {f"c{call.customer}" for call in calls} & attacked


def test_a_session_is_used_before_and_after_its_access_token_expired() -> None:
    http = AnsweringHttp((200, PAIR), (200, {"id": 1}), (401, {}), (200, PAIR), (200, {"id": 1}))
    calls = made(Refresh, http)
    assert [(call.op, call.state) for call in calls] == [
        ("refresh", "valid"),
        ("use", "valid"),
        ("use", "expired"),
        ("renew", "valid"),
        ("use", "valid"),
    ]
    assert {call.token for call in calls} == {fingerprint("r1")}, "one session from begin to end"
    expired = calls[2]
    assert expired.expires is not None
    assert expired.intended >= expired.expires + AFTER_EXPIRY_S - 0.001
    assert expired.expires >= 5.0, "counted from the answer that brought the token"
    assert json.loads(calls[3].body) == {"refresh": "new-refresh"}


def test_a_refused_refresh_ends_the_journey_and_a_session_is_never_shared() -> None:
    assert len(made(Refresh, AnsweringHttp((401, {})))) == 1
    with pytest.raises(ValueError, match="got 20 customers, expected one for every arrival"):
        made(Refresh, AnsweringHttp(), 21)


def test_racers_send_the_same_token() -> None:
    calls = made(RefreshRace, AnsweringHttp(*[(401, {})] * RACERS))
    assert len({(call.body, call.key, call.token) for call in calls}) == 1
    assert Counter((call.main, call.attempt == 1) for call in calls) == {(True, True): 1, (False, False): RACERS - 1}
    assert calls[0].read(401, b"{}").refused
    assert calls[0].read(200, msgspec.json.encode(PAIR)).issued == fingerprint("new-refresh")


def test_after_the_logout_the_tokens_are_tried_again_and_again() -> None:
    http = AnsweringHttp((204, None))
    calls = made(Revoke, http)
    assert [call.state for call in calls] == ["ends_session"] + ["revoked"] * 5
    assert calls[-1].op == "renew"
    assert len({call.token for call in calls}) == 1
    assert http.at_s >= 6.0


@pytest.mark.parametrize("status", [401, 503])
def test_a_logout_that_was_not_acknowledged_revokes_nothing(status: int) -> None:
    assert len(made(Revoke, AnsweringHttp((status, {})))) == 1
    assert len(made(ChangePassword, AnsweringHttp((status, {})))) == 1


def test_a_new_password_needs_the_present_one() -> None:
    calls = made(ChangePassword, AnsweringHttp())
    assert json.loads(calls[0].body) == {"password": "pw-new", "current_password": "pw"}
    assert [call.state for call in calls] == ["ends_session", "revoked", "revoked"]


def test_a_reused_token_revokes_what_the_first_use_gave() -> None:
    calls = made(Reuse, AnsweringHttp((200, PAIR), (401, {}), (200, {"id": 1}), (200, PAIR)))
    assert [(call.op, call.state, call.attempt) for call in calls] == [
        ("reuse", "valid", 1),
        ("reuse", "used_up", 2),
        ("use", "revoked", 1),
        ("renew", "revoked", 1),
    ]
    assert b"new-access" in calls[2].head
    assert len(made(Reuse, AnsweringHttp((200, PAIR), (200, PAIR)))) == 2, "no refusal, no revocation"


def test_every_bad_token_in_its_state() -> None:
    calls = made(Forged, AnsweringHttp(*[(401, {})] * 4), 4)
    assert [(call.state, call.expires) for call in calls] == [
        ("forged_alg_none", None),
        ("revoked", None),
        ("expired", -1.0),
        ("forged_stale_role", None),
    ]
    assert b"/api/admin/sales/" in calls[3].head
    assert calls[3].read(200, b'[{"sold": 3}]').outcome is Outcome.OK, (
        "a list of sales is nobody's account, but an answer"
    )
    assert calls[0].read(200, b'[{"sold": 3}]').outcome is Outcome.INFO


def test_refresh_tokens_of_accounts_that_are_gone() -> None:
    world = msgspec.structs.replace(WORLD, bad_refreshes={"deleted": "gone-refresh"})
    *_, call = made(Forged, AnsweringHttp(*[(401, {})] * 5), 5, world)
    assert (call.state, call.token, call.main) == ("revoked", "refresh_of_deleted", True)
    assert call.head.startswith(b"POST /api/auth/refresh/ ")
    assert b"gone-refresh" in call.body
    assert call.read(401, b"{}").refused
    assert call.read(200, b'{"access": "a"}').outcome is Outcome.OK, "let in: that is what the check looks for"
    assert call.read(500, b"").outcome is Outcome.INFO


def test_an_order_of_somebody_else_and_the_owners_own() -> None:
    order = {"id": "o-1"}
    calls = made(ForeignOrder, AnsweringHttp((404, {}), (200, order), (200, {"results": []})))
    assert [(call.op, call.state, call.order) for call in calls] == [
        ("foreign_order", "foreign", "o-1"),
        ("own_order", "valid", "o-1"),
        ("own_list", "valid", ""),
    ]
    assert calls[0].customer == 102
    read = read_orders({"o-1": 101, "o-2": 102}, 101)
    assert read(200, b'{"id": "o-2"}') == Reading(Outcome.OK, order="o-2", shown=102)
    assert read(200, b'{"results": [{"id": "o-1"}, {"id": "o-2"}]}').shown == 102, "a foreign one goes first"
    assert read(200, b"[]").shown == 101
    assert read(200, b'"text"').outcome is Outcome.INFO


def test_staff_gets_in_and_the_customer_tries() -> None:
    calls = made(SupportList, AnsweringHttp(), 10)
    assert Counter((call.op, call.state) for call in calls) == {
        ("support_list", "valid"): 10,
        ("trespass", "unprivileged"): 10,
    }
    assert {call.customer for call in calls if call.main} == {103, 104}


def test_who_asks_to_be_an_admin_logs_in_anew_to_see() -> None:
    calls = made(Escalate, AnsweringHttp((200, {"id": 1}), (200, PAIR), (403, {})))
    assert json.loads(calls[0].body) == {"role": "admin"}
    assert [call.state for call in calls] == ["", "valid", "unprivileged"]
    assert b"new-access" in calls[2].head
    assert calls[0].read(400, b"{}").refused


def test_guesses_go_out_beside_each_other_for_a_name_of_their_own() -> None:
    calls = made(LoginAttack, AnsweringHttp(*[(401, {"detail": "no"})] * 40), 2)
    names = Counter((call.token, call.state) for call in calls)
    assert {name: times for name, times in names.items() if name[1] == "guess"} == {
        ("c1", "guess"): GUESSES,
        ("c2", "guess"): GUESSES,
    }
    unknown = {token for token, state in names if state == "guess_unknown"}
    assert len(unknown) == 2
    assert not unknown & {customer.username for customer in WORLD.customers}
    assert all(re.fullmatch(r"c\d+", name) for name in unknown), "as the names that people have"
    assert len({call.body for call in calls if call.token == "c1"}) == GUESSES
    assert calls[0].read(429, b"wait").refused
    assert calls[0].read(401, b"x").digest == fingerprint("x")


def test_refusals_that_are_expected_are_answers() -> None:
    read = refusing(401)(PairReader())
    assert read(401, b"{}").refused
    assert not read(403, b"{}").refused
    assert read(500, b"{}").outcome is Outcome.INFO


def test_the_matrix_has_a_cell_for_everybody_and_every_method() -> None:
    found = {cell.name: cell for cell in cells(ROWS, WORLD)}
    assert found["GET /api/me/ anonymous"].expects == (401,)
    assert found["GET /api/me/ customer"].expects == (200,)
    assert found["GET /api/me/ alg_none"].expects == (401,)
    assert found["GET /api/me/ alg_none"].token == "n"
    assert found["GET /api/admin/sales/ customer with an admin's claim"].expects == (403,)
    assert found["GET /api/orders/{foreign_order}/ customer"].path == "/api/orders/o-2/"
    assert found["DELETE /api/me/ admin"].expects == (401, 403, 404, 405)
    assert not any(cell.expects == () for cell in found.values())


def test_an_address_without_a_row_is_asked_and_expects_nothing() -> None:
    world = msgspec.structs.replace(WORLD, routes=(*WORLD.routes, "/api/debug/{}/"))
    assert [cell.name for cell in cells(ROWS, world) if not cell.expects] == ["GET /api/debug/{}/ admin"]


def test_the_matrix_begins_anew_in_every_phase_and_goes_round() -> None:
    http = AnsweringHttp()
    journey = Matrix(plan=plan(access_table=TABLE), world=WORLD, http=http)
    total = len(cells(ROWS, WORLD))
    for index in range(total):
        journey.run(arrival(index))
    keys = [call.key for call in http.calls]
    assert keys[0].startswith(f"1/{total} ")
    assert len(set(keys)) == total
    later = arrival(total)
    later.phase = 1
    journey.run(later)
    assert http.calls[-3].key == keys[0]


def test_only_a_session_of_its_own_is_logged_out() -> None:
    http = AnsweringHttp()
    journey = Matrix(plan=plan(access_table=TABLE), world=WORLD, http=http)
    for index in range(len(cells(ROWS, WORLD)) // 3 + 1):
        journey.run(arrival(index % 20))
    out = [call for call in http.calls if call.key.split(" ", 1)[1] == "POST /api/auth/logout/ customer"]
    assert out
    assert all(call.customer is not None and call.customer <= 20 for call in out)
