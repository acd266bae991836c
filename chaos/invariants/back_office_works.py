"""Each address of drill 6's back office still serves its purpose.

The liveness partner of `exploits_are_refused`: code that denies everybody, removes an address, answers 500 or returns
fixed data violates it, and so does a change that is told and not made: of seats, of a price, of a charge by the
gateway's ledger. Posters are only asked for where they have to be refused, since no host of a partner is in the lab.
"""

from __future__ import annotations

from chaos.exploits._use import USES
from chaos.invariants._back_office import grouped
from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import EXCHANGED, OfExchanges, kind_of_exchanges
from chaos.model.verdict import Counterexample, Finding

SAY = Say("back_office_works", "each address of the back office does what it is for")


class _BackOfficeWorks(OfExchanges[NoParams]):
    def finish(self, context: Context) -> Finding:
        tried = {name: (exchanges, scene) for name, exchanges, scene in grouped(context.exchanges, "use")}
        taken = {(charge.order_id, charge.amount_cents) for charge in context.state.charges}
        broken: dict[str, str] = {}
        open_: list[str] = []
        for use in USES:
            exchanges, scene = tried.get(use.name, ([], None))
            if scene is None or len(exchanges) != len(use.asks(scene)) or not all(one.status for one in exchanges):
                open_.append(f"{use.name}: not every request has an answer on record")
            elif why := use.wrong(exchanges, scene):
                broken[use.name] = why
            elif (told := use.charged(exchanges, scene)) is not None and told not in taken:
                broken[use.name] = (
                    f"{told[1]} cents of order {told[0]} are told as charged, and the gateway has no charge"
                )
        measured = f"{len(tried)} uses tried, {len(broken)} of them don't work"
        figures = {"tried": len(tried), "broken": len(broken)}
        if broken:
            first = tried[next(iter(broken))][0]
            return SAY.violated(
                "; ".join(f"{name}: {why}" for name, why in broken.items()),
                measured,
                examples=list(broken),
                figures=figures,
                where=first[-1].curl,
                counterexample=Counterexample(
                    says=next(iter(broken.values())), operations=tuple(one.id for one in first)
                ),
            )
        if open_:
            return SAY.inconclusive("; ".join(open_), measured, figures=figures)
        return SAY.held(measured, figures)


KIND = kind_of_exchanges(
    SAY, __doc__, _BackOfficeWorks, sources=frozenset({"exploits"}), witnesses=EXCHANGED | {"charges"}
)
