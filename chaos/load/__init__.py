"""A scenario file becomes a `Scenario`, or *all* that is wrong with it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput
from chaos.invariants import KINDS as INVARIANTS
from chaos.load.complaints import sentence, sentences
from chaos.load.crosscheck import complaints
from chaos.load.schema import scenario_model
from chaos.load.yaml import parse
from chaos.model.checks import CheckSpec, InvariantModel, ProbeModel, RecoversWithinModel, SloCheck
from chaos.model.scenario import FaultSpec, LoadPhase, Proves, Scenario, World
from chaos.probes import KINDS as PROBES

SCENARIOS = CHECKOUT / "scenarios"


def find_scenario(name: str) -> Path:
    """A path, or a name below `scenarios/` with or without `.yaml`. Raises: InvalidInput naming what exists."""
    for candidate in (Path(name), SCENARIOS / name, SCENARIOS / f"{name}.yaml"):
        if candidate.is_file():
            return candidate
    known = ", ".join(scenario_name(path) for path in all_scenarios()) or "none"
    raise InvalidInput(f"scenario: got {name!r}, expected a file or one of {known}")


def all_scenarios() -> list[Path]:
    """Every scenario that ships, and the learner's own."""
    return sorted(SCENARIOS.glob("*/*.yaml"))


def scenario_name(path: Path) -> str:
    """`concurrency/flash-sale` for a file below `scenarios/`, else the stem."""
    try:
        return path.resolve().relative_to(SCENARIOS).with_suffix("").as_posix()
    except ValueError:
        return path.stem


def load_scenario(path: Path) -> Scenario:
    """Read, parse and check one file. Raises: InvalidInput with every problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path}: got bytes that are not UTF-8 at {error.start}, expected text") from None
    except OSError as error:
        raise InvalidInput(f"{path}: got {error.strerror or error}, expected a readable file") from None
    return parse_scenario(text, name=scenario_name(path), where=str(path))


def parse_scenario(text: str, *, name: str, where: str) -> Scenario:
    """As `load_scenario`, from text."""
    document = parse(text, where)
    if not isinstance(document.data, dict):
        raise InvalidInput(f"{where}: (top): got {type(document.data).__name__}, expected a mapping")
    try:
        model = scenario_model().model_validate(document.data)
    except ValidationError as error:
        raise InvalidInput(sentences(error, document, where)) from None
    scenario = _scenario(model, name, text)
    problems = [sentence(where, at, said, document) for at, said in complaints(scenario)]
    if problems:
        raise InvalidInput(problems)
    return scenario


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
        checks=tuple(_check(check) for check in model.checks),
        guardrails=tuple(use.use(PROBES[use.probe]) for use in model.guardrails),
        settle_s=model.settle,
        proves=None if proves is None else Proves(
            must=tuple(proves.naive.must), may=tuple(proves.naive.may), mutants=tuple(proves.mutants)
        ),
    )  # fmt: skip


def _check(entry: Any) -> CheckSpec:
    match entry:
        case InvariantModel():
            return entry.spec(INVARIANTS[entry.invariant])  # type: ignore[attr-defined]
        case ProbeModel():
            return SloCheck(use=entry.use(PROBES[entry.slo]))  # type: ignore[attr-defined]
        case RecoversWithinModel():
            return entry.spec()
    raise TypeError(type(entry))
