"""Sampled exchanges: a few whole requests and answers of each kind, so that a person can see what customers saw."""

from __future__ import annotations

import msgspec


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of samples.jsonl. Secrets are stripped, bodies cut. Samples explain; the history decides.

    Attributes:
        id: The operation's id, as in the history.
        op: As in the histograms: a second try is `<op>_again`.
        ended: Seconds since the load's start, as are *intended* and *sent*.
        outcome: `ok`, `refused`, `fail` or `info`.
        status: 0 when no answer came; *reason* then says why.
        request_body, body: At most some hundred characters; *cut* when there was more.
    """

    id: str
    op: str
    phase: str
    intended: float
    sent: float
    ended: float
    outcome: str
    method: str
    path: str
    status: int = 0
    reason: str = ""
    request_headers: dict[str, str] = {}
    request_body: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    cut: bool = False
