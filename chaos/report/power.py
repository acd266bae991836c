"""The power table: how often each mutant was caught, and how often `hardened` was accused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """One line of the table, in words.

    Attributes:
        named: How often the named check was violated, of how many seeds: `9/10`; for `hardened` how often it held.
        dates: Of the oldest and the newest trial.
        stale: The patch, `hardened`, the scenario or the check has changed since a trial.
    """

    subject: str
    title: str
    drill: int
    scenario: str
    check: str
    named: str
    missed: int
    undecided: int
    others: Mapping[str, int]
    repeated: int
    dates: tuple[str, str]
    revisions: tuple[str, ...]
    stale: bool
    sign: str


_ABOUT = """\
# Power: what the checks detect

A mutant is `hardened` with one patch of `services/shop/mutants/` that brings one flaw back. It must be caught by the
check that its patch names, under the scenario that it names; `hardened` on the same seeds must not be accused. Goal:
every mutant caught by its own check on at least 9 of 10 seeds, `hardened` accused on none.

Written by `firedrill selftest --mutants --seeds N --write` from `docs/extend/power.jsonl`, which keeps each trial
with its date and revision. A trial is undecided when its run could not tell (a busy machine, a fault that nobody
met); what the machine spoiled is repeated at most twice, and every try counts under `tries`. `≠` marks rows
measured before the patch, `hardened`, the scenario or the check changed: true then, not measured since.
"""


def markdown(rows: Iterable[PowerRow], *, written: str) -> str:
    """docs/extend/power.md. *written* is the date."""
    rows = list(rows)
    mutants = [
        [
            *(_sign(row), f"`{row.subject}`: {row.title}", row.drill, row.scenario, f"`{row.check}`", row.named),
            *(row.missed, row.undecided, _others(row), row.repeated, _when(row), _revisions(row)),
        ]
        for row in rows
        if row.check
    ]
    hardened = [
        [
            *(_sign(row), row.scenario, row.named, row.missed, row.undecided, _others(row)),
            *(row.repeated, _when(row), _revisions(row)),
        ]
        for row in rows
        if not row.check
    ]
    mutant_heads = "mutant|drill|scenario|caught by|caught|missed|undecided|others violated|tries|measured|revision"
    hardened_heads = "scenario|held|accused|undecided|of what|tries|measured|revision"
    return "\n".join(
        [
            *(_ABOUT, f"Written {written}.", ""),
            *("## Mutants", "", *_table(["", *mutant_heads.split("|")], mutants), ""),
            *("## False alarms of `hardened`", "", *_table(["", *hardened_heads.split("|")], hardened), ""),
        ]
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for cells in (heads, ["---"] * len(heads), *rows):
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def text(rows: Iterable[PowerRow]) -> str:
    """For a terminal or a log: a line each."""
    lines = [(_sign(row), row.subject, row.scenario, row.check or "must hold", _said(row)) for row in rows]
    widths = [max((len(line[column]) for line in lines), default=0) for column in range(5)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"{line.rstrip()}\n" for line in padded)


def _said(row: PowerRow) -> str:
    words = ("caught", "missed") if row.check else ("held", "accused")
    said = f"{words[0]} {row.named}, {words[1]} {row.missed}, undecided {row.undecided}"
    return f"{said} (violated{' besides' if row.check else ''}: {_others(row)})" if row.others else said


def _sign(row: PowerRow) -> str:
    return f"{row.sign} ≠" if row.stale else row.sign


def _others(row: PowerRow) -> str:
    return ", ".join(f"{check} {times}" for check, times in row.others.items()) or "–"


def _when(row: PowerRow) -> str:
    first, last = row.dates
    return first if first == last else f"{first} to {last}"


def _revisions(row: PowerRow) -> str:
    return ", ".join(row.revisions) or "–"
