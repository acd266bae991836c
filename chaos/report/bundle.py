"""The first page of a bundle: whose drill it is, its result, and how a mentor checks the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scenario of a part, or the learner's own tests, which have no runs."""

    name: str
    verdict: str
    reason: str
    runs: Sequence[Ran]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundled:
    """What a bundle holds.

    Attributes:
        learner: Empty when no name was given.
        parts: Part → its verdict and lines; None for a part that was never checked.
        runs: All of them, oldest first.
        patch: The code of the newest run; None when it was not kept.
    """

    drill: int
    title: str
    learner: str
    parts: Mapping[str, tuple[str, Sequence[Line]] | None]
    runs: Sequence[Ran]
    patch: bytes | None

    @property
    def base(self) -> str:
        """What the code of the newest run was made from."""
        return self.runs[-1].base if self.runs else "naive"


def readme(bundled: Bundled, *, written: str) -> str:
    """README.md of the bundle. *written* is the date."""
    return "\n".join(_lines(bundled, written)) + "\n"


def _lines(bundled: Bundled, written: str) -> Iterator[str]:
    yield f"# Drill {bundled.drill}, {inline(bundled.title)}: {inline(bundled.learner or 'a learner without a name')}"
    yield ""
    yield f"Bundled by Firedrill on {written}, from the newest `firedrill check {bundled.drill}` of each part."
    for name, part in bundled.parts.items():
        if part is None:
            yield from ("", f"## {name.capitalize()}: not checked")
            continue
        verdict, lines = part
        yield from ("", f"## {name.capitalize()}: {SIGNS[verdict]} {PASSED[verdict]}")
        rows = [(signed(line.verdict), *map(inline, (line.name, line.reason)), _tries(line.runs)) for line in lines]
        yield from table(("verdict", "what", "decided by", "tries of that check"), rows, escape=str)
    yield from ("", "## What it rests on", "", *_standing(bundled))
    yield from ("", "## To check it", "", *_to_check(bundled))


def _tries(runs: Sequence[Ran]) -> str:
    return "; ".join(
        f"[seed {ran.seed}, scale {ran.scale:g}, {ran.started_at[:16]}](runs/{ran.run_id}/report.html) "
        f"{signed(ran.verdict)}"
        for ran in runs
    )


def _standing(bundled: Bundled) -> Iterator[str]:
    """The code, the lab and the name behind the runs; differences between runs are in bold."""
    alike = [ran for ran in bundled.runs if ran.patch is not None and _same_code(ran, bundled)]
    other = [ran for ran in bundled.runs if ran.patch is not None and not _same_code(ran, bundled)]
    unkept = [ran for ran in bundled.runs if ran.patch is None]
    if alike:
        made = "" if bundled.base == "naive" else f" of {code(bundled.base)}"
        yield (
            f"- `attempt.patch` is what was changed in a fresh attempt{made}, as it ran in {_count(alike)}"
            f"{': nothing' if not bundled.patch else ''}. Each run keeps the patch of its own code."
        )
    if other:
        yield f"- **Other code** ran in {_count(other)}: {_ids(other)}."
    if unkept:
        yield f"- **No code was kept** with {_count(unkept)}: {_ids(unkept)}."
    yield from _grouped(bundled.runs, "revision", lambda ran: code(ran.revision) if ran.revision else "not known")
    if any(ran.base != "naive" for ran in bundled.runs):
        yield from _grouped(bundled.runs, "base", lambda ran: code(ran.base))
    if changed := [ran for ran in bundled.runs if ran.revision.endswith("+changes")]:
        yield f"- **The lab's own files had changes** in {_count(changed)}; what they were is not in this bundle."
    yield from _grouped(
        bundled.runs,
        "isolation",
        lambda ran: isolation(ran.isolation).removesuffix("."),
    )
    yield from _grouped(bundled.runs, "learner", lambda ran: inline(ran.learner) if ran.learner else "no name")
    if any(not line.runs for part in bundled.parts.values() if part for line in part[1]):
        yield "- Lines without tries stand as the learner's own lab told them."


def _same_code(ran: Ran, bundled: Bundled) -> bool:
    return (ran.base, ran.patch) == (bundled.base, bundled.patch)


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


def _to_check(bundled: Bundled) -> Iterator[str]:
    clean = {ran.revision for ran in bundled.runs if ran.revision and not ran.revision.endswith("+changes")}
    at = f" at revision {code(next(iter(clean)))}" if len(clean) == 1 else ""
    yield f"In a fresh clone of Firedrill{at}; your own lab would take these runs for yours."
    yield from ("", "1. Does each verdict follow from its evidence? Offline, seconds per run:", "")
    yield "   ```"
    yield "   make install"
    yield "   export BUNDLE='/path/to/the/folder/of/this/file'"
    yield '   for run in "$BUNDLE"/runs/*; do .venv/bin/firedrill verify "$run"; done'
    yield "   ```"
    yield ""
    yield (
        "   That derives each verdict again and compares every file with the run's seal. The seal is no signature: who "
        "can rewrite a folder can rewrite its seal. So the next steps count for more."
    )
    yield f"2. Read the reports below `runs/`{' and `attempt.patch`' if bundled.patch else ''}."
    yield "3. Run the code yourself, on a seed that nobody knew before:"
    yield ""
    yield "   ```"
    yield "   make up STACK=local"
    yield f"   .venv/bin/firedrill attempt start{_from_draft(bundled.base)}"
    if bundled.patch:
        yield '   git apply --directory=services/shop/attempt "$BUNDLE/attempt.patch"'
    yield f"   .venv/bin/firedrill check {bundled.drill} --seed SEED"
    yield "   ```"
    yield ""
    used = ", ".join(str(seed) for seed in sorted({ran.seed for ran in bundled.runs}))
    yield f"   `SEED` is a number of your own, up to nine digits{f'; used up are {used}' if used else ''}."
    yield (
        "4. A 3 is confirmed in the learner's own lab: hand back the folder of your run, to be put into `evidence/` "
        "there; `firedrill index` takes it in, and the page Scores takes your name and its run id."
    )
