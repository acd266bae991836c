"""Drill 6 as a learner goes through it: a sample to read, notes on it, grades, and what was hidden.

All of it is in `services/shop/attempt/review/`: the sample for notes, `notes.yaml`, and `.review.json`, which holds the
sample as it was given and is in no patch. The code to be mended is the attempt's own `backoffice/`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from chaos.adapters import scanners
from chaos.adapters.samples import Sample, sample
from chaos.drills import attempt as attempts
from chaos.drills.drafts import Draft, any_drill
from chaos.drills.given import read_given
from chaos.drills.reveal import OpensHints, put_on_record
from chaos.drills.revealed import revealed
from chaos.errors import InvalidInput
from chaos.files import write_atomic
from chaos.model.grading import Grade, Planted, grade
from chaos.model.notes import NOTES_FILE, Note, as_yaml, distinct, from_yaml, in_place, text_of
from chaos.review import sarif

NUMBER: Final = "6"
FOLDER: Final = "review"
STATE: Final = ".review.json"
NO_KEY: Final = "no machine knows what is wrong with this code: only a mentor can confirm your notes"
_EMPTY: Final = attempts.STARTER / "drill_6" / FOLDER / NOTES_FILE
"""What an attempt from a draft of drill 6 begins with: how a note is written, and none."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What a review is about.

    Attributes:
        seed: None for code that was imported.
        files: The sample as it was given.
        revealed: When its key was shown, ISO 8601; empty as long as it was not.
    """

    seed: int | None
    package: str
    files: dict[str, str]
    started: str = ""
    revealed: str = ""


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A review that has begun, with its notes."""

    folder: Path
    state: State
    notes: list[Note]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `firedrill review check` tells; *grade* is None for imported code, which has no key."""

    review: Review
    grade: Grade | None
    scanners: list[tuple[scanners.Found, Grade | None]]
    copied: int

    def document(self) -> dict[str, Any]:
        state = self.review.state
        return {
            "drill": 6,
            "seed": state.seed,
            "revealed": bool(state.revealed),
            "grade": None if self.grade is None else self.grade.document(),
            "ceiling": NO_KEY if self.grade is None else "",
            "notes": [msgspec.to_builtins(note) for note in self.review.notes],
            "as_scanners": self.copied,
            "scanners": [
                {
                    "scanner": found.scanner,
                    "findings": None if found.notes is None else len(found.notes),
                    "why": found.why,
                    **({} if its is None else {k: round(getattr(its, k), 4) for k in ("recall", "precision", "traps")}),
                }
                for found, its in self.scanners
            ],
        }


def start(seed: int, *, shop: Path = attempts.SHOP) -> tuple[Path, Path | None]:
    """Make the attempt from the draft of *seed*, with its sample to be read in `review/`.

    Returns: that folder, and where an attempt that was there is kept. Raises: LabBroken; it then stays where it was.
    """
    made, shown = sample(seed), _revealed(shop / "attempt" / FOLDER, seed)
    attempt, kept = attempts.reset(shop, base=made.variant)
    state = State(seed=seed, package=made.package, files=made.files, started=_now(), revealed=shown)
    return _begin(attempt, state), kept


def _revealed(folder: Path, seed: int) -> str:
    """When the key of *seed* was shown to whoever begins anew on it; empty when it was not."""
    try:
        state = _state(folder)
    except InvalidInput:
        return revealed(_draft(seed))
    return (state.revealed if state.seed == seed else "") or revealed(_draft(seed))


def _draft(seed: int) -> Draft:
    return Draft(drill=int(NUMBER), seed=seed)


def import_code(path: Path, *, shop: Path = attempts.SHOP) -> Path:
    """Code of the learner's own AI tool, to be reviewed without a key. Raises: InvalidInput."""
    text = text_of(read_given(path), path.name)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise InvalidInput(f"{path.name}{at}: got {getattr(error, 'msg', error)}, expected Python") from None
    if not text.strip():
        raise InvalidInput(f"{path.name}: got an empty file, expected Python")
    attempt = shop / "attempt"
    folder = attempt / FOLDER
    if (folder / STATE).exists():
        state = load(shop=shop).state
        if state.seed is not None or path.name in state.files:
            raise InvalidInput(
                f"{folder}: got a review that has begun, expected none (firedrill attempt start --drill 5 makes an "
                "attempt without one, and keeps this one beside it)"
            )
        return _begin(attempt, msgspec.structs.replace(state, files={**state.files, path.name: text}))
    if not attempt.exists():
        attempts.start(shop)
    return _begin(attempt, State(seed=None, package="", files={path.name: text}, started=_now()))


