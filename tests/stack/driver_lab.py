"""A fake shop, load drivers started against it, and how their records are read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec

from chaos.model.history import Dropped, End, Fail, Info, Invoke, Line, Ok, Start
from chaos.model.loadplan import DriverReport, LoadPlan, PlanPhase, Progress

HERE = Path(__file__).parent
CHECKOUT = HERE.parent.parent
PATIENCE_S = 60.0


class Lab:
    """A fake shop and the drivers started against it; ends them all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.processes: list[subprocess.Popen[bytes]] = []
        self.port = 0
        self.shop: subprocess.Popen[bytes] | None = None

    def open_shop(self, **behaviour: object) -> None:
        file = self.path / "behaviour.json"
        file.write_text(json.dumps({"log": str(self.path / "shop.log"), **behaviour}))
        self.shop = subprocess.Popen([sys.executable, HERE / "fake_shop.py", file], stdout=subprocess.PIPE)
        self.processes.append(self.shop)
        assert self.shop.stdout is not None
        self.port = int(self.shop.stdout.readline())

    def plan(self, phases: list[PlanPhase] | None = None, *, ahead_s: float = 1.5, **changes: object) -> Path:
        world = {
            "variant": "naive",
            "seed": 7,
            "password": "pw",
            "events": [{"id": 1, "slug": "e1", "tiers": [1, 2]}],
            "tiers": [
                {"id": 1, "event_slug": "e1", "capacity": 150, "price_cents": 100, "hot": True},
                {"id": 2, "event_slug": "e1", "capacity": 100000, "price_cents": 100, "hot": False},
            ],
            "customers": [{"id": n, "username": f"c{n}", "access": f"token-{n}", "refresh": "r"} for n in range(1, 21)],
        }
        (self.path / "world.json").write_text(json.dumps(world))
        fields = {
            "run_id": "r",
            "scenario": "s",
            "variant": "naive",
            "seed": 7,
            "t0_unix_s": time.time() + ahead_s,
            "base_url": f"http://127.0.0.1:{self.port}",
            "world_file": str(self.path / "world.json"),
            "out_dir": str(self.path / "out"),
            "phases": phases or [phase("only", 0, 2, 50, {"browse": 1})],
            "poll_every_s": 0.1,
            "timeout_s": 5.0,
            **changes,
        }
        file = self.path / "plan.json"
        file.write_bytes(msgspec.json.encode(LoadPlan(**fields)))  # type: ignore[arg-type]
        return file

    def start(self, plan: Path) -> subprocess.Popen[bytes]:
        driver = subprocess.Popen(
            [sys.executable, "-m", "loadtests", plan],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.path / "stderr").open("wb"),
        )
        self.processes.append(driver)
        return driver

    def run(self, plan: Path) -> tuple[int, list[Progress]]:
        driver = self.start(plan)
        assert driver.stdout is not None
        lines = [msgspec.json.decode(line, type=Progress) for line in driver.stdout]
        return driver.wait(PATIENCE_S), lines

    @property
    def report(self) -> DriverReport:
        return msgspec.json.decode((self.path / "out" / "driver.json").read_bytes(), type=DriverReport)

    @property
    def stderr(self) -> str:
        return (self.path / "stderr").read_text()

    def history(self) -> list[Line]:
        return [line for file in sorted((self.path / "out" / "history").iterdir()) for line in read_lines(file)]

    def requests(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in (self.path / "shop.log").read_text().splitlines()]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


def read_lines(file: Path) -> list[Line]:
    return [msgspec.json.decode(line, type=Line) for line in file.read_bytes().splitlines()]


def phase(name: str, start_s: float, duration_s: float, rate: float, mix: dict[str, int]) -> PlanPhase:
    return PlanPhase(
        name=name, start_s=start_s, duration_s=duration_s, rate_from_per_s=rate, rate_to_per_s=rate, mix=mix
    )


def wait_for(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.02)


def assert_complete(lines: list[Line], report: DriverReport) -> None:
    """Every file is whole, every operation ends once, and the figures are those of the lines."""
    invokes = {line.id: line for line in lines if isinstance(line, Invoke)}
    endings = Counter(line.id for line in lines if isinstance(line, Ok | Fail | Info))
    drops = [line for line in lines if isinstance(line, Dropped)]
    assert endings == Counter(invokes.keys())
    assert report.operations == len(invokes) + len(drops)
    main = {line.id for line in invokes.values() if line.main}
    kinds = Counter(type(line).__name__.lower() for line in lines if getattr(line, "id", "") in main)
    assert (report.ok, report.fail, report.info) == (kinds["ok"], kinds["fail"], kinds["info"])
    assert report.dropped == len(drops)
    assert report.scheduled == len(main) + len(drops)
    assert sum(1 for line in lines if isinstance(line, Start)) == report.workers_expected
    assert sum(1 for line in lines if isinstance(line, End)) == report.workers_expected
