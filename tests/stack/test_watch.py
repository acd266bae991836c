"""`watch` on the real stack: a look at each save, told apart, and soon enough to work by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stack.conftest import LabUnderTest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).resolve().parents[2]
LOOKS = """
import json, sys, time
from chaos.adapters.lab import connect
from chaos.adapters.staged import Staged
from chaos.config import looks_dir, watch_dir
from chaos.drills.attempt import SHOP
from chaos.drills.quick_look import cut
from chaos.drills.session import Options, session
from chaos.drills.watch import Watcher, files_of
from chaos.load import find_scenario, load_scenario
from chaos.run.request import View


class Silent:
    def say(self, text): sys.stderr.write(text + chr(10))
    def event(self, event): pass
    def progress(self, progress, active_faults): pass


variant, scenario = sys.argv[1:]
watch_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
saves = iter(range(9))
with session(Options(), Silent(), purpose="a test of watch") as lab:
    what = cut(load_scenario(find_scenario(scenario)), None)
    files = {"views.py": (0, 1)}
    staged = Staged(connect(lab.stack, variant).stack, watch_dir() / "world.json", lambda: files)
    watcher = Watcher(lab, staged, what, variant=variant, looks=looks_dir())
    for save in range(2):
        files = {"views.py": (save, 1)}
        print(json.dumps(watcher.look(saved_s=time.monotonic()).document()))
        watcher.stage()
"""
"""Two looks of `watch`, the second one at a world that was staged; the save of a file is told, none is touched."""


def looks(stack: LabUnderTest, variant: str, scenario: str) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS, variant, scenario],
        cwd=CHECKOUT,
        env=stack.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def recorded(stack: LabUnderTest) -> set[str]:
    """Names of the folders of evidence."""
    return {folder.name for folder in (stack.lab_dir / "evidence").glob("*")}


def journal_of(look: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(look["folder"]) / "journal.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("variant", "verdict"), [("naive", "violated"), ("hardened", "held")])
def test_a_look_comes_to_its_end_and_so_does_the_one_after_a_save(
    stack: LabUnderTest, variant: str, verdict: str
) -> None:
    before = recorded(stack)
    found = looks(stack, variant, "interleaving/last-seats")
    assert [look["verdict"] for look in found] == [verdict] * 2, found
    assert all(look["looked_at"].endswith(" schedules") for look in found)
    assert list((stack.lab_dir / "watch" / "looks").iterdir())
    assert recorded(stack) == before, "a look leaves no evidence"
    prepared = next(event for event in journal_of(found[1]) if event["event"] == "prepared")["data"]
    assert set(prepared["timings_s"]) == {
        "stop",
        "start",
        "total",
    }  # the world was there: nothing was emptied or seeded
