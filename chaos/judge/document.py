"""verdict.json: a judgement together with what was run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from chaos.errors import ExitCode
from chaos.judge.judge import Judgement
from chaos.model.verdict import Finding, Verdict

EXIT_CODES = {
    Verdict.HELD: ExitCode.HELD,
    Verdict.VIOLATED: ExitCode.VIOLATED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What was run. *started_at* is ISO 8601 in UTC; *learner* is empty where nobody gave a name."""

    run_id: str
    scenario: str
    title: str
    hypothesis: str
    drill: int
    variant: str
    seed: int
    scale: float
    started_at: str
    duration_s: float
    learner: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def verdict_document(facts: RunFacts, judgement: Judgement) -> dict[str, Any]:
    """The content of verdict.json, as plain JSON types."""
    return {**asdict(facts), **judged_part(judgement)}


def judged_part(judgement: Judgement) -> dict[str, Any]:
    """What `verify` derives again, as plain JSON types."""
    part = {
        "verdict": judgement.verdict,
        "exit_code": int(EXIT_CODES[judgement.verdict]),
        "summary": judgement.summary,
        "findings": [_finding(finding) for finding in judgement.findings],
        "phases": [asdict(phase) for phase in judgement.phases],
        "faults": [asdict(fault) for fault in judgement.faults],
        "operations": judgement.operations,
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(part))
    return plain


def _finding(finding: Finding) -> dict[str, Any]:
    """As it is; without a counterexample it has no such key."""
    plain = asdict(finding)
    if finding.counterexample is None:
        del plain["counterexample"]
    return plain


def encode(document: Any) -> bytes:
    """JSON as it stands in an evidence folder: indented, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
