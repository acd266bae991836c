"""README.md of a deliverable: whose drill it is, its result, and how a mentor checks the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.model.deliverable import Own
from chaos.model.patch import same_code
from chaos.report.markdown import code, inline, table
from chaos.report.words import PASSED, SIGNS, isolation, signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One run, as its sealed folder describes it.

    Attributes:
        started_at: ISO 8601 in UTC.
        isolation: How the shop was kept from the lab, as in `words.ISOLATION`.
        revision: Of the lab that judged it; empty where it had no git (a container).
        base: The variant that the learner's code was made from: `naive`, or a draft such as `draft_2_4`.
        patch: What the learner had changed in *base*; None when it was not kept.
        code: SHA-256 over base and patch, as the scorecard has it.
    """

    run_id: str
    scenario: str
    drill: int
    variant: str
    seed: int
    scale: float
    verdict: str
    started_at: str
    learner: str
    revision: str
    isolation: str
    base: str
    patch: bytes | None
    summary: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scenario of a part, or the learner's own tests, which have no runs."""

    name: str
    verdict: str
    reason: str
    runs: Sequence[Ran]


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What a deliverable holds.

    Attributes:
        learner: Empty when no name was given.
        base: What the patch is a patch of.
        verdict: Of core and fresh seed together.
        doubts: Why it is no better than that, a sentence each.
        fresh: The seed that `deliver` drew, and what came of it; None where no machine can grade the drill.
        parts: Part → its verdict and lines; None for a part that was never checked.
        runs: All that are packed, oldest first.
        tries: How many runs of the attempt there were in this drill, packed or not.
        written: Names of the files of the drill's deliverable.
        own: What the learner's scorecard said.
        unjudged: What no machine judged, a sentence each.
    """

    drill: int
    title: str
    learner: str
    base: str
    patch: bytes
    verdict: str
    doubts: Sequence[str]
    fresh: tuple[int, str, Sequence[Line]] | None
    parts: Mapping[str, tuple[str, Sequence[Line]] | None]
    runs: Sequence[Ran]
    tries: int
    written: Sequence[str]
    own: Own
    unjudged: Sequence[str]


def readme(handed_in: HandedIn, *, written: str) -> str:
    """The page. *written* is the date."""
    return "\n".join(_lines(handed_in, written)) + "\n"


def _lines(handed_in: HandedIn, written: str) -> Iterator[str]:
    drill = handed_in.drill
    yield f"# Drill {drill}, {inline(handed_in.title)}: {inline(handed_in.learner or 'a learner without a name')}"
    yield ""
    result = _result(handed_in.verdict)
    yield f"Delivered by Firedrill on {written}. Core and a seed that nobody had run before: {result}."
    yield from (f"**But** {inline(doubt)}" for doubt in handed_in.doubts)
    yield from ("", "## What the drill asks for", "")
    yield from (f"- [{name}](deliverable/{name})" for name in handed_in.written)
    if handed_in.fresh:
        seed, verdict, lines = handed_in.fresh
        yield from ("", f"## Fresh seed {seed}: {_result(verdict)}", "")
        yield "Drawn inside `firedrill deliver` and run on the code of `attempt.patch`, once per scenario of the core."
        yield from _table(lines)
    for name, part in handed_in.parts.items():
        if part is None:
            yield from ("", f"## {name.capitalize()}: not checked")
            continue
        verdict, lines = part
        yield from ("", f"## {name.capitalize()}: {_result(verdict)}", "")
        yield f"From the newest `firedrill check {drill}` of this part."
        yield from _table(lines)
    yield from ("", "## The way there", "", *_way(handed_in))
    yield from ("", "## What no machine judged", "", *(f"- {one}" for one in handed_in.unjudged))
    yield from ("", "## What it rests on", "", *_standing(handed_in))
    yield from ("", "## To check it", "", *_to_check(handed_in))


def _result(verdict: str) -> str:
    return f"{SIGNS[verdict]} {PASSED[verdict]}"


def _table(lines: Sequence[Line]) -> Iterator[str]:
    rows = [(signed(line.verdict), *map(inline, (line.name, line.reason)), _tries(line.runs)) for line in lines]
    yield from table(("verdict", "what", "decided by", "tries"), rows, escape=str)


def _way(handed_in: HandedIn) -> Iterator[str]:
    own = handed_in.own
    packed = sum(ran.variant == "attempt" for ran in handed_in.runs)
    yield f"- {handed_in.tries} runs of the attempt in this drill, {packed} of them packed; `deliver.json` lists all."
    if not own.asked:
        yield "- The scorecard was away: no score, no hints and no notes are on record here."
        return
    opened = ", ".join(
        f"{code(hint.hint)}{' (solution)' if hint.solution else ''} on {hint.used_at[:10]}" for hint in own.hints
    )
    yield f"- Hints opened: {opened or 'none'}."
    score = "none yet" if own.score is None else str(own.score)
    ceiling = "open" if own.ceiling is None else str(own.ceiling)
    yield f"- Self-score: {score}. Ceiling by evidence: {ceiling}. {inline(own.reason)}"
    yield f"- Notes: {inline(own.notes) if own.notes else 'none'}"
    yield "- Score, hints and notes stand as the learner's own lab told them."


def _tries(runs: Sequence[Ran]) -> str:
    return "; ".join(
        f"[seed {ran.seed}, scale {ran.scale:g}, {ran.started_at[:16]}](runs/{ran.run_id}/report.html) "
        f"{signed(ran.verdict)}"
        for ran in runs
    )


def _standing(handed_in: HandedIn) -> Iterator[str]:
    """The code, the lab and the name behind the runs; differences between runs are in bold."""
    attempts = [ran for ran in handed_in.runs if ran.variant == "attempt"]
    alike = [ran for ran in attempts if ran.patch is not None and _same_code(ran, handed_in)]
    other = [ran for ran in attempts if ran.patch is not None and not _same_code(ran, handed_in)]
    unkept = [ran for ran in attempts if ran.patch is None]
    if alike:
        made = "" if handed_in.base == "naive" else f" of {code(handed_in.base)}"
        yield (
            f"- `attempt.patch` is what was changed in a fresh attempt{made}, as it ran in {_count(alike)}"
            f"{': nothing' if not handed_in.patch else ''}. Each run keeps the patch of its own code."
        )
    if other:
        yield f"- **Other code** ran in {_count(other)}: {_ids(other)}."
    if unkept:
        yield f"- **No code was kept** with {_count(unkept)}: {_ids(unkept)}."
    yield from _grouped(handed_in.runs, "revision", lambda ran: code(ran.revision) if ran.revision else "not known")
    if any(ran.base != "naive" for ran in attempts):
        yield from _grouped(attempts, "base", lambda ran: code(ran.base))
    if changed := [ran for ran in handed_in.runs if ran.revision.endswith("+changes")]:
        yield f"- **The lab's own files had changes** in {_count(changed)}; what they were is not in this file."
    yield from _grouped(
        handed_in.runs,
        "isolation",
        lambda ran: isolation(ran.isolation).removesuffix("."),
    )
    yield from _grouped(handed_in.runs, "learner", lambda ran: inline(ran.learner) if ran.learner else "no name")
    told = [part[1] for part in handed_in.parts.values() if part]
    lines = [line for part in (*told, handed_in.fresh[2] if handed_in.fresh else ()) for line in part]
    if any(not line.runs for line in lines):
        yield "- Lines without tries stand as the learner's own lab told them."


def _same_code(ran: Ran, handed_in: HandedIn) -> bool:
    return ran.base == handed_in.base and ran.patch is not None and same_code(ran.patch, handed_in.patch)


def _grouped(runs: Sequence[Ran], what: str, of: Callable[[Ran], str]) -> Iterator[str]:
    by_value: dict[str, list[Ran]] = {}
    for ran in runs:
        by_value.setdefault(of(ran), []).append(ran)
    if len(by_value) > 1:
        told = "; ".join(f"{value}: {_ids(group)}" for value, group in by_value.items())
        yield f"- **Not all of one {what}**: {told}."
    elif by_value:
        yield f"- {what.capitalize()} of all runs: {next(iter(by_value))}."


def _count(runs: Sequence[Ran]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"


def _ids(runs: Sequence[Ran]) -> str:
    return ", ".join(code(ran.run_id) for ran in runs)


def _from_draft(base: str) -> str:
    """The options that make a fresh attempt of the same base."""
    _, _, drill_and_seed = base.partition("draft_")
    drill, _, seed = drill_and_seed.partition("_")
    return f" --drill {drill} --seed {seed}" if seed else ""


def _to_check(handed_in: HandedIn) -> Iterator[str]:
    clean = {ran.revision for ran in handed_in.runs if ran.revision and not ran.revision.endswith("+changes")}
    at = f" at revision {code(next(iter(clean)))}" if len(clean) == 1 else ""
    yield f"In a fresh clone of Firedrill{at}; your own lab would take these runs for yours."
    yield from ("", "1. Does each verdict follow from its evidence? Offline, seconds per run:", "")
    yield "   ```"
    yield "   make install"
    yield "   export DELIVERED='/path/to/the/folder/of/this/file'"
    yield '   for run in "$DELIVERED"/runs/*; do .venv/bin/firedrill verify "$run"; done'
    yield "   ```"
    yield ""
    yield (
        "   That derives each verdict again and compares every file with the run's seal. The seal is no signature: who "
        "can rewrite a folder can rewrite its seal. So the next steps count for more."
    )
    yield f"2. Read the reports below `runs/`{' and `attempt.patch`' if handed_in.patch else ''}."
    yield "3. Run the code yourself, on a seed that nobody knew before:"
    yield ""
    yield "   ```"
    yield "   make up STACK=local"
    yield f"   .venv/bin/firedrill attempt start{_from_draft(handed_in.base)}"
    if handed_in.patch:
        yield '   git apply --directory=services/shop/attempt "$DELIVERED/attempt.patch"'
    yield f"   .venv/bin/firedrill check {handed_in.drill} --seed SEED"
    yield "   ```"
    yield ""
    used = ", ".join(str(seed) for seed in sorted({ran.seed for ran in handed_in.runs}))
    yield f"   `SEED` is a number of your own, up to nine digits{f'; used up are {used}' if used else ''}."
    yield ("   All three at once, in any checkout: `firedrill mentor --rerun FILE.zip --seed SEED`.")
    yield (
        '4. A 3 is confirmed in the learner\'s own lab: the command of step 3 with `--sign "Your Name"` '
        "writes a file when that held, which the learner takes in with `firedrill import`."
    )
