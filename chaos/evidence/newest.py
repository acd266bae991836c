"""Which runs ended, newest first, and what each came to: the one place that looks for the newest run of something.

Of verdict.json only a few keys are decoded: a folder with a thousand runs takes about a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from chaos.evidence.files import Unreadable
from chaos.evidence.verdict import VerdictHead, read_head
from chaos.evidence.writing import folders


class Ended(VerdictHead, frozen=True, kw_only=True):
    """A run that came to a verdict, as its folder tells it.

    Attributes:
        versions: Of the lab's parts, by name; also from what the learner's code was made.
    """

    folder: Path

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.folder.name


def ended(root: Path, *, scenario: str | None = None, variant: str | None = None) -> Iterator[Ended]:
    """Runs below *root* that came to a verdict, newest first; folders whose verdict can't be read are passed over.

    Args:
        scenario: Only runs of it, such as `concurrency/flash-sale`.
        variant: Only runs on it.
    """
    for folder in reversed(folders(root)):
        try:
            told = read_head(folder)
        except Unreadable:
            continue  # it never ended, or somebody damaged it
        if scenario in (None, told.scenario) and variant in (None, told.variant):
            yield Ended(folder=folder, **msgspec.structs.asdict(told))


def newest(root: Path, *, scenario: str | None = None, variant: str | None = None) -> Ended | None:
    """The first of `ended`; None where there is none."""
    return next(ended(root, scenario=scenario, variant=variant), None)
