"""The dashboard's readers on folders that somebody else made: no page waits, breaks or obeys."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence import growing
from chaos.evidence.course import RunState
from chaos.evidence.writing import encode
from chaos.model.verdict import plain
from dashboard import details, evidence, markup, words
from dashboard.errors import SourceAway
from tests.unit.chaos.documents import document
from tests.unit.chaos.runs import RUN_ID, run_of, write_run

ESC = "\x1b[2J\x07\r\x9b\u202e\ufeff"
DEEP = b'{"a":' * 100_000


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zeroes(path: Path) -> None:
    path.symlink_to("/dev/zero")


def deep(path: Path) -> None:
    path.write_bytes(DEEP)


def deep_line(path: Path) -> None:
    path.write_bytes(b'{"seq":0,"at_unix_s":1,"event":"note","data":' + DEEP + b"\n")


def odd_figures(path: Path) -> None:
    path.write_text(
        json.dumps({"version": 1, "run_id": "x", "scenario": "x", "variant": "x", "seed": 10**400, "t0_unix_s": 1e308,
                    "phases": [{"name": "p", "start_s": 0, "duration_s": 1e300}], "duration_s": 10**400,
                    "findings": [{"check": ESC, "figures": {"x": 10**400}}], "cells": [{"count": 10**400}]}) + "\n"
    )  # fmt: skip


def aliases(path: Path) -> None:
    path.write_text("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)))


def folder(path: Path) -> None:
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 43)


NAMES = (
    "journal.jsonl", "verdict.json", "load-plan.json", "scenario.yaml", "histograms.json", "samples.jsonl",
    "counterexamples.json", "history/worker-0.jsonl", "report.html", "attempt.patch", "run.mp4",
)  # fmt: skip


@pytest.mark.parametrize("put", [pipe, zeroes, deep, deep_line, odd_figures, aliases, folder, huge])
@pytest.mark.parametrize("name", NAMES)
def test_every_reader_comes_back(tmp_path: Path, put: Callable[[Path], None], name: str) -> None:
    bad = write_run(run_of(tmp_path))
    (bad / name).unlink(missing_ok=True)
    put(bad / name)
    run = evidence.read_run(tmp_path, RUN_ID)
    assert growing.running_run_id(tmp_path) in (RUN_ID, None)
    for read in (details.samples, details.explained, details.events):
        read(bad)
    details.findings(run)
    assert all(each.path is None or each.path.is_file() for each in details.downloads(run))
    try:
        figures = evidence.figures(bad)
    except SourceAway:
        figures = None
    details.seconds_csv(figures.all.seconds() if figures else ())
    details.operations_csv(details.operations(run))
    details.operations_csv(details.operations(run, figures))


@pytest.mark.parametrize("at_s", ["1e12", "-1e12", "1e308", "NaN", "9" * 400])
def test_an_operation_at_a_moment_that_no_run_has_is_left_out(tmp_path: Path, at_s: str) -> None:
    bad = write_run(run_of(tmp_path))
    path = bad / "history" / "worker-0.jsonl"
    line = f'{{"t":"dropped","id":"9","op":"browse","phase":"spike","intended":{at_s}}}\n'
    path.write_text(line + path.read_text())
    assert len(evidence.figures(bad).all.seconds()) < 60


def test_a_run_that_nobody_can_read_keeps_no_other_from_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unforeseen(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    write_run(run_of(tmp_path))
    monkeypatch.setattr(growing, "phases_of", unforeseen)
    assert growing.read_any(tmp_path, RUN_ID).state is RunState.CUT_SHORT


def test_what_a_browser_or_a_spreadsheet_would_obey_is_spelled_out(tmp_path: Path) -> None:
    run = run_of(tmp_path, title=f"T{ESC}", variant=f"v{ESC}", learner=ESC)
    bad = write_run(run)
    broken = {"check": ESC, "kind": "slo", "verdict": "violated", "expected": ESC, "figures": {ESC: [ESC]}}
    judged = document(title=f"T{ESC}", variant=f"v{ESC}", learner=ESC, summary=ESC, findings=[broken])
    (bad / "verdict.json").write_bytes(encode(plain(judged)))
    sample = {"id": "1", "op": ESC, "path": ESC, "body": ESC, "headers": {ESC: ESC}}
    (bad / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    shown = evidence.read_run(tmp_path, RUN_ID)
    texts = [shown.title, shown.variant, shown.learner, shown.summary, *shown.broken]
    texts += [repr(details.samples(bad)), repr(details.findings(shown)), repr(details.events(bad))]
    texts += [markup.text(ESC), words.plain(ESC), details._csv(("a",), [(ESC,), (f"={ESC}",)])]
    for text in texts:
        assert not set(ESC) & set(text.replace("[2J", "")) - set("[2J"), text
