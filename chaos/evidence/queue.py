"""The broker's queues second by second, as the agent read them, without a proxy in between (metrics.jsonl.gz)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chaos.evidence.files import MOST_HISTORY_BYTES, UNFIT, NoSuchFile, Unreadable, lines
from chaos.model.bounds import AtS
from chaos.model.evidence import QueueSample

_QUEUED = re.compile(r"^lab_queue_depth\{[^}]*\} (\d{1,15}(?:\.\d{1,15})?)$", re.MULTILINE)
_UNACKED = re.compile(r"^lab_unacked (\d{1,15}(?:\.\d{1,15})?)$", re.MULTILINE)


class _Line(msgspec.Struct):
    at_s: AtS
    agent: str | None = None


_LINE = msgspec.json.Decoder(_Line)


def queue_samples(path: Path) -> list[QueueSample]:
    """Every second in which the agent could read them. Raises: NoSuchFile."""
    return list(_samples(path))


def _samples(path: Path) -> Iterator[QueueSample]:
    try:
        for raw in lines(path, most=MOST_HISTORY_BYTES):
            line = _LINE.decode(raw)
            queued, unacked = _QUEUED.findall(line.agent or ""), _UNACKED.search(line.agent or "")
            if queued and unacked:
                depth = sum(int(float(each)) for each in queued)
                yield QueueSample(at_s=line.at_s, queued=depth, unacked=int(float(unacked[1])))
    except NoSuchFile:
        raise
    except (Unreadable, *UNFIT):
        return  # the sampler was killed within a line: the lines before it count
