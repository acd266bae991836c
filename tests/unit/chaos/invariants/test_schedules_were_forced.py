"""It accuses nobody; it says when nothing was forced."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.invariants import KINDS
from chaos.invariants._common import NoParams
from chaos.invariants._kind import Context
from chaos.model.evidence import EndState
from chaos.model.interleaving import Held, Said, Schedule, Stop
from chaos.model.verdict import Finding, Verdict

STOP = Stop(number=2, kind="write", statement="UPDATE x")


def schedule(name: str, *, section: str = "s", **more: Any) -> Schedule:
    nobody = Said(role="buy", answer="202 pending")
    return Schedule(id=f"{section}/{name}", section=section, pair=("buy", "buy"), steps=(), a=nobody, b=nobody, **more)


def judged(*schedules: Schedule) -> Finding:
    kind = KINDS["schedules_were_forced"]
    context = Context(state=EndState(), t0_unix_s=0.0, phases=(), history_complete=True, schedules=schedules)
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
