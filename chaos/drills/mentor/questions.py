"""Questions worth asking, each from something that is in the deliverable. Ten minutes leave room for a few."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.drills.mentor.opening import Opened
from chaos.drills.mentor.similarity import LEAST_LINES, Similarity
from chaos.model.deliverable import RunOf
from chaos.model.patch import changes, protections
from chaos.model.verdict import Verdict

MOST = 8
OWNER = 3
MUCH = 0.6
GUARDED = (3, 4, 5)
"""Drills that are about protections."""
MOST_GUARDS = 3
ABOUT = {
    1: "Which discrepancy would have hurt a client first, and how would you have told its owner?",
    2: "Which request got no cheaper, and why did you leave it?",
    3: "Take away the change that you trust most: which check turns red, and after how many orders?",
    4: "A token was stolen a minute ago. What ends it, and when at the latest?",
    5: "What does a customer see during the outage, and what do you see?",
    6: "Which note were you least sure about, and what would have settled it?",
}


def questions(one: Opened, similar: Similarity) -> list[str]:
    """The most telling ones first, at most MOST."""
    return list(dict.fromkeys(_all(one, similar)))[:MOST]


def _all(one: Opened, similar: Similarity) -> Iterator[str]:
    told = one.told
    own = told.own
    if own.score is not None and own.ceiling is not None and own.score > own.ceiling:
        yield f"You scored yourself {own.score}, the evidence supports {own.ceiling}. What did you see that it did not?"
    if any(hint.solution for hint in own.hints):
        yield "You opened a solution. What would you have tried next without it?"
    if told.fresh and told.fresh.verdict is not Verdict.HELD:
        bad = ", ".join(line.name for line in told.fresh.lines if line.verdict is not Verdict.HELD)
        yield f"On the fresh seed {bad} did not hold. What does firedrill explain show of it?"
    yield from _turned(told.tries)
    guards = {guard.kind: guard for guard in protections(changes(one.patch))} if told.drill in GUARDED else {}
    for guard in list(guards.values())[:MOST_GUARDS]:
        yield f"{guard.file}:{guard.line} has a {guard.kind}: what goes wrong without it, and what does it cost?"
    yield ABOUT[told.drill]
    if similar.added >= LEAST_LINES and similar.shared / similar.added >= MUCH:
        yield "Much of the change is spelled as in hardened. Which part did you decide otherwise, and why?"
    if not own.notes.strip():
        yield "There are no notes. What would you write down for yourself of half a year from now?"


def _turned(tries: tuple[RunOf, ...]) -> Iterator[str]:
    """A scenario that was violated before it held on other code."""
    failed: dict[str, RunOf] = {}
    for run in (one for one in tries if one.variant == "attempt"):
        if run.verdict is Verdict.VIOLATED:
            failed.setdefault(run.scenario, run)
        elif run.verdict is Verdict.HELD and (first := failed.get(run.scenario)) and first.code != run.code:
            yield f"{run.scenario} was violated on seed {first.seed} and held later. Which change made the difference?"
            return
