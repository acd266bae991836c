"""`firedrill deliver`: what a drill asks to be handed in, with a seed that nobody ran before, as files and one ZIP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from chaos.adapters.scorecard import Scorecard
from chaos.cli.commands.check import besides_of
from chaos.cli.console import Answer, answers, progress
from chaos.cli.options import Drill, Heal, Json, NoUp, Scale
from chaos.config import NotUp, deliverables_dir, evidence_dir, read_stack
from chaos.drills import calibrate
from chaos.drills.catalogue import Drill as Known
from chaos.drills.catalogue import drill as known_drill
from chaos.drills.catalogue import missing
from chaos.drills.deliverables.deliver import Ready, as_document, deliver, ready
from chaos.drills.deliverables.fresh import draw, run_fresh, scenarios
from chaos.drills.deliverables.own import own
from chaos.drills.deliverables.work import ATTEMPT, Fresh
from chaos.drills.own_tests import own_tests
from chaos.drills.session import Options, session
from chaos.errors import InvalidInput
from chaos.judge.document import EXIT_CODES
from chaos.load import all_scenarios, load_scenario, scenario_name
from chaos.report.words import PASSED, SIGNS

app = typer.Typer()

NAMELESS: Final = (
    "it says a learner without a name: the page Progress asks for yours, for what is run and delivered from then on"
)


@app.command("deliver")
@answers
def deliver_command(
    drill: Drill,
    to: Annotated[Path | None, typer.Option("--to", help="A folder; deliverables/ when left out.")] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**31 - 100, help="The fresh seed, one that was never run; drawn when left out."),
    ] = None,
    scale: Scale = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """What a drill asks you to hand in: its documents and one ZIP, after a run on a seed that nobody knew before."""
    one = known_drill(drill)
    _require_folder(to)
    calibrate.require_floor(scale)
    began = time.monotonic()
    it = ready(one, root=evidence_dir())
    options = Options(bring_up=not no_up, heal_first=heal_first, scale=scale)
    fresh = _fresh(one, it, draw(it.root, seed), options, as_json=as_json) if it.checked else None
    made, path, written = deliver(it, fresh=fresh, own=own(_scorecard(), one.key), to=to or deliverables_dir())
    size = f"{path.stat().st_size / 1e6:.1f} MB, {time.monotonic() - began:.0f} s"
    return Answer(
        document=as_document(made, path),
        text=[
            *(f"written: {each}" for each in written.paths),
            *written.said,
            *(f"but {doubt}" for doubt in made.doubts),
            *([] if made.learner else [NAMELESS]),
            f"{SIGNS[made.verdict]} drill {one.number} {PASSED[made.verdict]}, fresh seed {made.fresh_seed} included",
            f"for your mentor: {path} ({size})",
        ],
        code=EXIT_CODES[made.verdict],
    )


def _require_folder(to: Path | None) -> None:
    try:
        wrong = to is not None and str(to).encode() and any(p.exists() and not p.is_dir() for p in (to, *to.parents))
    except ValueError:  # bytes that are no text, or a NUL
        wrong = True
    if wrong:
        raise InvalidInput(f"--to: got {to}, expected a folder, or the name of a new one")


def _fresh(one: Known, it: Ready, seed: int, options: Options, *, as_json: bool) -> Fresh:
    named = {scenario_name(path): path for path in all_scenarios()}
    if problems := [problem for problem in missing(one, named) if " core: " in problem]:
        raise InvalidInput(problems)
    loaded = {name: load_scenario(named[name]) for name in scenarios(one)}
    besides = besides_of(one, ATTEMPT, loaded, seed)
    with progress(as_json=as_json) as view, session(options, view, purpose=f"delivery of drill {one.number}") as lab:
        view.say(f"fresh seed {seed}: the core once, on the attempt as it is now")
        return run_fresh(
            one,
            seed,
            base=it.base,
            scenario=loaded.__getitem__,
            run=lab.run,
            own_tests=lambda: own_tests(ATTEMPT, prepare=lab.prepare, url=lab.stack.url("api"), say=view.say),
            besides=besides,
            say=view.say,
        )


def _scorecard() -> Scorecard | None:
    stack = read_stack()
    if isinstance(stack, NotUp) or not stack.urls.get("scorecard"):
        return None
    return Scorecard(stack.url("scorecard"), stack.lab_token)
