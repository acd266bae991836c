"""The parity page from four small evidence folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compose.parity import main


def folder(top: Path, mode: str, variant: str, verdict: str, **finding: Any) -> str:
    run = top / f"{mode}-{variant}"
    run.mkdir()
    found = {"check": "no_oversell", "verdict": verdict, "measured": "200 of 150", "reason": "", **finding}
    document = {
        "title": "Flash sale",
        "seed": 7,
        "variant": variant,
        "verdict": verdict,
        "started_at": "2026-01-02T03:04:05+00:00",
        "versions": {"mode": mode},
        "findings": [found, {"check": "self_check:driver", "verdict": "held", "measured": "", "reason": ""}],
        "phases": [{"name": "baseline"}],
        "operations": {"baseline": {"buy": {"p50_ms": 30.4, "p95_ms": 172.6}}},
        "faults": [{"id": "1-kill", "injected_s": 11.018, "lifted_s": None, "exposure": 1, "proven": True}],
    }
    (run / "verdict.json").write_text(json.dumps(document))
    lines = [{"at_s": -1.0, "cpu_busy": 1.0}, {"at_s": 1.0, "cpu_busy": 0.5}, {"at_s": 2.0, "cpu_busy": None}]
    (run / "host.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(run)


def test_both_modes_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        folder(tmp_path, "local", "naive", "violated"),
        folder(tmp_path, "local", "hardened", "held"),
        folder(tmp_path, "compose", "naive", "inconclusive", reason="no data | none"),
        folder(tmp_path, "compose", "hardened", "held"),
    ]
    assert main([*runs, "--ready", "6.2", "21"]) == 0
    page = capsys.readouterr().out
    assert "| every part ready (images and servers there) | 6.2 s | 21.0 s |" in page
    assert "| `no_oversell` | ■ violated: 200 of 150 | ▲ inconclusive: no data / none |" in page
    assert "| buy, p50 / p95 in baseline | 30 / 173 ms | 30 / 173 ms |" in page
    assert "| CPU of the machine busy, mean | 50% | 50% |" in page
    assert "| `1-kill` | 11.02 s to never, met 1, proven | 11.02 s to never, met 1, proven |" in page
    assert "| 1 self-checks | ● held | ● held |" in page


def test_two_runs_of_one_mode_are_no_comparison(tmp_path: Path) -> None:
    local = [folder(tmp_path, "local", variant, "held") for variant in ("naive", "hardened")]
    with pytest.raises(SystemExit):
        main([*local, *local])
