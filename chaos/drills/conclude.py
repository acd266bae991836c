"""From a folder of evidence to its verdict and its reports. Reads nothing but the folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.checks import Judged
from chaos.drills.as_run import AsRun, read_as_run
from chaos.drills.index import put
from chaos.drills.results import RunResult
from chaos.drills.revision import git_revision
from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.files import Unreadable, explaining_lines, read_json
from chaos.evidence.limits import limits_of, read_scenario
from chaos.evidence.manifest import other_format, write_manifest
from chaos.evidence.record import Record, read_record
from chaos.evidence.verdict import read_verdict
from chaos.evidence.writing import encode
from chaos.files import write_atomic
from chaos.judge.document import verdict_document
from chaos.judge.explain import explain
from chaos.judge.judge import Judgement, judge
from chaos.judge.roots import HOST
from chaos.model.counterexamples import Counterexamples, Explained
from chaos.model.folder import File
from chaos.model.samples import Sample
from chaos.model.text import one_line
from chaos.model.verdict import FindingKind, Verdict, VerdictDocument, plain
from chaos.ports import Index
from chaos.report.words import Shown
from chaos.report.write import write_reports

CHECKS = "checks"
"""Where below the evidence it is kept what a check came to."""

# Reasons that are about the machine and not about the API, so that the run is worth another try.
_MACHINE = frozenset({"self_check:send_lag", "self_check:driver_cpu", HOST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What follows from a folder."""

    ran: AsRun
    record: Record
    judgement: Judgement
    document: VerdictDocument


def derive(folder: Path) -> Derived:
    """Scenario, record, judgement. Raises: InvalidInput."""
    ran = read_as_run(folder)
    record = read_record(folder)
    judgement = judge(ran.judged, record)
    document = verdict_document(ran.facts(record.events), judgement)
    return Derived(ran=ran, record=record, judgement=judgement, document=document)


def conclude(folder: Path, *, index: Index | None, say: Callable[[str], None]) -> RunResult:
    """Judge, write verdict.json, the reports and the manifest, then index.

    Raises: LabBroken when the evidence can't be written; what is there stays.
    """
    try:
        derived = derive(folder)
        document, record = derived.document, derived.record
        write_atomic(folder / File.VERDICT, encode(plain(document)))
        explained = explain(folder, derived.ran.judged, derived.judgement, record.state)
        write_atomic(folder / File.COUNTEREXAMPLES, encode(explained))
        shown = Shown(
            document=document,
            timeline=derived.judgement.timeline,
            timelines=derived.judgement.timelines,
            limits=limits_of(read_scenario(folder / File.SCENARIO)),
            events=record.events,
            counterexamples=explained.counterexamples,
            samples=explaining_lines(folder / File.SAMPLES, Sample),
        )
        write_reports(folder, shown)
        about = {"versions": document.versions, "seed": document.seed, "git_revision": git_revision()}
        write_manifest(folder, about)
    except OSError as error:
        raise LabBroken(f"{folder}: got {error.strerror or error}, expected room to write the evidence") from None
    if index is not None:
        put(index, folder, say)
    return result_of(folder, document, derived.judgement)


def result_of(folder: Path, document: VerdictDocument, judgement: Judgement) -> RunResult:
    """What the caller of a run gets."""
    return RunResult(
        folder=folder,
        variant=document.variant,
        verdict=judgement.verdict,
        findings=judgement.findings,
        document=document,
        spoiled=_by_the_machine(judgement),
    )


def _by_the_machine(judgement: Judgement) -> bool:
    """Whether every cause of the inconclusive verdict is a machine that was too slow or too busy."""
    open_ = [finding for finding in judgement.findings if finding.verdict is Verdict.INCONCLUSIVE]
    roots = {
        finding.check for finding in open_ if finding.kind.about_run and finding.kind is not FindingKind.STEADY_STATE
    }
    # A steady state that is not met is the machine's doing only where the machine was busy.
    roots |= {finding.check for finding in open_ if finding.kind is FindingKind.STEADY_STATE and HOST not in roots}
    if judgement.aborted == "steady_state" and HOST in roots:
        return True  # every other open finding follows from that
    return bool(roots) and roots <= _MACHINE


def read_judged(scenario_file: Path) -> Judged:
    """For `verify`: the folder's scenario with the seed and scale of its own journal."""
    return read_as_run(scenario_file.parent).judged


def verdict_of(folder: Path) -> Verdict:
    """As verdict.json has it, which was found right."""
    return read_verdict(folder).verdict


def explained(folder: Path, check: str | None) -> tuple[Explained, ...]:
    """What shows the violated checks of a run, or the one named *check*.

    Looked up anew from the record, so that a folder of before has it too. Raises: InvalidInput.
    """
    found, known = _explained_then(folder) if other_format(folder) else _explained_now(folder)
    if check is None:
        return found
    chosen = tuple(one for one in found if one.check == check)
    if not chosen:
        got = f"{check}, which is {known[check]}" if check in known else repr(check)
        raise InvalidInput(
            f"check: got {got}, expected one that is violated in {one_line(folder.name)}: "
            f"{', '.join(one.check for one in found) or 'there is none'}"
        )
    return chosen


def _explained_now(folder: Path) -> tuple[tuple[Explained, ...], Mapping[str, str]]:
    """What shows the violated checks, and the verdict of each check."""
    derived = derive(folder)
    found = explain(folder, derived.ran.judged, derived.judgement, derived.record.state).counterexamples
    return found, {finding.check: finding.verdict for finding in derived.judgement.findings}


def _explained_then(folder: Path) -> tuple[tuple[Explained, ...], Mapping[str, str]]:
    """As the run itself found it, for a record that today's rules would judge wrongly. Raises: InvalidInput."""
    try:
        found = read_json(folder / File.COUNTEREXAMPLES, Counterexamples).counterexamples
    except Unreadable as error:
        raise InvalidInput(f"{one_line(str(folder))}/{error}") from None
    return found, {finding.check: finding.verdict for finding in _said(folder).findings}


def _said(folder: Path) -> VerdictDocument:
    """verdict.json as the run wrote it. Raises: InvalidInput."""
    try:
        return read_verdict(folder)
    except Unreadable as error:
        raise InvalidInput(f"{one_line(str(folder))}/{error}") from None


def shown_of(folder: Path) -> Shown:
    """A finished run as the reports see it, derived from its folder alone. Raises: InvalidInput.

    One that was recorded in another format is shown with the verdict that it had.
    """
    derived = derive(folder)
    return Shown(
        document=_said(folder) if other_format(folder) else derived.document,
        timeline=derived.judgement.timeline,
        timelines=derived.judgement.timelines,
        limits=limits_of(read_scenario(folder / File.SCENARIO)),
        events=derived.record.events,
        samples=explaining_lines(folder / File.SAMPLES, Sample),
    )
