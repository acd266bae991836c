"""The commands. Each ends with a documented exit code and a sentence; a traceback is a defect."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from typer.core import TyperGroup

from chaos.adapters.lab import connect
from chaos.adapters.scorecard import Scorecard
from chaos.cli import power
from chaos.cli.check import check_text
from chaos.cli.proofs import proof_table
from chaos.cli.replay import replay_lines, replay_live
from chaos.cli.views import LiveView, PlainView
from chaos.config import CHECKOUT, NotUp, Stack, evidence_dir, lab_dir, read_stack
from chaos.drills import attempt as attempts
from chaos.drills import calibrate as calibration
from chaos.drills import catalogue, conclude, drill_map
from chaos.drills.bundle import bundle
from chaos.drills.check import check
from chaos.drills.mutants import variants as mutant_variants
from chaos.drills.own_tests import own_tests
from chaos.drills.results import RunResult
from chaos.drills.selftest import Proof, require_proves, selftest
from chaos.drills.session import Options, folder_of, learner_of, session
from chaos.errors import ExitCode, FiredrillError, Inconclusive, InvalidInput, LabBroken
from chaos.files import write_atomic
from chaos.heal import heal
from chaos.judge.verify import unchanged, verify
from chaos.load import all_scenarios, find_scenario, load_scenario, scenario_name
from chaos.load.reference import reference
from chaos.load.schema import exported_schema
from chaos.model.scenario import Scenario
from chaos.report import explain, pair
from chaos.report.compare import comparison_table, comparison_text
from chaos.report.replay import Replay
from chaos.run.lock import run_lock

_ABOUT = "A chaos and load lab on one machine: run a scenario against an API, get a verdict backed by evidence."


class _Commands(TyperGroup):
    """Ends every command with a documented exit code: typer's own for a reader that has gone is 1, "violated"."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # its own class for it is private
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where somebody handles a reader that has gone
        except (FiredrillError, OSError, KeyboardInterrupt) as error:
            raise typer.Exit(_code_of(error)) from None


def _code_of(error: FiredrillError | OSError | KeyboardInterrupt) -> ExitCode:
    """Say what it was, and end with its code."""
    try:
        match error:
            case FiredrillError():
                _complain(error)
                return error.exit_code
            case KeyboardInterrupt():
                _complain(Inconclusive("stopped by hand"))
                return ExitCode.INCONCLUSIVE
            case BrokenPipeError():
                raise error
            case _:
                where = f"{error.filename}: " if error.filename else ""
                _complain(LabBroken(f"{where}got {error.strerror or error}, expected it to work"))
                return ExitCode.LAB_BROKEN
    except BrokenPipeError:
        # The reader has gone, and nothing is left to say. Python would try to write once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return error.exit_code if isinstance(error, FiredrillError) else ExitCode.LAB_BROKEN


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=_ABOUT
)
attempt_app = typer.Typer(no_args_is_help=True, help="Your own variant of the API.")
app.add_typer(attempt_app, name="attempt")

HEAL_PATIENCE_S = 30.0

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress goes to stderr.")]
NoUp = Annotated[bool, typer.Option("--no-up", help="Refuse instead of starting a stack that is down.")]
Heal = Annotated[bool, typer.Option("--heal", help="Clean dirty proxies first instead of refusing them.")]
Seed = Annotated[int | None, typer.Option(min=0, max=2**31 - 1, help="Overrides the scenario's seed.")]
Scale = Annotated[
    float | None,
    typer.Option(min=0.05, max=1000, help="Factor on all rates; what `calibrate` found, or 1, when left out."),
]
Workers = Annotated[int | None, typer.Option(min=1, max=64, help="Load workers here, one per core; 1 unless told.")]
WorkersElsewhere = Annotated[
    int | None, typer.Option(min=1, max=64, help="Load workers on other hosts instead: see docs/scale.md.")
]
MasterAt = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Where they meet this host; a port on loopback unless told.")
]


def main() -> None:
    """Entry point."""
    app()


def _complain(error: FiredrillError) -> None:
    if "--json" in sys.argv:
        _document({"error": {"exit_code": int(error.exit_code), "message": str(error)}})
    sys.stderr.write("".join(f"firedrill: {line}\n" for line in str(error).splitlines()))


