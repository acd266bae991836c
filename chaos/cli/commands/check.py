"""`firedrill check`: does an attempt pass a drill?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from chaos.cli import next_steps
from chaos.cli.check import check_text
from chaos.cli.console import Answer, Block, answers, progress, tell
from chaos.cli.options import Drill, Heal, Json, NoUp, Scale
from chaos.config import evidence_dir
from chaos.drills import calibrate, catalogue, check_review, contract_audit, drafts, pace
from chaos.drills import check as checks
from chaos.drills.attempt import SHOP, is_the_learners
from chaos.drills.check import Passed, keep_check
from chaos.drills.own_tests import own_tests
from chaos.drills.results import Run
from chaos.drills.session import Options, session
from chaos.drills.variants import require_known
from chaos.errors import Inconclusive, InvalidInput
from chaos.load import all_scenarios, load_scenario, scenario_name
from chaos.scenario import Scenario

app = typer.Typer()


@app.command()
@answers
def check(
    drill: Drill,
    variant: Annotated[str, typer.Option(help="Whose code to check.")] = "attempt",
    part: Annotated[str, typer.Option(help="core, stretch, or all.")] = "all",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 100, help="The first seed; each try takes the next.")] = 1,
    scale: Scale = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """Does your attempt pass a drill? Core and stretch apart; drill 3 wants three holds in a row on different seeds."""
    one = catalogue.drill(drill)
    if part not in ("all", *catalogue.PARTS):
        raise InvalidInput(f"part: got {part!r}, expected core, stretch or all")
    parts = tuple(name for name in catalogue.PARTS if part in ("all", name))
    require_known(variant)
    if is_the_learners(variant) and one.number in drafts.banks():
        drafts.own_draft(one, SHOP / variant)
    calibrate.require_floor(scale)
    named = {scenario_name(path): path for path in all_scenarios()}
    if problems := [p for p in catalogue.missing(one, named) if any(f" {name}: " in p for name in parts)]:
        raise InvalidInput(problems)
    loaded = {name: load_scenario(named[name]) for name in {n for wanted in parts for n in one.part(wanted)}}
    besides = besides_of(one, variant, loaded, seed)
    options = Options(bring_up=not no_up, heal_first=heal_first, scale=scale)
    way = pace.course(
        [name for wanted in parts for name in one.part(wanted)],
        holds=one.holds,
        own_tests="core" in parts and one.key in checks.OWN_TESTS,
        scenario=loaded.__getitem__,
        root=evidence_dir(),
    )
    with (
        _stopped_says_so(one.number),
        progress(as_json=as_json) as view,
        session(options, view, purpose=f"check of drill {one.number}") as lab,
    ):
        report = checks.check(
            one,
            parts,
            variant=variant,
            first_seed=seed,
            scenario=loaded.__getitem__,
            run=lambda scenario, its_seed: lab.run(scenario, variant, its_seed),
            own_tests=lambda: own_tests(variant, prepare=lab.prepare, url=lab.stack.url("api"), say=view.say),
            say=view.say,
            besides=lambda its, found: besides(its, found, lab.run),
            pace=lambda number, held: f"{way.told(number, held)}: ",
        )
    # Printed before it is kept, so that the result is seen even when the disk is full.
    steps = next_steps.after_check(report)
    told = {**report.document(), "next": next_steps.document(steps)}
    tell(Answer(document=told, text=Block(check_text(report))), as_json=as_json)
    kept = f"kept as {keep_check(report.document())}"
    return Answer(text=[kept, *next_steps.block(steps)], code=report.exit_code)


@contextmanager
def _stopped_says_so(number: int) -> Iterator[None]:
    """Minutes of runs don't vanish with a check that is stopped: say where they are."""
    try:
        yield
    except Inconclusive as error:
        raise Inconclusive(
            f"{error}\nthe check is not kept, so deliver has none; the runs that ended count, and firedrill drill "
            f"{number} shows them"
        ) from None


Besides = Callable[[catalogue.Part, Sequence[Passed], Run], Iterable[Passed]]


def besides_of(one: catalogue.Drill, variant: str, loaded: Mapping[str, Scenario], seed: int) -> Besides:
    """What a drill asks of a learner's attempt besides its scenarios.

    Raises: InvalidInput for something written that can't be read, before anything runs.
    """
    if is_the_learners(variant) and one.key == contract_audit.KEY:
        contract_audit.read(SHOP / variant)
    if is_the_learners(variant) and one.number == drafts.REVIEW:
        review = check_review.begun(variant)
        return lambda part, found, run: review.passed(
            part, found, lambda draft: run(loaded[check_review.SCENARIO], draft, seed)
        )
    return lambda part, found, run: ()
