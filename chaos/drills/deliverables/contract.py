"""Drill 1's deliverable: the discrepancies as a document, a git branch with the fixes, the text of a pull request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.adapters import git
from chaos.config import CHECKOUT, evidence_dir
from chaos.drills import attempt as attempts
from chaos.drills import contract_audit
from chaos.drills.catalogue import Drill
from chaos.drills.deliverables.work import ATTEMPT, Work, Written
from chaos.drills.drafts import BASE_FILE, Draft, make_base, own_draft
from chaos.drills.shown import Shown, shown
from chaos.errors import InvalidInput
from chaos.evidence.files import is_regular, read_bytes
from chaos.evidence.newest import newest as newest_run
from chaos.evidence.record import read_record
from chaos.files import write_atomic
from chaos.load.contract import reference
from chaos.model.audit import Row
from chaos.model.conform import Contract
from chaos.model.deviation import normal
from chaos.model.folder import File
from chaos.model.patch import changes, same_code
from chaos.model.text import visible

SCENARIO: Final = "contract/promises"
BRANCH: Final = "drill-1"
GIVEN: Final = "drill-1-base"
NAMES: Final = ("discrepancies.md", "pull-request.md", "fixes.patch")
BODY_CHARACTERS: Final = 300
CURL_CHARACTERS: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run that the text names."""

    name: str
    verdict: str
    summary: str
    folder: Path


def require(one: Drill, shop: Path, patch: bytes) -> None:
    """Raises: InvalidInput when the list is empty or can't be read, or when no code was mended."""
    own_draft(one, shop / ATTEMPT)
    contract_audit.read_rows(shop / ATTEMPT)
    if not changes(patch):
        raise InvalidInput("deliver: got the code as it was given, expected it mended in services/shop/attempt/")


def write(to: Path, work: Work) -> Written:
    """The document, the text of the pull request, the patch, and the branch."""
    *_, branch = deliver(work.one, to, shop=work.shop)
    return Written(paths=[to / name for name in NAMES], said=[branch])


