"""What a finished run's folder holds beside its journal: findings, operations, samples, and files to take away."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chaos.model.counterexamples import COUNTEREXAMPLES, Counterexamples, Explained
from chaos.model.evidence import PATCH
from chaos.model.journal import Event
from dashboard import evidence
from dashboard.evidence import Run, Second
from dashboard.timeline import nearest_rank

MOST_SAMPLES = 60
SAMPLES_LIMIT_BYTES = 8 * 2**20


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check's result, as verdict.json has it."""

    check: str
    verdict: str = ""
    kind: str = ""
    expected: str = ""
    measured: str = ""
    where: str = ""
    reason: str = ""
    examples: list[str] = []
    figures: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Operations of one phase, name and outcome. Milliseconds from the intended start, None without any."""

    phase: str
    op: str
    outcome: str
    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


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


def findings(folder: Path) -> list[Finding]:
    """Violated ones first, then what stayed open, then what held; nothing without a verdict."""
    listed = evidence.json_object(folder / "verdict.json").get("findings")
    found = []
    for entry in listed if isinstance(listed, list) else []:
        try:
            found.append(msgspec.convert(entry, Finding, strict=False))
        except msgspec.ValidationError:
            check = entry.get("check", "?") if isinstance(entry, dict) else "?"
            found.append(Finding(check=str(check), verdict="", reason="This entry of verdict.json can't be read."))
    order = {"violated": 0, "inconclusive": 1, "held": 2}
    return sorted(found, key=lambda finding: order.get(finding.verdict, 1))


def operations(folder: Path) -> list[Operation]:
    """The cells of histograms.json that count from the intended start, in the order of the file."""
    cells = evidence.json_object(folder / "histograms.json").get("cells")
    return [
        Operation(
            phase=str(cell.get("phase", "?")),
            op=str(cell.get("op", "?")),
            outcome=str(cell.get("outcome", "?")),
            count=int(number(cell.get("count")) or 0),
            p50_ms=_quantile(cell, "p50_ms"),
            p95_ms=_quantile(cell, "p95_ms"),
            p99_ms=_quantile(cell, "p99_ms"),
            max_ms=number(cell.get("max_ms")),
        )
        for cell in (cells if isinstance(cells, list) else [])
        if isinstance(cell, dict) and cell.get("kind", "latency") == "latency"
    ]


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < float("inf") else None


def _quantile(cell: dict[str, Any], name: str) -> float | None:
    quantiles = cell.get("quantiles_ms")
    return number(quantiles.get(name)) if isinstance(quantiles, dict) else None


def events(folder: Path) -> list[Event]:
    return evidence.journal_events(folder)


def samples(folder: Path) -> list[Sample] | None:
    """The sampled exchanges in the order in which they ended; None when this run kept none."""
    path = folder / "samples.jsonl"
    if not path.is_file() or path.stat().st_size > SAMPLES_LIMIT_BYTES:
        return None
    decoder = msgspec.json.Decoder(Sample, strict=False)
    found = []
    for raw in evidence.whole_lines(path):
        try:
            found.append(decoder.decode(raw))
        except msgspec.MsgspecError:
            continue
    return sorted(found, key=lambda sample: sample.ended)


def explained(folder: Path) -> dict[str, Explained]:
    """Check → the few operations that show its violation, on one time line; empty when the folder tells of none."""
    try:
        content = msgspec.json.decode((folder / COUNTEREXAMPLES).read_bytes(), type=Counterexamples)
    except (OSError, msgspec.DecodeError):
        return {}
    return {one.check: one for one in content.counterexamples}


_FILES = (
    ("Report (HTML)", "report.html", "text/html", "it is written when the run is judged"),
    ("Report (Markdown)", "report.md", "text/markdown", "it is written when the run is judged"),
    ("JUnit XML", "junit.xml", "application/xml", "this run was judged before the lab wrote JUnit"),
    ("Verdict (JSON)", "verdict.json", "application/json", "the run has no verdict"),
)


def downloads(run: Run) -> list[Download]:
    """What can be taken away, and why the rest can't. A video is there when somebody made one."""
    found = [
        Download(label=label, file_name=f"{run.run_id}-{name}", mime=mime, path=run.folder / name)
        if (run.folder / name).is_file()
        else Download(label=label, file_name=name, mime=mime, why=why)
        for label, name, mime, why in _FILES
    ]
    if (patch := run.folder / PATCH).is_file():  # only code of the learner's own is worth taking from here
        found.append(Download(label="Code (patch)", file_name=f"{run.run_id}.patch", mime="text/x-diff", path=patch))
    video = next(iter(sorted(run.folder.glob("*.mp4"))), None)
    why = f"nobody has made one: `firedrill replay {run.run_id} --video {run.run_id}.mp4`"
    found.append(Download(label="Video", file_name=f"{run.run_id}.mp4", mime="video/mp4", path=video, why=why))
    return found


