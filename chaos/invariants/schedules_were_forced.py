"""Every schedule that was found was tried, and in each pair one request was really held while the other went on.

It is held or inconclusive, never violated: without it, a race that was not forced would look like one that the code
handles. Inconclusive when a pair had no stop (its statements lack the comment that the shop's middleware writes, or
there is no write), when no schedule of a pair held a request, when a schedule could not begin, when some were left out
(`at_most`, or time), or when something was written of which nobody can say for whom, as over a connection of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.interleaving import Held, Schedule
from chaos.model.verdict import Finding

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
        problems = list(_problems(context.schedules))
        if problems:
            return SAY.inconclusive("; ".join(problems), measured, figures=figures)
        return SAY.held(measured, figures)


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
