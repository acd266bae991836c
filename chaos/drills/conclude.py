"""From a folder of evidence to its verdict, report and place in the index. Reads nothing but the folder."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from chaos.config import CHECKOUT, evidence_dir, git_revision_file
from chaos.drills.results import RunResult
from chaos.errors import InvalidInput, LabBroken
from chaos.files import read_lines, write_atomic
from chaos.journal import Journal, read_events
from chaos.judge.document import RunFacts, encode, verdict_document
from chaos.judge.explain import explain
from chaos.judge.folder import read_record
from chaos.judge.judge import Judgement, Record, judge
from chaos.judge.verify import MANIFEST, write_manifest
from chaos.load import parse_scenario
from chaos.model.checks import Judged
from chaos.model.counterexamples import COUNTEREXAMPLES, Explained
from chaos.model.evidence import PATCH
from chaos.model.journal import Event, EventKind
from chaos.model.samples import Sample
from chaos.model.scenario import Scenario
from chaos.model.verdict import Verdict
from chaos.plan import Plan, judged, plan
from chaos.ports import Index
from chaos.report.words import Shown
from chaos.report.write import write_reports
from chaos.run.folder import compress_history, merge_samples, merge_watchdog, strip_secrets

CHECKS = "checks"
"""Where below the evidence it is kept what a check came to."""

# What the machine can do to a run that says nothing about the API: worth another try.
_MACHINE = ("self_check:send_lag", "self_check:driver_cpu")


def conclude(folder: Path, *, index: Index | None, say: Callable[[str], None]) -> RunResult:
    """Judge, write verdict.json, the reports and the manifest, then index.

    Raises: LabBroken when the evidence can't be written; what is there stays.
    """
    try:
        scenario, first, started = _as_run(folder)
        record = read_record(folder)
        asked = judged(scenario, _plan_of(scenario, started))
        judgement = judge(asked, record)
        facts = _facts(scenario, first, started, record)
        document = verdict_document(facts, judgement)
        write_atomic(folder / "verdict.json", encode(document))
        explained = explain(folder, asked, judgement, record.state)
        write_atomic(folder / COUNTEREXAMPLES, encode(explained))
        shown = Shown(
            document=document,
            timeline=judgement.timeline,
            events=record.events,
            counterexamples=explained.counterexamples,
            samples=read_lines(folder / "samples.jsonl", Sample),
        )
        write_reports(folder, shown)
        write_manifest(folder, {"versions": facts.versions, "seed": facts.seed, "git_revision": git_revision()})
    except OSError as error:
        raise LabBroken(f"{folder}: got {error.strerror or error}, expected room to write the evidence") from None
    if index is not None:
        put(index, folder, say)
    return result_of(folder, document, judgement)


def result_of(folder: Path, document: dict[str, Any], judgement: Judgement) -> RunResult:
    """What the caller of a run gets."""
    return RunResult(
        folder=folder,
        variant=document["variant"],
        verdict=judgement.verdict,
        findings=judgement.findings,
        document=document,
        spoiled=_by_the_machine(judgement),
    )


def _by_the_machine(judgement: Judgement) -> bool:
    """Whether every root of the doubt is a machine that was too slow or too busy."""
    open_ = [finding for finding in judgement.findings if finding.verdict is Verdict.INCONCLUSIVE]
    roots = [finding for finding in open_ if finding.kind in ("self_check", "fault", "witness", "steady_state")]
    if roots:
        return all(finding.check in _MACHINE or "saturated" in finding.reason for finding in roots)
    return any("saturated" in finding.reason for finding in open_)


def read_judged(scenario_file: Path) -> Judged:
    """For `verify`: the folder's scenario with the seed and scale of its own journal."""
    scenario, _, started = _as_run(scenario_file.parent)
    return judged(scenario, _plan_of(scenario, started))


def explained(folder: Path, check: str | None) -> tuple[Explained, ...]:
    """What shows the violated checks of a run, or the one named *check*.

    Looked up anew from the record, so that a folder of before has it too. Raises: InvalidInput.
    """
    scenario = read_judged(folder / "scenario.yaml")
    record = read_record(folder)
    judgement = judge(scenario, record)
    found = explain(folder, scenario, judgement, record.state).counterexamples
    if check is None:
        return found
    chosen = tuple(one for one in found if one.check == check)
    if not chosen:
        known = {finding.check: finding.verdict for finding in judgement.findings}
        got = f"{check}, which is {known[check]}" if check in known else repr(check)
        raise InvalidInput(
            f"check: got {got}, expected one that is violated in {folder.name}: "
            f"{', '.join(one.check for one in found) or 'there is none'}"
        )
    return chosen


def shown_of(folder: Path) -> Shown:
    """A finished run as the reports see it, derived from its folder alone. Raises: InvalidInput."""
    scenario, first, started = _as_run(folder)
    record = read_record(folder)
    judgement = judge(judged(scenario, _plan_of(scenario, started)), record)
    return Shown(
        document=verdict_document(_facts(scenario, first, started, record), judgement),
        timeline=judgement.timeline,
        events=record.events,
        samples=read_lines(folder / "samples.jsonl", Sample),
    )


