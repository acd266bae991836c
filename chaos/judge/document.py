"""verdict.json: a judgement together with what was run."""

from __future__ import annotations

from typing import Any

import msgspec

from chaos.errors import ExitCode
from chaos.judge.judge import Judgement
from chaos.model.verdict import RunFacts, Verdict, VerdictDocument, plain, plain_finding

EXIT_CODES = {
    Verdict.HELD: ExitCode.HELD,
    Verdict.VIOLATED: ExitCode.VIOLATED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


def verdict_document(facts: RunFacts, judgement: Judgement) -> VerdictDocument:
    """What verdict.json says of a run."""
    return msgspec.convert({**msgspec.structs.asdict(facts), **_judged(judgement)}, VerdictDocument)


def judged_anew(said: VerdictDocument, judgement: Judgement) -> VerdictDocument:
    """What verdict.json of the same run says by this judgement."""
    return msgspec.convert({**plain(said), **_judged(judgement)}, VerdictDocument)


def _judged(judgement: Judgement) -> dict[str, Any]:
    """What the judge has to say, as plain JSON types."""
    part = {
        "verdict": judgement.verdict,
        "exit_code": int(EXIT_CODES[judgement.verdict]),
        "summary": judgement.summary,
        "advice": judgement.advice,
        "aborted": judgement.aborted,
        "findings": [plain_finding(finding) for finding in judgement.findings],
        "phases": judgement.phases,
        "faults": judgement.faults,
        "operations": judgement.operations,
    }
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(part))
    return found
