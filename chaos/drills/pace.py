"""How far a check of a drill is and how long it still takes: by the runs on disk, else by the plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import folders
from chaos.scenario import Scenario

AROUND_S: Final = 12.0
"""What a run takes besides its own time: switching the variant, settling, judging, writing the reports."""
EXCHANGES_S: Final = 20.0
"""An exchange run has no timetable; most take about so long."""
OWN_TESTS_S: Final = 20.0
LOOKED_AT: Final = 200
"""So many of the newest runs are read for their durations."""


def durations(root: Path) -> Mapping[str, float]:
    """Scenario → seconds that its newest run on disk took, from start to end."""
    found: dict[str, float] = {}
    for folder in reversed(folders(root)[-LOOKED_AT:]):
        try:
            document = read_verdict(folder)
        except Unreadable:
            continue
        if not document.aborted:
            found.setdefault(document.scenario, document.duration_s)
    return found


def expected_s(scenario: Scenario, known: Mapping[str, float]) -> float:
    """Seconds that one run of it takes."""
    planned = EXCHANGES_S if scenario.exchanges else scenario.duration_s
    return known.get(scenario.name, planned) + AROUND_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The items of a check in their order.

    Attributes:
        seconds: What one try of each takes.
        holds: Tries that each needs; own tests need one.
    """

    seconds: Sequence[tuple[float, int]]

    def told(self, number: int, held: int = 0) -> str:
        """`2 of 6, about 3 min left`, before a try of item *number* (from 1) of which *held* tries have held."""
        each, holds = self.seconds[number - 1]
        later = sum(one * times for one, times in self.seconds[number:])
        return f"{number} of {len(self.seconds)}, about {minutes(each * max(1, holds - held) + later)} left"


def minutes(seconds: float) -> str:
    """`40 s` or `3 min`: rounded as coarsely as the estimate is."""
    return f"{max(10, round(seconds / 10) * 10)} s" if seconds < 90 else f"{round(seconds / 60)} min"


def course(
    names: Iterable[str], *, holds: int, own_tests: bool, scenario: Callable[[str], Scenario], root: Path
) -> Course:
    """Of the scenarios *names*, in that order, after the learner's own tests where there are some."""
    known = durations(root)
    first = [(OWN_TESTS_S, 1)] if own_tests else []
    return Course(seconds=(*first, *((expected_s(scenario(name), known), holds) for name in names)))
