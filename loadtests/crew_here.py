"""Workers as child processes on this host: they read the plan's file, write into its folder and use the same clock."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from chaos.model.loadplan import LoadPlan
from launch.python import PYTHON
from loadtests.crew import Ears, Runner
from loadtests.protocol import ARMED, FIGURES, RESULT
from loadtests.report import Member
from loadtests.tally import Figures
from loadtests.worker import WorkerResult


class CrewHere:
    """One child process per worker. It ends when its stdin closes, which this process holds."""

    def __init__(self, runner: Runner, ears: Ears, plan_path: Path) -> None:
        self._runner, self._ears, self._plan_path = runner, ears, plan_path
        self._processes: list[subprocess.Popen[bytes]] = []
        self._handed_over: set[int] = set()
        self._lost: set[int] = set()
        runner.register_message(ARMED, self._on_armed)
        runner.register_message(FIGURES, self._on_figures)
        runner.register_message(RESULT, self._on_result)

    def muster(self, wait_until: Callable[[Callable[[], bool], float], bool]) -> list[str]:
        return []

    def brief(self, plan: LoadPlan) -> None:
        port = str(self._runner.server.port)
        self._processes = [
            subprocess.Popen(
                [*PYTHON, "-m", "loadtests", self._plan_path, "--worker", str(number), "--master-port", port],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
            for number in range(plan.workers)
        ]

    def _on_armed(self, environment: Any, msg: Any) -> None:
        self._ears.armed(msg.data["worker"], None)

    def _on_figures(self, environment: Any, msg: Any) -> None:
        self._ears.figures(msg.data["worker"], msgspec.convert(msg.data["figures"], Figures), msg.data["latencies_s"])

    def _on_result(self, environment: Any, msg: Any) -> None:
        result = msgspec.convert(msg.data, WorkerResult)
        self._handed_over.add(result.worker)
        self._ears.result(result)

    def losses(self) -> Mapping[int, str]:
        new: dict[int, str] = {}
        for number, process in enumerate(self._processes):
            code = process.poll()
            if code is not None and number not in self._handed_over | self._lost:
                new[number] = f"worker {number} ended with {code} and no result"
        self._lost |= new.keys()
        return new

    def part(self) -> bool:
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        return bool(self._processes)

    def close(self) -> None:
        for process in self._processes:
            process.kill()  # a worker that has sent its result has closed its history before
            process.wait()

    @property
    def members(self) -> Mapping[int, Member]:
        return {}
