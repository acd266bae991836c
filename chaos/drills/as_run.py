"""What ran, according to the folder itself: its scenario, with the seed and scale from its own journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated

import msgspec

from chaos.checks import Judged
from chaos.errors import InvalidInput
from chaos.evidence.files import MOST_SCENARIO_BYTES, Unreadable, read_bytes
from chaos.evidence.journal import read_events
from chaos.load import parse_scenario
from chaos.model.folder import File
from chaos.model.journal import Event, EventKind
from chaos.model.text import one_line
from chaos.model.verdict import RunFacts
from chaos.plan import judged, plan
from chaos.scenario import Scenario, text_digest


class _Started(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal's first event says about the run."""

    run_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,200}\Z")]
    variant: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
    scenario: Annotated[str, msgspec.Meta(max_length=200)] = ""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    scale: Annotated[float, msgspec.Meta(gt=0.0, le=1000.0)]
    scenario_sha256: str = ""
    learner: Annotated[str, msgspec.Meta(max_length=200)] = ""
    versions: dict[str, str] = {}


@dataclass(frozen=True, kw_only=True)
class AsRun:
    """A run as it was asked for."""

    scenario: Scenario
    started: _Started
    started_unix_s: float

    @cached_property
    def judged(self) -> Judged:
        """What judging needs of it."""
        return judged(self.scenario, plan(self.scenario, seed=self.started.seed, scale=self.started.scale))

    def facts(self, events: Sequence[Event]) -> RunFacts:
        """For its document; *events* is all of its journal."""
        last_unix_s = events[-1].at_unix_s if events else self.started_unix_s
        lasted_s = next((e.data.get("duration_s") for e in events if e.event is EventKind.RUN_ENDED), None)
        return RunFacts(
            run_id=self.started.run_id,
            scenario=self.scenario.name,
            title=self.scenario.title,
            hypothesis=self.scenario.hypothesis,
            drill=self.scenario.drill,
            variant=self.started.variant,
            seed=self.started.seed,
            scale=self.started.scale,
            learner=self.started.learner,
            isolation=_isolation(events),
            started_at=datetime.fromtimestamp(self.started_unix_s, UTC).isoformat(timespec="milliseconds"),
            duration_s=lasted_s if isinstance(lasted_s, float) else round(last_unix_s - self.started_unix_s, 3),
            versions=self.started.versions,
        )


def read_as_run(folder: Path) -> AsRun:
    """Raises: InvalidInput, when the folder has no start of a run, or another scenario than the one that ran."""
    try:
        first = next(iter(read_events(folder / File.JOURNAL)), None)
        text = read_bytes(folder / File.SCENARIO, most=MOST_SCENARIO_BYTES).decode()
        if first is None or first.event is not EventKind.RUN_STARTED:
            raise InvalidInput(
                f"{one_line(str(folder))}/{File.JOURNAL}: got no start of a run, "
                "expected run_started as its first event"
            )
        started = msgspec.convert(first.data, _Started)
    except (OSError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{one_line(str(folder))}: got {error}, expected the evidence of a run") from None
    except Unreadable as error:
        raise InvalidInput(f"{one_line(str(folder))}/{error}") from None
    if started.scenario_sha256 not in ("", digest := text_digest(text)):
        raise InvalidInput(
            f"{one_line(str(folder))}/{File.SCENARIO}: got a text with SHA-256 {digest[:12]}…, "
            f"expected {started.scenario_sha256[:12]}…, the one that ran"
        )
    scenario = parse_scenario(text, name=started.scenario, where=f"{one_line(str(folder))}/{File.SCENARIO}")
    return AsRun(scenario=scenario, started=started, started_unix_s=first.at_unix_s)


def _isolation(events: Sequence[Event]) -> str:
    for event in events:
        if event.event is EventKind.PREPARED and isinstance(told := event.data.get("isolation"), dict):
            return str(told.get("kind", ""))
    return ""
