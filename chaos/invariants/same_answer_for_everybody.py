"""All clients get the same answers: a guest, who looks different from the load, has its share of every kind of answer.

A part of the arrivals, drawn at random, is played by a guest with HTTP code, headers and accounts of its own. So among
equal requests of one phase the guest's answers are a random sample, whatever the API did meanwhile: outages, limits and
stale copies hit all clients alike. Compared are the kinds of answer (status, code, a copy marked as stale, none at all,
one that took longer than four seconds) and, for reads, the content except the remaining seats. Violated when some kind
is spread so unevenly that chance would do it less than once in a million times. Inconclusive when the guest asked fewer
than ten times.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from math import comb

from chaos.invariants._common import MAX_EXAMPLES, OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.history import Operation, Outcome
from chaos.model.kinds import first_paragraph
from chaos.model.operations import named
from chaos.model.verdict import Counterexample, Finding

GUEST = "guest"
COMPARED = named(lambda operation: operation.for_guests)
READS = COMPARED & named(lambda operation: operation.reads_only)
THROUGHOUT = "all phases"
FEWEST = 10
UNLIKELY = 1e-6
LATE_S = 4.0
CONTENT = "content "
SAY = Say("same_answer_for_everybody", "what somebody is told does not depend on who seems to ask")

_Cell = tuple[str, str]
"""Phase and operation; both kinds of reads are taken together as well, and so are the phases of each operation."""


def kinds_of(op: Operation) -> tuple[str, ...]:
    """The properties of an answer that are compared, each by itself."""
    if not op.status:
        return ("no answer",)
    stale = ", marked as stale" if op.stale else ""
    kinds = [f"{op.status}{f' {op.reason}' if op.reason else ''}{stale}"]
    if op.ended is not None and op.sent is not None and op.ended - op.sent > LATE_S:
        kinds.append(f"an answer after more than {LATE_S:g} s")
    if op.outcome is OK and op.digest:
        kinds.append(f"{CONTENT}{op.digest}")
    return tuple(kinds)


def chance(of_all: int, guests: int, with_it: int, guests_with_it: int) -> float:
    """How likely chance gives the guest *guests_with_it* answers of a kind, or a number further from its share.

    Of *of_all* answers *guests* are the guest's at random; *with_it* of all are of the kind. One-sided, hypergeometric.
    """
    expected = guests * with_it / of_all
    low, high = max(0, guests - (of_all - with_it)), min(guests, with_it)
    side = range(guests_with_it, high + 1) if guests_with_it >= expected else range(low, guests_with_it + 1)
    return sum(comb(with_it, n) * comb(of_all - with_it, guests - n) for n in side) / comb(of_all, guests)


class _Same:
    def __init__(self, _: NoParams) -> None:
        self.total: Counter[bool] = Counter()
        self.asked: dict[bool, Counter[_Cell]] = {True: Counter(), False: Counter()}
        self.told: dict[bool, defaultdict[_Cell, Counter[str]]] = {
            True: defaultdict(Counter), False: defaultdict(Counter),
        }  # fmt: skip
        self.examples: dict[tuple[_Cell, str, bool], list[str]] = {}

    def feed(self, op: Operation) -> None:
        if not op.main or op.sent is None or op.outcome is Outcome.DROPPED:
            return
        is_guest = op.profile == GUEST
        self.total[is_guest] += 1
        for cell in ((op.phase, op.op), *(((op.phase, "reads"),) if op.op in READS else ()), (THROUGHOUT, op.op)):
            self.asked[is_guest][cell] += 1
            for kind in kinds_of(op):
                self.told[is_guest][cell][kind] += 1
                examples = self.examples.setdefault((cell, kind, is_guest), [])
                if len(examples) < MAX_EXAMPLES:
                    examples.append(op.id)

    def finish(self, context: Context) -> Finding:
        guests, load = self.total[True], self.total[False]
        figures = {"guest": guests, "load": load}
        measured = f"{guests} answers to the guest, {load} to the load"
        unlikely = [found for found in self._dealt() if found[0] < UNLIKELY]
        if unlikely:  # a finding about one phase is more precise than one about all phases
            likely, cell, kind = min(unlikely, key=lambda found: (found[1][0] == THROUGHOUT, *found))
            return self._violated(likely, cell, kind, figures, measured)
        if guests < FEWEST:
            reason = f"the guest asked {guests} times, expected at least {FEWEST} to compare"
            return SAY.inconclusive(reason, measured, figures=figures)
        if not context.history_complete:
            return SAY.inconclusive("the history is not complete, so answers may be missing", measured, figures=figures)
        return SAY.held(measured, figures)

    def _dealt(self) -> list[tuple[float, _Cell, str]]:
        """How likely the share of the guest is, for each kind of answer in each cell."""
        found = []
        for cell, guests in self.asked[True].items():
            of_all = guests + self.asked[False][cell]
            mine, others = self.told[True][cell], self.told[False][cell]
            for kind in sorted(mine.keys() | others.keys()):
                found.append((chance(of_all, guests, mine[kind] + others[kind], mine[kind]), cell, kind))
        return found

    def _violated(self, likely: float, cell: _Cell, kind: str, figures: dict[str, int], measured: str) -> Finding:
        phase, op = cell
        mine, others = self.told[True][cell][kind], self.told[False][cell][kind]
        guests, load = self.asked[True][cell], self.asked[False][cell]
        told = f"{kind}: {mine} of {guests} to the guest, {others} of {load} to the load"
        more = mine * load > others * guests
        ids = self.examples.get((cell, kind, more), []) or self.examples.get((cell, kind, not more), [])
        usual = [one for one in self.told[not more][cell].most_common() if not one[0].startswith(CONTENT)]
        instead = f", {'the load' if more else 'the guest'} was mostly told {usual[0][0]}" if usual else ""
        return SAY.violated(
            f"{op}: {told}{instead}; a die would deal it so less than once in {1 / max(likely, 1e-300):.0e} times",
            f"{measured}; {told}",
            examples=ids,
            where=phase,
            figures=figures,
            counterexample=Counterexample(
                says=f"told to {'the guest' if more else 'the load'} only, or nearly so: {kind}",
                operations=tuple(ids[:3]),
            ),
        )


KIND = InvariantKind(
    name="same_answer_for_everybody",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=COMPARED,
    requires_ops=frozenset({"browse"}),
    witnesses=frozenset(),
    reducer=_Same,
)
