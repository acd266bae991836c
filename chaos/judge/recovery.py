"""How long after the last lift the steady state was met again, until the end of the load."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chaos.checks import RecoveryCheck
from chaos.model.history import Operation
from chaos.model.verdict import Finding, FindingKind, Verdict
from chaos.probes import Accumulator, ProbeUse

STEP_S = 1.0
MOST_MERGES = 500_000
"""About a second of work. An hour with 20 operations in each half minute takes a fifth of it."""


class _TooMuch(Exception):
    """The load is so thin and so long that its windows can't be judged in bounded time."""


class Recovery:
    """Finds the first window after the lift from which every later one, to the end of the load, meets the steady state.

    A window begins every second after the lift. It is at least a second long and grows until every probe of the steady
    state has its minimum of samples (20 operations for a p95): at 12 arrivals/s, 8 of 10 browsing, one second holds
    about ten of them, and a p95 over ten would be the slowest single request. Windows overlap, so one bad
    operation spoils every window that holds it, and the recovery is dated right after it, to the second. The last
    window that can be filled reaches to the end of the load, so that no operation is left out.
    """

    def __init__(
        self, check: RecoveryCheck, steady_state: Sequence[ProbeUse], lifted_s: float | None, end_s: float
    ) -> None:
        self.check, self.steady_state = check, steady_state
        self.lifted_s, self.end_s = lifted_s, end_s
        self._bins: dict[int, list[Accumulator]] = {}
        self._merges_left = MOST_MERGES

    def feed(self, op: Operation) -> None:
        """A main operation; those intended before the lift are left out."""
        if self.lifted_s is None:
            return
        since_s = op.intended - self.lifted_s
        if since_s < 0 or op.intended >= self.end_s:
            return
        for use, seen in zip(self.steady_state, self._bin(int(since_s / STEP_S)), strict=True):
            if use.params.op is None or use.params.op == op.op:
                seen.add(op)

    def finish(self) -> Finding:
        """Held, violated, or inconclusive without a lift or with too little load behind it."""
        blind = self._cannot_tell()
        if blind or self.lifted_s is None:
            return self._finding(Verdict.INCONCLUSIVE, reason=blind)
        try:
            windows = self._windows(math.ceil((self.end_s - self.lifted_s) / STEP_S))
        except _TooMuch:
            reason = "the time after the last lift is too long, with too few operations, to be judged window by window"
            return self._finding(Verdict.INCONCLUSIVE, reason=reason)
        if not windows:
            return self._finding(Verdict.INCONCLUSIVE, reason="too few operations after the last lift to fill a window")
        last_start = windows[-1][0]
        bad = [(start, problem) for start, problem in windows if problem]
        last_bad, problem = bad[-1] if bad else (-1, "")
        if last_bad < last_start:
            recovered_s = (last_bad + 1) * STEP_S
            if recovered_s <= self.check.within_s:
                return self._finding(Verdict.HELD, recovered_s=recovered_s)
            reason = f"{last_bad * STEP_S:g} s after the lift still {problem}"
            return self._finding(Verdict.VIOLATED, recovered_s=recovered_s, reason=reason, at_s=last_bad * STEP_S)
        if last_start * STEP_S < self.check.within_s:
            reason = f"too few operations later than {last_start * STEP_S:g} s after the lift; until then {problem}"
            return self._finding(Verdict.INCONCLUSIVE, reason=reason)
        reason = f"not recovered when the load ended: {problem}"
        return self._finding(Verdict.VIOLATED, reason=reason, at_s=last_bad * STEP_S)

    def _cannot_tell(self) -> str:
        if not self.steady_state:
            return "the scenario has no steady state to come back to"
        if self.lifted_s is None:
            return "no fault was lifted, so there was nothing to recover from"
        watched_s = self.end_s - self.lifted_s
        if watched_s < self.check.within_s + STEP_S:
            return f"the load ended {watched_s:.1f} s after the last lift: too soon for {self.check.within_s:g} s"
        return ""

    def _bin(self, index: int) -> list[Accumulator]:
        found = self._bins.get(index)
        if found is None:
            found = self._bins[index] = self._empty()
        return found

    def _empty(self) -> list[Accumulator]:
        return [use.probe.accumulator(use.params) for use in self.steady_state]

    def _windows(self, steps: int) -> list[tuple[int, str]]:
        """(start in steps after the lift, what is unmet in it or empty) of every window that can be filled, in order.

        Starts have no gaps: a window holds all that the next one can. The last one reaches to the end of the load.
        """
        found: list[tuple[int, str]] = []
        for start in range(steps):
            problem = self._first_full(start, steps)
            if problem is None:
                break
            found.append((start, problem))
        if found:
            last = found[-1][0]
            found[-1] = (last, self._unmet(self._measured(range(last, steps))))
        return found

    def _first_full(self, start: int, steps: int) -> str | None:
        """What is unmet in the shortest window from *start* that every probe can measure; None without one."""
        merged = self._empty()
        for index in range(start, steps):
            self._merge(merged, index)
            values = [accumulator.measure().value for accumulator in merged]
            if None not in values:
                return self._unmet(values)
        return None

    def _measured(self, indices: range) -> list[float | None]:
        merged = self._empty()
        for index in indices:
            self._merge(merged, index)
        return [accumulator.measure().value for accumulator in merged]

    def _merge(self, into: Sequence[Accumulator], index: int) -> None:
        self._merges_left -= 1
        if self._merges_left < 0:
            raise _TooMuch
        for accumulator, part in zip(into, self._bin(index), strict=True):
            accumulator.merge(part)

    def _unmet(self, values: Sequence[float | None]) -> str:
        unmet = [
            f"{use.label} {use.probe.unit.show(value)}, expected {use.limit.show(use.probe.unit)}"
            for use, value in zip(self.steady_state, values, strict=True)
            if value is not None and not use.limit.true_of(value)
        ]
        return " and ".join(unmet)

    def _finding(
        self, verdict: Verdict, *, recovered_s: float | None = None, reason: str = "", at_s: float | None = None
    ) -> Finding:
        where = "" if self.lifted_s is None else f"last lift at {self.lifted_s:.1f} s, load until {self.end_s:.1f} s"
        if at_s is not None and self.lifted_s is not None:
            where += f", failing at {self.lifted_s + at_s:.0f} s"
        measured = "" if recovered_s is None else f"{recovered_s:g} s"
        if recovered_s is None and verdict is Verdict.VIOLATED:
            measured = "not recovered"
        return Finding(
            check=self.check.id,
            kind=FindingKind.RECOVERY,
            verdict=verdict,
            expected=f"steady state again within {self.check.within_s:g} s of the last lift, and until the load ends",
            measured=measured,
            where=where,
            reason=reason,
            figures={"recovered_s": recovered_s, "within_s": self.check.within_s, "lifted_s": self.lifted_s},
        )
