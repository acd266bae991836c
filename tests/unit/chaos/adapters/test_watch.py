"""The watch beside a run: what it tells, and what it is worth when it ends otherwise than asked."""

from __future__ import annotations

import sys

import pytest

from chaos.adapters import watch
from chaos.adapters.watch import StackWatch

GOOD = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
print(json.dumps({"stranger": "a", "what": "somebody took part"}), flush=True)
sys.stdin.read()
print(json.dumps({"ended": True, "trouble": TROUBLE}), flush=True)
"""


def start(code: str) -> tuple[StackWatch, list[str]]:
    told: list[str] = []
    looking = StackWatch((sys.executable, "-c", code))
    looking.start(told.append)
    return looking, told


def test_strangers_are_told_and_a_watch_that_ends_as_asked_is_a_proof() -> None:
    looking, told = start(GOOD.replace("TROUBLE", "[]"))
    looking.wait_ready()
    assert looking.stop() == ""
    assert told == ["somebody took part"]


def test_what_it_could_not_look_at_is_told() -> None:
    looking, _ = start(GOOD.replace("TROUBLE", "['redis: no', 'postgres: no']"))
    assert looking.stop() == "redis: no; postgres: no"


@pytest.mark.parametrize("code", ["raise SystemExit(4)", "print('not json')"])
def test_a_watch_that_died_proves_nothing(code: str) -> None:
    looking, _ = start(code)
    looking.wait_ready()
    assert looking.stop() == "it ended before it was asked to"


def test_a_watch_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "END_S", 0.3)
    looking, _ = start("import time; print('{\"ready\": true}', flush=True); time.sleep(60)")
    looking.wait_ready()
    assert "had not ended" in looking.stop()
