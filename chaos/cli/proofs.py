"""What a self-test of several scenarios ends with."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.drills.selftest import Proof
from chaos.errors import ExitCode

_SAID = {ExitCode.HELD: "✔ proved", ExitCode.VIOLATED: "✗ unlike proves", ExitCode.INCONCLUSIVE: "? can't tell"}


def proof_table(proofs: Sequence[Proof], *, of: int) -> str:
    """A line per scenario: how it came out, how hardened ended, how many runs it took, and what naive violated."""
    head = ("scenario", "outcome", "hardened", "runs", "naive violated")
    rows = [
        (
            proof.scenario.name,
            _SAID[proof.exit_code],
            str(proof.hardened.verdict),
            str(len(proof.tries)),
            ", ".join(sorted(proof.naive.violated)) or "nothing",
        )
        for proof in proofs
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    proved = sum(proof.exit_code is ExitCode.HELD for proof in proofs)
    return "".join(f"{line.rstrip()}\n" for line in [*lines, f"{proved} of {of} scenarios proved themselves"])
