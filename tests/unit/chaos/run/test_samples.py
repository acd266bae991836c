import msgspec

from chaos.files import read_lines
from chaos.model.samples import Sample
from chaos.run.folder import merge_samples


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
