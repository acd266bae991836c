"""One schedule of a run once more: the run's scenario, cut down to that schedule."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chaos.errors import InvalidInput
from chaos.evidence.files import explaining_lines, is_regular, read_bytes
from chaos.load import load_scenario
from chaos.load.yaml import parse
from chaos.model.folder import File
from chaos.model.interleaving import Schedule
from chaos.model.text import one_line
from chaos.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What to repeat."""

    schedule: Schedule
    scenario: Scenario


def schedule_of(folder: Path, name: str) -> Schedule:
    """The schedule of a run by its id (`last_seats/w2`). Raises: InvalidInput, naming those that there are."""
    path = folder / File.SCHEDULES
    found = explaining_lines(path, Schedule) if is_regular(path) else []
    tried = [each for each in found if not each.learnt]
    if not tried:
        raise InvalidInput(
            f"{one_line(folder.name)}: got a run without forced schedules, expected one of scenarios/interleaving"
        )
    for each in tried:
        if each.id == name:
            return each
    known = ", ".join(each.id for each in tried)
    raise InvalidInput(f"schedule: got {name!r}, expected one of {known}")


def again(folder: Path, name: str) -> Again:
    """The run's scenario with that schedule alone. Raises: InvalidInput."""
    schedule = schedule_of(folder, name)
    text = read_bytes(folder / File.SCENARIO).decode(errors="replace")
    try:
        cut = _cut(parse(text, File.SCENARIO).data, schedule)
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"scenario.yaml: got {error!r}, expected the scenario of {one_line(folder.name)}") from None
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"force-{schedule.id.replace('/', '-').replace('_', '-')}.yaml"
        file.write_text(yaml.safe_dump(cut, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return Again(schedule=schedule, scenario=load_scenario(file))


def _cut(document: Mapping[str, Any], schedule: Schedule) -> dict[str, Any]:
    sections = [entry for entry in document["exchanges"] if entry["section"] == schedule.section]
    return {
        **{key: value for key, value in document.items() if key != "proves"},
        "title": f"{document['title']}: {schedule.id} alone",
        "exchanges": [{**sections[0], "only": schedule.id.rpartition("/")[2]}],
    }
