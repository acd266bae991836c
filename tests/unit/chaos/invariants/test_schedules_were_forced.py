"""It accuses nobody; it says when nothing was forced."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaos.invariants import KINDS
from chaos.invariants._common import NoParams
from chaos.invariants._kind import Context
from chaos.model.evidence import EndState
from chaos.model.exchange import Exchanged, Query
from chaos.model.interleaving import Held, Said, Schedule, Step, Stop, Wait
from chaos.model.verdict import Finding, Verdict

STOP = Stop(number=2, kind="write", statement="UPDATE x")


def schedule(name: str, *, section: str = "s", **more: Any) -> Schedule:
    nobody = Said(role="buy", answer="202 pending")
    steps = more.pop("steps", ())
    return Schedule(
        id=f"{section}/{name}", section=section, pair=("buy", "buy"), steps=steps, a=nobody, b=nobody, **more
    )


def judged(*schedules: Schedule, queries: tuple[Query, ...] = ()) -> Finding:
    kind = KINDS["schedules_were_forced"]
    context = Context(
        state=EndState(), t0_unix_s=0.0, phases=(), history_complete=True, schedules=schedules,
        exchanges=Exchanged(queries=queries, t0_unix_s=0.0),
    )  # fmt: skip
    return kind.reducer(NoParams()).finish(context)


ALONE = schedule("alone", learnt=True, stops=(STOP,))
HELD = schedule("w1", stop=STOP, held=Held.BLOCKED)


def test_held_when_a_request_was_held() -> None:
    found = judged(ALONE, HELD, schedule("c1", held=Held.NEVER))
    assert found.verdict is Verdict.HELD
    assert (found.figures["schedules"], found.figures["held"], found.figures["never"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("schedules", "reason"),
    [
        ((), "no schedule is on record"),
        ((ALONE, schedule("w1", held=Held.NEVER), schedule("w2", held=Held.CUT)), "nobody was held in any of 2"),
        ((schedule("alone", learnt=True),), "buy alone came to no stop (202 pending): it writes nothing, or its"),
        ((ALONE, HELD, schedule("left", learnt=True, untried=3)), "3 schedules were not tried"),
        ((ALONE, HELD, schedule("unnamed", learnt=True, unnamed=2)), "s: 2 writes came past the gate"),
        ((schedule("alone", learnt=True, note="got 403"),), "1 schedules could not begin: got 403"),
        ((ALONE, HELD, schedule("alone", section="t", learnt=True)), "t: buy alone came to no stop"),
    ],
)
def test_inconclusive_and_says_why(schedules: tuple[Schedule, ...], reason: str) -> None:
    found = judged(*schedules)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert reason in found.reason


def with_b(answer: str, held: Held = Held.BLOCKED, *, role: str = "buy", **more: Any) -> Schedule:
    one = schedule("w2", stop=STOP, held=held, **more)
    return msgspec.structs.replace(one, b=Said(role=role, actor="request-b", answer=answer))


@pytest.mark.parametrize("answer", ["500", "503 unavailable", "no answer yet"])
def test_whoever_fails_those_who_meet_has_forced_nothing(answer: str) -> None:
    """A transaction that is not tried again, a lock that is not waited for: safe, and useless."""
    found = judged(ALONE, HELD, with_b(answer))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert f"s/w2: buy came to {answer!r}, and so did 0 more" in found.reason
    alone = msgspec.structs.replace(ALONE, a=Said(role="buy", answer=answer))
    assert judged(alone, HELD).verdict is Verdict.INCONCLUSIVE


def test_a_refusal_is_an_answer_and_so_is_a_task_that_does_not_come() -> None:
    other = msgspec.structs.replace(ALONE, b=Said(role="buy", answer="no answer yet"))
    assert judged(other, HELD, with_b("409 sold_out"), with_b("did not come", role="charge")).verdict is Verdict.HELD


STEPS = (
    Step(at=1.0, who="A", kind="held", what=""),
    Step(at=1.1, who="B", kind="starts", what=""),
    Step(at=2.0, who="A", kind="goes_on", what=""),
)


@pytest.mark.parametrize(("at", "apart"), [(1.5, False), (0.5, True), (2.5, True), (None, True)])
def test_two_that_ran_one_after_the_other_were_not_forced(at: float | None, apart: bool) -> None:
    queries = () if at is None else (Query(at_unix_s=at, pid=1, sql="SELECT 1", request="request-b"),)
    found = judged(ALONE, HELD, with_b("202 pending", Held.TIMED_OUT, steps=STEPS), queries=queries)
    assert (found.verdict is Verdict.INCONCLUSIVE) is apart
    assert ("s/w2: buy got nowhere while buy was held; so it was 1 time(s)" in found.reason) is apart


def test_a_wait_of_somebody_else_is_not_that_of_b() -> None:
    wait = Wait(pid=3, lock="tuple", known=False)
    assert "got nowhere" in judged(ALONE, HELD, with_b("202 pending", wait=wait)).reason
