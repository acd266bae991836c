"""All deliverables that a mentor has before them, as one page needs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from chaos.drills.attempt import SHOP
from chaos.drills.mentor.opening import Opened, opened
from chaos.drills.mentor.questions import questions
from chaos.drills.mentor.similarity import similarity
from chaos.errors import InvalidInput
from chaos.model.patch import changes
from chaos.report.mentor import Reviewed

MOST_ZIPS: Final = 200


def reviewed(paths: Sequence[Path], *, shop: Path = SHOP) -> list[Reviewed]:
    """Each, in the order of learner and drill. Raises: InvalidInput with every file that is refused."""
    if len(paths) > MOST_ZIPS:
        raise InvalidInput(f"mentor: got {len(paths)} files, expected at most {MOST_ZIPS}")
    found: list[Reviewed] = []
    problems: list[str] = []
    for path in dict.fromkeys(paths):
        try:
            found.append(_reviewed(opened(path), shop))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return sorted(found, key=lambda one: (one.told.learner, one.told.drill, one.told.written_at))


def _reviewed(one: Opened, shop: Path) -> Reviewed:
    similar = similarity(one.patch, shop)
    return Reviewed(
        file=one.path.name,
        told=one.told,
        bytes=one.bytes,
        similarity=similar.text,
        questions=questions(one, similar),
        contradictions=one.contradictions,
        texts=one.texts,
        changed=changes(one.patch),
    )
