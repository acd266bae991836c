"""`firedrill calibrate`."""

from __future__ import annotations

import typer

from chaos.cli.console import Answer, answers, progress
from chaos.cli.options import Heal, Json, NoUp
from chaos.drills import calibrate as calibration
from chaos.drills.session import Options, session
from chaos.load import find_scenario, load_scenario

app = typer.Typer()


@app.command()
@answers
def calibrate(heal_first: Heal = False, no_up: NoUp = False, as_json: Json = False) -> Answer:
    """Measure once how much of the scripted load this machine carries; later runs take that scale by themselves."""
    loaded = load_scenario(find_scenario(calibration.SCENARIO))
    options = Options(bring_up=not no_up, heal_first=heal_first)
    with progress(as_json=as_json) as view, session(options, view, purpose="calibrate") as lab:
        found = calibration.calibrate(lambda scale: lab.run(loaded, "hardened", None, scale=scale), say=view.say)
    calibration.keep(found)
    return Answer(
        document=found,
        text=[
            f"scale {found.scale:g}: {found.cpus} cores, machine {found.busy_ratio:.0%} busy and API core "
            f"{found.api_core_ratio:.0%} in the heaviest phase of {calibration.SCENARIO}",
            f"remembered in {calibration.calibration_file()}; --scale overrides it",
        ],
    )
