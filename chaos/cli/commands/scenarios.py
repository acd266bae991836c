"""`firedrill list`, `validate` and `schema`: about files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from chaos.cli import listing
from chaos.cli.console import Answer, Block, answers, show_document
from chaos.cli.options import Json
from chaos.config import evidence_dir
from chaos.errors import ExitCode, InvalidInput
from chaos.evidence.newest import ended
from chaos.load import all_scenarios, find_scenario, load_scenario, scenario_name
from chaos.load.reference import reference
from chaos.load.schema import exported_schema

app = typer.Typer()


@app.command()
@answers
def validate(
    scenarios: Annotated[list[str] | None, typer.Argument(help="Names or files; all that ship when left out.")] = None,
    as_json: Json = False,
) -> Answer:
    """Check scenario files and name everything that is wrong with them."""
    problems: list[str] = []
    paths: list[Path] = []
    for name in scenarios or [str(path) for path in all_scenarios()]:
        try:
            paths.append(find_scenario(name))
            load_scenario(paths[-1])
        except InvalidInput as error:
            problems += error.problems
    document = {"checked": [str(path) for path in paths], "problems": problems}
    if problems:
        return Answer(document=document, problems=problems, code=ExitCode.INVALID)
    return Answer(document=document, text=f"{len(paths)} scenario(s): valid")


@app.command("list")
@answers
def list_(
    runs: Annotated[bool, typer.Option("--runs", help="The runs on record instead of the scenarios.")] = False,
    label: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --runs: only those whose label has it in it.")
    ] = None,
    as_json: Json = False,
) -> Answer:
    """The scenarios that there are, with the verdict of the last run on each variant; or the runs."""
    if label is not None and not runs:
        raise InvalidInput("--label: got it without --runs, expected both")
    rows, table = (_run_rows(label or ""), listing.runs) if runs else (_scenario_rows(), listing.scenarios)
    return Answer(document=rows, text=Block(table(rows, most=listing.width())))


def _run_rows(wanted: str) -> list[dict[str, Any]]:
    from chaos.evidence import labels  # noqa: PLC0415
    from chaos.evidence.files import NoSuchFile, Unreadable  # noqa: PLC0415
    from chaos.evidence.verdict import read_verdict  # noqa: PLC0415
    from chaos.evidence.writing import folders  # noqa: PLC0415 - the list of scenarios needs no judge

    rows = []
    known = labels.all_in(evidence_dir())
    for folder in folders(evidence_dir()):
        label = known.get(folder.name, "")
        if wanted.lower() not in label.lower():
            continue
        try:
            document = read_verdict(folder)
            row = {"run_id": folder.name, "verdict": document.verdict, "summary": document.summary}
        except NoSuchFile:
            row = {"run_id": folder.name, "verdict": "open", "summary": "no verdict yet, or the runner died"}
        except Unreadable as error:
            row = {"run_id": folder.name, "verdict": "unreadable", "summary": str(error)}
        rows.append({**row, "label": label})
    return rows


def _scenario_rows() -> list[dict[str, Any]]:
    last: dict[str, dict[str, str]] = {}
    for run in ended(evidence_dir()):  # the newest first
        last.setdefault(run.scenario, {}).setdefault(run.variant, str(run.verdict))
    rows = []
    for path in all_scenarios():
        name = scenario_name(path)
        row: dict[str, Any] = {"name": name, "drill": None, "title": "", "lasts": "", "last": last.get(name, {})}
        try:
            scenario = load_scenario(path)
            row |= {"drill": scenario.drill, "title": scenario.title, "lasts": f"{scenario.duration_s:g} s"}
        except InvalidInput:
            row["title"] = "invalid: firedrill validate says why"
        rows.append(row)
    return rows


@app.command()
@answers
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="The scenario reference instead.")] = False,
) -> Answer:
    """The JSON Schema of scenario files, for editors; or the reference for people."""
    if markdown:
        return Answer(text=Block(reference()))
    show_document(exported_schema())
    return Answer()
