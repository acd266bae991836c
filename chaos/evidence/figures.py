"""What a second, an error and a p95 are: the only definition, for pages, reports, files and terminal.

An operation counts in the second of its *intended* start, whenever it ended: the effect of a slow second is shown when
its customers came, not when they gave up. An operation is served when it got a promised answer: 2xx, or a documented
refusal. Any other is an error, and infinitely slow: where more than one of twenty had no promised answer, the p95 is
"no answer", however fast the errors were. Figures explain; findings decide.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from chaos.evidence.exchanged import exchanged_operations, has_exchanges
from chaos.evidence.files import NoSuchFile, Unreadable, files_in
from chaos.evidence.history import History
from chaos.model.folder import HISTORY
from chaos.model.history import Operation, Outcome
from chaos.model.quantiles import quantile

OK = Outcome.OK  # an enum's member looked up once, not once per operation
NO_ANSWER = "no answer"
QUANTILES = (0.5, 0.95, 0.99)

CellKey: TypeAlias = tuple[str, str, bool]
"""Phase, operation, main."""

Table: TypeAlias = dict[str, dict[str, dict[str, int | float | None]]]
"""Phase → operation → counts by outcome and quantiles; second tries as `<op>_again`."""

MOST_KINDS = 1000
"""Most pairs of phase and operation; further ones are counted as one kind, which then differs from the histograms."""
OTHERS = "(others)"


def milliseconds(value_ms: float | None, operations: int) -> str:
    """`112`; `no answer` when the operation at that rank had no promised answer, `–` without operations."""
    if value_ms is None:
        return NO_ANSWER if operations else "–"
    return f"{value_ms:.0f}" if value_ms >= 10 else f"{value_ms:.1f}"


def quantile_text(value_ms: float | None, operations: int) -> str:
    """As `milliseconds`, with its unit."""
    said = milliseconds(value_ms, operations)
    return said if value_ms is None else f"{said} ms"


def _ms(value_s: float | None) -> float | None:
    return None if value_s is None else round(value_s * 1000, 2)


class OperationCell:
    """Outcomes and latencies of one operation in one phase."""

    def __init__(self) -> None:
        self.ok = self.refused = 0
        self.others = dict.fromkeys(Outcome, 0)
        self.latencies_s = array("d")

    def add(self, op: Operation) -> None:
        if op.refused:
            self.refused += 1
        elif op.outcome is OK:  # not in `others`: hashing an enum's member is a call, and this runs once per operation
            self.ok += 1
        else:
            self.others[op.outcome] += 1
            return
        if op.ended is not None:
            self.latencies_s.append(op.ended - op.intended)

    @property
    def counts(self) -> dict[str, int]:
        """Operations by outcome; documented refusals apart from failures."""
        return {
            "ok": self.ok,
            "refused": self.refused,
            "fail": self.others[Outcome.FAIL],
            "info": self.others[Outcome.INFO],
            "dropped": self.others[Outcome.DROPPED],
        }

    def row(self) -> dict[str, int | float | None]:
        """For verdict.json. A quantile is None where the operation at that rank had no promised answer."""
        ordered = sorted(self.latencies_s)
        unanswered = sum(self.counts.values()) - len(ordered)
        return {**self.counts, **{f"p{q * 100:g}_ms": _ms(quantile(ordered, unanswered, q)) for q in QUANTILES}}


def operation_table(phases: Iterable[str], cells: Mapping[CellKey, OperationCell]) -> Table:
    """The cells in the order of *phases*, main operations first."""
    order = {phase: position for position, phase in enumerate(phases)}
    table: Table = {}
    for phase, op, main in sorted(cells, key=lambda key: (order.get(key[0], len(order)), key[1], not key[2])):
        again = not main and (phase, op, True) in cells
        table.setdefault(phase, {})[f"{op}_again" if again else op] = cells[phase, op, main].row()
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Main operations whose intended start is in some stretch of the load.

    Attributes:
        served, errors: With a promised answer, and without one. Their sum is *offered*.
        p50_ms, p95_ms: From the intended start; None without operations, and when the operation at that rank had no
            promised answer.
    """

    offered: int = 0
    served: int = 0
    errors: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Second(Totals):
    """One second of the run, `at_s` to the next."""

    at_s: int = 0


class _Tally:
    """What is counted for one second."""

    __slots__ = ("latencies_s", "offered")

    def __init__(self) -> None:
        self.offered = 0
        self.latencies_s = array("d")


