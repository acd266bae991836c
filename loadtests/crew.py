"""What the master needs of its workers, here or on other hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from locust.rpc import Message

from chaos.model.loadplan import LoadPlan
from loadtests.report import Member
from loadtests.tally import Figures
from loadtests.worker import WorkerResult


class Ears(Protocol):
    """The master's side, to which a crew passes on the workers' messages."""

    def armed(self, worker: int, arrivals: int | None) -> None:
        """A worker is ready to start. *arrivals*: the number over all workers that it computed; None: not asked."""

    def figures(self, worker: int, figures: Figures, latencies_s: list[float]) -> None:
        """The worker's figures so far."""

    def result(self, result: WorkerResult) -> None:
        """A worker's result, at its end."""

    def note(self, sentence: str) -> None:
        """A sentence for the log and the journal."""

    def now_s(self) -> float:
        """Wall clock before the schedule is final, seconds since the load's start after that."""

    def scheduled(self) -> bool:
        """Whether the schedule is final."""


class Crew(Protocol):
    """The workers of a run."""

    def muster(self, wait_until: Callable[[Callable[[], bool], float], bool]) -> list[str]:
        """Wait, with *wait_until*(condition, seconds), until all workers have joined. Returns problems."""

    def brief(self, plan: LoadPlan) -> None:
        """Send the final plan to the workers, which then connect to Locust's master."""

    def losses(self) -> Mapping[int, str]:
        """Workers lost without a result since the last call: number → how."""

    def part(self) -> bool:
        """Ask running workers to write their files and hand over their records; False when none was started."""

    def close(self) -> None:
        """End all processes of this crew and close its files."""

    @property
    def members(self) -> Mapping[int, Member]:
        """Number → worker on another host; empty for workers on this host."""


Runner = Any
"""Locust's MasterRunner, which is not typed."""


def message(name: str, data: object, node: str) -> Message:
    """One of Locust's own messages to or from *node*."""
    return Message(name, data, node)  # type: ignore[no-untyped-call]
