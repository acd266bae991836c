import gzip
import json
import os
import stat
from pathlib import Path

import msgspec
import pytest

from chaos.errors import LabBroken
from chaos.evidence import writing
from chaos.evidence.files import explaining_lines as read_lines
from chaos.evidence.writing import merge_samples
from chaos.model.samples import Sample


def sample(id, ended):
    return Sample(id=id, op="buy", phase="p", intended=0, sent=0, ended=ended, outcome="ok", method="GET", path="/")


def write(path, *samples, torn=b""):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(s) + b"\n" for s in samples) + torn)


def merged(folder):
    merge_samples(folder)
    return [s.id for s in read_lines(folder / "samples.jsonl", Sample)]


def test_the_workers_samples_become_one_file_in_order(tmp_path):
    write(tmp_path / "samples" / "worker-0.jsonl", sample("0-1", 1), sample("0-2", 3))
    write(tmp_path / "samples" / "worker-1.jsonl", sample("1-1", 2), torn=b'{"id": "1-')
    assert merged(tmp_path) == ["0-1", "1-1", "0-2"]
    assert not (tmp_path / "samples").exists()


def test_twice_is_as_once(tmp_path):
    write(tmp_path / "samples" / "worker-0.jsonl", sample("0-1", 1))
    assert merged(tmp_path) == merged(tmp_path) == ["0-1"]


def test_a_merge_that_died_before_it_removed_the_parts_doubles_nothing(tmp_path):
    write(tmp_path / "samples" / "worker-0.jsonl", sample("0-1", 1))
    write(tmp_path / "samples.jsonl", sample("0-1", 1))
    assert merged(tmp_path) == ["0-1"]


def test_a_run_without_samples_has_no_file(tmp_path):
    assert merged(tmp_path) == []
    assert not (tmp_path / "samples.jsonl").exists()


def test_run_ids_are_in_utc_and_fit_for_a_folder() -> None:
    assert (
        writing.new_run_id("flash-sale", "naive", 7, now_unix_s=1_795_428_902.0)
        == "20261123-101502-flash-sale-naive-s7"
    )
    assert writing.new_run_id("Mein Fall/../ü", "naive", 0, now_unix_s=0.0) == "19700101-000000-mein-fall-naive-s0"
    assert writing.new_run_id("ü", "naive", 0, now_unix_s=0.0) == "19700101-000000-scenario-naive-s0"


def test_a_taken_name_gets_a_suffix(tmp_path: Path) -> None:
    names = [writing.create(tmp_path / "evidence", "r").name for _ in range(3)]
    assert names == ["r", "r-2", "r-3"]
    assert (tmp_path / "evidence" / "r-3" / "history").is_dir()


def test_no_run_starts_without_room_for_its_evidence(tmp_path: Path) -> None:
    with pytest.raises(LabBroken, match=r": got \d+ MiB free, expected at least 1099511627776 for evidence$"):
        writing.create(tmp_path, "r", least_free_bytes=1 << 60)
    assert list(tmp_path.iterdir()) == []


def test_secrets_leave_the_world_file(tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text(
        json.dumps(
            {"seed": 1, "password": "p", "customers": [{"id": 1, "username": "u", "access": "a", "refresh": "r"}]}
        )
    )
    writing.strip_secrets(world)
    writing.strip_secrets(world)
    assert json.loads(world.read_text()) == {"seed": 1, "customers": [{"id": 1, "username": "u"}]}


def test_a_history_is_compressed_without_losing_a_byte(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "worker-0.jsonl").write_bytes(b"a\nb\ntorn")
    writing.compress_history(tmp_path)
    writing.compress_history(tmp_path)
    assert [path.name for path in (tmp_path / "history").iterdir()] == ["worker-0.jsonl.gz"]
    assert gzip.decompress((tmp_path / "history" / "worker-0.jsonl.gz").read_bytes()) == b"a\nb\ntorn"


def test_tokens_of_the_cast_and_bad_ones_leave_the_world_file(tmp_path):
    world = tmp_path / "world.json"
    person = {"id": 1, "access": "a", "refresh": "r", "stale": "s", "order": "o"}
    world.write_text(
        json.dumps(
            {
                "cast": {"customer": person},
                "guests": [person],
                "bad_tokens": {"alg_none": "n"},
                "bad_refreshes": {"deleted": "d"},
            }
        )
    )
    writing.strip_secrets(world)
    left = {"id": 1, "order": "o"}
    assert json.loads(world.read_text()) == {"cast": {"customer": left}, "guests": [left]}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root's shop has a user of its own")
@pytest.mark.parametrize(("euid", "mode"), [(0, 0o750), (1000, 0o755)])
def test_nobody_else_lists_what_root_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, euid: int, mode: int
) -> None:
    """The folders' names say which scenario runs. A folder that is not the caller's is left as it is."""
    root = tmp_path / "evidence"
    root.mkdir()
    root.chmod(0o755)
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    writing.create(root, "r")
    assert stat.S_IMODE(root.stat().st_mode) == mode
