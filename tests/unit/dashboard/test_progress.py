"""How far a run has come: one with load by its plan, an exchange run by its requests."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence.growing import read_run
from chaos.model.folder import EXCHANGES_GROWING, File
from dashboard import progress

BEGUN = time.time()
EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("run_started", {"scenario": "queries/reads", "variant": "attempt", "seed": 7}),
    ("prepared", {"variant": "attempt"}),
    ("load_started", {"t0_unix_s": BEGUN, "phases": [], "sections": ["reads", "writes"], "cases": 12}),
    ("phase_started", {"phase": "reads", "start_s": 0.1, "cases": 8}),
    ("phase_ended", {"phase": "reads", "end_s": 4.0}),
    ("phase_started", {"phase": "writes", "start_s": 4.1, "cases": 4}),
    ("phase_ended", {"phase": "writes", "end_s": 6.0}),
    ("load_ended", {"ended": "finished"}),
]


def exchanging(folder: Path, *, events: int, answered: int, cases: int | None = None) -> Path:
    """A run of sections that goes on, after so many events and exchanges."""
    folder.mkdir()
    lines = []
    for seq, (event, data) in enumerate(EVENTS[:events]):
        told = {**data, "cases": cases} if cases is not None and "cases" in data else data
        lines.append(
            json.dumps({"seq": seq, "at_unix_s": BEGUN + seq, "at_s": float(seq), "event": event, "data": told})
        )
    (folder / File.JOURNAL).write_text("\n".join(lines) + "\n")
    (folder / EXCHANGES_GROWING).write_text("{}\n" * answered)
    return folder


@pytest.mark.parametrize(
    ("events", "answered", "done", "said"),
    [
        (3, 0, [1.0, 0.0, 0.0, 0.0], ""),
        (4, 2, [1.0, 0.25, 0.0, 0.0], "2 of 8 requests"),
        (5, 8, [1.0, 1.0, 0.0, 0.0], "8 of 8 requests"),
        (6, 11, [1.0, 1.0, 0.75, 0.0], "11 of 12 requests"),
        (8, 12, [1.0, 1.0, 1.0, 0.5], "12 of 12 requests"),
    ],
)
def test_an_exchange_run_is_as_far_as_its_requests(
    tmp_path: Path, events: int, answered: int, done: list[float], said: str
) -> None:
    run = read_run(tmp_path, exchanging(tmp_path / "20261129-120000-reads", events=events, answered=answered).name)
    assert [stage.name for stage in progress.stages(run)] == ["prepare", "reads", "writes", "settle and judge"]
    assert [stage.done for stage in progress.stages(run)] == done
    assert progress.said(run) == said
    told = re.search(r"aria-valuenow='(\d+)' aria-valuetext='([^']*)'", progress.bar(run))
    assert told is not None
    assert told[2].endswith(said)
    assert 0 < int(told[1]) < 100


def test_forced_schedules_can_not_be_counted_before(tmp_path: Path) -> None:
    run = read_run(tmp_path, exchanging(tmp_path / "20261129-120000-seats", events=4, answered=3, cases=0).name)
    assert [stage.done for stage in progress.stages(run)] == [1.0, 0.5, 0.0, 0.0]
    assert progress.said(run) == ""


def test_before_the_sections_are_known_there_is_no_bar(tmp_path: Path) -> None:
    run = read_run(tmp_path, exchanging(tmp_path / "20261129-120000-reads", events=2, answered=0).name)
    assert progress.bar(run) == ""
