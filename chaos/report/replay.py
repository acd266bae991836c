"""A finished run at any moment of its load: what a person would have seen then. Terminal and video show the same."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.evidence.figures import Second
from chaos.model.samples import Sample
from chaos.model.verdict import FaultRecord
from chaos.report.words import Shown

ANSWERS = 3
FRESH_S = 3.0
"""How long an unusual answer stays in front of newer, normal ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One moment.

    Attributes:
        phase: Empty after the last one.
        faults: Those that are active, as `latency on shop_to_gateway`.
        second: Figures of the second that has just ended; None in the first.
        answers: The latest sampled exchanges that had ended by then, newest first; before them, up to two recent ones
            that are not `ok`.
    """

    at_s: float
    phase: str
    faults: tuple[str, ...]
    second: Second | None
    answers: tuple[Sample, ...]


class Replay:
    """Looks up scenes of a run."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self._samples = sorted(shown.samples, key=lambda sample: sample.ended)
        self._ended = [sample.ended for sample in self._samples]
        phases = shown.document.phases
        last_s = max([phase.end_s for phase in phases] + [second.at_s + 1 for second in shown.timeline], default=0.0)
        self.end_s = float(last_s)

    def scene(self, at_s: float) -> Scene:
        """The scene at *at_s* seconds since the load's start."""
        return Scene(
            at_s=at_s,
            phase=self._phase(at_s),
            faults=tuple(fault.text for fault in self.shown.document.faults if _there(fault, at_s)),
            second=self._second(at_s),
            answers=self._answers(at_s),
        )

    def _phase(self, at_s: float) -> str:
        found = (p.name for p in self.shown.document.phases if p.start_s <= at_s < p.end_s)
        return str(next(found, ""))

    def _second(self, at_s: float) -> Second | None:
        number = int(at_s) - 1
        return self.shown.timeline[number] if 0 <= number < len(self.shown.timeline) else None

    def _answers(self, at_s: float) -> tuple[Sample, ...]:
        known = self._samples[: bisect_right(self._ended, at_s)]
        latest: dict[tuple[str, int, str], Sample] = {}
        for sample in reversed(known[-40:]):
            latest.setdefault((sample.op, sample.status, sample.reason), sample)
        unusual = [s for s in latest.values() if s.outcome != "ok" and at_s - s.ended <= FRESH_S]
        front = unusual[: ANSWERS - 1]  # leaves room for what still works in an outage
        rest = [sample for sample in latest.values() if sample not in unusual]
        return tuple([*front, *rest, *unusual[len(front) :]][:ANSWERS])


def _there(fault: FaultRecord, at_s: float) -> bool:
    start_s, end_s = fault.injected_s, fault.lifted_s
    return start_s is not None and start_s <= at_s and (end_s is None or at_s <= end_s)


def moments(replay: Replay, *, step_s: float) -> Sequence[float]:
    """From 0 to the end, *step_s* apart."""
    return [number * step_s for number in range(int(replay.end_s / step_s) + 1)]
