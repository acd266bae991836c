"""What a finished run's folder holds beside its journal: findings, operations, samples, and files to take away."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.evidence import growing
from chaos.evidence.figures import NO_ANSWER, HistoryFigures, Second, operation_table
from chaos.evidence.files import UNFIT, Unreadable, explaining_lines, is_regular, read_json
from chaos.evidence.growing import Run
from chaos.model.counterexamples import Counterexamples, Explained
from chaos.model.folder import File
from chaos.model.interleaving import Schedule
from chaos.model.journal import Event
from chaos.model.text import struct_visible, visible
from chaos.model.verdict import Finding, OperationRow, Verdict, worst_first

COUNTS = ("ok", "refused", "fail", "info", "dropped")
QUANTILES = ("p50_ms", "p95_ms", "p99_ms")
SAMPLES_LIMIT_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Operations of one name in one phase."""

    phase: str
    op: str
    row: OperationRow


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sampled request with its answer, as the client saw it; secrets were stripped when it was written."""

    id: str = ""
    op: str = ""
    phase: str = ""
    sent: float = 0.0
    ended: float = 0.0
    outcome: str = ""
    method: str = ""
    path: str = ""
    status: int = 0
    reason: str = ""
    request_headers: dict[str, str] = {}
    request_body: str = ""
    headers: dict[str, str] = {}
    body: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file to take away. `path` is None when there is none, and `why` says why."""

    label: str
    file_name: str
    mime: str
    path: Path | None = None
    why: str = ""


def findings(run: Run) -> list[Finding]:
    """Violated ones first, then what stayed open, then what held; nothing without a verdict."""
    return list(worst_first(run.document.findings if run.document else ()))


def operations(run: Run, figures: HistoryFigures | None = None) -> list[Operation]:
    """As the verdict has them, by phase; of a run without a verdict from its *figures*."""
    table: Mapping[str, Mapping[str, OperationRow]] = run.document.operations if run.document else {}
    if run.document is None and figures is not None:
        counted = operation_table(dict.fromkeys(key[0] for key in figures.cells), figures.cells)
        table = msgspec.convert(counted, dict[str, dict[str, OperationRow]])
    return [Operation(phase=phase, op=op, row=row) for phase, rows in table.items() for op, row in rows.items()]


def events(folder: Path) -> list[Event]:
    return growing.journal_events(folder)


def samples(folder: Path) -> list[Sample] | None:
    """The sampled exchanges in the order in which they ended; None when this run kept none."""
    path = folder / File.SAMPLES
    if not is_regular(path) or path.lstat().st_size > SAMPLES_LIMIT_BYTES:
        return None
    decoder = msgspec.json.Decoder(Sample, strict=False)
    found = []
    for raw in growing.whole_lines(path):
        try:
            found.append(struct_visible(decoder.decode(raw)))
        except UNFIT:
            continue
    return sorted(found, key=lambda sample: sample.ended)


def explained(folder: Path) -> dict[str, Explained]:
    """Check → the few operations that show its violation, on one time line; empty when the folder tells of none."""
    try:
        content = struct_visible(read_json(folder / File.COUNTEREXAMPLES, Counterexamples))
    except Unreadable:
        return {}
    return {one.check: one for one in content.counterexamples}


def schedules(folder: Path) -> list[Schedule]:
    """Forced interleavings as they were tried, without the first runs; none for a run of another kind."""
    path = folder / File.SCHEDULES
    if not is_regular(path):
        return []
    return [struct_visible(each) for each in explaining_lines(path, Schedule) if not each.learnt]


_FILES = (
    ("Report (HTML)", File.REPORT_PAGE, "text/html", "it is written when the run is judged"),
    ("Report (Markdown)", File.REPORT, "text/markdown", "it is written when the run is judged"),
    ("JUnit XML", File.JUNIT, "application/xml", "this run was judged before the lab wrote JUnit"),
    ("Verdict (JSON)", File.VERDICT, "application/json", "the run has no verdict"),
)


def downloads(run: Run) -> list[Download]:
    """What can be taken away, and why the rest can't. A video is there when somebody made one."""
    found = [
        Download(label=label, file_name=f"{run.run_id}-{name}", mime=mime, path=run.folder / name)
        if is_regular(run.folder / name)
        else Download(label=label, file_name=name, mime=mime, why=why)
        for label, name, mime, why in _FILES
    ]
    if is_regular(patch := run.folder / File.PATCH):  # only code of the learner's own is worth taking from here
        found.append(Download(label="Code (patch)", file_name=f"{run.run_id}.patch", mime="text/x-diff", path=patch))
    video = next((path for path in sorted(run.folder.glob("*.mp4")) if is_regular(path)), None)
    why = f"nobody has made one: `firedrill replay {run.run_id} --video {run.run_id}.mp4`"
    found.append(Download(label="Video", file_name=f"{run.run_id}.mp4", mime="video/mp4", path=video, why=why))
    return found


def operations_csv(listed: Iterable[Operation]) -> str:
    """Phase × operation: counts by outcome; milliseconds, or `no answer` at a rank that got none that was promised."""
    rows = [
        (each.phase, each.op, each.row.total, *(getattr(each.row, name) for name in COUNTS),
         *(_figure(getattr(each.row, name), each.row.total) for name in QUANTILES))
        for each in listed
    ]  # fmt: skip
    return _csv(("phase", "operation", "total", *COUNTS, *QUANTILES), rows)


def seconds_csv(seconds: Iterable[Second]) -> str:
    """What was wanted in each second of the load: how many, served, errors; p50 and p95 as in `operations_csv`."""
    rows = [
        (each.at_s, each.offered, each.served, each.errors,
         _figure(each.p50_ms, each.offered), _figure(each.p95_ms, each.offered))
        for each in seconds
    ]  # fmt: skip
    return _csv(("second", "offered", "served", "errors", "p50_ms", "p95_ms"), rows)


def _figure(value_ms: float | None, operations: int) -> float | str | None:
    return NO_ANSWER if value_ms is None and operations else value_ms


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(value, str):
        shown = visible(value)
        return f"'{shown}" if shown[:1] in tuple("=+-@\t\n") else shown
    return "" if value is None else value


def failing_window(run: Run, listed: Sequence[Finding]) -> tuple[float, float] | None:
    """Seconds to look at: the phase that the first violated check names, else the faults with a margin.

    None when nothing is violated, or when the run has neither.
    """
    violated = [finding for finding in listed if finding.verdict is Verdict.VIOLATED]
    if not violated:
        return None
    for finding in violated:
        phase = next((p for p in run.phases if p.name and finding.where == f"phase {p.name}"), None)
        if phase is not None and phase.end_s is not None:
            return _whole(phase.start_s - 2, phase.end_s + 2)
    if not run.faults:
        return None
    lifted = [fault.lifted_s if fault.lifted_s is not None else fault.injected_s for fault in run.faults]
    return _whole(min(fault.injected_s for fault in run.faults) - 3, max(lifted) + 5)


def _whole(start_s: float, end_s: float) -> tuple[float, float]:
    return float(max(0, math.floor(start_s))), float(math.ceil(end_s))
