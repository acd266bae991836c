"""The tables of `firedrill list`: a head, aligned columns, and on a terminal no line that is longer than it is wide."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chaos.model.text import visible

VARIANTS: Final = ("naive", "hardened", "attempt")
"""Whose last verdict is shown."""
_SHORT: Final = {"held": "● held", "inconclusive": "▲ inconcl.", "violated": "■ violated"}
_GAP: Final = "  "
_WIDTH: Final = 10_000


def width() -> int:
    """Of the terminal; in a pipe nothing is cut."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH


def scenarios(rows: Sequence[Mapping[str, Any]], *, most: int) -> str:
    """Drill after drill: each scenario, how long its load lasts, its last verdicts, its title where there is room."""
    lines: list[tuple[str, ...]] = []
    for drill in sorted({row["drill"] or 0 for row in rows}):
        title = f"Drill {drill}" if drill else "Invalid"
        lines += [("",), (title, "load", *VARIANTS, "title")]
        for row in rows:
            if (row["drill"] or 0) == drill:
                said = [_SHORT.get(row["last"].get(variant, ""), "–") for variant in VARIANTS]
                lines.append((f"  {row['name']}", _load(row["lasts"]), *said, row["title"]))
    return _table(lines[1:], most=most)


def _load(lasts: str) -> str:
    """A scenario without load takes as long as its requests do."""
    return "–" if lasts == "0 s" else lasts


def runs(rows: Sequence[Mapping[str, Any]], *, most: int) -> str:
    """Each run with its verdict, its label where any has one, and what it came to, oldest first."""
    columns = ["verdict", *(["label"] if any(row["label"] for row in rows) else []), "summary"]
    return _table([("run", *columns), *((r["run_id"], *(r[name] for name in columns)) for r in rows)], most=most)


def _table(lines: Sequence[tuple[str, ...]], *, most: int) -> str:
    shown = [tuple(visible(str(cell)).replace("\n", " ") for cell in line) for line in lines]
    columns = max(map(len, shown), default=0)
    widths = [max((len(line[at]) for line in shown if at < len(line)), default=0) for at in range(columns)]
    return "".join(f"{_line(line, widths, most)}\n" for line in shown)


def _line(cells: Sequence[str], widths: Sequence[int], most: int) -> str:
    text = _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip()
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
