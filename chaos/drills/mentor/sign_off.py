"""A mentor's sign-off: a file for the learner, which `firedrill import` takes. Only a re-run that held makes one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any, Final

from chaos.drills.mentor.rerun import Rerun, worst_of
from chaos.errors import InvalidInput
from chaos.evidence.writing import encode
from chaos.model.deliverable import Delivered
from chaos.model.verdict import Verdict

FORMAT: Final = "firedrill-sign-off"
VERSION: Final = 1
MOST_NOTES: Final = 10_000
MOST_NAME: Final = 100


def require_mentor(mentor: str, notes: str) -> None:
    """Raises: InvalidInput for a name or notes that no scorecard takes. Before anything runs."""
    if not mentor.strip() or len(mentor) > MOST_NAME or "\0" in mentor:
        raise InvalidInput(f"--sign: got a name of {len(mentor)} characters, expected 1 to {MOST_NAME}")
    if len(notes) > MOST_NOTES or "\0" in notes:
        raise InvalidInput(f"--notes: got {len(notes)} characters, expected at most {MOST_NOTES}")


def sign_off(told: Delivered, again: Rerun, *, mentor: str, notes: str) -> bytes:
    """The file. Raises: InvalidInput when the re-run did not hold, or was of other code."""
    if worst_of(again) is not Verdict.HELD:
        raise InvalidInput(
            f"--sign: got a re-run that is {worst_of(again)}, expected one that held: nothing was signed"
        )
    runs = [dict(run) for run in again.runs]
    if not runs:
        raise InvalidInput("--sign: got a check without a run, expected one that confirms")
    if other := [run["run_id"] for run in runs if run["code"] != told.code]:
        raise InvalidInput(
            f"--sign: got {other[0]} of other code than was delivered, expected the same base: "
            f"re-run it at revision {told.revision[:10]}"
        )
    content: dict[str, Any] = {
        "drill": told.key,
        "learner": told.learner,
        "code": told.code,
        "mentor": mentor.strip(),
        "notes": notes,
        "signed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": runs,
    }
    plain = json.loads(encode(content))
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return encode({"format": FORMAT, "version": VERSION, "digest": digest, "content": plain})