def deliver(
    one: Drill,
    folder: Path,
    *,
    shop: Path = attempts.SHOP,
    top: Path = CHECKOUT,
    make: Callable[[str], None] = make_base,
) -> list[str]:
    """Write document, text and patch into *folder*, and make the branch.

    Returns: a line for each, for people.

    Raises: InvalidInput when the list is empty or can't be read, when no code was mended, or when nothing was run on
        the draft: then nobody has seen what the list says.
    """
    attempt = shop / ATTEMPT
    draft = own_draft(one, attempt)
    rows = contract_audit.read_rows(attempt)
    patch = attempts.patch(ATTEMPT, shop, make=make) or b""
    if not changes(patch):
        raise InvalidInput("deliver: got the code as it was given, expected it mended in services/shop/attempt/")
    before, after = newest(draft.variant), newest(ATTEMPT)
    if before is None:
        raise InvalidInput(
            f"deliver: got no run of {SCENARIO} on {draft.variant}, expected one as evidence "
            f"(firedrill run {SCENARIO} --variant {draft.variant})"
        )
    text = Text(
        draft=draft, rows=rows, found=shown(rows, read_record(before.folder)), before=before, after=after,
        changed_since=after is not None and not same_code(_patch_of(after.folder), patch),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    contents = dict(zip(NAMES, (text.document().encode(), text.pull_request().encode(), patch), strict=True))
    for name, content in contents.items():
        write_atomic(folder / name, content)
    before_after = attempts.before_and_after(ATTEMPT, shop, make=make)
    return [*(f"written: {folder / name}" for name in contents), _branch(text, *before_after, shop=shop, top=top)]


def _patch_of(run: Path) -> bytes:
    """What was changed in the code that ran."""
    return read_bytes(run / File.PATCH) if is_regular(run / File.PATCH) else b""


def newest(variant: str) -> Run | None:
    """The newest run of the drill's scenario on *variant* that came to a verdict."""
    ran = newest_run(evidence_dir(), scenario=SCENARIO, variant=variant)
    if ran is None:
        return None
    return Run(name=ran.run_id, verdict=ran.verdict, summary=ran.summary, folder=ran.folder)


def _branch(text: Text, before: Mapping[str, Path], after: Mapping[str, Path], *, shop: Path, top: Path) -> str:
    if not git.is_repository(top):
        return f"no branch: {top} is no git repository; fixes.patch has the same change"
    under = f"services/shop/{ATTEMPT}"
    base = (shop / ATTEMPT / BASE_FILE).read_bytes()

    def files(found: Mapping[str, Path]) -> dict[str, bytes]:
        contents = {f"{under}/{name}": path.read_bytes() for name, path in found.items()}
        return contents | {f"{under}/{BASE_FILE}": base}

    given = git.Commit(
        branch=GIVEN,
        message=f"Drill 1: {text.draft.variant} as it was given",
        files=files(before),
    )
    mended = git.Commit(branch=BRANCH, message=f"{text.title}\n\n{text.summary}", files=files(after))
    git.make_branches(top, [given, mended], under=under)
    return f"branch: {BRANCH}, to be merged into {GIVEN} (git diff {GIVEN} {BRANCH})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What is written for people.

    Attributes:
        found: Line of a row → the request that shows it on the draft.
        after: On the attempt; None when nothing was run on it.
        changed_since: Whether the code is another than that which was run.
    """

    draft: Draft
    rows: Sequence[Row]
    found: dict[int, Shown]
    before: Run
    after: Run | None
    changed_since: bool

    @property
    def title(self) -> str:
        """Of the pull request: that it is mended is only said of code that was seen to hold."""
        if self.after is None or self.changed_since or self.after.verdict != "held":
            return f"The API and its contract: {len(self.rows)} discrepancies"
        return f"The API keeps its contract: {len(self.rows)} discrepancies mended"

    @property
    def summary(self) -> str:
        """What the runs say, a sentence each."""
        after = "No run on the attempt yet." if self.after is None else self._said("After", self.after)
        after += " The code has been changed since." if self.changed_since else ""
        return f"{self._said('Before', self.before)}\n{after}"

    def _said(self, when: str, run: Run) -> str:
        return f"{when}: {SCENARIO} {run.verdict} ({run.name}). {visible(run.summary)}"

    def document(self) -> str:
        """The discrepancies, each with the request that shows it."""
        head = [f"# Discrepancies of {self.draft.variant}", "", "What is promised, and what the code as given served."]
        return "\n".join([*head, "", *self._table(), "", "## How each shows", "", *self._reproduced()]) + "\n"

    def pull_request(self) -> str:
        """Title, why, the same table, evidence, how to see it."""
        return "\n".join([f"# {self.title}", "", *self.summary.split("\n"), "", "## Discrepancies", "",
                          *self._table(), "", "## Evidence", "", *self._evidence(), "", "## How to reproduce", "",
                          *self._reproduced()]) + "\n"  # fmt: skip

    def _evidence(self) -> Iterator[str]:
        for run in filter(None, (self.before, self.after)):
            yield f"- `{run.name}`: {run.verdict}; `firedrill verify {run.name}` judges it again from its folder"
        yield f"- `git diff {GIVEN} {BRANCH}` is the change; `firedrill check 1` runs all checks on it"

    def _table(self) -> Iterator[str]:
        yield "| # | operation | where | kind | promised | served | code |"
        yield "|---|---|---|---|---|---|---|"
        names = {normal(name): name for name in Contract(reference()).operations}
        for number, row in enumerate(self.rows, 1):
            operations = "all" if row.every else ", ".join(sorted(names.get(one, one) for one in row.operations))
            cells = (number, operations, row.where, row.kind, row.promised, row.served, row.code)
            yield f"| {' | '.join(_cell(str(cell)) for cell in cells)} |"

    def _reproduced(self) -> Iterator[str]:
        yield f"Start the draft (`firedrill run {SCENARIO} --variant {self.draft.variant}` seeds and serves it), then"
        yield "`API=http://127.0.0.1:PORT` as `make status` shows; a token is the `access` of `POST /api/auth/token/`."
        yield f"Or `firedrill try OPERATION --as WHO --variant {self.draft.variant}`, which has a token for each."
        for number, row in enumerate(self.rows, 1):
            one = self.found.get(row.line)
            yield ""
            yield f"### {number}. {_cell(row.where)}: {row.kind}"
            yield ""
            if one is None:
                yield "No request of the run is about it: found by reading."
                continue
            yield one.exchange.id + (f": {_cell(visible(one.says))}" if one.says else
                                     ": its answer alone does not show it; this is the request")  # fmt: skip
            curl = one.exchange.curl
            yield from ("", *_fenced(curl[:CURL_CHARACTERS], "sh"))
            if len(curl) > CURL_CHARACTERS:
                yield f"… {len(curl)} characters in all; `{File.EXCHANGES}` of the run has it whole."
            yield from ("", *_fenced(_answer(one), ""))


def _answer(one: Shown) -> str:
    body = one.exchange.body
    cut = f"{body[:BODY_CHARACTERS]}…" if len(body) > BODY_CHARACTERS else body
    return f"{one.exchange.status} {one.exchange.content_type}\n{visible(cut)}".rstrip()


def _fenced(text: str, language: str) -> Iterator[str]:
    """In a fence that is longer than any in the text, so that no answer of the shop can close it."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield from (f"{fence}{language}", text, fence)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