@contextmanager
def _view(as_json: bool) -> Iterator[PlainView | LiveView]:
    stream = sys.stderr if as_json else sys.stdout
    view = LiveView(Console(file=stream)) if stream.isatty() else PlainView(stream)
    try:
        yield view
    finally:
        view.close()


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich would exit with 1, which means "violated" here."""
        raise BrokenPipeError


def _print(text: object = "") -> None:
    """Without wrapping in a pipe, where whoever reads it decides about lines."""
    _Console(soft_wrap=not sys.stdout.isatty()).print(text, highlight=False, markup=False)


def _aside(text: str) -> None:
    """Progress, which is no part of what was asked for."""
    sys.stderr.write(f"{text}\n")


def _compare(documents: list[dict[str, Any]]) -> None:
    """A table on a terminal, lines in a pipe."""
    if sys.stdout.isatty():
        _print(comparison_table(documents))
    else:
        sys.stdout.write(comparison_text(documents))


def _one_crew(workers: int | None, workers_elsewhere: int | None, master_at: str) -> None:
    """Load workers are either here or elsewhere. Raises: InvalidInput."""
    if workers is not None and workers_elsewhere is not None:
        raise InvalidInput("workers: got both --workers and --workers-elsewhere, expected one of them")
    if master_at and workers_elsewhere is None:
        raise InvalidInput("--master-at: got it without --workers-elsewhere, expected both")
    if master_at and not re.fullmatch(r"\S+:[1-9][0-9]{0,4}", master_at):
        raise InvalidInput(f"--master-at: got {master_at!r}, expected host:port")


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="Name below scenarios/, or a file.")],
    variant: Annotated[str, typer.Option(help="naive, hardened, or your attempt.")] = "hardened",
    seed: Seed = None,
    scale: Scale = None,
    workers: Workers = None,
    workers_elsewhere: WorkersElsewhere = None,
    master_at: MasterAt = "",
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> None:
    """Run one scenario on one variant and judge it."""
    _one_crew(workers, workers_elsewhere, master_at)
    loaded = load_scenario(find_scenario(scenario))
    _known_variant(variant)
    options = Options(
        bring_up=not no_up,
        heal_first=heal_first,
        scale=scale,
        workers=workers_elsewhere or workers or 1,
        elsewhere=master_at if workers_elsewhere else None,
    )
    with _view(as_json) as view, session(options, view, purpose=f"{loaded.name} on {variant}") as lab:
        result = lab.run(loaded, variant, seed)
    if as_json:
        _document(_run_document(result))
    else:
        _compare([result.document])
        _print(result.document["summary"])
        _where(result)
    raise typer.Exit(result.exit_code)


@app.command("selftest")
def selftest_command(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Names or patterns of scenarios (of mutants), or files.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every scenario that says what it proves.")] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="Each flaw alone: is it caught by its own check?")] = False,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="With --mutants: how many, from --seed (1) on.")] = 1,
    some: Annotated[int | None, typer.Option(min=1, help="With --mutants: only so many, others each day.")] = None,
    write: Annotated[bool, typer.Option("--write", help="With --mutants: into docs/power.jsonl and power.md.")] = False,
    again: Annotated[bool, typer.Option("--again", help="With --write: also what is on record already.")] = False,
    seed: Seed = None,
    scale: Scale = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> None:
    """Show that a scenario is violated on naive for the reasons it names, and holds on hardened.

    With --mutants: show that each flaw, alone in hardened, is caught by the check that it names.
    """
    options = Options(bring_up=not no_up, heal_first=heal_first, scale=scale)
    if mutants:
        if everything:
            raise InvalidInput(
                "selftest: got --all and --mutants, expected patterns of mutants, or none for all of them"
            )
        with _view(as_json) as view:
            code, rows = power.mutants_selftest(
                scenarios or [], seeds=seeds, first_seed=1 if seed is None else seed, some=some, write=write,
                again=again, options=options, view=view,
            )  # fmt: skip
        if as_json:
            _document(power.document(code, rows))
        else:
            sys.stdout.write(power.table(rows))
        raise typer.Exit(code)
    loaded = _to_prove(scenarios or [], everything)
    proofs: list[Proof] = []
    try:
        with _view(as_json) as view, session(options, view, purpose="selftest") as lab:
            for scenario in loaded:

                def one(variant: str, scenario: Any = scenario) -> RunResult:
                    view.say(f"{scenario.title} on {variant}")
                    return lab.run(scenario, variant, seed)

                proofs.append(selftest(scenario, run=one, say=view.say))
    finally:  # an hour's work is told, however it ended
        if proofs and not as_json:
            for proof in proofs:
                _show_proof(proof)
            if len(loaded) > 1:
                _print()
                sys.stdout.write(proof_table(proofs, of=len(loaded)))
    worst = max((proof.exit_code for proof in proofs), key=_SEVERITY.index)
    if as_json:
        _document({"exit_code": int(worst), "scenarios": [_proof_document(proof) for proof in proofs]})
    raise typer.Exit(worst)


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
    found = [path for path in all_scenarios() if fnmatchcase(scenario_name(path), name)]
    if not found:
        known = ", ".join(scenario_name(path) for path in all_scenarios())
        raise InvalidInput(f"scenario: got {name!r}, expected a pattern that matches one of {known}")
    return found


@app.command("mutants")
def mutants_command(as_json: Json = False) -> None:
    """List the mutants; exit 2 when their patches and the scenarios disagree."""
    listed = power.listed()
    if as_json:
        _document(listed)
        return
    for row in listed:
        _print("  ".join(str(value) for value in row.values()))


_SEVERITY = (ExitCode.HELD, ExitCode.INCONCLUSIVE, ExitCode.VIOLATED, ExitCode.LAB_BROKEN)


def _show_proof(proof: Proof) -> None:
    _print()
    _compare([proof.naive.document, proof.hardened.document])
    for result in (proof.naive, proof.hardened):
        _print(f"{result.variant}: {result.document['summary']}")
    for result in proof.tries:
        _print(f"evidence: {result.folder}/report.html ({result.variant}: {result.verdict})")
    if url := _dashboard():
        _print(f"dashboard: {url}")
    if proof.complaints:
        for complaint in proof.complaints:
            _print(f"✗ {complaint}")
    else:
        assert proof.scenario.proves is not None
        powerless = "held on naive, whose flaws are elsewhere (its power: selftest --mutants)"
        on_naive = "violated on naive as named" if proof.scenario.proves.must else powerless
        _print(f"✔ the scenario proved itself: {on_naive}, held on hardened")


def _proof_document(proof: Proof) -> dict[str, Any]:
    return {
        "scenario": proof.scenario.name,
        "exit_code": int(proof.exit_code),
        "complaints": list(proof.complaints),
        "naive": _run_document(proof.naive),
        "hardened": _run_document(proof.hardened),
        "tries": [{"folder": str(r.folder), "variant": r.variant, "verdict": str(r.verdict)} for r in proof.tries],
    }


def _run_document(result: RunResult) -> dict[str, Any]:
    return {**result.document, "folder": str(result.folder)}


def _where(result: RunResult) -> None:
    _print(f"evidence: {result.folder}/report.html")
    if url := _dashboard():
        _print(f"dashboard: {url}")


def _dashboard() -> str | None:
    stack = read_stack()
    return None if isinstance(stack, NotUp) else stack.public_url("dashboard")


def _known_variant(variant: str) -> None:
    known = attempts.variants()
    if variant not in (*known, *mutant_variants()):
        hint = " (firedrill attempt start makes one)" if variant == "attempt" else ""
        raise InvalidInput(f"variant: got {variant!r}, expected one of {', '.join(known)}{hint}")


@app.command()
def validate(
    scenarios: Annotated[list[str] | None, typer.Argument(help="Names or files; all that ship when left out.")] = None,
    as_json: Json = False,
) -> None:
    """Check scenario files and name everything that is wrong with them."""
    problems: list[str] = []
    paths: list[Path] = []
    for name in scenarios or [str(path) for path in all_scenarios()]:
        try:
            paths.append(find_scenario(name))
            load_scenario(paths[-1])
        except InvalidInput as error:
            problems += error.problems
    if as_json:
        _document({"checked": [str(path) for path in paths], "problems": problems})
    elif not problems:
        _print(f"{len(paths)} scenario(s): valid")
    if problems:
        if not as_json:
            raise InvalidInput(problems)
        raise typer.Exit(ExitCode.INVALID)


def _tell(text: str) -> None:
    sys.stderr.write(f"firedrill: {text}\n")


@app.command("heal")
def heal_command(as_json: Json = False) -> None:
    """Lift everything that a run may have left: toxics, disabled proxies, paused processes, gateway faults."""
    # A run lifts its own faults: healing them under it would spoil it unseen.
    with run_lock(lab_dir(), "heal", say=_tell):
        found, left = heal(connect(_running(), "none").lab, patience_s=HEAL_PATIENCE_S)
    if as_json:
        _document({"lifted": list(found), "left": list(left)})
    else:
        _print("\n".join([*(f"lifted: {what}" for what in found), *(f"LEFT: {what}" for what in left)]) or "pristine")
    raise typer.Exit(ExitCode.LAB_BROKEN if left else ExitCode.HELD)


@app.command("verify")
def verify_command(
    evidence: Annotated[str, typer.Argument(help="An evidence folder, or a run id.")], as_json: Json = False
) -> None:
    """Derive a run's verdict again, offline, from its folder alone, and notice any changed byte."""
    folder = folder_of(evidence)
    problems = verify(folder, conclude.read_judged)
    if as_json:
        _document({"folder": str(folder), "problems": problems})
    elif not problems:
        _print(f"{folder.name}: {conclude.verdict_of(folder)}: it follows from the evidence, and nothing was changed")
    if problems:
        if not as_json:
            if elsewhere := conclude.judged_elsewhere(folder):
                problems.append(elsewhere)
            sys.stderr.write("".join(f"firedrill: {problem}\n" for problem in problems))
        raise typer.Exit(ExitCode.INVALID)


