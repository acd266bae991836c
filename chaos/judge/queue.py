"""The broker's queues second by second, from what the agent said past the proxies (metrics.jsonl.gz)."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from chaos.model.evidence import QueueSample

_QUEUED = re.compile(r"^lab_queue_depth\{[^}]*\} (\d+(?:\.\d+)?)$", re.MULTILINE)
_UNACKED = re.compile(r"^lab_unacked (\d+(?:\.\d+)?)$", re.MULTILINE)


class _Line(msgspec.Struct):
    at_s: float
    agent: str | None = None


_LINE = msgspec.json.Decoder(_Line)


def queue_samples(path: Path) -> list[QueueSample]:
    """Every second in which the agent could read them. Raises: OSError when there is no such file."""
    return list(_samples(path))


def _samples(path: Path) -> Iterator[QueueSample]:
    with gzip.open(path) as file:
        try:
            for raw in file:
                line = _LINE.decode(raw)
                queued, unacked = _QUEUED.findall(line.agent or ""), _UNACKED.search(line.agent or "")
                if queued and unacked:
                    depth = sum(int(float(each)) for each in queued)
                    yield QueueSample(at_s=line.at_s, queued=depth, unacked=int(float(unacked[1])))
        except (EOFError, zlib.error, msgspec.DecodeError):
            return  # the sampler was killed amid a line: what stands before it counts
