"""Mutants: `hardened` with one flaw brought back. What their patches' headers say, held against the scenarios."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput
from chaos.load import all_scenarios, load_scenario
from chaos.model.scenario import DRILL_KEYS, Scenario

MUTANTS: Final = CHECKOUT / "services" / "shop" / "mutants"
MUTANT_PREFIX: Final = "mutant_"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,24}")  # the variant's name, prefix included, has at most 32 characters
_KEYS: Final = ("title", "drill", "flaw", "caught by", "scenario")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One flaw, alone.

    Attributes:
        flaw: The row of the drill's table, or `safe but useless`.
        check: Id of the check that must be violated.
        scenario: Name of the scenario whose check that is.
        patch: The file.
    """

    name: str
    title: str
    drill: int
    flaw: str
    check: str
    scenario: str
    patch: Path

    @property
    def variant(self) -> str:
        """What the stack calls it."""
        return f"{MUTANT_PREFIX}{self.name}"


def variants(folder: Path = MUTANTS) -> list[str]:
    """The variants that the patches make; their headers may be wrong."""
    return sorted(f"{MUTANT_PREFIX}{path.stem}" for path in folder.glob("*.patch"))


def load_mutants(folder: Path = MUTANTS) -> list[Mutant]:
    """All mutants by name. Raises: InvalidInput with every header that is wrong."""
    found, problems = list[Mutant](), list[str]()
    for path in sorted(folder.glob("*.patch")):
        try:
            found.append(_read(path))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return found


def _read(path: Path) -> Mutant:
    """The header: `key: value` lines up to the first empty one."""
    where = f"{path.parent.name}/{path.name}"
    header: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if not colon or key not in _KEYS or key in header or not value.strip():
            raise InvalidInput(f"{where}:{number}: got {line!r}, expected one of {', '.join(_KEYS)}, each once")
        header[key] = value.strip()
    missing = [key for key in _KEYS if key not in header]
    problems = [f"{where}: got no {key}, expected it in the header" for key in missing]
    if not _NAME.fullmatch(path.stem):
        problems.append(f"{where}: got the name {path.stem!r}, expected at most 25 of a-z, 0-9 and _")
    if "drill" in header and header["drill"] not in {str(number) for number in DRILL_KEYS}:
        problems.append(f"{where}: drill: got {header['drill']!r}, expected 1 to {len(DRILL_KEYS)}")
    if problems:
        raise InvalidInput(problems)
    return Mutant(
        name=path.stem,
        title=header["title"],
        drill=int(header["drill"]),
        flaw=header["flaw"],
        check=header["caught by"],
        scenario=header["scenario"],
        patch=path,
    )


def disagreements(mutants: Iterable[Mutant], scenarios: Iterable[Scenario]) -> Iterator[str]:
    """Where headers name what isn't there, and where headers and `proves.mutants` differ."""
    by_name = {scenario.name: scenario for scenario in scenarios}
    headers = {mutant.name: mutant for mutant in mutants}
    for mutant in headers.values():
        where = f"{mutant.patch.parent.name}/{mutant.patch.name}"
        scenario = by_name.get(mutant.scenario)
        if scenario is None:
            yield f"{where}: scenario: got {mutant.scenario!r}, expected one of {', '.join(sorted(by_name))}"
            continue
        checks = [check.id for check in scenario.checks]
        if mutant.check not in checks:
            yield f"{where}: caught by: got {mutant.check!r}, expected a check of {scenario.name}: {', '.join(checks)}"
        if mutant.name not in (scenario.proves.mutants if scenario.proves else ()):
            yield f"{scenario.name}: proves: mutants: got no {mutant.name}, expected it ({where} says so)"
    for scenario in by_name.values():
        for name in scenario.proves.mutants if scenario.proves else ():
            if name not in headers:
                yield f"{scenario.name}: proves: mutants: got {name!r}, expected one of {', '.join(headers)}"
            elif headers[name].scenario != scenario.name:
                yield (
                    f"{scenario.name}: proves: mutants: got {name}, expected none that is caught by "
                    f"{headers[name].scenario}"
                )


def checked_mutants() -> tuple[list[Mutant], dict[str, Scenario]]:
    """The mutants and the scenarios by name. Raises: InvalidInput with everything that is wrong with either."""
    mutants = load_mutants()
    scenarios = {scenario.name: scenario for scenario in map(load_scenario, all_scenarios())}
    if found := list(disagreements(mutants, scenarios.values())):
        raise InvalidInput(found)
    return mutants, scenarios


def chosen(mutants: Sequence[Mutant], globs: Sequence[str], *, some: int | None = None) -> list[Mutant]:
    """Those whose name (or variant) matches; of them *some*, others each day. Raises: InvalidInput for no match."""
    for glob in globs:
        if not any(_matches(mutant, glob) for mutant in mutants):
            known = ", ".join(mutant.name for mutant in mutants) or "none"
            raise InvalidInput(f"mutants: got {glob!r}, expected a pattern that matches one of {known}")
    found = [mutant for mutant in mutants if not globs or any(_matches(mutant, glob) for glob in globs)]
    if not found:
        raise InvalidInput("mutants: got none, expected at least one patch")
    if some is None or some >= len(found):
        return found
    start = date.today().toordinal() * some
    return [found[(start + number) % len(found)] for number in range(some)]


def _matches(mutant: Mutant, glob: str) -> bool:
    return any(fnmatchcase(name, glob) for name in (mutant.name, mutant.variant, f"mutant/{mutant.name}"))