@app.command("calibrate")
def calibrate_command(heal_first: Heal = False, no_up: NoUp = False, as_json: Json = False) -> None:
    """Measure once how much of the scripted load this machine carries; later runs take that scale by themselves."""
    loaded = load_scenario(find_scenario(calibration.SCENARIO))
    options = Options(bring_up=not no_up, heal_first=heal_first)
    with _view(as_json) as view, session(options, view, purpose="calibrate") as lab:
        found = calibration.calibrate(lambda scale: lab.run(loaded, "hardened", None, scale=scale), say=view.say)
    calibration.keep(found)
    if as_json:
        _document(found)
    else:
        _print(
            f"scale {found.scale:g}: {found.cpus} cores, machine {found.busy_ratio:.0%} busy and API core "
            f"{found.api_core_ratio:.0%} in the heaviest phase of {calibration.SCENARIO}"
        )
        _print(f"remembered in {calibration.calibration_file()}; --scale overrides it")


@app.command("check")
def check_command(
    drill: Annotated[str, typer.Argument(metavar="DRILL", help="3, 4 or 5; or its key, such as concurrency.")],
    variant: Annotated[str, typer.Option(help="Whose code to check.")] = "attempt",
    part: Annotated[str, typer.Option(help="core, stretch, or all.")] = "all",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 100, help="The first seed; each try takes the next.")] = 1,
    scale: Scale = None,
    heal_first: Heal = False,
    no_up: NoUp = False,
    as_json: Json = False,
) -> None:
    """Does your attempt pass a drill? Core and stretch apart; drill 3 wants three holds in a row on different seeds."""
    one = catalogue.drill(drill)
    if part not in ("all", *catalogue.PARTS):
        raise InvalidInput(f"part: got {part!r}, expected core, stretch or all")
    parts = tuple(name for name in catalogue.PARTS if part in ("all", name))
    _known_variant(variant)
    calibration.require_floor(scale)
    named = {scenario_name(path): path for path in all_scenarios()}
    if problems := [p for p in catalogue.missing(one, named) if any(f" {name}: " in p for name in parts)]:
        raise InvalidInput(problems)
    loaded = {name: load_scenario(named[name]) for name in {n for wanted in parts for n in one.part(wanted)}}
    options = Options(bring_up=not no_up, heal_first=heal_first, scale=scale)
    with _view(as_json) as view, session(options, view, purpose=f"check of drill {one.number}") as lab:
        report = check(
            one,
            parts,
            variant=variant,
            first_seed=seed,
            scenario=loaded.__getitem__,
            run=lambda scenario, its_seed: lab.run(scenario, variant, its_seed),
            own_tests=lambda: own_tests(variant, prepare=lab.prepare, url=lab.stack.url("api"), say=view.say),
            say=view.say,
        )
    if as_json:
        _document(report.document())
    else:
        sys.stdout.write(check_text(report))
    kept = conclude.keep_check(report.document())
    if not as_json:
        _print(f"kept as {kept}")
    raise typer.Exit(report.exit_code)


