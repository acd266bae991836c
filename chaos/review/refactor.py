"""A mended back office against its draft: each planted exploit worked before, and none works after."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from chaos.model.grading import Planted
from chaos.model.verdict import Verdict


class Row(NamedTuple):
    """A planted flaw that an exploit shows: whether it worked on the draft, and whether it works on the attempt."""

    slot: str
    exploit: str
    before: bool
    after: bool


def table(key: Sequence[Planted], before: Collection[str], after: Collection[str]) -> list[Row]:
    """A row for each planted flaw with an exploit; *before* and *after* are the exploits that succeeded."""
    return [
        Row(one.slot, one.exploit, one.exploit in before, one.exploit in after)
        for one in key
        if one.kind == "flaw" and one.exploit
    ]


def verdict(key: Sequence[Planted], before: Collection[str], after: Collection[str], judged: Verdict) -> Verdict:
    """What the refactor comes to, *judged* being the verdict of the run on the attempt.

    An exploit that succeeds afterwards is a violation, planted or not. One that did not work on the draft in its run
    proves nothing about the attempt.
    """
    if after or judged is Verdict.VIOLATED:
        return Verdict.VIOLATED
    if not all(row.before for row in table(key, before, after)):
        return Verdict.INCONCLUSIVE
    return judged
