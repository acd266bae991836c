"""Turns a scenario file into a `Scenario`, or reports all its problems at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.checks import CheckSpec, InvariantCheck, SloCheck
from chaos.config import CHECKOUT
from chaos.errors import InvalidInput
from chaos.exchanges import KINDS as SOURCES
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.complaints import bad_paths, in_order, said
from chaos.load.crosscheck import complaints
from chaos.load.models import InvariantModel, ProbeModel, RecoversWithinModel
from chaos.load.overlaps import Complaint
from chaos.load.salvage import salvage
from chaos.load.schema import scenario_model
from chaos.load.yaml import parse
from chaos.model import access
from chaos.model.operations import named
from chaos.model.world import World
from chaos.probes import KINDS as PROBES
from chaos.scenario import FaultSpec, LoadPhase, Proves, Scenario, Section

SCENARIOS = CHECKOUT / "scenarios"
MOST_BYTES = 1 << 18
"""Of a scenario file: as much as its evidence can hold of it."""


def find_scenario(name: str) -> Path:
    """The file of *name*: a name below `scenarios/`, or a path from the working directory or from the checkout.

    The folder may be left out where only one has a scenario of that name. Raises: InvalidInput with the names that
    exist.
    """
    places = [Path(name), CHECKOUT / name, SCENARIOS / name]
    if not name.startswith(("/", ".")):
        places.insert(0, SCENARIOS / f"{name}.yaml")
    for candidate in places:
        with suppress(OSError, ValueError):  # a name that is too long for a file, or has a NUL in it
            if candidate.is_file():
                return candidate
    alike = [path for path in all_scenarios() if name in (path.stem, path.name)]
    if len(alike) == 1:
        return alike[0]
    if alike:
        words = " or ".join(map(scenario_name, alike))
        raise InvalidInput(f"scenario: got {name!r}, which {len(alike)} folders have, expected {words}")
    known = [scenario_name(path) for path in all_scenarios()]
    short = name if len(name) <= 60 else f"{name[:57]}…"
    close = get_close_matches(name, [*known, *(path.rsplit("/", 1)[-1] for path in known)], n=1)
    hint = f" (did you mean {next(path for path in known if path.endswith(close[0]))}?)" if close else ""
    raise InvalidInput(f"scenario: got {short!r}, expected a file or one of {', '.join(known) or 'none'}{hint}")


def all_scenarios() -> list[Path]:
    """All scenarios below `scenarios/`: those of the lab, and the learner's own."""
    return sorted(SCENARIOS.glob("*/*.yaml"))


def scenario_name(path: Path) -> str:
    """`concurrency/flash-sale` for a .yaml file below `scenarios/`, else the file's name.

    Other endings are kept: `flash-sale.v2` is not the same scenario as `flash-sale`.
    """
    path = path.resolve()
    name = path.relative_to(SCENARIOS).as_posix() if path.is_relative_to(SCENARIOS) else path.name
    return name.removesuffix(".yaml")


def load_scenario(path: Path) -> Scenario:
    """Read, parse and check one file. Raises: InvalidInput with every problem."""
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InvalidInput(f"{path}: got {size} bytes, expected at most {MOST_BYTES}")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: got bytes that are not UTF-8 at {error.start}, expected text") from None
    except OSError as error:
        raise InvalidInput(f"{path}: got {error.strerror or error}, expected a readable file") from None
    return parse_scenario(text, name=scenario_name(path), where=str(path))


def parse_scenario(text: str, *, name: str, where: str) -> Scenario:
    """Like `load_scenario`, from text."""
    document = parse(text, where)
    found = list(document.problems)
    if not isinstance(document.data, dict):
        found = found or [((), f"got {type(document.data).__name__}, expected a mapping")]
        raise InvalidInput(in_order(found, document, where))
    scenario: Scenario | None = None
    try:
        scenario = _scenario(_validated(document.data), name, text)
        found += complaints(scenario)
    except ValidationError as error:
        found += said(error, document)
        found += _complaints_about_the_rest(document.data, error)
    if found or scenario is None:
        raise InvalidInput(in_order(found, document, where))
    return scenario