@app.command("bundle")
def bundle_command(
    drill: Annotated[str, typer.Argument(metavar="DRILL", help="3, 4 or 5; or its key, such as concurrency.")],
    variant: Annotated[str, typer.Option(help="Whose code was checked.")] = "attempt",
    to: Annotated[Path | None, typer.Option("--to", help="A ZIP file; below evidence/bundles when left out.")] = None,
) -> None:
    """One file for your mentor: the newest check of a drill, its runs, and the code that ran. Offline."""
    one = catalogue.drill(drill)
    packed = bundle(one, variant=variant, root=evidence_dir(), learner=_learner(), to=to)
    _print(f"{packed}: {packed.stat().st_size / 1e6:.1f} MB")


@app.command("explain")
def explain_command(
    evidence: Annotated[str, typer.Argument(metavar="RUN", help="An evidence folder, or a run id.")],
    check: Annotated[str | None, typer.Argument(help="A violated check; all of them when left out.")] = None,
    as_json: Json = False,
) -> None:
    """The smallest counterexample of a violation, on one time line: operations, SQL, charges, log lines. Offline."""
    folder = folder_of(evidence)
    found = conclude.explained(folder, check)
    if as_json:
        _document(found)
    elif not found:
        _print(f"{folder.name}: nothing is violated, so there is nothing to explain")
    else:
        sys.stdout.write("\n".join(explain.text(one) for one in found))


