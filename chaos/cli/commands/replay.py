"""`firedrill replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from chaos.cli import names
from chaos.cli.console import Answer, answers, aside
from chaos.cli.options import Run
from chaos.cli.replay import replay_lines, replay_live
from chaos.cli.terminal import Terminal
from chaos.drills import conclude
from chaos.report.replay import Replay

app = typer.Typer()


@app.command()
@answers
def replay(
    evidence: Run = None,
    video: Annotated[
        Path | None, typer.Option(metavar="OUT.mp4", help="Render a video of at most a minute instead.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How many times as fast as it was.")] = 1.0,
) -> Answer:
    """A finished run once more, as it happened: phases, faults, figures, and real answers. Offline."""
    again = Replay(conclude.shown_of(names.run_named(evidence)))
    if video is not None:
        from chaos.report.video import write_video  # noqa: PLC0415 - only a video needs Pillow

        made = write_video(again, video, say=aside)
        pace = f", {made.pace:.1f} times as fast as the run" if made.pace > 1 else ""
        return Answer(text=f"{video}: {made.lasts_s:.0f} s{pace}")
    if sys.stdout.isatty():
        replay_live(again, Terminal(), speed=speed)
    else:
        replay_lines(again, sys.stdout)
    return Answer()
