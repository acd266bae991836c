"""Smaller requests for what drawn ones showed: which are sent, how many, and what else is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._source import Ground
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.drawn import Drawn
from chaos.model.exchange import Case, Exchange
from chaos.model.world import SeededTier, SeededWorld
from chaos.run import smaller
from chaos.run.smaller import Shrinking
from tests.unit.chaos.invariants.test_drawn_answers_conform import answered

CONTRACT = Contract(reference())
TIER = SeededTier(tier_id=77, event_slug="gig", name="", capacity=5, price_cents=100)
GROUND = Ground(
    seed=7, world=SeededWorld(events=(), tiers=(TIER,)), people={"customer": {"order": "o-1"}},
    operations=CONTRACT.names,
)  # fmt: skip


class Proposals:
    """Proposes *bodies* one after the other, whatever they show."""

    def __init__(self, *bodies: str) -> None:
        self.bodies, self.asked, self.closed = bodies, list[tuple[str, bool]](), 0

    def find(self, operation: str, *, valid: bool, shows: Callable[[Drawn], bool]) -> None:
        self.asked.append((operation, valid))
        self.told = [shows(Drawn(operation=operation, valid=valid, path="/api/me/", body=body)) for body in self.bodies]

    def close(self) -> None:
        self.closed += 1


def pair(number: int, status: int, body: str, operation: str = "changeMe") -> tuple[Case, Exchange]:
    case, exchange = answered(status, "", {}, number=number, asked=body, operation=operation)
    about = {**case.about, "exists": False}
    return Case(
        **{name: getattr(case, name) for name in case.__struct_fields__} | {"about": about, "body": body}
    ), exchange


def play(proposals: Proposals, *asked: tuple[Case, Exchange]) -> tuple[Shrinking, list[Case]]:
    sent: list[Case] = []

    def send(case: Case) -> Exchange:
        sent.append(case)
        return pair(len(sent), 500 if "x" in (case.body or "") else 418, case.body or "")[1]

    shrinking = Shrinking(SOURCES["contract_drawn"], CONTRACT, GROUND, send)
    shrinking.play(asked, lambda: proposals)
    return shrinking, sent


def test_what_shows_nothing_asks_for_nothing() -> None:
    def never() -> Any:
        raise AssertionError

    shrinking = Shrinking(SOURCES["contract_drawn"], CONTRACT, GROUND, never)
    shrinking.play([(pair(1, 401, "{}")[0], pair(1, 0, "{}")[1])], never)
    assert shrinking.sent == 0


def test_each_request_is_sent_once_and_told_whether_it_shows_the_same() -> None:
    proposals = Proposals('{"xxx": 1}', '{"xx": 1}', '{"xx": 1}', "{}")
    shrinking, sent = play(proposals, pair(1, 500, '{"xxx": 1}'))
    assert [case.body for case in sent] == ['{"xx": 1}', "{}"]  # the first was sent as it was drawn
    assert [case.id for case in sent] == ["drawn-2", "drawn-3"]
    assert {(case.identity, case.operation, case.about["drawn"]) for case in sent} == {("other", "changeMe", "invalid")}
    assert proposals.told == [True, True, True, False]  # 418 is another deviation than 500
    assert (shrinking.sent, proposals.closed, proposals.asked) == (2, 1, [("PATCH /api/me/", False)])


def test_no_more_than_a_number_for_one_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smaller, "MOST_OF_ONE", 2)
    bodies = [f'{{"x{number}": 1}}' for number in range(9)]
    for most in (3, 9):
        monkeypatch.setattr(smaller, "MOST", most)
        _, sent = play(Proposals(*bodies), pair(1, 500, '{"xxx": 1}'), pair(2, 418, "{}"))
        assert len(sent) == min(2 + 2, most)


def test_attempts_to_log_in_are_not_repeated() -> None:
    proposals = Proposals("{}")
    _, sent = play(proposals, pair(1, 500, "{}", "login"))
    assert (sent, proposals.asked) == ([], [])
