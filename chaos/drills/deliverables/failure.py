"""Drill 5's deliverable: what clients were told while something was down, and a video of each run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from chaos.drills import conclude
from chaos.drills.deliverables import parts
from chaos.drills.deliverables.work import Work, Written
from chaos.errors import FiredrillError
from chaos.files import write_atomic
from chaos.report.markdown import cell, code, table
from chaos.report.replay import Replay
from chaos.report.samples import body, during_faults, request_line, status_line, telling_headers
from chaos.report.words import OPERATION_COLUMNS, Shown, operation_rows, signed

Film = Callable[[Shown, Path], None]
NO_VIDEO: Final = "No video"


def film(shown: Shown, path: Path) -> None:
    """A video of a run at *path*. Raises: FiredrillError."""
    from chaos.report.video import write_video  # noqa: PLC0415 - only a video needs Pillow

    write_video(Replay(shown), path)


def write(to: Path, work: Work, *, film: Film = film) -> Written:
    """`failure.md`, and a video of each run beside it. Raises: OSError."""
    path = to / "failure.md"
    videos: dict[str, str] = {}
    told: list[tuple[str, Shown]] = []
    for folder, document in parts.documents(work):
        shown = conclude.shown_of(folder)
        told.append((folder.name, shown))
        video = to / f"{document.scenario.rpartition('/')[2]}.mp4"
        try:
            film(shown, video)
            videos[folder.name] = video.name
        except FiredrillError as error:
            videos[folder.name] = f"{NO_VIDEO}: {error}"
    write_atomic(path, parts.document(_lines(work, told, videos)))
    made = [to / name for name in videos.values() if not name.startswith(NO_VIDEO)]
    return Written(paths=[path, *made], said=[said for said in videos.values() if said.startswith(NO_VIDEO)])


def _lines(work: Work, told: list[tuple[str, Shown]], videos: dict[str, str]) -> Iterator[str]:
    yield from parts.head(work, "behaviour while something fails")
    for name, shown in told:
        document = shown.document
        yield from ("", f"## {cell(document.title)}: {signed(document.verdict)}", "")
        yield f"{cell(document.summary)} Run {code(name)}, seed {document.seed}."
        yield ""
        video = videos[name]
        yield cell(video) if video.startswith(NO_VIDEO) else f"Video: [{video}]({video})"
        faults = [
            (f.text, _at(f.injected_s), _at(f.lifted_s), f.problem or f"met by {f.exposure}") for f in document.faults
        ]
        yield from table(("fault", "from", "to", "proof"), faults)
        yield from ("", "What clients were told while it was there:")
        yield from table(("request", "answer", "headers", "body"), [
            (
                request_line(sample), status_line(sample),
                "; ".join(f"{key}: {value}" for key, value in telling_headers(sample)), body(sample),
            )
            for sample in during_faults(document, shown.samples)
        ])  # fmt: skip
        yield from table(OPERATION_COLUMNS, operation_rows(document), right_from=2)
    yield from parts.shown(work)
    yield from parts.words(work)
    yield from parts.changed(work)
    yield from parts.diff(work)


def _at(at_s: float | None) -> str:
    return "never" if at_s is None else f"{at_s:.1f} s"
