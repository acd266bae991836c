from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboard import config, health
from dashboard.errors import SourceAway
from dashboard.stack import Stack, Urls, read_stack


def test_a_stack_file_says_where_the_parts_are(tmp_path: Path, samples: Any) -> None:
    stack = read_stack(samples.write_stack(tmp_path / "stack.json", api="http://127.0.0.1:26000", prometheus=None))
    assert stack.urls == Urls(api="http://127.0.0.1:26000")
    assert stack.lab_token == samples.TOKEN
    assert stack.postgres is not None
    assert (stack.postgres.host, stack.postgres.port) == ("127.0.0.1", 1)


def test_no_stack_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceAway, match="not up"):
        read_stack(tmp_path / "stack.json")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"urls": 3}', '{"lab_token": 7}'])
def test_a_damaged_stack_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(content)
    with pytest.raises(SourceAway, match="can't be read"):
        read_stack(path)


def test_paths_come_from_the_environment_or_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIREDRILL_STACK_FILE", "FIREDRILL_LAB_DIR", "FIREDRILL_EVIDENCE_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert config.from_environment().stack_file == config.CHECKOUT / ".lab" / "stack.json"
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path))
    assert config.from_environment().stack_file == tmp_path / "stack.json"
    monkeypatch.setenv("FIREDRILL_STACK_FILE", str(tmp_path / "other.json"))
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path / "e"))
    assert config.from_environment() == config.Settings(stack_file=tmp_path / "other.json", evidence_dir=tmp_path / "e")


def test_each_part_is_asked_itself(samples: Any, scorecard: Any) -> None:
    closed = f"http://127.0.0.1:{samples.free_port()}"
    stack = Stack(urls=Urls(scorecard=scorecard.url + "/", gateway=closed, api=scorecard.url, agent="http://["))
    words = {part.name: part.sign.word for part in health.parts(stack)}
    assert words["Scorecard"] == "ready"
    assert words["Gateway"] == words["Agent"] == "no answer"
    assert words["API"] == "not ready"
    assert words["Prometheus"] == words["PostgreSQL"] == "absent"
