"""Every schedule that was found was tried, and in each pair one request was really held while the other went on.

It is held or inconclusive, never violated: without it, a race that was not forced would look like one that the code
handles. Inconclusive when a pair had no stop (its statements lack the comment that the shop's middleware writes, or
there is no write), when no schedule of a pair held a request, when a schedule could not begin, when some were left out
(`at_most`, or time), or when something was written of which nobody can say for whom, as over a connection of its own.
So it is when an actor failed, for whoever answers 500 to those who meet has forced nothing, and when the other request
got nowhere while one was held, since then the two ran one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.interleaving import Held, Said, Schedule
from chaos.model.verdict import Finding

TASKS = frozenset({"charge"})
"""Roles that a worker plays."""
SAY = Say("schedules_were_forced", "every schedule was tried, and each pair had one in which somebody was held")


class _SchedulesWereForced(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        tried = [each for each in context.schedules if not each.learnt]
        held = [each for each in tried if each.was_held]
        figures: dict[str, int] = {
            "pairs": len({each.section for each in context.schedules}),
            "schedules": len(tried),
            "held": len(held),
            "took_ms": round(sum(each.took_s for each in context.schedules) * 1000),
            **{str(how): sum(each.held is how for each in tried) for how in Held},
            "untried": sum(each.untried for each in context.schedules),
            "unnamed": sum(each.unnamed for each in context.schedules),
        }
        measured = f"{len(held)} of {len(tried)} schedules held somebody"
        problems = [*_problems(context.schedules), *_unmet(context)]
        if problems:
            return SAY.inconclusive("; ".join(problems), measured, figures=figures)
        return SAY.held(measured, figures)


def _unmet(context: Context) -> Iterator[str]:
    """Schedules in which an actor failed, or in which B was not under way while A was held."""
    failed = [(each, said) for each in context.schedules for said in _ran(each) if _failed(said)]
    if failed:
        first, said = failed[0]
        yield f"{first.id}: {said.role} came to {said.answer!r}, and so did {len(failed) - 1} more"
    apart = [each for each in context.schedules if _is_apart(each, context)]
    if apart:
        first = apart[0]
        yield f"{first.id}: {first.b.role} got nowhere while {first.a.role} was held; so it was {len(apart)} time(s)"


def _ran(each: Schedule) -> tuple[Said, ...]:
    """The actors that ran in it: both, or the one that was alone."""
    if not each.learnt:
        return each.a, each.b
    return () if each.untried or each.unnamed or each.note else ((each.b if each.id.endswith("-b") else each.a),)


def _failed(said: Said) -> bool:
    """Whether it was no answer of a shop that is well; a task whose message does not come may be right."""
    return said.answer.startswith(("5", "no answer", "not ended"))


def _is_apart(each: Schedule, context: Context) -> bool:
    """Whether B neither ended nor waited for A, and no statement of it came in the meantime.

    Nobody can say so of a task: its statements carry its name, not that of its message.
    """
    if each.learnt or each.b.role in TASKS:
        return False
    if each.held is Held.BLOCKED:
        return each.wait is not None and not each.wait.known
    if each.held is not Held.TIMED_OUT:
        return False
    at = {(step.who, step.kind): context.t0_unix_s + step.at for step in reversed(each.steps)}
    since, until = at.get(("A", "held"), 0.0), at.get(("A", "goes_on"), float("inf"))
    return not any(
        query.request == each.b.actor and since <= query.at_unix_s <= until for query in context.exchanges.queries
    )


def _problems(schedules: Sequence[Schedule]) -> Iterator[str]:
    if not schedules:
        yield "no schedule is on record"
    for section in dict.fromkeys(each.section for each in schedules):
        own = [each for each in schedules if each.section == section]
        tried = [each for each in own if not each.learnt]
        first = next((each for each in own if each.learnt), None)
        if unable := [each for each in own if each.note]:
            yield f"{section}: {len(unable)} schedules could not begin: {unable[0].note}"
        elif first is not None and not first.stops:
            yield (
                f"{section}: {first.pair[0]} alone came to no stop ({first.a.answer}):"
                " it writes nothing, or its statements don't say whose they are"
            )
        elif not any(each.was_held for each in tried):
            yield f"{section}: nobody was held in any of {len(tried)} schedules"
        if left := sum(each.untried for each in own):
            yield f"{section}: {left} schedules were not tried"
        if unnamed := sum(each.unnamed for each in own):
            yield (
                f"{section}: {unnamed} writes came past the gate: they name neither a request nor a task, as over a"
                " connection of one's own"
            )


KIND = kind_of_exchanges(SAY, __doc__, _SchedulesWereForced, sources=frozenset({"interleaved"}), witnesses=frozenset())
