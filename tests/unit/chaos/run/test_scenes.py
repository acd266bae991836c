"""What scenes ask for, and what they don't claim when something had no answer."""

from __future__ import annotations

import time
from itertools import count
from typing import Any

import pytest

from chaos.model.accounts import REVOKED, VALID
from chaos.model.history import Outcome
from chaos.model.interleaving import PAIRS, PEOPLE
from chaos.run.interleaving.client import Answer, Ask
from chaos.run.interleaving.scenes import SCENES, Person, Place, Stage
from chaos.run.interleaving.schedules import Clock, NoScene
from tests.unit.chaos.fakes import FakeClock


class FakeClient:
    """Answers by operation; whatever is not told is a 2xx."""

    def __init__(self, **answers: Answer) -> None:
        self.answers, self.asked, self.orders = answers, list[Ask](), dict[str, None]()
        self._ids = count(1)
        self.lanes: list[int] = []

    def new_id(self) -> str:
        return f"1-{next(self._ids)}"

    def tag(self, id_: str) -> str:
        return f"r{id_}"

    def send(self, ask: Ask, id_: str | None = None, *, lane: int = 0) -> Answer:
        self.asked.append(ask)
        self.lanes.append(lane)
        ok = Answer(outcome=Outcome.OK, status=202, order="o-1", order_status="paid", issued=("a", "r"))
        return self.answers.get(ask.op, ok)


def stage(client: FakeClient, *, people: int = 9) -> Stage:
    clock = FakeClock()
    anything: Any = None
    return Stage(
        client=client,  # type: ignore[arg-type]
        desk=anything,
        processes=anything,
        clock=Clock(clock.now_unix_s, clock.sleep),
        places=iter([Place(id=1, capacity=2)]),
        large=iter([Place(id=7, capacity=100_000)]),
        people=iter([Person(id=n, access=f"a{n}", refresh=f"r{n}") for n in range(people)]),
        keys=count(),
        salt="s",
        password="p",
    )


def played(pair: tuple[str, str], client: FakeClient) -> Any:
    """A scene whose actors have both ended."""
    scene = SCENES[pair](stage(client))
    scene.ready()
    for lane, actor in enumerate((scene.a, scene.b)):
        actor.start(lane)
        while not actor.ended():
            time.sleep(0.001)
    scene.close()
    return scene


def test_every_pair_has_a_scene_and_no_other() -> None:
    assert set(SCENES) == set(PAIRS)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if "charge" not in pair])
def test_a_scene_takes_as_many_customers_as_its_pair_says(pair: tuple[str, str]) -> None:
    scene = SCENES[pair](stage(FakeClient()))
    assert len(scene.belongings["customers"]) == PEOPLE[pair]  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", [("refresh", "logout"), ("logout", "refresh"), ("password", "refresh")])
def test_tokens_of_an_ended_session_are_tried(pair: tuple[str, str]) -> None:
    client = FakeClient()
    scene = played(pair, client)
    tried = [ask for ask in client.asked if ask.state == REVOKED]
    assert [ask.op for ask in tried] == ["use", "renew"]
    assert len(scene.belongings["operations"]) == 8  # two of the actors, two renewals and looks before, two tries


class TokenClient(FakeClient):
    """Issues a new pair for each renewal."""

    def send(self, ask: Ask, id_: str | None = None, *, lane: int = 0) -> Answer:
        super().send(ask, id_, lane=lane)
        if ask.op in self.answers:
            return self.answers[ask.op]
        number = len(self.asked)
        return Answer(outcome=Outcome.OK, status=200, issued=(f"a-{number}", f"r-{number}"))


def _sent_token(ask: Ask) -> str:
    return ask.access if ask.op == "use" else ask.body["refresh"]


SESSIONS = [pair for pair in PAIRS if "refresh" in pair]