class Timeline:
    """The seconds of a run, and the totals of any stretch of it."""

    def __init__(self) -> None:
        self._tallies: defaultdict[int, _Tally] = defaultdict(_Tally)

    def add(self, op: Operation) -> None:
        tally = self._tallies[int(op.intended)]
        tally.offered += 1
        ended = op.ended
        if ended is not None and (op.refused or op.outcome is OK):
            tally.latencies_s.append(ended - op.intended)

    def take(self, other: Timeline) -> None:
        """Add what *other* counted."""
        for at_s, theirs in other._tallies.items():
            mine = self._tallies[at_s]
            mine.offered += theirs.offered
            mine.latencies_s.extend(theirs.latencies_s)

    def seconds(self, until_s: float = math.inf) -> tuple[Second, ...]:
        """Every second from 0 to the last one with an operation, of those that were over at *until_s*."""
        last_s = max(self._tallies, default=-1) + 1
        return tuple(self._second(at_s) for at_s in range(int(min(last_s, max(0.0, until_s)))))

    def _second(self, at_s: int) -> Second:
        tally = self._tallies.get(at_s) or _Tally()
        ordered = sorted(tally.latencies_s)
        errors = tally.offered - len(ordered)
        return Second(
            at_s=at_s,
            offered=tally.offered,
            served=len(ordered),
            errors=errors,
            p50_ms=_ms(quantile(ordered, errors, 0.5)),
            p95_ms=_ms(quantile(ordered, errors, 0.95)),
        )

    def quantiles_ms(self, q: float, until_s: float = math.inf) -> list[tuple[int, float | None]]:
        """One quantile of each second that had operations."""
        found = []
        for at_s, tally in sorted(self._tallies.items()):
            if at_s + 1 <= until_s:
                ordered = sorted(tally.latencies_s)
                found.append((at_s, _ms(quantile(ordered, tally.offered - len(ordered), q))))
        return found

    def totals(self, from_s: float = 0.0, until_s: float = math.inf) -> Totals:
        """Totals of the whole seconds between *from_s* and *until_s*."""
        offered, latencies_s = 0, array("d")
        for at_s, tally in self._tallies.items():
            if from_s <= at_s and at_s + 1 <= until_s:
                offered += tally.offered
                latencies_s.extend(tally.latencies_s)
        ordered = sorted(latencies_s)
        errors = offered - len(ordered)
        return Totals(
            offered=offered,
            served=len(ordered),
            errors=errors,
            p50_ms=_ms(quantile(ordered, errors, 0.5)),
            p95_ms=_ms(quantile(ordered, errors, 0.95)),
        )


class Timelines:
    """The seconds of each operation, and of all together."""

    def __init__(self) -> None:
        self.by_op: dict[str, Timeline] = {}

    def __eq__(self, other: object) -> bool:
        """Whether both say the same of every second."""
        return isinstance(other, Timelines) and self._seconds() == other._seconds()

    __hash__ = None  # type: ignore[assignment]  # it grows

    def _seconds(self) -> dict[str, tuple[Second, ...]]:
        return {op: timeline.seconds() for op, timeline in self.by_op.items()}

    def of(self, op: str) -> Timeline:
        """The timeline of one operation; of all for an empty name."""
        if not op:
            return self.all
        found = self.by_op.get(op)
        if found is None:
            found = self.by_op[op] = Timeline()
        return found

    @property
    def all(self) -> Timeline:
        """The timeline of all main operations; computed at each access."""
        found = Timeline()
        for one in self.by_op.values():
            found.take(one)
        return found


class HistoryFigures:
    """The figures of a folder.

    Attributes:
        all: The timeline of all main operations.
    """

    def __init__(self) -> None:
        self.timelines = Timelines()
        self.cells: dict[CellKey, OperationCell] = {}

    @cached_property
    def all(self) -> Timeline:
        return self.timelines.all

    def add(self, op: Operation) -> None:
        """Call it before any figure is read."""
        key = (op.phase, op.op, op.main)
        if key not in self.cells and len(self.cells) >= MOST_KINDS:
            key = (OTHERS, OTHERS, op.main)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = OperationCell()
        cell.add(op)
        if op.main:
            self.timelines.of(key[1]).add(op)


MOST_PAGE_BYTES = 64 * 2**20
_GROWS = 12
"""About how many times larger a history is than its packed form."""


def read_figures(folder: Path, *, most: int | None = None) -> HistoryFigures:
    """From a folder's history, finished or growing; from the exchanges of a run of single requests, as its report.

    Raises: NoSuchFile when there is no operation yet, Unreadable when it is too large to be read for a page.
    """
    figures, most = HistoryFigures(), MOST_PAGE_BYTES if most is None else most
    for op in (exchanged_operations if has_exchanges(folder) else history_of_page)(folder, most=most):
        figures.add(op)
    if not figures.cells:
        raise NoSuchFile(f"{HISTORY}: got no operation, expected some")
    return figures


def history_of_page(folder: Path, *, most: int | None = None) -> History:
    """A folder's history, finished or growing. Raises: Unreadable, when it is too large to be read for a page."""
    most = MOST_PAGE_BYTES if most is None else most
    files = files_in(folder, HISTORY, ".jsonl", ".jsonl.gz")
    size = sum(_size(path) * (_GROWS if path.suffix == ".gz" else 1) for path in files)
    if size > most:
        raise Unreadable(f"{HISTORY}: got about {size} bytes, expected at most {most} for a page: it is too large")
    return History.of_run(folder, most=most)


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
