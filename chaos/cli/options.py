"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress goes to stderr.")]
NoUp = Annotated[bool, typer.Option("--no-up", help="Refuse instead of starting a stack that is down.")]
Heal = Annotated[bool, typer.Option("--heal", help="Clean dirty proxies first instead of refusing them.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Overrides the scenario's seed.")]
Scale = Annotated[
    float | None,
    typer.Option(min=0.05, max=1000, help="Factor on all rates; what `calibrate` found, or 1, when left out."),
]
Run = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN",
        help="last, last naive, last~1, a run id or a unique part of it, a path that was printed.",
    ),
]
Drill = Annotated[str, typer.Argument(metavar="DRILL", help="1 to 6; or its key, such as concurrency.")]
