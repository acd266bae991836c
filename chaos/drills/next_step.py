"""The next command that brings a learner on, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from chaos.drills.drafts import REVIEW
from chaos.drills.latest import Latest
from chaos.drills.standing import DRAFTED, Stands
from chaos.model.verdict import Verdict

FIRST: Final = 3
"""The drill that a new user begins with: the headline scenario is one of it."""
PASSED: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command to type.

    Attributes:
        besides: Other commands that help at this point, each with what it does.
    """

    command: str
    why: str
    besides: tuple[tuple[str, str], ...] = ()

    def document(self) -> dict[str, Any]:
        """As plain JSON types."""
        besides = [{"command": command, "why": why} for command, why in self.besides]
        return {"command": self.command, "why": self.why, "besides": besides}


def current(drills: Sequence[Stands]) -> Stands:
    """The drill that the learner is at: that of a draft not run yet, else of the newest run, else the first."""
    ran = [(one.newest.started_at, one) for one in drills if one.newest is not None]
    begun = [one for one in drills if one.fits and one.drill.number in DRAFTED and one.newest is None]
    if begun:
        one = begun[0]
    elif ran:
        one = max(ran, key=lambda pair: pair[0])[1]
    else:
        one = next(one for one in drills if one.drill.number == FIRST)
    return (_next_drill(drills, one) or one) if _done(one) else one


def _done(one: Stands) -> bool:
    """Whether the core is passed and scored."""
    scored = one.scored
    if scored is None or scored.standing.ceiling is None or scored.score.value is None:
        return False
    return scored.standing.ceiling >= 1 and scored.score.value >= scored.standing.ceiling


def _next_drill(drills: Sequence[Stands], after: Stands) -> Stands | None:
    """The next one by number that is not done, from the start again after the last."""
    later = [one for one in drills if one.drill.number > after.drill.number]
    earlier = [one for one in drills if one.drill.number < after.drill.number]
    return next((one for one in [*later, *earlier] if not _done(one)), None)


def next_step(one: Stands, *, first_run: bool, stack_up: bool) -> Step:
    """What to type next for drill *one*.

    *first_run*: nothing was ever run in this lab, so the headline comes first.
    """
    number = one.drill.number
    if one.base is None and first_run:
        shown = (("firedrill attempt start", "or begin at once with code of your own"),)
        return Step(command="make scenario", why="see the lab at work: a flash sale on two variants", besides=shown)
    if not one.fits:
        return _an_attempt(one)
    if broken := one.violated("core"):
        return _mend(one, broken[0])
    if not one.all_held("core"):
        return _run_core(one)
    return (
        _score(one, stack_up=stack_up)
        or _stretch(one)
        or Step(
            command=f"firedrill deliver {number}",
            why="core and stretch held: hand it in",
        )
    )


def _an_attempt(one: Stands) -> Step:
    number = one.drill.number
    if one.base is None and number not in DRAFTED:
        return Step(command="firedrill attempt start", why="make your own copy of naive, which you mend in this drill")
    kept = "" if one.base is None else f"; the attempt that is there (from {one.base}) is kept beside it"
    return Step(
        command=f"firedrill attempt start --drill {number}", why=f"drill {number} needs an attempt of its own{kept}"
    )


def _mend(one: Stands, run: Latest) -> Step:
    number, finding = one.drill.number, run.failed[0] if run.failed else None
    found = f": {finding.measured}" if finding is not None and finding.measured else ""
    failed = f"{run.failed_check or run.scenario} is violated{found}"
    helps = (
        (
            f"firedrill hint {number}",
            "the next hint for this check; on record: the stretch counts only for runs before the first",
        ),
        (f"firedrill watch {number}", "runs the quickest telling scenario at each save of your files"),
    )
    if finding is None:
        return Step(command=f"firedrill hint {number}", why=failed, besides=helps[1:])
    return Step(command=f"firedrill explain {run.name} {_quoted(finding.check)}", why=failed, besides=helps)


def _run_core(one: Stands) -> Step:
    number = one.drill.number
    unsure = [run for _, run in one.of("core") if run is not None and run.verdict is Verdict.INCONCLUSIVE]
    missing = [name for name, run in one.of("core") if run is None]
    if unsure and not missing:
        why = f"its last run could not tell. {unsure[0].advice or unsure[0].summary}"
        return Step(command=f"firedrill run {unsure[0].scenario} --variant attempt", why=why)
    if number == REVIEW and len(missing) == len(one.drill.core):
        return Step(
            command="firedrill review check",
            why="read and annotate services/shop/attempt/review; this grades your notes as they stand, without a run",
            besides=((f"firedrill check {number}", "decides, about the notes and the code that you mended"),),
        )
    if len(missing) == len(one.drill.core):
        return Step(command=f"firedrill run {missing[0]} --variant attempt", why="the first scenario, on your own code")
    why = f"{len(missing)} of {len(one.drill.core)} core scenarios were not run on your code yet"
    return Step(command=f"firedrill check {number} --part core", why=why)


def _score(one: Stands, *, stack_up: bool) -> Step | None:
    """To record what the core has shown; None when that is done."""
    number, scored = one.drill.number, one.scored
    if scored is None:
        why = "the core held; score and ceiling are in the scorecard, which is away"
        return Step(command="make status" if stack_up else "make up", why=why)
    ceiling, value = scored.standing.ceiling, scored.score.value
    if ceiling is None or ceiling < 1:
        why = f"the core held at its last tries. {scored.standing.reason}"
        return Step(command=f"firedrill check {number} --part core", why=why)
    if value is None or value < ceiling:
        why = f"the evidence supports a {ceiling}; record what you can do"
        return Step(command=f'firedrill score {number} {ceiling} --notes "…"', why=why)
    return None


def _stretch(one: Stands) -> Step | None:
    number = one.drill.number
    if broken := one.violated("stretch"):
        return _mend(one, broken[0])
    if not one.all_held("stretch"):
        return Step(command=f"firedrill check {number} --part stretch", why="the core is scored; the stretch is next")
    return None


def _quoted(check: str) -> str:
    return f"'{check}'" if "[" in check else check
