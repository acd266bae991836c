"""The pictures of `chaos.evidence.safety` show what the checks measure: the same operations and end state to both."""

import msgspec
import pytest

from chaos.evidence.safety.picture import CLIENTS, END_STATE, End, Known, SeatedWorld
from chaos.evidence.safety.read import DRAWINGS
from chaos.invariants import KINDS
from chaos.model.history import Outcome

T0_UNIX_S = 1_000_000.0


def drawn(check, built, *, ended=True):
    """The picture of a check, from what its invariant is judged by."""
    drawing = DRAWINGS[check]()
    for op in built.operations:
        drawing.feed(op)
    seeded = getattr(built, "seeded", None)
    world = SeatedWorld() if seeded is None else msgspec.convert(msgspec.to_builtins(seeded), SeatedWorld)
    end = msgspec.convert(msgspec.to_builtins(built.state), End) if ended else None
    return drawing.picture(Known(world=world, end=end, t0_unix_s=T0_UNIX_S))


def test_every_picture_is_of_a_check_that_there_is():
    assert DRAWINGS.keys() <= KINDS.keys()


def test_seats_are_those_that_the_check_counts(world):
    for number in range(12):
        world.bought(f"k{number}", at_s=number / 10)
    found, figures = drawn("no_oversell", world), world.judge("no_oversell").figures
    assert (found.curves[0].last, found.limit) == (figures["seats_taken"], figures["capacity"]) == (12, 10)
    assert found.beyond
    assert found.said == "12 of 10 seats taken"
    assert found.source == END_STATE


def test_a_refused_order_takes_no_seat_in_the_end(world):
    world.bought("a", quantity=9)
    world.bought("b", quantity=4, status="refused")
    found = drawn("no_oversell", world)
    assert (found.curves[0].last, found.beyond) == (9, False)
    assert world.judge("no_oversell").figures["seats_taken"] == 9


def test_before_the_end_seats_are_what_clients_were_told(world):
    world.bought("a", quantity=4, at_s=1.0)
    world.bought("b", quantity=3, at_s=2.0)
    world.asked("poll", "order-b", "refused", at_s=5.0)
    found = drawn("no_oversell", world, ended=False)
    assert found.curves[0].points == ((1.1, 4), (2.1, 7), (5.1, 4))
    assert (found.source, found.beyond) == (CLIENTS, False)


def test_an_order_told_twice_takes_its_seats_once(world):
    world.ask("a", Outcome.OK, at_s=1.0, order="o", quantity=2, status=202)
    world.ask("a", Outcome.OK, at_s=2.0, order="o", quantity=2, status=202)
    assert drawn("no_oversell", world, ended=False).curves[0].last == 2


def test_a_second_charge_for_one_intent_is_drawn_as_one_too_many(world):
    world.bought("a")
    world.charge("order-a", "another-key")
    world.bought("b")
    found, figures = drawn("charged_exactly_once", world), world.judge("charged_exactly_once").figures
    assert {curve.name: curve.last for curve in found.curves} == {
        "orders accepted": 2, "charges": figures["charges"], "charged again": figures["intents_doubled"],
    }  # fmt: skip
    assert found.beyond
    assert [curve.bad for curve in found.curves] == [False, False, True]


def test_two_orders_for_one_intent_are_one_order_with_two_charges(world):
    world.ask("a", Outcome.OK, order="o1", status=202)
    world.ask("a", Outcome.OK, order="o2", status=202)
    for order_id in ("o1", "o2"):
        world.order(order_id, "a")
        world.charge(order_id, f"key-{order_id}")
    assert drawn("charged_exactly_once", world).said == "2 charges for 1 accepted order, 1 too many"


def test_without_the_ledger_there_are_orders_and_no_word_on_charges(world):
    world.bought("a")
    world.state.missing["charges"] = "no answer"
    found = drawn("charged_exactly_once", world)
    assert [curve.name for curve in found.curves] == ["orders accepted"]
    assert (found.said, found.source) == ("1 order accepted", CLIENTS)


def test_tokens_after_revocation_are_those_that_the_check_counts(accounts):
    accounts.ask("ends_session", 204, op="revoke", token="s", at_s=1.0)
    accounts.ask("revoked", 200, token="s", at_s=1.05)
    accounts.ask("revoked", 401, token="s", at_s=1.5)
    accounts.ask("revoked", 200, token="s", at_s=2.0)
    check = "no_accepted_after_revocation"
    found, figures = drawn(check, accounts), accounts.judge(check).figures
    assert {curve.name: curve.last for curve in found.curves} == {
        "accepted after revocation": figures["accepted"], "refused": figures["refused"],
    }  # fmt: skip
    assert found.beyond
    assert found.curves[0].points == ((2.0, 1),)


@pytest.mark.parametrize(
    ("check", "state", "op", "figure"),
    [
        ("no_forged_accepted", "forged_none", "forged", "accepted"),
        ("no_privilege_gained", "unprivileged", "trespass", "gained"),
        ("no_foreign_object_seen", "foreign", "foreign_order", "foreign"),
    ],
)
def test_doors_count_what_the_check_counts(accounts, check, state, op, figure):
    for status in (200, 403, 503, 200, 404):
        accounts.ask(state, status, op=op, customer=4)
    found, figures = drawn(check, accounts), accounts.judge(check).figures
    assert (found.curves[0].last, found.curves[1].last) == (figures[figure], figures["refused"]) == (2, 2)


def test_an_expired_token_counts_from_its_lifetime_on(accounts):
    accounts.ask("expired", 200, at_s=5.0, expires=4.5)
    accounts.ask("expired", 200, at_s=7.0, expires=4.5)
    accounts.ask("expired", 401, at_s=8.0, expires=4.5)
    found, figures = drawn("no_expired_accepted", accounts), accounts.judge("no_expired_accepted").figures
    assert (found.curves[0].last, found.curves[1].last) == (figures["accepted"], figures["refused"]) == (1, 1)


def test_nothing_asked_is_no_picture(world):
    assert drawn("no_oversell", world) is None
    assert drawn("charged_exactly_once", world) is None
