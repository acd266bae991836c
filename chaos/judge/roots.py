"""Why a run is inconclusive: the root cause that explains the other gaps, and what to do about it.

A clock that was set makes faults look unproven; a run that was stopped has phases without operations and a driver that
did not finish. The reader of a verdict needs the cause, not its ten consequences: a row of this table explains the rows
below it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chaos.model.journal import BY_USER
from chaos.model.verdict import Finding

ABORTED = "self_check:not_aborted"
HOST = "self_check:host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """One kind of root cause.

    Attributes:
        checks: Ids of the findings that show it; one that ends with a colon stands for all that begin with it.
        advice: What to do about it, in the imperative.
        by: Only for a run that was aborted: by whom, as in the journal.
    """

    checks: tuple[str, ...]
    advice: str
    by: str | None = None

    def names(self, finding: Finding) -> bool:
        """Whether *finding* is of this kind."""
        named = any(
            finding.check == check or (check[-1] == ":" and finding.check.startswith(check)) for check in self.checks
        )
        return named and (self.by is None or finding.figures.get("by") == self.by)


RUN_AGAIN = "Run it again with the same seed."

ROOTS: tuple[Root, ...] = (
    Root(
        checks=("self_check:wall_clock",),
        advice="See that nothing sets this machine's clock while a run lasts (a time service that slews is fine), "
        "then run it again.",
    ),
    Root(checks=("self_check:awake",), advice="Keep the machine awake while a run lasts, then run it again."),
    Root(
        checks=("self_check:runner_ran",),
        advice="See who stopped the runner (Ctrl-Z, a debugger, a paused virtual machine), then run it again.",
    ),
    Root(
        checks=("self_check:driver_ran",),
        advice="See who stopped the load driver (a signal, a debugger, a paused virtual machine), then run it again.",
    ),
    Root(checks=(ABORTED,), by=BY_USER, advice="Let the next run end by itself."),
    Root(
        checks=(ABORTED,),
        by="steady_state",
        advice="Nothing was broken yet: see in the first phase's operations whether the code is slow or wrong even "
        "without a fault; where the machine was busy, free it or lower the arrivals (firedrill calibrate).",
    ),
    Root(
        checks=(ABORTED,),
        by="guardrail",
        advice="The guardrail did what the scenario asks of it: see what the operations before it came to.",
    ),
    Root(checks=(ABORTED,), by="driver", advice="See driver.log in the run's folder, then run it again."),
    Root(checks=(ABORTED,), by="lab", advice="See what make status and firedrill doctor say, then run it again."),
    Root(checks=(ABORTED, "self_check:run_ended"), advice=RUN_AGAIN),
    Root(
        checks=("self_check:succeeded",),
        advice="See in the report what the operation was answered: until it succeeds once, nothing is known of it.",
    ),
    Root(
        checks=("self_check:gate_not_looked_for",),
        advice="Take out what asks PostgreSQL's catalogue while requests are held: code that behaves only then shows "
        "nothing.",
    ),
    Root(checks=("self_check:driver",), advice="See driver.log in the run's folder, then run it again."),
    Root(
        checks=("self_check:no_restart",),
        advice="See the log of what restarted (make logs); change no file of the variant while it runs.",
    ),
    Root(
        checks=("fault:",),
        advice="See the fault's events in the report: what the canary felt and who was met; where too few were, give "
        "it more time or more arrivals.",
    ),
    Root(checks=("self_check:clocks",), advice="Synchronise the clocks of the hosts that load workers run on."),
    Root(
        checks=("self_check:send_lag", "self_check:driver_cpu"),
        advice="Free the machine, lower the arrivals, or give the driver more workers (--workers).",
    ),
    Root(
        checks=("steady_state:",),
        advice="Nothing was broken yet: see in the first phase's operations whether the code is slow or wrong even "
        "without a fault; where the machine was busy, free it or lower the arrivals (firedrill calibrate).",
    ),
    Root(
        checks=(HOST,),
        advice="Free the machine, lower the arrivals (firedrill calibrate) or use a larger one, then run it again.",
    ),
    Root(checks=("self_check:healed",), advice="Run firedrill heal, then run it again."),
    Root(checks=("self_check:settled",), advice="See what firedrill doctor says, then run it again."),
    Root(
        checks=("witness:",),
        advice="See why the witness did not answer (make status, make logs), then run it again.",
    ),
    Root(checks=("self_check:",), advice=RUN_AGAIN),
)
"""A cause comes before what it explains. The last row stands for every gap in the record without a row of its own."""


def rank(finding: Finding) -> int:
    """Position of its row in the table; a finding without a row comes last."""
    return next((place for place, root in enumerate(ROOTS) if root.names(finding)), len(ROOTS))


def roots_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by their rows in the table; the sort is stable."""
    return sorted(findings, key=rank)


def advice_for(finding: Finding) -> str:
    """What to do about *finding*; without a row in the table, to remove what its reason names."""
    place = rank(finding)
    return ROOTS[place].advice if place < len(ROOTS) else "Remove what its reason names, then run it again."
