"""A learner's shop, a check that held, and a lab whose runs hold or not: what `firedrill deliver 3` is tried on."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chaos.drills import attempt as attempts
from chaos.drills.catalogue import Drill
from chaos.drills.conclude import conclude
from chaos.drills.deliverables.deliver import ready
from chaos.drills.results import RunResult
from chaos.scenario import Scenario
from tests.unit.chaos.cli.shell import Said, Shell
from tests.unit.chaos.runs import TEXT, run_of, write_run

ONE = Drill(
    key="concurrency", number=3, title="Async tasks and concurrency", core=("own/steady",),
    stretch=("own/steady",), holds=3,
)  # fmt: skip


@dataclass
class Learner:
    """Whoever hands in.

    Attributes:
        oversold_on: Seeds on which the attempt oversells: all but those, where a constant stands for them.
        asked: Variant and seed of each run inside `deliver`.
    """

    shell: Shell
    shop: Path
    oversold: bool = False
    meanwhile: bytes | None = None
    named: str = "Ada"
    asked: list[tuple[str, int]] = field(default_factory=list)

    @property
    def patch(self) -> bytes:
        return attempts.patch("attempt", self.shop) or b""

    def ran(
        self, seed: int, *, patch: bytes | None, learner: str = "Ada", base: str = "naive", name: str = ""
    ) -> RunResult:
        """A run of the attempt that ended."""
        name = name or f"20261123-101502-steady-attempt-s{seed}"
        run = run_of(self.shell.evidence, name, variant="attempt", seed=seed, learner=learner, versions={"base": base})
        if self.oversold and run.state is not None:
            tier = type(run.state.tiers[0])
            run.state.tiers = [tier(tier_id=1, event_slug="gig", capacity=5, sold=5, price_cents=100)]
        folder = write_run(run)
        if patch is not None:
            (folder / "attempt.patch").write_bytes(patch)
        return conclude(folder, index=None, say=pytest.fail)

    def checked(
        self,
        *,
        part: str = "core",
        stamp: str = "20261123-120000",
        seeds: tuple[int, ...] = (7, 8, 9),
        patch: bytes | None = b"own",
        **about: Any,
    ) -> list[str]:
        """A check that held, as `firedrill check` leaves it; *patch* `own` is the attempt's. Returns the runs' ids."""
        patch = self.patch if patch == b"own" else patch
        tries = [
            {
                "seed": seed,
                "verdict": "held",
                "folder": str(self.ran(seed, patch=patch, **about).folder),
                "reason": "held",
            }
            for seed in seeds
        ]
        item = {"name": "own/steady", "verdict": "held", "reason": "held | [in](http://a.row)", "tries": tries}
        document = {"drill": 3, "key": "concurrency", "variant": "attempt", "exit_code": 0}
        document["parts"] = {part: {"verdict": "held", "items": [item]}}
        (self.shell.evidence / "checks").mkdir(exist_ok=True)
        (self.shell.evidence / "checks" / f"{stamp}-concurrency-attempt.json").write_text(json.dumps(document))
        return [Path(str(tried["folder"])).name for tried in tries]

    def run(self, scenario: Scenario, variant: str, seed: int) -> RunResult:
        """As the session's."""
        self.asked.append((variant, seed))
        patch = self.patch if self.meanwhile is None else self.meanwhile
        return self.ran(seed, patch=patch, learner=self.named)

    def deliver(self, *words: str) -> Said:
        return self.shell("deliver", "3", *words)

    def delivered(self, to: Path, *words: str) -> Path:
        """The folder that a mentor unpacks."""
        said = self.deliver("--to", str(to), *words)
        assert said.code in (0, 1, 3), said.err
        (path,) = to.glob("*.zip")
        with zipfile.ZipFile(path) as archive:
            archive.extractall(to / "unpacked")
        return to / "unpacked" / path.stem


@pytest.fixture
def learner(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Learner:
    """With an attempt that differs from naive in one line."""
    shop = tmp_path / "shop"
    for name, line in (("naive", "seats = free()\n"), ("hardened", "seats = free().select_for_update()\n")):
        (shop / name).mkdir(parents=True)
        (shop / name / "views.py").write_text(f"import this\n{line}")
    attempts.start(shop)
    (shop / "attempt" / "views.py").write_text("import this\nseats = free().select_for_update()\n")
    found = Learner(shell, shop)
    scenario = tmp_path / "steady.yaml"
    scenario.write_text(TEXT)

    @contextmanager
    def session(options: Any, view: Any, *, purpose: str) -> Iterator[Learner]:
        yield found

    command = "chaos.cli.commands.deliver"
    monkeypatch.setattr(f"{command}.session", session)
    monkeypatch.setattr(f"{command}.known_drill", lambda asked: ONE)
    monkeypatch.setattr(f"{command}.all_scenarios", lambda: [scenario])
    monkeypatch.setattr(f"{command}.scenario_name", lambda path: "own/steady")
    monkeypatch.setattr(f"{command}.ready", partial(ready, shop=shop))
    return found