def import_sarif(path: Path, *, shop: Path = attempts.SHOP) -> tuple[int, list[str]]:
    """Add the notes of a SARIF file to `notes.yaml`. Returns: how many are new, and what was left out."""
    review = load(shop=shop)
    found, left = sarif.imported(read_given(path), review.state.files, path.name)
    own = yaml_notes(review.folder, review.state.files)
    merged = distinct([*own, *found])
    from_yaml(text_of(_written(merged), NOTES_FILE), review.state.files)  # what can't be read again is not written
    save_notes(review.folder, merged)
    return len(merged) - len(distinct(own)), left


def load(shop: Path = attempts.SHOP) -> Review:
    """The review that has begun, with all its notes. Raises: InvalidInput with everything that is wrong with them."""
    folder = shop / "attempt" / FOLDER
    state = _state(folder)
    problems: list[str] = []
    notes: list[Note] = []
    for name, original in state.files.items():
        try:
            notes += in_place(name, text_of(read_given(folder / name), name), original)
        except InvalidInput as error:
            problems += error.problems
    try:
        notes += yaml_notes(folder, state.files)
    except InvalidInput as error:
        problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return Review(folder=folder, state=state, notes=distinct(notes))


def yaml_notes(folder: Path, files: Mapping[str, str]) -> list[Note]:
    """What `notes.yaml` says. Raises: InvalidInput."""
    path = folder / NOTES_FILE
    return from_yaml(text_of(read_given(path), NOTES_FILE), files) if path.exists() else []


def save_notes(folder: Path, notes: Sequence[Note]) -> None:
    """Write `notes.yaml`."""
    write_atomic(folder / NOTES_FILE, _written(notes))


def _written(notes: Sequence[Note]) -> bytes:
    head = _EMPTY.read_text("utf-8").removesuffix("notes: []\n")
    return (head + as_yaml(notes)).encode()


def check(
    *, shop: Path = attempts.SHOP, scan: Callable[[Mapping[str, str]], list[scanners.Found]] = scanners.scan
) -> Report:
    """Grade the notes, and the scanners' beside them."""
    review = load(shop=shop)
    key = key_of(review.state)
    graded = None if key is None else grade(review.notes, key)
    found = scan(review.state.files)
    theirs = {(note.file, note.line, note.cwe) for one in found for note in one.notes or ()}
    return Report(
        review=review,
        grade=graded,
        scanners=[(one, _scanners_grade(one, key)) for one in found],
        copied=sum((note.file, note.line, note.cwe) in theirs for note in review.notes),
    )


def _scanners_grade(found: scanners.Found, key: Sequence[Planted] | None) -> Grade | None:
    return None if key is None or found.notes is None else grade(found.notes, key, limited=False)


def key_of(state: State) -> tuple[Planted, ...] | None:
    """None for imported code. Raises: InvalidInput when the bank makes another sample of that seed by now."""
    if state.seed is None:
        return None
    made: Sample = sample(state.seed)
    if made.files != state.files:
        raise InvalidInput(
            f"review: got a sample of seed {state.seed} from another version of the bank, expected this one's "
            f"(firedrill review start --seed {state.seed})"
        )
    return made.key


def reveal(record: OpensHints, *, shop: Path = attempts.SHOP) -> tuple[Review, tuple[Planted, ...], Grade | None]:
    """The key, and which notes met it, after it was put on record: as a hint, and in the review itself.

    Raises: LabBroken when it can't be put on record, InvalidInput for imported code.
    """
    review = load(shop=shop)
    key = key_of(review.state)
    if key is None or review.state.seed is None:
        raise InvalidInput(f"reveal: got imported code, expected a sample of a seed: {NO_KEY}")
    put_on_record(any_drill(NUMBER), _draft(review.state.seed), record)
    if not review.state.revealed:
        state = msgspec.structs.replace(review.state, revealed=_now())
        write_atomic(review.folder / STATE, msgspec.json.format(msgspec.json.encode(state)))
    try:
        return review, key, grade(review.notes, key)
    except InvalidInput:  # too many notes: there is a key all the same
        return review, key, None


def _begin(attempt: Path, state: State) -> Path:
    folder = attempt / FOLDER
    folder.mkdir(exist_ok=True)
    for name, text in state.files.items():
        if not (folder / name).exists():
            write_atomic(folder / name, text.encode())
    if not (folder / NOTES_FILE).exists():
        write_atomic(folder / NOTES_FILE, _EMPTY.read_bytes())
    write_atomic(folder / STATE, msgspec.json.format(msgspec.json.encode(state)))
    return folder


def _state(folder: Path) -> State:
    try:
        return msgspec.json.decode((folder / STATE).read_bytes(), type=State)
    except FileNotFoundError:
        raise InvalidInput(f"{folder}: got no review, expected one (firedrill review start --seed 1)") from None
    except (msgspec.DecodeError, OSError) as error:
        raise InvalidInput(f"{folder / STATE}: got {error}, expected it as the lab wrote it") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
