"""The folders of the runs for a page: what can't be read becomes a sentence with a way on."""

from __future__ import annotations

from pathlib import Path

from chaos.evidence import growing
from chaos.evidence.figures import HistoryFigures, read_figures
from chaos.evidence.files import NoSuchFile, Unreadable
from chaos.evidence.growing import Run
from chaos.model.folder import File
from dashboard.errors import SourceAway
from dashboard.words import plain

RUN_WAY_ON = "Start one with `make scenario`; it shows up here by itself."


def run_ids(evidence_dir: Path) -> list[str]:
    """As `growing.run_ids`. Raises: SourceAway, when the folder can't be read."""
    try:
        return growing.run_ids(evidence_dir)
    except Unreadable as error:
        raise SourceAway(
            f"The evidence folder can't be read ({plain(error, most=200)}).", "Check its owner and its mode."
        ) from error


def read_run(evidence_dir: Path, run_id: str, *, now_unix_s: float | None = None) -> Run:
    """As `growing.read_run`. Raises: SourceAway, when there is no such run."""
    try:
        return growing.read_run(evidence_dir, run_id, now_unix_s=now_unix_s)
    except growing.NoSuchRun as error:
        raise SourceAway(
            f"There is no run “{plain(run_id)}” in the evidence folder.", "Pick one of the runs listed on Overview."
        ) from error


def figures(folder: Path) -> HistoryFigures:
    """As `read_figures`. Raises: SourceAway, when there is no operation yet or too many for a page."""
    try:
        return read_figures(folder)
    except NoSuchFile as error:
        if (folder / File.VERDICT).exists():
            raise SourceAway(
                "This run has no operation history.", "No load was sent in it; what it found is told by its checks."
            ) from error
        raise SourceAway(
            "This run has no operation history yet.", "It appears as soon as the load has started."
        ) from error
    except Unreadable as error:
        raise SourceAway(
            "This run's history is too large to be drawn.", "`firedrill verify` still reads all of it."
        ) from error