@app.command("compare")
def compare_command(
    before: Annotated[str, typer.Argument(metavar="A", help="The run before: an evidence folder, or a run id.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The run after.")],
    as_html: Annotated[Path | None, typer.Option("--html", metavar="OUT.html", help="One file, offline.")] = None,
    as_markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="OUT.md", help="For a pull request.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Two runs of the same scenario and seed side by side, before and after. Offline."""
    both = pair.paired(*(conclude.shown_of(folder_of(name)) for name in (before, after)))
    for path, render in ((as_html, pair.html), (as_markdown, pair.markdown)):
        if path is not None:
            write_atomic(path, render(both).encode())
            if not as_json:
                _print(f"written: {path}")
    if as_json:
        _document({"before": both.before.document, "after": both.after.document})
    elif as_html is None and as_markdown is None:
        _compare([dict(shown.document) for shown in both.runs])


@app.command("replay")
def replay_command(
    evidence: Annotated[str, typer.Argument(metavar="RUN", help="An evidence folder, or a run id.")],
    video: Annotated[
        Path | None, typer.Option(metavar="OUT.mp4", help="Render a video of at most a minute instead.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How many times as fast as it was.")] = 1.0,
) -> None:
    """A finished run once more, as it happened: phases, faults, figures, and real answers. Offline."""
    replay = Replay(conclude.shown_of(folder_of(evidence)))
    if video is not None:
        from chaos.report.video import write_video  # noqa: PLC0415 - only a video needs Pillow

        made = write_video(replay, video, say=_aside)
        pace = f", {made.pace:.1f} times as fast as the run" if made.pace > 1 else ""
        _print(f"{video}: {made.lasts_s:.0f} s{pace}")
    elif sys.stdout.isatty():
        replay_live(replay, _Console(), speed=speed)
    else:
        replay_lines(replay, sys.stdout)


@app.command()
def index(as_json: Json = False) -> None:
    """Put every run of the evidence folder into the scorecard; any time, without duplicates.

    A folder that isn't as its run left it is named and left out.
    """
    scorecard = _scorecard()
    done, changed, troubles = 0, list[str](), list[str]()
    for folder in conclude.folders(evidence_dir()):
        if not (folder / "verdict.json").exists():
            continue
        if problems := unchanged(folder):
            changed.append(f"not indexed: {folder.name}: {problems[0]} (firedrill verify says the rest)")
        else:
            done += conclude.put(scorecard, folder, troubles.append)
    if as_json:
        _document({"indexed": done, "problems": [*changed, *troubles]})
    else:
        _print("\n".join([*changed, *troubles, f"indexed {done} run(s)"]))
    raise typer.Exit(ExitCode.LAB_BROKEN if troubles else ExitCode.INVALID if changed else ExitCode.HELD)


@app.command("export")
def export_command(
    format: Annotated[drill_map.Format, typer.Option("--format", help="markdown for people, json to import.")],
    to: Annotated[Path | None, typer.Option("--to", help="A file instead of stdout.")] = None,
) -> None:
    """The whole drill map: scores with their history, months, hints, and what it all amounts to."""
    document = drill_map.export(_scorecard(), format, to)
    if to is None:
        sys.stdout.buffer.write(document + (b"" if document.endswith(b"\n") else b"\n"))
        sys.stdout.flush()
    else:
        _print(f"exported to {to}")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A drill map that was exported as JSON.")], as_json: Json = False
) -> None:
    """Put a drill map back: adds what is not here yet, and never drops what is."""
    added = drill_map.import_(_scorecard(), file)
    if as_json:
        _document({"added": added})
    else:
        _print(drill_map.told(added))


