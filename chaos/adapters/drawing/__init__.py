"""Requests drawn from the contract by schemathesis, which has an environment of its own: nothing else needs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Timer
from typing import Any, Final

import msgspec

from chaos.adapters import apart
from chaos.config import CHECKOUT, lab_dir
from chaos.errors import LabBroken
from chaos.model.drawn import Drawn
from launch import environment

LOCK: Final = CHECKOUT / "requirements-fuzz.lock"
PROGRAM: Final = Path(__file__).with_name("draw.py")
PATIENCE_S: Final = 180.0


def folder() -> Path:
    """Schemathesis' environment."""
    return lab_dir() / "fuzz"


def get(say: Callable[[str], None]) -> Path:
    """Make the environment unless it is up to date; *say* gets lines of progress. Raises: LabBroken."""
    return apart.get(LOCK, folder(), "schemathesis", "an environment of its own, on first use", say)


def smaller(document: Mapping[str, Any], *, seed: int, cases: int) -> Smaller:
    """What finds the smallest request that shows something, among those that `draw` gives for the same arguments.

    Raises: LabBroken.
    """
    return Smaller(document, seed=seed, cases=cases)


def draw(document: Mapping[str, Any], *, seed: int, cases: int) -> list[Drawn]:
    """Up to *cases* valid requests of each operation, and as many that are not; the same for the same seed.

    Raises: LabBroken.
    """
    asked = json.dumps({"document": document, "seed": seed, "cases": cases})
    try:
        done = subprocess.run(
            _command(), input=asked, env=_environ(), cwd=folder(), capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise LabBroken(f"schemathesis: got {_last(done.stderr)}, expected requests")
        return [msgspec.json.decode(line, type=Drawn) for line in done.stdout.splitlines()]
    except subprocess.TimeoutExpired:
        raise LabBroken(f"schemathesis: got nothing within {PATIENCE_S:g} s, expected requests") from None
    except (OSError, msgspec.DecodeError) as error:
        raise LabBroken(f"schemathesis: got {error}, expected requests") from None


class Smaller:
    """Finds the smallest request that shows something, among those drawn with this seed: Hypothesis shrinks them."""

    def __init__(self, document: Mapping[str, Any], *, seed: int, cases: int) -> None:
        """Start it. Raises: LabBroken."""
        try:
            self._program = subprocess.Popen(
                _command(), env=_environ(), cwd=folder(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        except OSError as error:
            raise LabBroken(f"schemathesis: got {error}, expected requests") from None
        self._watch = Timer(PATIENCE_S, self._program.kill)
        self._watch.daemon = True
        self._watch.start()
        self._write({"document": document, "seed": seed, "cases": cases, "smaller": True})

    def find(self, operation: str, *, valid: bool, shows: Callable[[Drawn], bool]) -> None:
        """Ask *shows* of one request after the other, until none is known that is smaller. Raises: LabBroken."""
        self._write({"operation": operation, "valid": valid})
        assert self._program.stdout is not None
        while (line := self._program.stdout.readline()) != "null\n":
            try:
                one = msgspec.json.decode(line, type=Drawn)
            except msgspec.DecodeError as error:
                raise LabBroken(f"schemathesis: got {error}, expected a request") from None
            self._write(shows(one))

    def close(self) -> None:
        """End it."""
        self._watch.cancel()
        self._program.kill()
        self._program.communicate()

    def _write(self, value: Any) -> None:
        assert self._program.stdin is not None
        try:
            self._program.stdin.write(json.dumps(value) + "\n")
            self._program.stdin.flush()
        except (OSError, ValueError) as error:
            raise LabBroken(f"schemathesis: got {error}, expected it to draw requests") from None


def _command() -> list[str]:
    return [str(folder() / "bin" / "python"), "-s", "-P", "-X", "utf8", str(PROGRAM)]


def _environ() -> dict[str, str]:
    # Hypothesis keeps nothing, and neither a set's order nor the folder may decide what is drawn.
    return environment.for_programs() | {"PYTHONHASHSEED": "0"}


def _last(said: str) -> str:
    lines = said.strip().splitlines() or ["nothing"]
    return repr(lines[-1][:200])
