"""Where the dashboard finds its sources. The only module here that reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ATTEMPT = CHECKOUT / "services" / "shop" / "attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Paths only; every address is in the stack file, which is read anew on each rerun.

    Attributes:
        stack_file: The address book that `services.stack up` writes; need not exist.
        evidence_dir: One folder per run; need not exist.
        attempt_dir: The learner's variant; need not exist.
    """

    stack_file: Path
    evidence_dir: Path
    attempt_dir: Path = ATTEMPT


def from_environment() -> Settings:
    """FIREDRILL_STACK_FILE (else stack.json in FIREDRILL_LAB_DIR, else in .lab/), …_EVIDENCE_DIR and …_ATTEMPT_DIR."""
    lab_dir = os.environ.get("FIREDRILL_LAB_DIR") or str(CHECKOUT / ".lab")
    stack_file = os.environ.get("FIREDRILL_STACK_FILE") or str(Path(lab_dir) / "stack.json")
    evidence_dir = os.environ.get("FIREDRILL_EVIDENCE_DIR") or str(CHECKOUT / "evidence")
    attempt_dir = os.environ.get("FIREDRILL_ATTEMPT_DIR") or str(ATTEMPT)
    return Settings(stack_file=Path(stack_file), evidence_dir=Path(evidence_dir), attempt_dir=Path(attempt_dir))


def hostnames() -> list[str]:
    """Names by which the pages may be asked for: loopback's, and what FIREDRILL_HOSTNAMES lists."""
    return [
        "127.0.0.1",
        "localhost",
        "[::1]",
        *filter(None, os.environ.get("FIREDRILL_HOSTNAMES", "").lower().split(",")),
    ]