def _validated(data: Any) -> Any:
    """Raises: ValidationError. Strict, like the exported schema: `drill: "3"` is not a number."""
    return scenario_model().model_validate(data, strict=True)


def _complaints_about_the_rest(data: dict[str, Any], error: ValidationError) -> Iterator[Complaint]:
    """The complaints of cross-checking about the usable part of the file."""
    rest = salvage(data, bad_paths(error))
    if rest is None:
        return
    try:
        scenario = _scenario(_validated(rest.data), "", "")
    except ValidationError:
        return
    for path, what in complaints(scenario):
        in_the_file = rest.in_the_file(path)
        if in_the_file is not None:
            yield in_the_file, what


def _access_table(model: Any) -> str:
    """The text of the access matrix; empty when no phase uses it, or when it can't be read (a complaint follows)."""
    asking = named(lambda operation: operation.asks_matrix)
    if not any(phase.mix.get(op) for phase in model.load for op in asking):
        return ""
    try:
        return (CHECKOUT / access.TABLE).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _scenario(model: Any, name: str, text: str) -> Scenario:
    proves = model.proves
    return Scenario(
        name=name,
        text=text,
        title=model.title,
        drill=model.drill,
        hypothesis=model.hypothesis,
        seed=model.seed,
        world=World(**model.world.model_dump()),
        blast_radius=tuple(model.blast_radius),
        load=tuple(
            LoadPhase(
                name=phase.phase,
                duration_s=phase.for_,
                rate_from_per_s=phase.arrivals[0],
                rate_to_per_s=phase.arrivals[1],
                mix=phase.mix,
            )
            for phase in model.load
        ),
        faults=tuple(
            FaultSpec(id=f"{position}-{fault.inject}-{fault.on}", kind=fault.inject, params=fault)
            for position, fault in enumerate(model.faults, 1)
        ),
        steady_state=tuple(use.use(PROBES[use.probe]) for use in model.steady_state),
        exchanges=tuple(Section(name=entry.section, source=entry.send, params=entry) for entry in model.exchanges),
        checks=_with_standing(tuple(_check(check) for check in model.checks), _asked(model)),
        access_table=_access_table(model),
        guardrails=tuple(use.use(PROBES[use.probe]) for use in model.guardrails),
        settle_s=model.settle,
        may_restart=tuple(model.may_restart),
        double_click_ratio=model.double_clicks,
        proves=None if proves is None else Proves(
            must=tuple(proves.naive.must), may=tuple(proves.naive.may), mutants=tuple(proves.mutants)
        ),
    )  # fmt: skip


def _asked(model: Any) -> set[str]:
    """Operations of the history that the file's load or its sources perform."""
    by_load = {op for phase in model.load for op, weight in phase.mix.items() if weight}
    return by_load.union(*(SOURCES[entry.send].performed(entry) for entry in model.exchanges))


def _with_standing(listed: tuple[CheckSpec, ...], asked: set[str]) -> tuple[CheckSpec, ...]:
    """*listed*, and the standing invariants for these operations, which a file can't leave out."""
    if not listed:
        return ()  # a file that checks nothing is refused
    ids = {check.id for check in listed}
    return listed + tuple(
        InvariantCheck(invariant=kind, params=kind.params())
        for kind in INVARIANTS.values()
        if kind.standing_for & asked and kind.name not in ids
    )


def _check(entry: Any) -> CheckSpec:
    match entry:
        case InvariantModel():
            return entry.spec(INVARIANTS[entry.invariant])  # type: ignore[attr-defined]
        case ProbeModel():
            return SloCheck(use=entry.use(PROBES[entry.slo]))  # type: ignore[attr-defined]
        case RecoversWithinModel():
            return entry.spec()
    raise TypeError(type(entry))