def operations_csv(listed: Iterable[Operation]) -> str:
    """Phase × operation × outcome; milliseconds, empty where there is none."""
    rows = [
        (each.phase, each.op, each.outcome, each.count, each.p50_ms, each.p95_ms, each.p99_ms, each.max_ms)
        for each in listed
    ]
    return _csv(("phase", "operation", "outcome", "count", "p50_ms", "p95_ms", "p99_ms", "max_ms"), rows)


def seconds_csv(seconds: dict[int, Second]) -> str:
    """Offered, served and errors of each second of the load; p50 and p95 of what ended in it, in milliseconds."""
    rows = []
    for at in range(max(seconds, default=-1) + 1):
        second = seconds.get(at, Second())
        quantiles = [nearest_rank(second.latencies_s, quantile) for quantile in (0.5, 0.95)]
        shown = [None if each is None else round(each * 1000, 3) for each in quantiles]
        rows.append((at, second.offered, second.served, second.errors, *shown))
    return _csv(("second", "offered", "served", "errors", "p50_ms", "p95_ms"), rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r":
        return f"'{value}"
    return "" if value is None else value


def failing_window(run: Run, listed: Sequence[Finding]) -> tuple[float, float] | None:
    """Seconds to look at: the phase that the first violated check names, else the faults with a margin.

    None when nothing is violated, or when the run has neither.
    """
    violated = [finding for finding in listed if finding.verdict == "violated"]
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


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a check that stayed open."""

    check: str
    text: str


def advice(run: Run, listed: Sequence[Finding]) -> list[Advice]:
    """For an inconclusive run: what would make the next one conclusive, most fundamental reason first."""
    open_ = [finding for finding in listed if finding.verdict == "inconclusive"]
    rank = {"self_check": 0, "witness": 0, "fault": 1, "steady_state": 2}
    ordered = sorted(open_, key=lambda finding: rank.get(finding.kind, 3))
    roots = [finding for finding in ordered if rank.get(finding.kind, 3) < 3] or ordered
    return [Advice(finding.check, _advice(finding, run)) for finding in roots[:4]]


def _advice(finding: Finding, run: Run) -> str:
    said = f"{finding.check} {finding.reason}".lower()
    if "saturated" in said or "send_lag" in said or "driver_cpu" in said:
        return "The machine was too busy. Close what else runs, or run it with `--scale 0.75`, and try again."
    if finding.kind == "fault":
        return "The fault was not proven or not felt: see the event log. A longer fault or more load meets more calls."
    if finding.kind == "witness":
        return "A witness did not answer. `make doctor` and `make status` say which part is away; then run it again."
    if finding.kind == "steady_state":
        return (
            f"The API was not well before any fault. Look at `make logs P=api`, mend {run.variant}, then run it again."
        )
    if "stopped" in said or "aborted" in said or "died" in said:
        return "The run was cut short. Start it again and let it end."
    if "settled" in said:
        return "Orders were still open when the promise ran out: see `make logs P=worker`, then run it again."
    return "Too little was measured to tell. Run it again, with another seed if this one keeps being undecided."
