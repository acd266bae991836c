import gzip

import pytest

from chaos.evidence.files import NoSuchFile
from chaos.evidence.queue import queue_samples
from chaos.model.evidence import QueueSample

AGENT = 'lab_queue_depth{queue=\\"all\\"} 3.0\\nlab_unacked 2.0\\n'


def lines(*texts):
    return gzip.compress("".join(f"{text}\n" for text in texts).encode())


def test_each_second_with_both_figures(tmp_path):
    path = tmp_path / "metrics.jsonl.gz"
    path.write_bytes(
        lines(
            f'{{"at_s": 1.0, "api": "x 1", "agent": "# HELP x\\n{AGENT}"}}',
            '{"at_s": 2.0, "agent": null}',
            '{"at_s": 3.0, "agent": "lab_unacked 2.0\\n"}',
            f'{{"at_s": 4.0, "agent": "{AGENT}"}}',
        )
    )
    assert queue_samples(path) == [QueueSample(at_s=at_s, queued=3, unacked=2) for at_s in (1.0, 4.0)]


def test_a_file_that_was_cut_gives_what_stands_before_the_cut(tmp_path):
    path = tmp_path / "metrics.jsonl.gz"
    whole = lines(*(f'{{"at_s": {n}.0, "agent": "{AGENT}", "api": "{n * 7919}"}}' for n in range(2000)))
    path.write_bytes(whole[: len(whole) // 2])
    assert 0 < len(queue_samples(path)) < 2000


def test_no_file_is_no_witness(tmp_path):
    with pytest.raises(NoSuchFile):
        queue_samples(tmp_path / "metrics.jsonl.gz")
