"""Keeps a few whole requests and answers of each kind: a bounded number, without secrets, and never an error."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from chaos.model.samples import Sample
from chaos.model.secrets import scrubbed
from loadtests.journey import Call, Reading, series_of
from loadtests.recorder import Operation

MOST_OF_A_KIND = 40
"""Most samples of one phase, operation and outcome. Of each status and reason, one is kept per APART_S."""
APART_S = 1.0
MOST_BODY = 600


class Samples:
    """Appends samples to *path*, the file of one worker. An error in writing loses samples and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1
        self._kept: Counter[tuple[str, str, str]] = Counter()
        self._next_s: dict[tuple[str, str, int, str], float] = {}
        self._encode = msgspec.json.Encoder().encode

    def offer(
        self,
        call: Call,
        operation: Operation,
        reading: Reading,
        *,
        status: int,
        ended: float,
        head: bytes,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
    ) -> None:
        """Keep this exchange, unless enough of its kind are kept."""
        phase, series = operation.key
        kind = (phase, series, status, reading.reason)
        if ended < self._next_s.get(kind, float("-inf")):
            return
        outcome = "refused" if reading.refused else reading.outcome.value
        if self._kept[phase, series, outcome] >= MOST_OF_A_KIND:
            self._next_s[kind] = float("inf")
            return
        self._next_s[kind] = ended + APART_S
        self._kept[phase, series, outcome] += 1
        self._write(_sample(call, operation, reading, outcome, status, ended, head, headers, body or b""))

    def _write(self, sample: Sample) -> None:
        try:
            if self._file < 0:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.write(self._file, self._encode(sample) + b"\n")
        except OSError:  # a full disk shows in the history, too
            return

    def close(self) -> None:
        """Idempotent."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _sample(
    call: Call,
    operation: Operation,
    reading: Reading,
    outcome: str,
    status: int,
    ended: float,
    head: bytes,
    headers: Iterable[tuple[str, str]],
    body: bytes,
) -> Sample:
    request_line, *lines = head.decode("latin-1").split("\r\n")
    asked = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Sample(
        id=operation.id,
        op=series_of(call),
        phase=operation.key[0],
        intended=operation.intended,
        sent=operation.sent,
        ended=round(ended, 6),
        outcome=outcome,
        method=call.method,
        path=scrubbed(request_line.split(" ")[1]),
        status=status,
        reason=reading.reason,
        request_headers=_stripped(asked.items()),
        request_body=_text(call.body),
        headers=_stripped(headers),
        body=_text(body),
        cut=len(body) > MOST_BODY or len(call.body) > MOST_BODY,
    )


def _stripped(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    hidden = {"authorization", "cookie", "set-cookie", "proxy-authorization"}
    return {name: "…" if name.lower() in hidden else scrubbed(str(value))[:200] for name, value in headers}


def _text(body: bytes) -> str:
    return scrubbed(body[:MOST_BODY].decode("utf-8", errors="replace"))