class _Started(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal's first event says about the run."""

    run_id: str
    variant: str
    scenario: str = ""
    seed: int
    scale: float
    learner: str = ""
    versions: dict[str, str] = {}


def _as_run(folder: Path) -> tuple[Scenario, Event, _Started]:
    try:
        first = next(iter(read_events(folder / "journal.jsonl")), None)
        text = (folder / "scenario.yaml").read_text(encoding="utf-8")
        if first is None or first.event is not EventKind.RUN_STARTED:
            raise InvalidInput(
                f"{folder}/journal.jsonl: got no start of a run, expected run_started as its first event"
            )
        started = msgspec.convert(first.data, _Started)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{folder}: got {error}, expected the evidence of a run") from None
    return parse_scenario(text, name=started.scenario, where=f"{folder}/scenario.yaml"), first, started


def _plan_of(scenario: Scenario, started: _Started) -> Plan:
    return plan(scenario, seed=started.seed, scale=started.scale)


def _facts(scenario: Scenario, first: Event, started: _Started, record: Record) -> RunFacts:
    last = record.events[-1].at_unix_s if record.events else first.at_unix_s
    return RunFacts(
        run_id=started.run_id,
        scenario=scenario.name,
        title=scenario.title,
        hypothesis=scenario.hypothesis,
        drill=scenario.drill,
        variant=started.variant,
        seed=started.seed,
        scale=started.scale,
        learner=started.learner,
        started_at=datetime.fromtimestamp(first.at_unix_s, UTC).isoformat(timespec="milliseconds"),
        duration_s=round(last - first.at_unix_s, 3),
        versions=started.versions,
    )


def verdict_of(folder: Path) -> Verdict:
    """As verdict.json has it, which was found right."""
    return Verdict(msgspec.json.decode((folder / "verdict.json").read_bytes(), type=dict[str, Any])["verdict"])


def judged_elsewhere(folder: Path) -> str:
    """A sentence when *folder* was judged at another revision than this checkout's: then the two may judge apart."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=dict[str, Any])
        then = str(manifest["about"]["git_revision"])
    except (OSError, ValueError, KeyError, TypeError):  # also a name that no file can have
        return ""
    now = git_revision()
    if not then or not now or then == now:
        return ""
    return f"judged at revision {then[:10]}, this is {now[:10]}: if no file was changed, verify it there"


def git_revision() -> str:
    """Of the checkout, with `+changes` when files differ from it; empty outside of git.

    A container has no git: there it is what the host wrote down when it started the stack or the run.
    """
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"],
            cwd=CHECKOUT, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        with suppress(OSError, UnicodeDecodeError):
            return git_revision_file().read_text().strip()
        return ""
    return asked.stdout.strip()


def summary_for_index(folder: Path) -> Mapping[str, Any]:
    """What the scorecard keeps of a run. Raises: InvalidInput."""
    try:
        document = msgspec.json.decode((folder / "verdict.json").read_bytes())
        names = ("run_id", "scenario", "title", "drill", "variant", "seed", "scale", "verdict", "started_at",
                 "duration_s", "findings", "exit_code")  # fmt: skip
        more = {"evidence_path": folder.name, "proves": _proves(folder), "code": _code(folder)}
        return {**{name: document[name] for name in names}, **more}
    except (OSError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise InvalidInput(f"{folder}: got {error!r}, expected the verdict of a run") from None


def _proves(folder: Path) -> dict[str, list[str]] | None:
    """What the folder's scenario expects of naive; None when it says nothing or can't be read (any more)."""
    with suppress(InvalidInput, OSError):
        proves = _as_run(folder)[0].proves
        return {"must": list(proves.must), "may": list(proves.may)} if proves else None
    return None


def _code(folder: Path) -> str:
    """The learner's code by the SHA-256 of its patch; empty where none was kept. Raises: OSError."""
    patch = folder / PATCH
    return hashlib.sha256(patch.read_bytes()).hexdigest() if patch.is_file() else ""


def put(index: Index, folder: Path, say: Callable[[str], None]) -> bool:
    """Index one folder; a scorecard that is away costs nothing but this sentence."""
    try:
        index.put_run(summary_for_index(folder))
    except (OSError, InvalidInput) as error:
        say(f"not indexed: {error} (firedrill index does it later)")
        return False
    return True


def keep_check(document: Mapping[str, Any]) -> Path:
    """Keep what a check of a drill came to, beside the runs that it names. Raises: OSError."""
    folder = evidence_dir() / CHECKS
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    path = folder / f"{stamp}-{document['key']}-{document['variant']}.json"
    write_atomic(path, encode(dict(document)))
    return path


def folders(root: Path) -> list[Path]:
    """Every run's folder, oldest first."""
    return sorted(path.parent for path in root.glob("*/journal.jsonl"))


def crashed(root: Path) -> Iterator[Path]:
    """Folders that were never sealed: their runner died, or could not write. Only ask while no run is going on."""
    for folder in folders(root):
        if not (folder / "manifest.json").exists():
            yield folder


def conclude_crashed(root: Path, *, index: Index | None, say: Callable[[str], None]) -> list[Path]:
    """Close what a dead runner left, with the evidence so far: inconclusive, unless an invariant is violated anyway."""
    closed = []
    for world in root.glob("*/world.json"):
        if not (world.parent / "journal.jsonl").exists():  # died while preparing: no run, but tokens
            with suppress(OSError, msgspec.DecodeError):
                strip_secrets(world)
    for folder in crashed(root):
        try:
            if (folder / "world.json").exists():
                strip_secrets(folder / "world.json")
            compress_history(folder)
            merge_samples(folder)
            _note_crash(folder)
            conclude(folder, index=index, say=say)
        except (InvalidInput, LabBroken, OSError, msgspec.DecodeError) as error:
            say(f"{folder.name}: left as it is: {error}")
            continue
        closed.append(folder)
    return closed


_DIED = {"reason": "the runner died before the end of the run", "by": "lab"}


def _note_crash(folder: Path) -> None:
    """The journal's own writer is dead, so this is not a second one."""
    events = list(read_events(folder / "journal.jsonl"))
    if any(event.event is EventKind.RUN_ENDED or event.data == _DIED for event in events):
        return
    with Journal(folder / "journal.jsonl", after=events) as journal:
        merge_watchdog(folder, journal)
        journal.write(EventKind.ABORTED, **_DIED)
