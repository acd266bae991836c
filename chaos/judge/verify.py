"""Whether the files of a folder are unchanged, and its verdict follows from its record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from chaos.checks import Judged
from chaos.errors import FiredrillError
from chaos.evidence.files import NoSuchFile, Unreadable, read_json
from chaos.evidence.manifest import other_format, unchanged
from chaos.evidence.record import read_record
from chaos.evidence.verdict import added_to_verdict, read_verdict
from chaos.judge.document import judged_anew
from chaos.judge.explain import explain
from chaos.judge.judge import judge
from chaos.model.counterexamples import COUNTEREXAMPLES_VERSION, Counterexamples
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.model.verdict import Finding, VerdictDocument

MOST_PROBLEMS = 100
_FACTS = set(VerdictDocument.__struct_fields__) - {"versions"}
"""What the journal knows as well; of what ran it may know more."""


def verify(evidence: Path, read_scenario: Callable[[Path], Judged]) -> list[str]:
    """Problems of an evidence folder, each `where: got X, expected Y`; none means that it can be believed.

    *read_scenario* turns the folder's scenario.yaml into what the judge needs.
    """
    changed = unchanged(evidence)
    if not evidence.is_dir():
        return changed
    if other := other_format(evidence):
        told = changed[:MOST_PROBLEMS]
        return [*told, f"{other}; {'see above' if told else 'its files are as the run left them'}"]
    problems = chain(changed, _verdict_problems(evidence, read_scenario))
    told = list(islice(problems, MOST_PROBLEMS))
    return [*told, *(["… and more"] if next(problems, None) is not None else [])]


def _verdict_problems(evidence: Path, read_scenario: Callable[[Path], Judged]) -> Iterator[str]:
    try:
        said, added = read_verdict(evidence), added_to_verdict(evidence)
    except Unreadable as error:
        yield str(error)
        return
    try:
        scenario = read_scenario(evidence / File.SCENARIO)
    except (OSError, FiredrillError) as error:
        yield f"{File.SCENARIO}: got {error}, expected the scenario as run"
        return
    record = read_record(evidence)
    judgement = judge(scenario, record)
    derived = judged_anew(said, judgement)
    for name in ("verdict", "exit_code", "summary", "advice", "aborted", "phases", "faults", "operations"):
        if getattr(said, name) != getattr(derived, name):
            got, expected = _short(getattr(said, name)), _short(getattr(derived, name))
            yield f"{File.VERDICT}: {name}: got {got}, expected {expected} from the record"
    yield from _finding_problems(said.findings, derived.findings)
    for place in added:
        yield f"{File.VERDICT}: {place}: got something that no run writes, expected nothing"
    yield from _explained_problems(evidence, explain(evidence, scenario, judgement, record.state))
    for event in record.events:
        if event.event is EventKind.RUN_STARTED:
            for name in sorted(_FACTS & event.data.keys()):
                if getattr(said, name) != event.data[name]:
                    got, expected = _short(getattr(said, name)), _short(event.data[name])
                    yield f"{File.VERDICT}: {name}: got {got}, expected {expected} as in the journal"


def _finding_problems(said: Sequence[Finding], derived: Sequence[Finding]) -> Iterator[str]:
    by_check = {finding.check: finding for finding in said}
    if len(by_check) < len(said):
        yield f"{File.VERDICT}: findings: got {len(said)} about {len(by_check)} checks, expected one about each"
    for finding in derived:
        other = by_check.pop(finding.check, None)
        if other not in (finding, replace(finding, so_far="")):  # runs of before there was `so_far` have none
            got = "nothing" if other is None else f"{other.verdict}: {_short(other.measured)}"
            yield (
                f"{File.VERDICT}: finding {finding.check}: got {got}, "
                f"expected {finding.verdict}: {_short(finding.measured)} from the record"
            )
    for check in by_check:
        yield f"{File.VERDICT}: finding {check}: got one that the record doesn't give, expected none"


def _explained_problems(evidence: Path, derived: Counterexamples) -> Iterator[str]:
    try:
        said = read_json(evidence / File.COUNTEREXAMPLES, Counterexamples)
    except NoSuchFile:
        said = Counterexamples()
    except Unreadable as error:
        yield str(error)
        return
    found = derived.counterexamples
    if said.version < COUNTEREXAMPLES_VERSION:  # the first version had no race
        found = tuple(msgspec.structs.replace(explained, race=None) for explained in found)
    if said.counterexamples != found:
        got, expected = _checks(said), _checks(derived)
        unlike = f"got {got}, expected {expected}" if got != expected else f"got others for {got}, expected those"
        yield f"{File.COUNTEREXAMPLES}: {unlike} from the record"


def _checks(document: Counterexamples) -> str:
    return ", ".join(explained.check for explained in document.counterexamples) or "none"


def _short(value: Any) -> str:
    text = repr(msgspec.to_builtins(value))
    return text if len(text) <= 80 else text[:77] + "…"
