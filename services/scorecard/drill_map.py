"""The drill map as a document that can be exported, and imported again.

An import is all or nothing: a document whose digest does not fit, or that holds anything this lab does not know,
changes nothing. An import never removes what this lab has: histories are joined, of two notes on the same month the one
here stays, and the earlier time of opening a hint counts.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.db import transaction
from django.utils import timezone

from services.scorecard import rules
from services.scorecard.models import (
    CODE_PATTERN,
    MAX_NOTES,
    MONTH_PATTERN,
    RUN_ID_PATTERN,
    Confirmation,
    Drill,
    HintUse,
    Learner,
    Month,
    Run,
    Score,
    ScoreChange,
)

FORMAT = "firedrill-drill-map"
VERSION = 1

Points = Annotated[int, msgspec.Meta(ge=0, le=3)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_NOTES)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
RunId = Annotated[str, msgspec.Meta(max_length=120, pattern=RUN_ID_PATTERN)]
Code = Annotated[str, msgspec.Meta(pattern=rf"{CODE_PATTERN}|\A\Z")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ChangeData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A score as it was from a moment on."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    value: Points | None
    notes: Text
    changed_at: Moment


class HintData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An opened hint."""

    hint: Key
    solution: bool
    used_at: Moment


class ConfirmationData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mentor's re-run."""

    mentor: Short
    run_id: RunId
    seed: int
    confirmed_at: Moment
    notes: Text = ""


class DrillData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A drill's history; title and dimensions are for the reader, the lab has its own."""

    key: Key
    number: int
    title: str
    dimensions: list[str]
    history: list[ChangeData]
    hints: list[HintData]
    confirmations: list[ConfirmationData]


class MonthData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Notes on a month."""

    month: Annotated[str, msgspec.Meta(pattern=MONTH_PATTERN)]
    notes: Text
    updated_at: Moment | None


class ProvesData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a scenario's self-test expects of naive: ids of checks."""

    must: list[str]
    may: list[str]


class RunData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run that a ceiling or a level depends on. Its evidence is a folder, which is not part of the document.

    Fields with a default are missing in older files.

    Attributes:
        open: Checks of the run itself that were inconclusive.
    """

    run_id: RunId
    scenario: Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[\w.-]+(/[\w.-]+)*$")]
    title: Annotated[str, msgspec.Meta(max_length=300)]
    drill: Key | None
    variant: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")]
    seed: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    verdict: str
    started_at: Moment
    duration_s: Annotated[float, msgspec.Meta(ge=0)]
    violated: list[str]
    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)]
    scale: Annotated[float, msgspec.Meta(gt=0)] | None = None
    proves: ProvesData | None = None
    open: list[str] = []
    code: Code = ""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the learner entered, and the runs by which the scores are judged."""

    learner: Annotated[str, msgspec.Meta(max_length=100)]
    drills: list[DrillData]
    months: list[MonthData]
    runs: list[RunData]


class Damaged(Exception):
    """A document that can't be imported: `where: got X, expected Y`. Nothing was changed."""


def export_document() -> dict[str, Any]:
    """The document, as it is written to a file."""
    drills = Drill.objects.prefetch_related("dimensions", "score_changes", "hint_uses", "confirmations")
    learner = Learner.objects.filter(id=1).first()
    content = Content(
        learner=learner.name if learner else "",
        drills=[_drill(drill) for drill in drills],
        months=[
            MonthData(month=month.month, notes=month.notes, updated_at=month.updated_at)
            for month in Month.objects.all()
        ],
        runs=[_run(run) for run in _counting_runs()],
    )
    built = msgspec.to_builtins(content)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "digest": digest_of(built),
        "content": built,
    }


def digest_of(content: Any) -> str:
    """SHA-256 over the content in one canonical form: indentation and the order of keys don't matter."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _drill(drill: Drill) -> DrillData:
    return DrillData(
        key=drill.key,
        number=drill.number,
        title=drill.title,
        dimensions=[dimension.key for dimension in drill.dimensions.all()],
        history=[
            ChangeData(version=each.version, value=each.value, notes=each.notes, changed_at=each.changed_at)
            for each in sorted(drill.score_changes.all(), key=lambda change: (change.changed_at, change.version))
        ],
        hints=[HintData(hint=use.hint, solution=use.solution, used_at=use.used_at) for use in drill.hint_uses.all()],
        confirmations=[
            ConfirmationData(
                mentor=each.mentor, run_id=each.run_id, seed=each.seed, confirmed_at=each.confirmed_at, notes=each.notes
            )
            for each in drill.confirmations.all()
        ],
    )


def _counting_runs() -> list[Run]:
    mine = Run.objects.filter(variant=rules.LEARNER_VARIANT)
    return list((mine | Run.objects.filter(scenario__startswith=rules.OWN_PREFIX)).order_by("started_at", "run_id"))


def _run(run: Run) -> RunData:
    return RunData(
        run_id=run.run_id,
        scenario=run.scenario,
        title=run.title,
        drill=run.drill_id,
        variant=run.variant,
        seed=run.seed,
        verdict=run.verdict,
        started_at=run.started_at,
        duration_s=run.duration_s,
        violated=[str(each.get("check")) for each in run.findings if each.get("verdict") == "violated"],
        exit_code=run.exit_code,
        scale=run.scale,
        proves=ProvesData(must=run.proves["must"], may=run.proves["may"]) if run.proves else None,
        open=rules.left_open(run.findings),
        code=run.code,
    )


def read_document(document: Any) -> Content:
    """The content of *document*, checked. Raises: Damaged."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise Damaged(f"format: got something else, expected a drill map ({FORMAT}) as `firedrill export` writes it")
    if document.get("version") != VERSION:
        raise Damaged(f"version: got {document.get('version')!r}, expected {VERSION}")
    content = document.get("content")
    if document.get("digest") != digest_of(content):
        raise Damaged(
            "digest: got one that does not fit the content, expected an unchanged file: it was damaged or edited"
        )
    try:
        found = msgspec.convert(content, Content)
    except msgspec.ValidationError as error:
        raise Damaged(f"content: got {error}, expected what `firedrill export` writes") from None
    if "\\u0000" in json.dumps(content):
        raise Damaged("content: got a NUL character, expected text")
    if verdicts := {run.verdict for run in found.runs} - set(Run.Verdict.values):
        raise Damaged(
            f"content.runs: got the verdict {min(verdicts)!r}, expected one of {', '.join(Run.Verdict.values)}"
        )
    _known_drills(found)
    return found


