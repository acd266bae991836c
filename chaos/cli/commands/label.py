"""`firedrill label`."""

from __future__ import annotations

from typing import Annotated

import typer

from chaos.cli import names
from chaos.cli.console import Answer, answers
from chaos.cli.options import Json
from chaos.errors import InvalidInput
from chaos.evidence import labels

app = typer.Typer()


@app.command()
@answers
def label(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [TEXT]…",
            help="The run, as in every command; then up to 60 characters. Without them the label that it has.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take the label away.")] = False,
    as_json: Json = False,
) -> Answer:
    """A few words on a run, to find it by; the evidence stays as it is. Offline.

    The label is kept beside the run's folder. `firedrill list --runs --label TEXT` and the dashboard's Overview find
    runs by it.
    """
    folder, text = names.take(words)
    if text and remove:
        raise InvalidInput(f"label: got {' '.join(text)!r} and --remove, expected one of them")
    if remove:
        said = "label removed" if labels.remove(folder) else "no label"
    elif text:
        said = f"labelled “{labels.put(folder, ' '.join(text))}”"
    else:
        said = f"“{found}”" if (found := labels.of(folder)) else "no label"
    return Answer(document={"run_id": folder.name, "label": labels.of(folder)}, text=f"{folder.name}: {said}")
