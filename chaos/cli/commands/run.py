"""`firedrill run`."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer

from chaos.cli import next_steps
from chaos.cli.console import Answer, Verdicts, answers, progress
from chaos.cli.options import Heal, Json, NoUp, Scale, Seed
from chaos.drills.results import RunResult
from chaos.drills.session import Options, session
from chaos.drills.variants import require_known
from chaos.errors import InvalidInput
from chaos.evidence import labels
from chaos.load import find_scenario, load_scenario
from chaos.model.folder import File
from chaos.model.verdict import plain

app = typer.Typer()

Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Load workers here, one per core; 1 unless told.")]
WorkersElsewhere = Annotated[
    int | None, typer.Option(min=1, max=64, help="Load workers on other hosts instead: see docs/operate/scale.md.")
]
MasterAt = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Where they meet this host; a port on loopback unless told.")
]


@app.command()
@answers
def run(
    scenario: Annotated[
        str, typer.Argument(help="Name below scenarios/, its folder left out where one has it; or a file.")
    ],
    variant: Annotated[str, typer.Option(help="naive, hardened, or your attempt.")] = "hardened",
    seed: Seed = None,
    scale: Scale = None,
    workers: Workers = None,
    workers_elsewhere: WorkersElsewhere = None,
    master_at: MasterAt = "",
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A few words to find the run by, as `firedrill label`.")
    ] = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """Run one scenario on one variant and judge it."""
    _one_crew(workers, workers_elsewhere, master_at)
    loaded = load_scenario(find_scenario(scenario))
    require_known(variant)
    label = None if label is None else labels.checked(label)
    options = Options(
        bring_up=not no_up,
        heal_first=heal_first,
        scale=scale,
        workers=workers_elsewhere or workers or 1,
        elsewhere=master_at if workers_elsewhere else None,
    )
    with progress(as_json=as_json) as view, session(options, view, purpose=f"{loaded.name} on {variant}") as lab:
        result = lab.run(loaded, variant, seed)
    if label is not None:
        labels.put(result.folder, label)
    steps = next_steps.after_run(result, asked=[scenario, *([] if seed is None else ["--seed", str(seed)])])
    return Answer(
        document={
            **run_document(result),
            **({} if label is None else {"label": label}),
            "next": next_steps.document(steps),
        },
        text=[*_text(result), *([] if label is None else [f"label: {label}"]), *next_steps.block(steps)],
        code=result.exit_code,
    )


def _one_crew(workers: int | None, workers_elsewhere: int | None, master_at: str) -> None:
    """Load workers are either here or elsewhere. Raises: InvalidInput."""
    if workers is not None and workers_elsewhere is not None:
        raise InvalidInput("workers: got both --workers and --workers-elsewhere, expected one of them")
    if master_at and workers_elsewhere is None:
        raise InvalidInput("--master-at: got it without --workers-elsewhere, expected both")
    if master_at and not re.fullmatch(r"\S+:[1-9][0-9]{0,4}", master_at):
        raise InvalidInput(f"--master-at: got {master_at!r}, expected host:port")


def run_document(result: RunResult) -> dict[str, Any]:
    """verdict.json, and where it is."""
    return {**plain(result.document), "folder": str(result.folder)}


def _text(result: RunResult) -> list[str | Verdicts]:
    advice = [result.document.advice] if result.document.advice else []
    where = f"evidence: {result.folder}/{File.REPORT_PAGE}"
    return [Verdicts([result.document]), result.document.summary, *advice, where]
