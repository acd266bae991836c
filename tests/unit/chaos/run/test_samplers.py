"""What host.jsonl says of the API's processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaos.run.samplers import HostFile


def lines_of(path: Path, *readings: dict[int, float]) -> list[dict[str, object]]:
    """A line for each reading of CPU seconds by process id, a second apart."""
    upcoming = iter(readings)
    file = HostFile(path, api_cpu_s=lambda: next(upcoming))
    for second in range(len(readings)):
        file.sample(float(second))
    file.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_process_has_its_share_of_a_core(tmp_path: Path) -> None:
    first, second = lines_of(tmp_path / "host.jsonl", {7: 1.0, 8: 2.0}, {7: 1.25, 8: 2.75})
    assert (first["api_processes"], first["api_core"]) == (None, None)
    assert second["api_processes"] == {"7": 0.25, "8": 0.75}
    assert second["api_core"] == 0.75  # a Python process fills one core at most


@pytest.mark.parametrize("after", [{}, {9: 0.5}], ids=["gone", "others"])
def test_who_was_not_there_a_second_ago_has_no_share_yet(tmp_path: Path, after: dict[int, float]) -> None:
    _, line = lines_of(tmp_path / "host.jsonl", {7: 1.0, 8: 2.0}, after)
    assert (line["api_processes"], line["api_core"]) == (None, None)
