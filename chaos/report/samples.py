"""Which sampled exchanges a report shows, and how they read."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.model.samples import Sample
from chaos.model.verdict import VerdictDocument

MOST_SHOWN = 12
HEADERS = ("retry-after", "age", "warning", "www-authenticate", "location", "cache-control", "content-type")
"""Headers that tell a client what to do next. The shop's `x-…` and `idempotent…` are kept, too."""

_RANK = {name: rank for rank, name in enumerate(HEADERS)}


def during_faults(document: VerdictDocument, samples: Sequence[Sample]) -> list[Sample]:
    """One of each kind of answer (operation, status, reason) that ended while a fault was there; else of the run."""
    spans = [
        (fault.injected_s, fault.lifted_s if fault.lifted_s is not None else float("inf"))
        for fault in document.faults
        if fault.injected_s is not None
    ]
    inside = [s for s in samples if any(start <= s.ended and s.sent <= end for start, end in spans)]
    kinds: dict[tuple[str, int, str], Sample] = {}
    for sample in inside or samples:
        kinds.setdefault((sample.op, sample.status, sample.reason), sample)
    # Answers that are not `ok` first: they are what a reader looks for.
    ordered = sorted(kinds.values(), key=lambda sample: (sample.outcome == "ok", sample.ended))
    return sorted(ordered[:MOST_SHOWN], key=lambda sample: (sample.ended, sample.id))


def request_line(sample: Sample) -> str:
    """`POST /api/orders/`"""
    return f"{sample.method} {sample.path}"


def status_line(sample: Sample) -> str:
    """`503 (info: http_503), 12 ms after it was wanted`"""
    answer = str(sample.status) if sample.status else "no answer"
    reason = f": {sample.reason}" if sample.reason else ""
    return f"{answer} ({sample.outcome}{reason}), {(sample.ended - sample.intended) * 1000:.0f} ms after it was wanted"


def telling_headers(sample: Sample) -> list[tuple[str, str]]:
    """The answer's headers that are worth reading, the most informative first."""
    skipped = ("x-request-id",)
    found = [
        (name, value)
        for name, value in sample.headers.items()
        if (low := name.lower()) in HEADERS or (low.startswith(("x-", "idempotent")) and low not in skipped)
    ]
    return sorted(found, key=lambda header: (_RANK.get(header[0].lower(), 0), header[0]))


def body(sample: Sample, most: int = 300) -> str:
    """The answer's body, cut."""
    text = " ".join(sample.body.split())
    return f"{text[:most]} …" if len(text) > most or sample.cut else text
