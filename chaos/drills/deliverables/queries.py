"""Drill 2's deliverable: what each request cost before and after the change, and why it costs less, as one report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.drills import strategy
from chaos.drills.attempt import SHOP
from chaos.drills.catalogue import Drill
from chaos.drills.deliverables.work import Work, Written
from chaos.drills.drafts import any_drill, base_in, own_draft
from chaos.errors import InvalidInput
from chaos.evidence.files import is_regular, read_bytes
from chaos.evidence.newest import ended
from chaos.evidence.record import read_record
from chaos.files import write_atomic
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.model.patch import same_code
from chaos.report import queries_report as report

READS: Final = "queries/reads"
PAGES: Final = "queries/pages"


def require(one: Drill, shop: Path, root: Path, patch: bytes) -> None:
    """Raises: InvalidInput when something got cheaper, as far as runs of this code tell, and nobody says why."""
    said = strategy.read(shop / "attempt" / strategy.FILE)
    where = f"attempt/{strategy.FILE}"
    strategy.require_any(said, where)
    base = own_draft(one, shop / "attempt").variant
    pair = _pair(list(_runs(root, base, READS)), base)
    if pair is not None and same_code(_patch_of(pair[1].folder), patch):
        strategy.require(said, report.cheaper(*_sides(root, base)), where)


def write(to: Path, work: Work) -> Written:
    """The report, from the newest runs: those of the fresh seed."""
    paths = deliver(to, root=work.root, shop=work.shop)
    return Written(paths=paths, said=missing_plans(work.root, work.shop))


def missing_plans(root: Path, shop: Path = SHOP) -> list[str]:
    """How to get what the report has no figures of; nothing where it has them."""
    base = own_draft(any_drill("2"), shop / "attempt").variant
    if _pair(list(_runs(root, base, PAGES)), base):
        return []
    return [f"no plans and rows read: they take firedrill run {PAGES} --variant {base} and --variant attempt"]


def deliver(to: Path, *, root: Path, shop: Path = SHOP) -> list[Path]:
    """Write the report into the folder *to*, from the runs below *root*.

    Raises: InvalidInput for an attempt that is not from a draft of drill 2, for runs that are missing, when nothing got
        cheaper, or when the learner does not say why something did.
    """
    attempt = shop / "attempt"
    base = own_draft(any_drill("2"), attempt).variant
    before, after = _sides(root, base)
    cheaper = report.cheaper(before, after)
    if not cheaper:
        raise InvalidInput(
            f"deliver: got the same counts in {before.reads_run} and {after.reads_run}, expected a request that costs "
            f"less after your change"
        )
    said = strategy.read(attempt / strategy.FILE)
    strategy.require(said, cheaper, f"attempt/{strategy.FILE}")
    to.mkdir(parents=True, exist_ok=True)
    path = to / "queries.md"
    write_atomic(path, report.markdown(before, after, said, base=base).encode())
    return [path]


def _patch_of(run: Path) -> bytes:
    return read_bytes(run / File.PATCH) if is_regular(run / File.PATCH) else b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ran:
    """A finished run on the draft or on an attempt from it."""

    folder: Path
    variant: str
    verdict: str


def _sides(root: Path, base: str) -> tuple[report.Side, report.Side]:
    """Before: a run of the draft itself, or else the attempt's first one. After: the attempt's newest.

    Raises: InvalidInput when there are no such two.
    """
    runs = list(_runs(root, base, READS))
    reads = _pair(runs, base)
    if reads is None:
        raise InvalidInput(
            f"deliver: got {len(runs)} runs of {READS} ({', '.join(run.variant for run in runs) or 'none'}), expected "
            f"one of before (firedrill run {READS} --variant {base}) and one of after (firedrill run {READS} "
            f"--variant attempt)"
        )
    pages = _pair(list(_runs(root, base, PAGES)), base)
    before, after = (_side(run, pages[place] if pages else None) for place, run in enumerate(reads))
    return before, after


def _side(reads: _Ran, pages: _Ran | None) -> report.Side:
    return report.Side(
        reads_run=reads.folder.name,
        reads=_exchanged(reads.folder),
        verdicts={run.folder.name: run.verdict for run in (reads, pages) if run},
        pages_run=pages.folder.name if pages else "",
        pages=_exchanged(pages.folder) if pages else None,
    )


def _pair(runs: Sequence[_Ran], base: str) -> tuple[_Ran, _Ran] | None:
    of_draft = [run for run in runs if run.variant == base]
    own = [run for run in runs if run.variant == "attempt"]
    if not own or (not of_draft and len(own) < 2):
        return None
    return (of_draft[-1] if of_draft else own[0]), own[-1]


def _runs(root: Path, base: str, scenario: str) -> Iterator[_Ran]:
    """Each of *scenario*, oldest first."""
    for run in reversed(list(ended(root, scenario=scenario))):
        ours = run.variant == base or (run.variant == "attempt" and base_in(run.versions) == base)
        if ours and is_regular(run.folder / File.QUERIES):
            yield _Ran(folder=run.folder, variant=run.variant, verdict=run.verdict)


def _exchanged(folder: Path) -> Exchanged:
    exchanged = read_record(folder).exchanged
    if exchanged.unread:
        raise InvalidInput(f"{folder.name}: got {'; '.join(exchanged.unread.values())}, expected an exchange run")
    return exchanged
