"""The run, step by step. What happens is journalled as it happens; judging comes later and reads only the folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chaos.errors import FiredrillError, LabBroken
from chaos.evidence import writing as folders
from chaos.evidence.journal import Journal
from chaos.model.folder import HISTORY, File
from chaos.model.journal import EventKind
from chaos.run.aftermath import heal_all, settle_and_collect
from chaos.run.ongoing import Ongoing
from chaos.run.request import Aborted, Request, Stop, Tools, View
from chaos.run.samplers import ClocksFile, Sampler
from chaos.run.served import require_served
from chaos.run.under_exchanges import UnderExchanges, first_rows
from chaos.run.under_load import UnderLoad
from chaos.scenario import text_digest


def perform(request: Request, tools: Tools, view: View, stop: Stop) -> Path:
    """Run to the end of collecting and return the evidence folder, ready for judging.

    Raises: LearnerCodeError when the variant can't start, so that nothing was run. LabBroken when a fault could not be
    lifted (the folder is complete nevertheless) or when the disk is too full for the evidence.
    """
    run = Ongoing(request, tools, view, stop)
    with _clocks_watched(run):
        prepared, patch = _prepare(run)
        return _performed(run, prepared, patch)


def _prepare(run: Ongoing) -> tuple[Mapping[str, Any], bytes | None]:
    """Start the variant on a seeded world. Returns the stack's answer, and the learner's changes."""
    run.view.say(f"preparing {run.request.variant}: switch, empty, seed, start")
    world_file = run.folder / File.WORLD
    try:
        prepared = run.tools.stack.prepare(
            variant=run.request.variant,
            seed=run.plan.seed,
            world=run.scenario.world.asked(),
            world_file=world_file,
            **first_rows(run.scenario),
        )
        if run.scenario.access_table:
            require_served(run.scenario.access_table, world_file, run.request.variant)
        return prepared, run.request.patch()
    except BaseException:
        _forget_folder(run.folder)  # no evidence exists yet
        raise


def _forget_folder(folder: Path) -> None:
    for name in (File.WORLD, File.CLOCKS):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / HISTORY).rmdir()
        folder.rmdir()


def _performed(run: Ongoing, prepared: Mapping[str, Any], patch: bytes | None) -> Path:
    try:
        (run.folder / File.SCENARIO).write_text(run.scenario.text, encoding="utf-8")
        if patch is not None:
            (run.folder / File.PATCH).write_bytes(patch)
        if run.request.written is not None:
            name, content = run.request.written
            (run.folder / name).write_bytes(content)
        with Journal(
            run.folder / File.JOURNAL,
            now_unix_s=run.tools.lab.clock.now_unix_s,
            wall_unix_s=lambda: run.tools.lab.clock.reading().unix_s,
        ) as run.journal:
            run.journal.listeners.append(run.view.event)
            broken = _journalled(run, prepared)
    except OSError as error:
        broken = [_no_room(run, error)]
    finally:
        with suppress(OSError):  # secrets are removed also when the evidence could not be written
            folders.strip_secrets(run.folder / File.WORLD)
    if broken:
        raise LabBroken("\n".join(broken))
    return run.folder


def _journalled(run: Ongoing, prepared: Mapping[str, Any]) -> list[str]:
    """Everything from the first event to the last. Returns why the lab is broken; empty when it is not."""
    started = time.monotonic()
    _begin(run, prepared)
    load = UnderExchanges(run) if run.scenario.exchanges else UnderLoad(run)
    left: Sequence[str] = ()
    try:
        load.play()
    except Aborted as aborted:
        _aborted(run, str(aborted), aborted.by)
    except (FiredrillError, OSError) as error:
        _aborted(run, str(error), "lab")
    finally:
        loaded_until_s = load.until_s
        left = heal_all(run)
        if load.lease is not None:
            # Faults that could not be lifted are left to the agent, which tries again once the lease has run out.
            load.lease.end(release=not left)
    broken = [f"heal: got {'; '.join(left)}, expected pristine proxies (firedrill heal)"] if left else []
    steps: tuple[Callable[[], object], ...] = (
        lambda: settle_and_collect(run, loaded_until_s=loaded_until_s),
        load.end_watch,
        load.end_trace,
        lambda: folders.strip_secrets(run.folder / File.WORLD),
        lambda: folders.compress_history(run.folder),
        lambda: folders.merge_samples(run.folder),
        lambda: folders.merge_watchdog(run.folder, run.journal),
        lambda: run.journal.write(EventKind.RUN_ENDED, duration_s=round(time.monotonic() - started, 3)),
    )
    for step in steps:
        try:
            step()
        except OSError as error:
            broken.append(_no_room(run, error))
    return list(dict.fromkeys(broken))


def _begin(run: Ongoing, prepared: Mapping[str, Any]) -> None:
    run.journal.write(
        EventKind.RUN_STARTED,
        run_id=run.run_id,
        scenario=run.scenario.name,
        title=run.scenario.title,
        drill=run.scenario.drill,
        variant=run.request.variant,
        seed=run.plan.seed,
        scale=run.plan.scale,
        learner=run.request.learner,
        scenario_sha256=text_digest(run.scenario.text),
        versions=dict(run.request.versions),
    )
    run.journal.write(
        EventKind.PREPARED,
        variant=run.request.variant,
        code=str(prepared.get("identities", {}).get("code", "")),
        timings_s=prepared.get("timings_s", {}),
        isolation=prepared.get("isolation", {}),
        ended_leftovers=prepared.get("ended_leftovers", []),
    )


def _aborted(run: Ongoing, reason: str, by: str) -> None:
    run.view.say(f"aborted: {reason}")
    with suppress(OSError):
        run.journal.write(EventKind.ABORTED, reason=reason, by=by)


def _no_room(run: Ongoing, error: OSError) -> str:
    return f"{run.folder}: got {error.strerror or error}, expected room to write the evidence"


@contextmanager
def _clocks_watched(run: Ongoing) -> Iterator[None]:
    """Write clocks.jsonl during the block: from before the tokens are issued until the world was collected."""
    clock = run.tools.lab.clock
    began = clock.now_unix_s()

    def disturbed(text: str) -> None:
        """Report it at once; the judge later reads the clocks again."""
        run.view.say(text)
        if run.t0_unix_s:
            run.note(text)

    file = ClocksFile(
        run.folder / File.CLOCKS, clock=clock, zero_unix_s=lambda: run.t0_unix_s or began, notice=disturbed
    )
    file.sample()
    sampler = Sampler("clocks", file.sample, t0_unix_s=began, now=clock.now_unix_s)
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()
        file.sample()
        file.close()