def _known_drills(content: Content) -> None:
    known = set(Drill.objects.values_list("key", flat=True))
    named = [drill.key for drill in content.drills]
    for key in [*named, *(run.drill for run in content.runs if run.drill is not None)]:
        if key not in known:
            raise Damaged(f"content: got drill {key!r}, expected one of {', '.join(sorted(known))}")
    if len(set(named)) < len(named):
        raise Damaged("content.drills: got a drill twice, expected each once")
    for drill in content.drills:
        if len({change.version for change in drill.history}) < len(drill.history):
            raise Damaged(f"content.drills: got a version of {drill.key}'s score twice, expected each once")


@transaction.atomic
def import_document(document: Any) -> dict[str, int]:
    """Add what the document has and this lab has not. Importing it again changes nothing.

    Returns:
        Kind → how many were added: `scores` (changes of a score), `hints` (including those that were opened earlier
        there), `confirmations`, `months`, `runs`, `names`.

    Raises:
        Damaged: Nothing was changed.
    """
    content = read_document(document)
    added = {"scores": 0, "hints": 0, "confirmations": 0, "months": 0, "runs": 0, "names": 0}
    for run in content.runs:
        _, new = Run.objects.get_or_create(run_id=run.run_id, defaults=_run_fields(run))
        added["runs"] += new
    for drill in content.drills:
        added["scores"] += _join_history(drill)
        for hint in drill.hints:
            added["hints"] += _hint(drill.key, hint)
        for each in drill.confirmations:
            fields = {
                "mentor": each.mentor, "seed": each.seed, "confirmed_at": each.confirmed_at, "notes": each.notes,
            }  # fmt: skip
            _, new = Confirmation.objects.get_or_create(drill_id=drill.key, run_id=each.run_id, defaults=fields)
            added["confirmations"] += new
    for month in content.months:
        added["months"] += _month(month)
    added["names"] = _name(content.learner)
    return added


def _run_fields(run: RunData) -> dict[str, Any]:
    findings = [{"check": check, "verdict": "violated"} for check in run.violated]
    findings += [{"check": check, "verdict": "inconclusive"} for check in run.open]
    return {
        "scenario": run.scenario,
        "title": run.title,
        "drill_id": run.drill,
        "variant": run.variant,
        "seed": run.seed,
        "scale": run.scale,
        "verdict": run.verdict,
        "started_at": run.started_at,
        "duration_s": run.duration_s,
        "findings": findings,
        "proves": msgspec.to_builtins(run.proves),
        "code": run.code,
        "exit_code": run.exit_code,
        "evidence_path": "",
    }


def _hint(drill_key: str, hint: HintData) -> bool:
    """Take over a hint; whether that changed anything: it was opened there only, or earlier there.

    The earlier time has to stay: with a later one, the hint would seem to have been opened after the core passed.
    """
    fields = {"solution": hint.solution, "used_at": hint.used_at}
    use, new = HintUse.objects.get_or_create(drill_id=drill_key, hint=hint.hint, defaults=fields)
    if earlier := hint.used_at < use.used_at:
        use.used_at = hint.used_at
        use.save()
    return new or earlier


def _join_history(drill: DrillData) -> int:
    """Append the changes that this lab lacks; the newest of all by date becomes the score. Returns how many."""
    score = Score.objects.select_for_update().get(drill_id=drill.key)
    here = set(ScoreChange.objects.filter(drill_id=drill.key).values_list("changed_at", "value", "notes"))
    missing = [
        change
        for change in sorted(drill.history, key=lambda change: (change.changed_at, change.version))
        if (change.changed_at, change.value, change.notes) not in here
    ]
    if not missing:
        return 0
    for change in missing:
        score.version += 1
        ScoreChange.objects.create(
            drill_id=drill.key,
            version=score.version,
            value=change.value,
            notes=change.notes,
            changed_at=change.changed_at,
        )
    newest = ScoreChange.objects.filter(drill_id=drill.key).order_by("-changed_at", "-version")[0]
    score.value, score.notes, score.updated_at = newest.value, newest.notes, newest.changed_at
    score.save()
    return len(missing)


def _month(month: MonthData) -> int:
    found, _ = Month.objects.get_or_create(month=month.month)
    if found.notes or not month.notes:
        return 0
    found.notes, found.updated_at = month.notes, month.updated_at
    found.version += 1
    found.save()
    return 1


def _name(name: str) -> int:
    found, _ = Learner.objects.get_or_create(id=1)
    if found.name or not name:
        return 0
    found.name, found.version, found.updated_at = name, found.version + 1, timezone.now()
    found.save()
    return 1
