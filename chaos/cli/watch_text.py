"""How a quick look reads: what it found, and that it is no evidence."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.drills.quick_look import Cut
from chaos.drills.watch import Looked
from chaos.model.verdict import Verdict

SIGNS = {Verdict.HELD: "●", Verdict.INCONCLUSIVE: "▲", Verdict.VIOLATED: "■"}
SAYS = {
    Verdict.HELD: "nothing found in",
    Verdict.INCONCLUSIVE: "can't tell after",
    Verdict.VIOLATED: "violated in",
}


def begin(cut: Cut, checks: str) -> list[str]:
    """What is watched."""
    left = f" Left out: {'; '.join(cut.left_out)}." if cut.left_out else ""
    return [
        f"watching services/shop/attempt: {cut.of.name}, {checks}.{left}",
        "Each save is followed by a quick look; what it finds is no evidence. Ctrl-C ends.",
    ]


def looked(one: Looked) -> list[str]:
    """What a look came to."""
    return list(_looked(one))


def _looked(one: Looked) -> Iterator[str]:
    took = f"{one.took_s:.1f} s after the save"
    if one.verdict is None:
        yield f"■ does not start ({took}): {one.problem}"
        return
    if one.problem:
        yield f"▲ can't tell ({took}): {one.problem}"
        return
    yield f"{SIGNS[one.verdict]} {SAYS[one.verdict]} a quick look ({one.looked_at or 'nothing was sent'}; {took})"
    if one.why:  # what it leaves undecided has the one root: the same sentence at each check helps nobody
        yield f"  {one.why}"
    for finding in () if one.why else one.findings:
        told = finding.measured or finding.reason
        word = "nothing found" if finding.verdict is Verdict.HELD else str(finding.verdict)
        yield f"  {SIGNS[finding.verdict]} {finding.check}: {word}: {told}"
    missing = f": without {'; '.join(one.cut.left_out)}" if one.cut.left_out else ""
    yield f"  not evidence{missing}. The run: firedrill run {one.cut.of.name} --variant attempt"
    if one.verdict is Verdict.VIOLATED and one.folder is not None:
        yield f"  firedrill explain {one.folder}"