@app.command("list")
def list_command(
    runs: Annotated[bool, typer.Option("--runs", help="The runs on record instead of the scenarios.")] = False,
    as_json: Json = False,
) -> None:
    """The scenarios that there are, or the runs."""
    rows = [_run_row(folder) for folder in conclude.folders(evidence_dir())] if runs else _scenario_rows()
    if as_json:
        _document(rows)
        return
    for row in rows:
        _print("  ".join(str(value) for value in row.values()))


def _run_row(folder: Path) -> dict[str, Any]:
    try:
        document = msgspec.json.decode((folder / "verdict.json").read_bytes(), type=dict[str, Any])
        return {"run_id": folder.name, "verdict": document["verdict"], "summary": document["summary"]}
    except (OSError, KeyError, msgspec.DecodeError):
        return {"run_id": folder.name, "verdict": "open", "summary": "no verdict yet, or the runner died"}


def _scenario_rows() -> list[dict[str, Any]]:
    rows = []
    for path in all_scenarios():
        row: dict[str, Any] = {"name": scenario_name(path), "drill": None, "title": "", "lasts": ""}
        try:
            scenario = load_scenario(path)
            row |= {"drill": scenario.drill, "title": scenario.title, "lasts": f"{scenario.duration_s:g} s"}
        except InvalidInput:
            row["title"] = "invalid: firedrill validate says why"
        rows.append(row)
    return rows


@app.command()
def schema(
    markdown: Annotated[bool, typer.Option("--markdown", help="The scenario reference instead.")] = False,
) -> None:
    """The JSON Schema of scenario files, for editors; or the reference for people."""
    if markdown:
        sys.stdout.write(reference())
    else:
        _document(scenario_schema())


def scenario_schema() -> dict[str, Any]:
    """As exported to scenarios/scenario.schema.json."""
    return exported_schema()


@attempt_app.command("start")
def attempt_start() -> None:
    """Make services/shop/attempt from naive."""
    _print(f"your attempt is {attempts.start().relative_to(CHECKOUT)}: run a scenario with --variant attempt")


@attempt_app.command("reset")
def attempt_reset() -> None:
    """Make it anew; the old one is kept beside it."""
    path, backup = attempts.reset()
    kept = f"; the old one is kept in {backup.relative_to(CHECKOUT)}" if backup else ""
    _print(f"{path.relative_to(CHECKOUT)} is a fresh copy of naive{kept}")


@attempt_app.command(
    "manage", no_args_is_help=True, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def attempt_manage(context: typer.Context) -> None:
    """A Django command of your attempt, on its own database: makemigrations, sqlmigrate shop 0003, shell, …"""
    _hand_over("services.stack", "manage", "--variant", "attempt", *context.args)


@app.command()
def agent() -> None:
    """Run the watchdog in the foreground (the stack does so by itself)."""
    _hand_over("chaos.agent")


_STACK = {
    "up": "Start the stack and wait until every part is ready.",
    "down": "End every process of the stack; data stays.",
    "status": "What runs, and whether it is ready.",
    "doctor": "Every part: found where, which version, what is missing and how to get it.",
}


def _stack_command(name: str, doc: str) -> Callable[[typer.Context], None]:
    def command(context: typer.Context) -> None:
        _hand_over("services.stack", name, *context.args)

    command.__doc__ = doc
    return command


for _name, _doc in _STACK.items():
    app.command(_name, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        _stack_command(_name, _doc)
    )


def _hand_over(module: str, *arguments: str) -> None:
    """Same terminal, same exit code."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=CHECKOUT, check=False)
    raise typer.Exit(done.returncode)


def _scorecard() -> Scorecard:
    stack = _running()
    return Scorecard(stack.url("scorecard"), stack.lab_token)


def _learner() -> str:
    """As the scorecard knows it now, for runs that carry none; empty while it is away."""
    stack = read_stack()
    if isinstance(stack, NotUp) or "scorecard" not in stack.urls:
        return ""
    return learner_of(Scorecard(stack.url("scorecard"), stack.lab_token))


def _running() -> Stack:
    stack = read_stack()
    if isinstance(stack, NotUp):
        raise LabBroken(f"stack: got a stack that is down ({stack.reason}), expected it up (make up)")
    return stack


def _document(content: Any) -> None:
    try:
        text = msgspec.json.format(msgspec.json.encode(content), indent=2)
    except UnicodeEncodeError:  # a file name that is no text
        text = json.dumps(content, indent=2).encode()
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.flush()
