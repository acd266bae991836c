"""Takes all invalid parts out of a file, so that the rest can be cross-checked.

Otherwise a misspelt key would hide until the next try that, for example, a fault is outside the blast radius.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.load.yaml import Path
from chaos.model.faults import PROCESSES, PROXIES
from chaos.model.operations import OPERATIONS

_ENTRIES = ("faults", "steady_state", "checks", "guardrails")
# Replacements for invalid values, about which no cross-check complains. Other keys are left out.
_HARMLESS: Mapping[str, Any] = {
    "title": "-",
    "drill": 1,
    "hypothesis": "-",
    "blast_radius": [*PROXIES, *PROCESSES],
    "steady_state": [{"probe": "success_ratio", "at_least": "0%"}],
    "checks": [{"invariant": "no_oversell"}],
}
_HARMLESS_LOAD: Mapping[str, Any] = {"for": "60m", "arrivals": "1/s", "mix": dict.fromkeys(OPERATIONS, 1)}


@dataclass(slots=True)
class Salvaged:
    """The rest of a file.

    Attributes:
        data: The file's data, with invalid parts left out or replaced.
        positions: Section → position in *data* → position in the file.
        replaced: Sections whose content is not the file's any more.
        thinned: Sections that lost entries, so that an entry missing there is no complaint.
    """

    data: dict[str, Any]
    positions: dict[str, list[int]] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    thinned: set[str] = field(default_factory=set)

    def in_the_file(self, path: Path) -> Path | None:
        """The path in the file for a complaint about *data*; None when the complaint is not about the file."""
        section = path[0]
        if section in self.replaced or (section == "proves" and {"checks"} & (self.thinned | self.replaced)):
            return None
        if section == "world" and {"load"} & (self.thinned | self.replaced):
            return None  # the customers needed depend on the load
        if section == "checks" and len(path) == 2 and {"faults"} & (self.thinned | self.replaced):
            return None  # "recovers_within without any fault": the file has a fault, which was taken out
        if len(path) > 1 and isinstance(path[1], int) and str(section) in self.positions:
            return (section, self.positions[str(section)][path[1]], *path[2:])
        return path


def salvage(data: Mapping[str, Any], bad: Iterable[tuple[Path, bool]]) -> Salvaged | None:
    """Take out every *bad* path. Its flag says that the key is only unknown, so that its surroundings can stay.

    Returns: None when too little is left: without the phases' names nothing can be cross-checked.
    """
    kept = Salvaged(dict(data))
    unusable: dict[str, set[int]] = {}
    load: list[Any] = [dict(entry) if isinstance(entry, dict) else None for entry in _list(data.get("load"))]
    entries = {
        section: [dict(entry) if isinstance(entry, dict) else entry for entry in _list(data.get(section))]
        for section in _ENTRIES
        if section in data
    }
    for path, unknown in bad:
        match path:
            case (str() as section,) if unknown:
                kept.data.pop(section, None)
            case ("load", int() as index, str() as key, *_) if unknown and len(path) == 3:
                load[index].pop(key, None)
            case ("load", int() as index, ("for" | "arrivals" | "mix") as key, *_):
                load[index][key] = _HARMLESS_LOAD[key]
                kept.thinned.add("load")
            case (("load" | "exchanges"), *_):
                return None
            case (("faults" | "steady_state" | "checks" | "guardrails") as section, int() as index, str() as key) if (
                unknown
            ):
                entries[section][index].pop(key, None)
            case (("faults" | "steady_state" | "checks" | "guardrails") as section, int() as index, *_):
                unusable.setdefault(section, set()).add(index)
            case (str() as section, *_):
                entries.pop(section, None)
                _replace(kept, section)
            case _:
                return None
    for section, found in entries.items():
        _thin(kept, section, found, unusable.get(section, set()))
    if any(load):
        kept.data["load"] = load
    elif not _list(data.get("exchanges")):
        return None
    return kept


def _thin(kept: Salvaged, section: str, entries: list[Any], unusable: set[int]) -> None:
    positions = [index for index in range(len(entries)) if index not in unusable]
    if unusable:
        kept.thinned.add(section)
    if unusable and not positions:
        _replace(kept, section)
        return
    kept.positions[section] = positions
    kept.data[section] = [entries[index] for index in positions]


def _replace(kept: Salvaged, section: str) -> None:
    kept.replaced.add(section)
    kept.data.pop(section, None)
    if section in _HARMLESS:
        kept.data[section] = _HARMLESS[section]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
