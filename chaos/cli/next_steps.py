"""What to do next: after a run, a check or a self-test, as commands that can be copied."""

from __future__ import annotations

import shlex
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from chaos.cli.commands import COMMANDS
from chaos.cli.console import Block
from chaos.config import NotUp, evidence_dir, read_stack
from chaos.drills import catalogue
from chaos.drills.attempt import SHOP, is_the_learners
from chaos.drills.check import Report
from chaos.drills.results import RunResult
from chaos.drills.selftest import Proof
from chaos.errors import ExitCode
from chaos.evidence.newest import newest
from chaos.model.verdict import Verdict

ATTEMPT: Final = "attempt"
PATIENCE_S: Final = 0.3
COUNTS: Final = frozenset({"queries_do_not_grow", "queries_at_most"})
"""Checks that `firedrill queries` shows more of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do: a command or an address, and what it is good for."""

    do: str
    why: str


def block(steps: Sequence[Step]) -> list[Block]:
    """For people; nothing where there is no step."""
    lines = [line for step in steps for line in (f"  {step.do}", f"    {step.why}")]
    return [Block("\n".join(["Next:", *lines]) + "\n")] if lines else []


def document(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """For `--json`, under `next`."""
    return [asdict(step) for step in steps]


def after_run(result: RunResult, *, asked: Sequence[str]) -> list[Step]:
    """After one run; *asked*: the words behind `firedrill run` that name scenario and seed."""
    return [*_about(result, asked), *_page(result)]


def _about(result: RunResult, asked: Sequence[str]) -> Iterator[Step]:
    drill, variant = result.document.drill, result.variant
    again = command("run", *asked, "--variant", variant)
    if result.verdict is Verdict.INCONCLUSIVE:
        yield Step(do=again, why="the same once more, without what spoiled it: see above")
        return
    if result.verdict is Verdict.VIOLATED:
        yield from _explained(result)
        yield from _counted(result)
    if not is_the_learners(variant):
        if variant == "hardened" and result.verdict is Verdict.HELD:
            yield Step(do=command("run", *asked, "--variant", "naive"), why="what it finds in code with the mistakes")
        yield from _own_code(drill, asked)
    elif result.verdict is Verdict.HELD:
        yield from _progress(drill, variant)
    else:
        yield from _hint(drill)
        if "watch" in COMMANDS:
            yield Step(do=command("watch", str(drill)), why="runs the quickest telling scenario at each save")
        yield Step(do=again, why="once you have changed the code")


def _explained(result: RunResult) -> Iterator[Step]:
    """What shows the first violation that something can be shown of."""
    shown = [one for one in result.document.checks if one.check in result.violated and one.counterexample is not None]
    for one in shown[:1]:
        more = f"; without its name also {_and(len(shown) - 1)}" if len(shown) > 1 else ""
        yield Step(
            do=command("explain", result.folder.name, one.check), why=f"what shows {one.check}, on one time line{more}"
        )


def _counted(result: RunResult) -> Iterator[Step]:
    """What each request asked, where that is what went wrong."""
    if set(result.violated) & COUNTS:
        do = command("queries", "--run", result.folder.name)
        yield Step(do=do, why="each request's queries; with the name of one (queries listEvents) its lines of code")


def _and(left: int) -> str:
    return "another violated check" if left == 1 else f"{left} other violated checks"


def _hint(drill: int) -> Iterator[Step]:
    if "hint" in COMMANDS:
        yield Step(
            do=command("hint", str(drill)),
            why="the next hint for the check that failed; on record: the stretch counts only for runs before the first",
        )


def _own_code(drill: int, asked: Sequence[str]) -> Iterator[Step]:
    """To the learner's own variant, or to one."""
    if (SHOP / ATTEMPT).is_dir():
        yield Step(do=command("run", *asked, "--variant", ATTEMPT), why="your own code")
    elif drill:
        yield Step(do=command("attempt", "start", "--drill", str(drill)), why="a variant of your own, to mend")


def _progress(drill: int, variant: str) -> Iterator[Step]:
    """How far the core of the drill is, by each scenario's last run, and what decides about a score."""
    one = next((each for each in catalogue.drills() if each.number == drill), None)
    if one is None or not one.core:
        return
    root = evidence_dir()
    last = {name: newest(root, scenario=name, variant=variant) for name in one.core}
    left = [name for name, run in last.items() if run is None or run.verdict is not Verdict.HELD]
    done = f"{len(one.core) - len(left)} of {len(one.core)} scenarios of drill {drill}'s core held when they last ran"
    if left:
        yield Step(do=command("run", left[0], "--variant", variant), why=f"the next one: {done}")
    yield Step(
        do=command("check", str(drill), *_on(variant)),
        why=f"decides: with its core passed you may score drill {drill} with 2 ({done})",
    )


def _on(variant: str) -> list[str]:
    return [] if variant == ATTEMPT else ["--variant", variant]


def _page(result: RunResult) -> Iterator[Step]:
    if url := dashboard():
        yield Step(do=f"{url}/run?run={quote(result.folder.name)}", why="this run in the dashboard")


def after_check(report: Report) -> list[Step]:
    """After a check of a drill."""
    return list(_about_check(report))


def _about_check(report: Report) -> Iterator[Step]:
    number, variant = report.drill.number, report.variant
    items = [item for part in report.parts.values() for item in part]
    violated = [each for each in items if each.verdict is Verdict.VIOLATED]
    for item in [each for each in violated if each.tries][:1]:
        yield Step(do=command("explain", Path(item.tries[-1].folder).name), why=f"why {item.name} is not passed")
    if violated and is_the_learners(variant):
        yield from _hint(number)
    if report.exit_code is ExitCode.INCONCLUSIVE:
        why = "once more, on a quiet machine: something could not be decided"
        yield Step(do=command("check", str(number), *_on(variant)), why=why)
    core = "core" in report.parts and report.verdict("core") is Verdict.HELD
    if not (core and is_the_learners(variant)):
        return
    yield _score(number)
    if "stretch" not in report.parts and report.drill.stretch:
        yield Step(do=command("check", str(number), "--part", "stretch", *_on(variant)), why="towards a 3")
    elif report.drill.stretch and report.verdict("stretch") is Verdict.HELD:
        why = "the same on another seed, at least 7 days from now: together they allow a 3"
        yield Step(do=command("check", str(number), "--seed", str(report.first_seed + 100), *_on(variant)), why=why)
    yield Step(do=command("deliver", str(number)), why="for your mentor: a run on a seed that nobody knew, and one ZIP")
    known = {each.number for each in catalogue.drills()}
    if "drill" in COMMANDS and number + 1 in known:
        yield Step(do=command("drill", str(number + 1)), why="the next drill")


def _score(number: int) -> Step:
    why = "the core is passed: yours to record, 1 if you opened a solution"
    if "score" in COMMANDS:
        return Step(do=command("score", str(number), "2", "--notes", "what you learnt"), why=why)
    where = f"{url}/scores" if (url := dashboard()) else "make dashboard"
    return Step(do=where, why=f"drill {number} with 2, on the page Scores: {why}")


def after_selftest(proofs: Sequence[Proof]) -> list[Step]:
    """After self-tests: about the first that did not prove itself, else about the first."""
    return list(_about_proofs(proofs))


def _about_proofs(proofs: Sequence[Proof]) -> Iterator[Step]:
    unlike = [proof for proof in proofs if proof.exit_code is ExitCode.VIOLATED]
    unknown = [proof for proof in proofs if proof.exit_code is ExitCode.INCONCLUSIVE]
    for proof in (unlike or unknown)[:1]:
        name = proof.scenario.name
        yield from _explained(proof.hardened)
        if "/" in name:  # below scenarios/, so that it can be named
            yield Step(do=command("selftest", name), why="this one alone, once more")
        yield from _page(proof.naive if proof.hardened.verdict is Verdict.HELD else proof.hardened)
        return
    for proof in proofs[:1]:
        yield from _explained(proof.naive)
        if "/" in proof.scenario.name:
            yield from _own_code(proof.scenario.drill, [proof.scenario.name])
        yield from _page(proof.naive)


def command(*words: str) -> str:
    """A call of this program that works where the caller is now."""
    return shlex.join([program(), *words])


def program() -> str:
    """`firedrill` where that is found and is this one, else its path."""
    here = Path(sys.executable).with_name("firedrill")
    found = shutil.which("firedrill")
    if found and Path(found).resolve() == here.resolve():
        return "firedrill"
    with suppress(ValueError, OSError):  # the caller stands outside of the checkout, or in a folder that was deleted
        return str(here.relative_to(Path.cwd()))
    return str(here)


def dashboard() -> str:
    """Where the dashboard answers, for a browser; empty while it does not."""
    stack = read_stack()
    if isinstance(stack, NotUp) or not (own := stack.urls.get("dashboard")):
        return ""
    parts = urlsplit(own)
    with suppress(OSError, ValueError), socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE_S):
        return (stack.public_url("dashboard") or own).rstrip("/")
    return ""
