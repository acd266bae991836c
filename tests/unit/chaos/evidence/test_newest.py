"""The newest run of a scenario and a variant."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.evidence.newest import ended, newest
from chaos.evidence.writing import encode
from chaos.model.folder import File
from chaos.model.verdict import plain
from tests.unit.chaos.documents import document


def left(root: Path, run_id: str, scenario: str, variant: str, verdict: str = "held") -> Path:
    """The folder of a run, as far as this looks at one."""
    folder = root / run_id
    folder.mkdir(parents=True)
    (folder / File.JOURNAL).touch()
    told = document(run_id=run_id, scenario=scenario, variant=variant, verdict=verdict)
    (folder / File.VERDICT).write_bytes(encode(plain(told)))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    left(tmp_path, "20261101-000000-a", "x/a", "naive", "violated")
    left(tmp_path, "20261102-000000-a", "x/a", "attempt", "inconclusive")
    left(tmp_path, "20261103-000000-b", "x/b", "attempt")
    (tmp_path / "20261104-000000-open").mkdir()
    (tmp_path / "20261104-000000-open" / File.JOURNAL).touch()
    damaged = left(tmp_path, "20261105-000000-damaged", "x/b", "attempt")
    (damaged / File.VERDICT).write_text('{"verdict": "held"}')
    return tmp_path


def test_runs_that_ended_newest_first(root: Path) -> None:
    found = list(ended(root))
    assert [(run.run_id, run.scenario, run.variant, run.verdict) for run in found] == [
        ("20261103-000000-b", "x/b", "attempt", "held"),
        ("20261102-000000-a", "x/a", "attempt", "inconclusive"),
        ("20261101-000000-a", "x/a", "naive", "violated"),
    ]
    assert found[0].folder == root / "20261103-000000-b"


def test_of_a_scenario_and_a_variant(root: Path) -> None:
    assert [run.run_id[:8] for run in ended(root, scenario="x/a")] == ["20261102", "20261101"]
    assert [run.run_id[:8] for run in ended(root, variant="attempt")] == ["20261103", "20261102"]
    found = newest(root, scenario="x/a", variant="naive")
    assert found is not None
    assert found.verdict == "violated"


def test_where_there_is_none(root: Path, tmp_path: Path) -> None:
    assert newest(root, scenario="x/b", variant="naive") is None
    assert newest(tmp_path / "nowhere") is None
