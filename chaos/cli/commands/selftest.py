"""`firedrill selftest`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import typer

from chaos.cli import next_steps
from chaos.cli.commands import power
from chaos.cli.commands.run import run_document
from chaos.cli.console import Answer, Block, Part, Verdicts, answers, progress, tell
from chaos.cli.options import Heal, Json, NoUp, Scale, Seed
from chaos.cli.proofs import proof_table
from chaos.drills.results import RunResult
from chaos.drills.selftest import Proof, require_proves
from chaos.drills.selftest import selftest as prove
from chaos.drills.session import Options, session
from chaos.errors import ExitCode, InvalidInput
from chaos.load import all_scenarios, find_scenario, load_scenario, scenario_name
from chaos.model.folder import File
from chaos.scenario import Scenario

app = typer.Typer()

_SEVERITY = (ExitCode.HELD, ExitCode.INCONCLUSIVE, ExitCode.VIOLATED, ExitCode.LAB_BROKEN)


@app.command()
@answers
def selftest(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Names or patterns of scenarios (of mutants), or files.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every scenario that says what it proves.")] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="Each flaw alone: is it caught by its own check?")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="With --mutants: how many, from --seed (1) on.")] = 1,
    some: Annotated[int | None, typer.Option(min=1, help="With --mutants: only so many, others each day.")] = None,
    write: Annotated[bool, typer.Option("--write", help="With --mutants: into docs/extend/power.*.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --write: also what is on record already.")] = False,
    seed: Seed = None,
    scale: Scale = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """Show that a scenario is violated on naive for the reasons it names, and holds on hardened.

    With --mutants: show that each flaw, alone in hardened, is caught by the check that it names.
    """
    options = Options(bring_up=not no_up, heal_first=heal_first, scale=scale)
    if mutants:
        if everything:
            raise InvalidInput(
                "selftest: got --all and --mutants, expected patterns of mutants, or none for all of them"
            )
        with progress(as_json=as_json) as view:
            code, rows = power.mutants_selftest(
                scenarios or [], seeds=seeds, first_seed=1 if seed is None else seed, some=some, write=write,
                again=again, options=options, view=view,
            )  # fmt: skip
        return Answer(document=power.document(code, rows), text=Block(power.table(rows)), code=code)
    loaded = _to_prove(scenarios or [], everything)
    proofs: list[Proof] = []
    try:
        with progress(as_json=as_json) as view, session(options, view, purpose="selftest") as lab:
            for scenario in loaded:

                def one(variant: str, scenario: Scenario = scenario) -> RunResult:
                    view.say(f"{scenario.title} on {variant}")
                    return lab.run(scenario, variant, seed)

                proofs.append(prove(scenario, run=one, say=view.say))
    finally:  # an hour's work is told, however it ended
        tell(Answer(text=_text(proofs, of=len(loaded))), as_json=as_json)
    steps = next_steps.after_selftest(proofs)
    worst = max((proof.exit_code for proof in proofs), key=_SEVERITY.index)
    found = {"exit_code": int(worst), "scenarios": [_document(proof) for proof in proofs]}
    return Answer(
        document={**found, "next": next_steps.document(steps)}, text=["", *next_steps.block(steps)], code=worst
    )


def _to_prove(names: list[str], everything: bool) -> list[Scenario]:
    if everything == bool(names):
        raise InvalidInput("selftest: got both names and --all, or neither, expected one of them")
    if not everything:
        found = [load_scenario(path) for path in dict.fromkeys(path for name in names for path in _matching(name))]
        for scenario in found:
            require_proves(scenario)
        return found
    found = [scenario for path in all_scenarios() if (scenario := load_scenario(path)).proves is not None]
    if not found:
        raise InvalidInput("selftest: got no scenario that says what it proves, expected at least one")
    return found


def _matching(name: str) -> list[Path]:
    """One scenario, or all that a pattern matches."""
    if not any(sign in name for sign in "*?["):
        return [find_scenario(name)]
    found = [path for path in all_scenarios() if fnmatchcase(scenario_name(path) if "/" in name else path.stem, name)]
    if not found:
        known = ", ".join(scenario_name(path) for path in all_scenarios())
        raise InvalidInput(f"scenario: got {name!r}, expected a pattern that matches one of {known}")
    return found


def _text(proofs: list[Proof], *, of: int) -> list[Part]:
    parts = [part for proof in proofs for part in _proof(proof)]
    return [*parts, "", Block(proof_table(proofs, of=of))] if proofs and of > 1 else parts


def _proof(proof: Proof) -> list[Part]:
    """How one scenario came out."""
    parts: list[Part] = ["", Verdicts([proof.naive.document, proof.hardened.document])]
    for result in (proof.naive, proof.hardened):
        parts.append(f"{result.variant}: {result.document.summary}")
        if advice := result.document.advice:
            parts.append(f"  {advice}")
    parts += [
        f"evidence: {result.folder}/{File.REPORT_PAGE} ({result.variant}: {result.verdict})" for result in proof.tries
    ]
    if proof.complaints:
        return [*parts, *(f"✗ {complaint}" for complaint in proof.complaints)]
    assert proof.scenario.proves is not None
    powerless = "held on naive, whose flaws are elsewhere (its power: selftest --mutants)"
    on_naive = "violated on naive as named" if proof.scenario.proves.must else powerless
    return [*parts, f"✔ the scenario proved itself: {on_naive}, held on hardened"]


def _document(proof: Proof) -> dict[str, Any]:
    return {
        "scenario": proof.scenario.name,
        "exit_code": int(proof.exit_code),
        "complaints": list(proof.complaints),
        "naive": run_document(proof.naive),
        "hardened": run_document(proof.hardened),
        "tries": [{"folder": str(r.folder), "variant": r.variant, "verdict": str(r.verdict)} for r in proof.tries],
    }
