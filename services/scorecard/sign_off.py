"""A mentor's sign-off as a document: written by `firedrill mentor --rerun … --sign`, taken by the learner's import.

All or nothing, as the drill map: a document whose digest does not fit, or whose runs confirm nothing, changes nothing.
The digest finds damage; it is no signature. Whom to believe is settled between learner and mentor.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from django.db import transaction

from services.scorecard import services
from services.scorecard.drill_map import Code, Damaged, Key, Moment, Short, Text, digest_of
from services.scorecard.models import Drill, Run
from services.scorecard.serializers import RunSerializer

FORMAT = "firedrill-sign-off"
VERSION = 1
MOST_RUNS = 200


class SignOffData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a mentor found.

    Attributes:
        code: Of the runs and of the deliverable: SHA-256 over base and patch.
        runs: The mentor's own runs of the learner's code, as they are indexed, the confirming one last.
    """

    drill: Key
    learner: Annotated[str, msgspec.Meta(max_length=300)]
    code: Code
    mentor: Short
    notes: Text
    signed_at: Moment
    runs: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST_RUNS)]


def is_sign_off(document: Any) -> bool:
    """Whether it says so of itself."""
    return isinstance(document, dict) and document.get("format") == FORMAT


@transaction.atomic
def import_sign_off(document: Any) -> dict[str, int]:
    """Index its runs, and record the confirmation. Importing it again changes nothing.

    Returns: kind → how many were added, as the import of a drill map.

    Raises:
        Damaged: Nothing was changed.
    """
    found = _read(document)
    added = {"scores": 0, "hints": 0, "confirmations": 0, "months": 0, "runs": 0, "names": 0}
    for number, entry in enumerate(found.runs):
        added["runs"] += _run(entry, found, f"content.runs[{number}]")
    try:
        confirmation, new = services.confirm(
            drill_key=found.drill, mentor=found.mentor, run_id=found.runs[-1]["run_id"]
        )
    except services.NotConfirmed as error:
        raise Damaged(f"content.{error}") from None
    if new:
        confirmation.notes, confirmation.confirmed_at = found.notes, found.signed_at
        confirmation.save()
    added["confirmations"] += new
    return added


def _read(document: Any) -> SignOffData:
    if document.get("version") != VERSION:
        raise Damaged(f"version: got {str(document.get('version'))[:20]}, expected {VERSION}")
    content = document.get("content")
    if document.get("digest") != digest_of(content):
        raise Damaged("digest: got one that does not fit the content, expected the file as the mentor wrote it")
    try:
        found = msgspec.convert(content, SignOffData)
    except msgspec.ValidationError as error:
        raise Damaged(f"content: got {error}, expected what `firedrill mentor` writes") from None
    if "\0" in found.mentor + found.notes:
        raise Damaged("content: got a NUL character, expected text")
    if not Drill.objects.filter(key=found.drill).exists():
        raise Damaged(f"content.drill: got {found.drill!r}, expected the key of a drill")
    return found


def _run(entry: dict[str, Any], found: SignOffData, where: str) -> bool:
    """Index it, unless it is there. Returns: whether it is new."""
    if entry.get("code") != found.code:
        raise Damaged(f"{where}.code: got a run of other code, expected that of the deliverable")
    given = RunSerializer(data=entry)
    if not given.is_valid():
        name, problem = next(iter(given.errors.items()))
        raise Damaged(f"{where}.{name}: got {str(problem)[:200]}, expected a run as it is indexed")
    fields = dict(given.validated_data)
    run_id = fields.pop("run_id")
    fields["evidence_path"] = ""  # the folder stayed with the mentor
    _, new = Run.objects.get_or_create(run_id=run_id, defaults=fields)
    return new
