"""A world that was prepared ahead: used once, and never for code with another schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.staged import MOST_AGE_S, Files, Staged
from chaos.errors import FiredrillError, LabBroken, LearnerCodeError

WORLD = {"events": 5}


@dataclass
class Real:
    """A stack that writes down what it is asked."""

    asked: list[str] = field(default_factory=list)

    def prepare(self, *, variant: str, world_file: Path, **_: Any) -> Mapping[str, Any]:
        self.asked.append("prepare")
        world_file.write_text(f"world {len(self.asked)}")
        return {"variant": variant, "identities": {"redis": f"{len(self.asked)}"}}

    def fill(self, **_: Any) -> None:
        self.asked.append("fill")

    def identities(self) -> Mapping[str, str]:
        return {"redis": "now"}

    def worker_answers(self, timeout_s: float) -> bool:
        return timeout_s > 0


@dataclass
class Lab:
    """A staged world with its files and clock."""

    tmp: Path
    files: Files = field(default_factory=lambda: {"views.py": (1, 1), "migrations/0001.py": (1, 1)})
    now_s: float = 0.0
    fails: FiredrillError | None = None

    def __post_init__(self) -> None:
        self.real = Real()
        self.staged = Staged(
            self.real, self.tmp / "staged.json", lambda: self.files, reload=self._reload, now_s=lambda: self.now_s
        )

    def _reload(self, variant: str, world: Mapping[str, int]) -> Mapping[str, Any]:
        self.real.asked.append("reload")
        if self.fails:
            raise self.fails
        return {"variant": variant, "identities": {"redis": "reloaded"}}

    def stage(self) -> None:
        self.staged.stage(variant="attempt", seed=1, world=WORLD)

    def run(self, **changed: Any) -> list[str]:
        """What the stack was asked for by one run."""
        before = len(self.real.asked)
        asked = {"variant": "attempt", "seed": 1, "world": WORLD, "world_file": self.tmp / "world.json", **changed}
        self.staged.prepare(**asked)
        assert (self.tmp / "world.json").exists()
        return self.real.asked[before:]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_without_a_staged_world_it_prepares(lab: Lab) -> None:
    assert lab.run() == ["prepare"]


def test_a_staged_world_is_used_once(lab: Lab) -> None:
    lab.stage()
    assert lab.run() == []
    assert lab.run() == ["prepare"]


def test_changed_code_is_reloaded(lab: Lab) -> None:
    lab.stage()
    lab.files = {**lab.files, "views.py": (2, 1)}
    assert lab.run() == ["reload"]
    assert lab.staged.identities() == {"redis": "reloaded"}
    assert lab.staged.identities() == {"redis": "now"}


@pytest.mark.parametrize("name", ["migrations/0001.py", "migrations/0002_new.py", "settings.py"])
def test_another_schema_is_prepared(lab: Lab, name: str) -> None:
    lab.stage()
    lab.files = {**lab.files, name: (2, 2)}
    assert lab.run() == ["prepare"]


@pytest.mark.parametrize("changed", [{"seed": 2}, {"variant": "naive"}, {"world": {"events": 6}}, {"rows": 5}])
def test_another_world_is_prepared(lab: Lab, changed: dict[str, Any]) -> None:
    lab.stage()
    assert lab.run(**changed) == ["prepare"]


def test_tokens_that_are_old_are_not_used(lab: Lab) -> None:
    lab.stage()
    lab.now_s = MOST_AGE_S + 1
    assert lab.run() == ["prepare"]


def test_code_that_can_t_start_leaves_the_world_for_the_next_save(lab: Lab) -> None:
    lab.stage()
    lab.files, lab.fails = {**lab.files, "views.py": (2, 1)}, LearnerCodeError("views.py:3: SyntaxError")
    with pytest.raises(LearnerCodeError):
        lab.run()
    lab.files, lab.fails = {**lab.files, "views.py": (3, 1)}, None
    assert lab.run() == ["reload"]


def test_a_reload_that_the_lab_refuses_is_a_preparation(lab: Lab) -> None:
    lab.stage()
    lab.files, lab.fails = {**lab.files, "views.py": (2, 1)}, LabBroken("another schema")
    assert lab.run() == ["reload", "prepare"]
