"""`firedrill watch`."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from chaos.adapters.lab import connect
from chaos.adapters.staged import Staged
from chaos.cli.console import Answer, answers, aside, progress, tell
from chaos.cli.options import Drill, Heal, Json, NoUp
from chaos.cli.quiet import QuietView
from chaos.cli.watch_text import begin, looked
from chaos.config import evidence_dir, looks_dir, watch_dir
from chaos.drills import catalogue, drafts
from chaos.drills.attempt import SHOP
from chaos.drills.latest import LEARNER, latest
from chaos.drills.pace import durations
from chaos.drills.quick_look import cut
from chaos.drills.session import Options, session
from chaos.drills.variants import require_known
from chaos.drills.watch import Looked, Watcher, await_save, files_of, saved_at_s, telling
from chaos.drills.written import graded_by
from chaos.errors import ExitCode, InvalidInput
from chaos.judge.document import EXIT_CODES
from chaos.load import find_scenario, load_scenario

app = typer.Typer()


@app.command()
@answers
def watch(
    drill: Drill,
    scenario: Annotated[str, typer.Option(help="This one of the drill instead of the one that failed last.")] = "",
    looks: Annotated[int, typer.Option(min=0, help="End after so many looks; 0: when you end it.")] = 0,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> Answer:
    """A quick look at each save of your attempt: is the check that failed still violated? It is no evidence.

    It looks at the scenario of the drill whose check failed last, else at the quickest one, cut down to that check.
    """
    one = catalogue.drill(drill)
    require_known(LEARNER)
    attempt = SHOP / LEARNER
    if one.number in drafts.with_drafts():
        drafts.own_draft(one, attempt)
    runs = latest(evidence_dir())
    if scenario and scenario not in (names := [*one.core, *one.stretch]):
        raise InvalidInput(f"--scenario: got {scenario!r}, expected one of {', '.join(names)}")
    if scenario and graded_by(load_scenario(find_scenario(scenario))):
        raise InvalidInput(
            f"--scenario: got {scenario!r}, which grades what you wrote, expected one that runs your code"
        )
    if scenario:
        chosen, last = load_scenario(find_scenario(scenario)), runs.get(scenario)
    else:
        chosen, last = telling(one, runs, durations(evidence_dir()), lambda name: load_scenario(find_scenario(name)))
    what = cut(chosen, last)
    failed = [finding.check for finding in last.failed] if last else []
    checks = f"for {', '.join(failed)}, which failed last" if failed else "all of its checks, none has failed yet"
    scratch = watch_dir()
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = Options(bring_up=not no_up, heal_first=heal_first)
    done: list[Looked] = []
    with (
        progress(as_json=as_json) as view,
        session(options, QuietView(view), purpose=f"watch of drill {one.number}") as lab,
    ):
        staged = Staged(connect(lab.stack, LEARNER).stack, scratch / "world.json", lambda: files_of(attempt))
        watcher = Watcher(lab, staged, what, variant=LEARNER, looks=looks_dir())
        for line in begin(what, checks):
            aside(line)
        seen, saved_s = files_of(attempt), time.monotonic()
        while True:
            found = watcher.look(saved_s=saved_s)
            if found.verdict is None and files_of(attempt) != seen and not lab.stop.asked:
                aside("saved again while it started: looking again")
            else:
                done.append(found)
                tell(Answer(text=["", *looked(found)]), as_json=as_json)
                if lab.stop.asked or (looks and len(done) >= looks):
                    break
                watcher.stage()
                aside("waiting for the next save")
            saved = await_save(seen, lambda: files_of(attempt), stopped=lambda: lab.stop.asked)
            if saved is None:
                break
            seen, saved_s = saved, saved_at_s(seen, saved)
    return Answer(document=[each.document() for each in done], code=_code(done[-1]) if done else ExitCode.INCONCLUSIVE)


def _code(last: Looked) -> ExitCode:
    return ExitCode.INVALID if last.verdict is None else EXIT_CODES[last.verdict]
