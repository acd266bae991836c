"""`firedrill watch`: what it refuses before it starts anything, and a watch of two looks on a lab that is scripted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.adapters.staged import Staged
from chaos.drills.watch import Watcher
from chaos.errors import LabBroken, LearnerCodeError
from chaos.run.request import Stop
from tests.unit.chaos.cli.shell import Shell, finished

MODULE = "chaos.cli.commands.watch"


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(f"{MODULE}.SHOP", tmp_path)
    monkeypatch.setattr(f"{MODULE}.require_known", lambda _: None)
    (tmp_path / "attempt").mkdir()
    (tmp_path / "attempt" / "views.py").write_text("one")
    return tmp_path / "attempt"


class Lab:
    """A session whose looks end as scripted; after each one the attempt is saved again."""

    def __init__(self, shell: Shell, attempt: Path, ends: list[Any]) -> None:
        self.stack, self.stop = SimpleNamespace(), Stop()
        self._shell, self._attempt, self._ends = shell, attempt, ends
        self.looked: list[str] = []

    def save(self) -> None:
        """A little later, as a person does."""
        text = "x" * (len(self.looked) + 3)
        threading.Timer(0.3, (self._attempt / "views.py").write_text, [text]).start()

    def performed(self, scenario: Any, variant: str, seed: int, *, look: tuple[Path, Staged]) -> Path:
        self.looked.append(scenario.name)
        end = self._ends.pop(0)
        if end == "saved meanwhile":
            (self._attempt / "views.py").write_text("y" * (len(self.looked) + 3))
            raise LearnerCodeError("services/shop/attempt: got files that changed while it was started")
        self.save()
        if isinstance(end, Exception):
            raise end
        return finished(look[0], "attempt", oversold=end == "oversold").folder


@pytest.fixture
def scripted(shell: Shell, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def script(*ends: Any) -> Lab:
        lab = Lab(shell, attempt, list(ends))

        @contextmanager
        def session(options: Any, view: Any, *, purpose: str) -> Iterator[Lab]:
            yield lab

        monkeypatch.setattr(f"{MODULE}.session", session)
        monkeypatch.setattr(f"{MODULE}.connect", lambda *_: SimpleNamespace(stack=None))
        monkeypatch.setattr(Watcher, "stage", lambda _: None)
        return lab

    return script


def test_each_save_is_followed_by_a_look(shell: Shell, scripted: Any) -> None:
    lab = scripted("oversold", LearnerCodeError("services/shop/attempt/views.py:3: SyntaxError"), "held")
    said = shell("watch", "3", "--looks", "3")
    assert said.code == 0
    assert lab.looked == ["watch-last-seats"] * 3
    assert said.err.startswith("watching services/shop/attempt: interleaving/last-seats, all of its checks")
    assert "■ violated in a quick look" in said.out
    assert "■ does not start" in said.out
    assert "● nothing found in a quick look" in said.out
    assert said.out.count("not evidence") == 2
    assert not shell.evidence.exists()


def test_a_save_while_the_code_starts_is_no_fault_of_the_code(shell: Shell, scripted: Any) -> None:
    lab = scripted("saved meanwhile", "held")
    said = shell("watch", "3", "--looks", "1")
    assert said.code == 0
    assert len(lab.looked) == 2
    assert "does not start" not in said.out
    assert "saved again while it started: looking again\n" in said.err


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("oversold", 1),
        ("held", 0),
        (LearnerCodeError("views.py:3: SyntaxError"), 2),
        (LabBroken("stack prepare: got nothing in 120 s, expected an answer"), 3),
    ],
)
def test_it_ends_as_its_last_look(shell: Shell, scripted: Any, end: Any, code: int) -> None:
    scripted(end)
    said = shell("watch", "3", "--looks", "1", "--json")
    assert said.code == code
    (look,) = said.json
    assert look["evidence"] is False
    assert look["scenario"] == "interleaving/last-seats"


def test_what_can_t_be_watched(shell: Shell, attempt: Path) -> None:
    said = shell("watch", "3", "--scenario", "failure/mail-down")
    assert said.code == 2
    assert "--scenario: got 'failure/mail-down', expected one of interleaving/last-seats" in said.err
    said = shell("watch", "2")
    assert said.code == 2
    assert "expected one from a draft of drill 2" in said.err
    assert "expected one from a draft of drill 6" in shell("watch", "6").err
    assert shell("watch", "7").code == 2
