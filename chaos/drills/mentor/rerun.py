"""A learner's code once more, in a clean checkout, on a seed of the mentor's choice: where do the verdicts differ?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from chaos.adapters.clean_checkout import UP_S, Ended
from chaos.drills.catalogue import Part
from chaos.drills.drafts import parse
from chaos.drills.index import summary_for_index
from chaos.drills.mentor.opening import Opened, unpack
from chaos.errors import ExitCode, InvalidInput, LabBroken
from chaos.model.deliverable import RUNS, Delivered
from chaos.model.verdict import SEVERITY, Verdict

CHECK_S: Final = 3600.0
VERIFY_S: Final = 300.0


class Checkout(Protocol):
    """See `chaos.adapters.clean_checkout.CleanCheckout`."""

    def make(self, source: Path, *, at: str = ...) -> str: ...

    def attempt(self, options: Sequence[str], patch: bytes) -> None: ...

    def command(self, *words: str, timeout_s: float = ..., must: bool = ...) -> Ended: ...


class _Try(msgspec.Struct, frozen=True):
    seed: int
    verdict: Verdict
    folder: str


class _Item(msgspec.Struct, frozen=True):
    name: str
    verdict: Verdict
    reason: str
    tries: tuple[_Try, ...] = ()


class _Part(msgspec.Struct, frozen=True):
    verdict: Verdict
    items: tuple[_Item, ...]


class _Document(msgspec.Struct, frozen=True):
    parts: dict[str, _Part]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One line of the check: what the learner's lab said, and what was found here.

    Attributes:
        told: None where the learner's check had no such line.
    """

    name: str
    told: Verdict | None
    found: Verdict
    reason: str

    @property
    def differs(self) -> bool:
        """Whether somebody has to look: nothing was told, or another verdict was."""
        return self.told != self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """What came of it.

    Attributes:
        revision: Of the clean checkout.
        unverified: Runs of the deliverable whose verdict does not follow from their evidence here, each with why.
        runs: The new ones, as they are indexed.
        code: Of the new ones; differs from the deliverable's where the base is another.
    """

    revision: str
    seed: int
    verdict: Verdict
    lines: tuple[Compared, ...]
    unverified: tuple[str, ...]
    verified: int
    runs: tuple[dict[str, Any], ...]

    @property
    def differ(self) -> list[Compared]:
        """Lines to look at."""
        return [line for line in self.lines if line.differs]


def require_fresh(told: Delivered, seed: int) -> None:
    """Raises: InvalidInput for a seed that the learner has run."""
    if any(run.seed == seed for run in told.tries):
        raise InvalidInput(f"--seed: got {seed}, which the learner has run, expected one of your own")


def rerun(
    one: Opened,
    *,
    seed: int,
    part: Part,
    source: Path,
    checkout: Checkout,
    say: Callable[[str], None],
    at: str = "HEAD",
) -> Rerun:
    """Verify what was delivered, then check the code, at revision *at* of *source*.

    Raises: InvalidInput, LabBroken.
    """
    require_fresh(one.told, seed)
    revision = checkout.make(source, at=at)
    then = one.told.revision.removesuffix("+changes")
    if then != revision:
        say(
            f"delivered at revision {then[:10] or 'unknown'}, run again at {revision[:10]}: where the base was changed "
            f"in between, the patch may not apply (--at {then[:10] or 'REVISION'}; an older lab judges as it did then)"
        )
    unverified = list(_unverified(one, checkout, say))
    draft = parse(one.told.base)
    checkout.attempt(["--drill", str(draft.drill), "--seed", str(draft.seed)] if draft else [], one.patch)
    say("stack: up")
    checkout.command("up", timeout_s=UP_S, must=True)
    try:
        say(f"check of drill {one.told.drill}, {part}, from seed {seed}")
        words = ("check", str(one.told.drill), "--part", part, "--seed", str(seed), "--json")
        ended = checkout.command(*words, timeout_s=CHECK_S)
    finally:
        checkout.command("down", timeout_s=UP_S)
    found = _checked(ended, part)
    return Rerun(
        revision=revision,
        seed=seed,
        verdict=found.verdict,
        lines=tuple(_compared(one.told, part, found)),
        unverified=tuple(unverified),
        verified=sum(run.packed for run in one.told.tries) - len(unverified),
        runs=tuple(dict(summary_for_index(Path(t.folder))) for item in found.items for t in item.tries),
    )


def _unverified(one: Opened, checkout: Checkout, say: Callable[[str], None]) -> Iterator[str]:
    packed = [run.run_id for run in one.told.tries if run.packed]
    say(f"verify: {len(packed)} runs")
    with tempfile.TemporaryDirectory() as scratch:
        top = unpack(one, Path(scratch))
        for name in packed:
            ended = checkout.command("verify", str(top / RUNS / name), timeout_s=VERIFY_S)
            if ended.code in (ExitCode.INVALID, ExitCode.LAB_BROKEN):
                lines = (ended.err or ended.out).strip().splitlines()
                yield f"{name}: {lines[0][:300] if lines else 'no reason'}"


def _checked(ended: Ended, part: Part) -> _Part:
    # Of two documents, the first is the report; an error is a document of its own.
    text = ended.out.strip()
    try:
        return msgspec.json.decode(text.encode(), type=_Document).parts[part]
    except (msgspec.MsgspecError, KeyError):
        said = ended.err.strip().splitlines() or ["nothing"]
        if ended.code == ExitCode.INVALID:
            raise InvalidInput(f"check: {said[-1][:500]}") from None
        raise LabBroken(f"check: got {said[-1][:500]}, expected a report") from None


def _compared(told: Delivered, part: Part, found: _Part) -> Iterator[Compared]:
    delivered = told.parts.get(part)
    said = {line.name: line.verdict for line in delivered.lines} if delivered else {}
    for item in found.items:
        yield Compared(name=item.name, told=said.get(item.name), found=item.verdict, reason=item.reason)


def worst_of(one: Rerun) -> Verdict:
    """What the command ends with. What could not be verified counts as violated."""
    return max([one.verdict, *([Verdict.VIOLATED] if one.unverified else [])], key=SEVERITY.index)
