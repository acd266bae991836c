"""Mutants: `hardened` with one flaw brought back. What their patches' headers say, held against the scenarios.

A flaw of a drill's bank (`services/shop/drafts`) is a mutant too; what its header has beyond a mutant's, the stack
looks after. One without a `scenario` is not measured yet.
"""

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
from chaos.scenario import DRILL_KEYS, Scenario

MUTANTS: Final = CHECKOUT / "services" / "shop" / "mutants"
MUTANT_PREFIX: Final = "mutant_"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,24}")  # the variant's name, prefix included, has at most 32 characters
_KEYS: Final = ("title", "drill", "flaw", "caught by", "scenario")
_BANKS_KEYS: Final = (*_KEYS, "slot", "operation", "where", "family", "at", "not with")
_OF_HARDENED: Final = ".hardened.patch"
"""End of a text of a bank that is for `hardened` alone."""


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
    banks = _banks(folder)
    files = [*folder.glob("*.patch"), *banks.glob("*/*.patch"), *banks.glob(f"*/naive/*{_OF_HARDENED}")]
    return sorted({f"{MUTANT_PREFIX}{path.name.partition('.')[0]}" for path in files})


def load_mutants(folder: Path = MUTANTS) -> list[Mutant]:
    """All mutants that are measured, by name. Raises: InvalidInput with every header that is wrong."""
    found, problems = list[Mutant](), list[str]()
    for path in [*sorted(folder.glob("*.patch")), *_of_banks(_banks(folder))]:
        try:
            mutant = _read(path, of_a_bank=path.parent != folder)
            if mutant.scenario:
                found.append(mutant)
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems)
    return found


def _banks(folder: Path) -> Path:
    """Those of the shop whose mutants are in *folder*."""
    return folder.parent / "drafts"


def _of_banks(banks: Path) -> list[Path]:
    """The files with a header; of flaws that `naive` has anyway those that have a text for `hardened`."""
    planted = [path for path in banks.glob("*/*.patch") if not path.name.endswith(_OF_HARDENED)]
    own = [path for path in banks.glob("*/naive/*.flaw") if path.with_suffix(_OF_HARDENED).is_file()]
    return sorted([*planted, *own])


def _read(path: Path, *, of_a_bank: bool) -> Mutant:
    """The header: `key: value` lines up to the first empty one. Of a bank's flaw the scenario may be empty."""
    where = f"{path.parent.name}/{path.name}"
    allowed = _BANKS_KEYS if of_a_bank else _KEYS
    header: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        if not colon or key not in allowed or key in header or not value.strip():
            raise InvalidInput(f"{where}:{number}: got {line!r}, expected one of {', '.join(allowed)}, each once")
        header[key] = value.strip()
    if of_a_bank:
        header.setdefault("scenario", "")
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
        patch=_patch_of(path),
    )


def _patch_of(path: Path) -> Path:
    """What is applied to `hardened`: a text of its own where there is one."""
    own = path.with_suffix(_OF_HARDENED)
    return own if own.is_file() else path


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
    """Those whose name (or variant) matches; *some*: that many of them, others each day. Raises: InvalidInput."""
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
