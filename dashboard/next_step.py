"""What the learner does next, from what is on record: runs, scores, ceilings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.scorecard import Drill, Run

HEADLINE = "concurrency/flash-sale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do.

    Attributes:
        text: In one or two sentences; Markdown.
        start: Scenario and variant that a button starts; None when there is nothing to start.
        label: Of the button, or of the link.
        page, query: Where a link leads; an empty page for a step that only starts something.
    """

    text: str
    label: str
    start: tuple[str, str] | None = None
    page: str = ""
    query: tuple[tuple[str, str], ...] = ()


def next_step(drills: Sequence[Drill]) -> Step:
    """The drills by number, with the newest run of each on every variant."""
    newest = {(run.scenario, run.variant): run for drill in drills for run in drill.latest_runs}
    variants = {run.variant for drill in drills for run in drill.latest_runs}
    if not variants:
        return Step(
            text="See an API break first: the flash sale on `naive`, plausible code with the classic mistakes. It "
            "takes about a minute, and you can watch it.",
            label="Run the flash sale on naive", start=(HEADLINE, "naive"),
        )  # fmt: skip
    if "hardened" not in variants and ("attempt" not in variants):
        return Step(
            text="Now the same on `hardened`, the reference. Then Compare shows both beside each other.",
            label="Run the flash sale on hardened", start=(HEADLINE, "hardened"),
        )  # fmt: skip
    mine = sorted((run for drill in drills for run in drill.latest_runs if run.variant == "attempt"),
                  key=lambda run: run.run_id, reverse=True)  # fmt: skip
    if not mine:
        drill = next((drill for drill in drills if drill.number == 3), drills[0])
        return _to_drill(
            drill, f"Begin a drill: {drill.number} · {drill.title} is about what you have just seen. "
            "`firedrill attempt start` makes your own copy of `naive`.",
        )  # fmt: skip
    return _after(mine[0], drills, newest)


def _after(last: Run, drills: Sequence[Drill], newest: dict[tuple[str, str], Run]) -> Step:
    """What follows from the newest run of the learner's own code."""
    title = last.title or last.scenario
    drill = next((drill for drill in drills if drill.number == last.drill), None)
    if last.verdict == "violated":
        broken = ", ".join(f"`{check}`" for check in last.broken[:2]) or "a check"
        return Step(
            text=f"Your attempt at *{title}* violated {broken}. Its counterexample shows which operations did it; "
            "mend that, and run it again.",
            label="Look at that run", page="run", query=(("run", last.run_id),),
        )  # fmt: skip
    if last.verdict == "inconclusive":
        return Step(
            text=f"Your attempt at *{title}* was not decided. The run says what spoiled it; run it again.",
            label="Look at that run", page="run", query=(("run", last.run_id),),
        )  # fmt: skip
    if drill is not None:
        open_ = [name for name in drill.core if newest.get((name, "attempt"), Run(run_id="")).verdict != "held"]
        if open_:
            return _to_drill(
                drill,
                f"*{title}* held. Of the core of drill {drill.number} {len(open_)} more to go, next `{open_[0]}`.",
            )
        if drill.score.value is None or (drill.standing.ceiling or 0) > drill.score.value:
            ceiling = drill.standing.ceiling
            said = "" if ceiling is None else f" The evidence supports a score of {ceiling}."
            return Step(
                text=f"The core of drill {drill.number} holds.{said} Record what you can do, and what you learned.",
                label=f"Record drill {drill.number}", page="scores", query=(("drill", drill.key),),
            )  # fmt: skip
    unscored = next((each for each in drills if each.score.value is None), None)
    if unscored is not None:
        return _to_drill(unscored, f"Next is drill {unscored.number} · {unscored.title}.")
    weakest = min(drills, key=lambda each: (each.score.value or 0, each.number))
    return _to_drill(weakest, f"Every drill has a score. Drill {weakest.number} · {weakest.title} has the most room.")


def _to_drill(drill: Drill, text: str) -> Step:
    return Step(text=text, label=f"Open drill {drill.number}", page="drill", query=(("drill", drill.key),))
