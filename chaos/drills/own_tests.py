"""The learner's own tests against the live API: green on the attempt, and at least one of them red on its base."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from chaos.config import CHECKOUT
from chaos.drills.attempt import SHOP
from chaos.drills.check import Passed
from chaos.drills.drafts import NAIVE, base_of
from chaos.errors import FiredrillError
from chaos.model.verdict import Verdict
from launch import environment
from launch.python import PYTHON

NAME = "own tests"
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What pytest counted. *trouble*: why it could not count."""

    passed: int = 0
    failed: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    skipped: int = 0
    trouble: str = ""


def run_tests(tests: Path, *, url: str, world: Path, timeout_s: float = TIMEOUT_S) -> Tally:
    """Run pytest on *tests* with the API's address and its seeded world. Never raises for what the tests do."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "junit.xml"
        command = [*PYTHON, "-B", "-m", "pytest", str(tests), f"--junitxml={report}", "--rootdir", str(tests)]
        command += ["-q", "-p", "no:cacheprovider", "-p", "no:locust", "-p", "no:django", "-c", os.devnull]
        environ = environment.for_programs() | {"SHOP_URL": url, "SHOP_WORLD": str(world)}
        out = Path(scratch) / "out.txt"
        try:
            code = _ended(command, environ, out, timeout_s)
        except subprocess.TimeoutExpired:
            return Tally(trouble=f"the tests had not ended after {timeout_s:g} s")
        except OSError as error:
            return Tally(trouble=f"pytest: got {error.strerror or error}, expected it to start")
        try:
            return _tally(report)
        except (OSError, ElementTree.ParseError):
            said = out.read_text("utf-8", errors="replace").strip().splitlines() or ["nothing"]
            return Tally(trouble=f"pytest ended with {code} and no report: {said[-1]}")


def _ended(command: Sequence[str], environ: Mapping[str, str], out: Path, timeout_s: float) -> int:
    """Run *command* and end what it left behind: a process of a test's must not ask the API in the runs after it.

    It writes into a file, since what is left behind would keep a pipe open. Raises: OSError, TimeoutExpired.
    """
    with (
        out.open("wb") as file,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait(timeout_s)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _tally(report: Path) -> Tally:
    passed, skipped = 0, 0
    failed: list[str] = []
    errors: list[str] = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own pytest wrote it
        name = str(case.get("name"))
        if case.find("error") is not None:
            errors.append(name)
        elif case.find("failure") is not None:
            failed.append(name)
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return Tally(passed=passed, failed=tuple(failed), errors=tuple(errors), skipped=skipped)


def judge(attempt: Tally, before: Tally | None, *, base: str = NAIVE) -> Passed:
    """Green on the attempt, red on its *base*. An error is not red, since a test that can't run proves nothing.

    *before* is what they came to on the base; None when the attempt had decided already.
    """
    if attempt.trouble:
        return _passed(Verdict.INCONCLUSIVE, attempt.trouble)
    if attempt.errors:
        return _passed(Verdict.VIOLATED, f"on your attempt {_some(attempt.errors)} could not run")
    if attempt.failed:
        return _passed(Verdict.VIOLATED, f"on your attempt {_some(attempt.failed)} failed")
    if not attempt.passed:
        return _passed(Verdict.INCONCLUSIVE, f"no test ran ({attempt.skipped} skipped)")
    if before is None or before.trouble:
        return _passed(Verdict.INCONCLUSIVE, before.trouble if before else f"nobody ran them on {base}")
    if not before.failed:
        return _passed(
            Verdict.VIOLATED,
            f"{attempt.passed} tests are green on your attempt, and none is red on {base}: services/shop/attempt/tests "
            f"wants one that is red there",
        )
    return _passed(
        Verdict.HELD, f"{attempt.passed} tests are green on your attempt; red on {base}: {_some(before.failed)}"
    )


def _passed(verdict: Verdict, reason: str) -> Passed:
    return Passed(name=NAME, verdict=verdict, reason=reason)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def own_tests(
    variant: str,
    *,
    prepare: Callable[[str, Path], None],
    url: str,
    say: Callable[[str], None],
    shop: Path = SHOP,
) -> Passed:
    """Prepare *variant*, run its tests; when they are green, run the same ones on what it was made from.

    *prepare* starts a variant and writes its world, with tokens, to the given path.
    """
    tests = shop / variant / "tests"
    if not sorted(tests.glob("test_*.py")):
        return _passed(
            Verdict.INCONCLUSIVE,
            f"{tests}: got no test_*.py, expected your own tests (a new attempt brings a first one)",
        )
    with tempfile.TemporaryDirectory() as scratch:
        world = Path(scratch) / "world.json"

        def on(asked: str) -> Tally:
            say(f"own tests on {asked}")
            try:
                prepare(asked, world)
            except FiredrillError as error:
                return Tally(trouble=str(error))
            return run_tests(tests, url=url, world=world)

        attempt = on(variant)
        green = attempt.passed and not (attempt.failed or attempt.errors or attempt.trouble)
        base = base_of(shop / variant)
        return judge(attempt, on(base) if green else None, base=base)
