"""What the master needs of its workers, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from locust.rpc import Message

from chaos.model.loadplan import LoadPlan
from loadtests.report import Member
from loadtests.tally import Figures
from loadtests.worker import WorkerResult


class Ears(Protocol):
    """The master, as a crew tells it what it hears."""

    def armed(self, worker: int, arrivals: int | None) -> None:
        """A worker is at its start. *arrivals*: how many it thinks there are over all workers, where it was asked."""

    def figures(self, worker: int, figures: Figures, latencies_s: list[float]) -> None:
        """What it counted so far."""

    def result(self, result: WorkerResult) -> None:
        """Its end."""

    def note(self, sentence: str) -> None:
        """For people and the journal."""

    def now_s(self) -> float:
        """Wall clock before the schedule is final, seconds since the load's start after that."""

    def scheduled(self) -> bool:
        """Whether the schedule is final."""


class Crew(Protocol):
    """The workers of a run."""

    def muster(self, wait_until: Callable[[Callable[[], bool], float], bool]) -> list[str]:
        """Wait, with *wait_until*(condition, seconds), until all are there; what went wrong."""

    def brief(self, plan: LoadPlan) -> None:
        """Hand out the final plan; the workers then connect to Locust's master."""

    def losses(self) -> Mapping[int, str]:
        """Workers that vanished since the last call without a result, each with how."""

    def part(self) -> bool:
        """Ask those that still run to write their files and hand over what they have; False when none is there to."""

    def close(self) -> None:
        """After this no process and no file of this crew is open."""

    @property
    def members(self) -> Mapping[int, Member]:
        """By number; empty for workers here."""


Runner = Any
"""Locust's MasterRunner, which is not typed."""


def message(name: str, data: object, node: str) -> Message:
    """One of Locust's own messages to or from *node*."""
    return Message(name, data, node)  # type: ignore[no-untyped-call]
