"""The variant serves the addresses that it was given, no more and no fewer.

Exploits are sent to the addresses of the draft only, so a flaw that was moved to a new address would not be tried.
"""

from __future__ import annotations

from pydantic import Field

from chaos.invariants._common import Say
from chaos.invariants._kind import Context
from chaos.invariants._of_exchanges import OfExchanges, kind_of_exchanges
from chaos.model.strict import StrictModel
from chaos.model.verdict import Finding

SAY = Say("addresses_are_kept", "the addresses are those that were given")


class Given(StrictModel):
    """Which addresses are to be served."""

    addresses: list[str] = Field(default=[], description="All that are to be served, as templates: `/api/events/{}/`.")


class _AddressesAreKept(OfExchanges[Given]):
    def finish(self, context: Context) -> Finding:
        served, given = set(context.world.routes), set(self.params.addresses)
        if not served or not given:
            return SAY.inconclusive("nobody looked which addresses were served" if given else "the scenario names none")
        new, gone = sorted(served - given), sorted(given - served)
        measured = f"{len(served)} addresses served: {len(new)} new, {len(gone)} gone"
        figures = {"served": len(served), "new": len(new), "gone": len(gone)}
        if not new and not gone:
            return SAY.held(measured, figures)
        said = [f"new: {', '.join(new)}"] * bool(new) + [f"gone: {', '.join(gone)}"] * bool(gone)
        return SAY.violated("; ".join(said), measured, examples=[*new, *gone], figures=figures)


KIND = kind_of_exchanges(
    SAY, __doc__, _AddressesAreKept, sources=frozenset({"exploits"}), witnesses=frozenset({"world"}), params=Given
)
