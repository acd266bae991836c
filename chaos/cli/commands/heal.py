"""`firedrill heal`."""

from __future__ import annotations

import typer

from chaos import heal as healing
from chaos.adapters.lab import connect
from chaos.cli.console import Answer, answers, aside
from chaos.cli.lab import running
from chaos.cli.options import Json
from chaos.config import lab_dir
from chaos.errors import ExitCode
from chaos.run.lock import run_lock

PATIENCE_S = 30.0

app = typer.Typer()


@app.command()
@answers
def heal(as_json: Json = False) -> Answer:
    """Lift everything that a run may have left: toxics, disabled proxies, paused processes, gateway faults."""
    # A run lifts its own faults; healing them meanwhile would spoil it without a trace in its record.
    with run_lock(lab_dir(), "heal", say=lambda text: aside(f"firedrill: {text}")):
        found, left = healing.heal(connect(running(), "none").lab, patience_s=PATIENCE_S)
    return Answer(
        document={"lifted": list(found), "left": list(left)},
        text=[*(f"lifted: {what}" for what in found), *(f"LEFT: {what}" for what in left)] or "pristine",
        code=ExitCode.LAB_BROKEN if left else ExitCode.HELD,
    )
