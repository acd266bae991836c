"""What a folder can't tell is a sentence with a way on."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.evidence import figures
from chaos.model.folder import HISTORY, File
from dashboard import evidence
from dashboard.errors import SourceAway


def test_an_unknown_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="There is no run"):
        evidence.read_run(tmp_path, "20261123-101502-none-naive-s7")


def test_a_missing_history_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="no operation history yet"):
        evidence.figures(tmp_path)
    (tmp_path / File.VERDICT).write_text("{}")  # it has ended: nothing is to come
    with pytest.raises(SourceAway, match=r"no operation history\."):
        evidence.figures(tmp_path)


def test_a_history_too_large_for_a_page_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / HISTORY).mkdir()
    (tmp_path / HISTORY / "0.jsonl").write_text("{}\n" * 5)
    monkeypatch.setattr(figures, "MOST_PAGE_BYTES", 10)
    with pytest.raises(SourceAway, match="too large"):
        evidence.figures(tmp_path)


def test_a_folder_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("")
    with pytest.raises(SourceAway, match="can't be read"):
        evidence.run_ids(tmp_path / "evidence")