@pytest.mark.parametrize("pair", SESSIONS)
def test_a_session_begins_with_what_its_renewals_gave(pair: tuple[str, str]) -> None:
    """Random text for a new pair would be refused by everybody afterwards, as the tokens of an ended session are."""
    client = TokenClient()
    played(pair, client)
    begun = [(ask.op, _sent_token(ask)) for ask in client.asked if ask.state == VALID]
    assert begun == [("renew", "r0"), ("use", "a-1"), ("renew", "r-1"), ("use", "a-3")]
    renewals = [ask for ask in client.asked[4:] if ask.op in {"refresh_race", "renew"} and ask.state == "race"]
    assert {_sent_token(ask) for ask in renewals} == {"r-3"}


@pytest.mark.parametrize("pair", SESSIONS)
def test_a_renewal_without_a_new_pair_is_no_beginning(pair: tuple[str, str]) -> None:
    client = TokenClient(renew=Answer(outcome=Outcome.FAIL, status=401, reason="token_not_valid"))
    scene = SCENES[pair](stage(client))
    with pytest.raises(NoScene, match="got 401"):
        scene.ready()


@pytest.mark.parametrize("pair", [("refresh", "refresh"), ("refresh", "logout"), ("refresh", "password")])
def test_a_renewal_that_nobody_disturbed_gave_a_pair_that_works(pair: tuple[str, str]) -> None:
    client = TokenClient()
    scene = SCENES[pair](stage(client))
    scene.ready()
    scene.a.start()
    while not scene.a.ended():
        time.sleep(0.001)
    before = len(client.asked)
    scene.close()
    after = [(ask.op, ask.state, _sent_token(ask)) for ask in client.asked[before:]]
    assert after == [("use", VALID, f"a-{before}"), ("renew", VALID, f"r-{before}")]


@pytest.mark.parametrize("status", [503, 0, 500])
@pytest.mark.parametrize("ends", ["logout", "password"])
def test_a_session_that_may_not_have_ended_is_not_called_ended(ends: str, status: int) -> None:
    """On a busy machine a change of the password was answered 503; its session was alive, and rightly so."""
    op = "revoke" if ends == "logout" else "change_password"
    client = FakeClient(**{op: Answer(outcome=Outcome.INFO, status=status, reason="http_503")})
    played((ends, "refresh"), client)
    assert [ask for ask in client.asked if ask.state == REVOKED] == []


def test_a_key_sent_twice_is_one_intent() -> None:
    client = FakeClient()
    played(("buy", "buy_again"), client)
    first, second = sorted(client.asked, key=lambda ask: ask.attempt)
    assert (first.key, first.body, first.op, first.customer) == (second.key, second.body, second.op, second.customer)
    assert (first.main, second.main) == (True, False)


def test_last_seats_are_all_that_there_are() -> None:
    client = FakeClient()
    played(("buy", "buy"), client)
    assert [ask.quantity for ask in client.asked] == [2, 2]
    assert len({ask.customer for ask in client.asked}) == 2


def test_an_order_that_was_not_taken_is_no_beginning() -> None:
    refused = Answer(outcome=Outcome.FAIL, status=403, reason="forbidden")
    scene = SCENES["cancel", "cancel"](stage(FakeClient(buy=refused)))
    with pytest.raises(NoScene, match="got 403 forbidden for the order that it begins with, expected 202"):
        scene.ready()


def test_the_two_come_in_by_different_connections() -> None:
    client = FakeClient()
    played(("buy", "buy"), client)
    assert sorted(client.lanes) == [0, 1]


def test_after_two_cancels_all_seats_are_asked_for_and_then_the_free_one() -> None:
    """A counter that gave a seat back twice sells both, even where pages and views count the orders."""
    client = FakeClient()
    scene = played(("cancel", "cancel"), client)
    assert [(ask.tier, ask.quantity) for ask in client.asked if ask.op == "buy"] == [(1, 1), (1, 1), (1, 2), (1, 1)]
    assert scene.place.capacity == 2


def test_a_scene_that_never_began_buys_nothing_afterwards() -> None:
    client = FakeClient()
    scene = SCENES["cancel", "cancel"](stage(client))
    before = len(client.asked)
    scene.close()
    assert len(client.asked) == before
