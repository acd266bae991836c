"""One run of a scenario on a variant, as `firedrill run … --json` tells it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

BIN: Final = Path(sys.executable).parent


def run(scenario: str, variant: str, seed: int) -> dict[str, Any]:
    """The verdict as a document; without one its `verdict` is `exit CODE`, and `summary` the end of stderr."""
    command = [str(BIN / "firedrill"), "run", scenario, "--variant", variant, "--seed", str(seed), "--json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"verdict": f"exit {done.returncode}", "summary": done.stderr[-300:].strip(), "findings": []}
    return document
