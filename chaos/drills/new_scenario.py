"""A scenario of the learner's own: one that proves itself already, under a new name, with a hypothesis of one's own.

What is begun from is valid and is violated on `naive` as it names, so the self-test runs from the first minute on; from
there load, faults and checks are changed one at a time, and each change is tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.errors import InvalidInput, LabBroken
from chaos.files import write_atomic
from chaos.load import SCENARIOS, find_scenario, load_scenario, parse_scenario, scenario_name
from chaos.model.text import visible

OWN: Final = "own"
NEAREST: Final = "concurrency/flash-sale"
MOST_TITLE, MOST_HYPOTHESIS = 100, 600
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MOST_NAME: Final = 40
_KEY: Final = re.compile(r"([a-z_]+):")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants of the new one.

    Attributes:
        nearest: The scenario to begin from, by name.
        seed: None for that scenario's own.
    """

    name: str
    title: str
    hypothesis: str
    nearest: str = NEAREST
    seed: int | None = None


def require_name(name: str, folder: Path = SCENARIOS / OWN) -> Path:
    """Where it will be. Raises: InvalidInput for a name that no scenario has, or one that is taken."""
    if len(name) > _MOST_NAME or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"name: got {visible(name)[:60]!r}, expected small letters, digits and single - such as slow-refund, "
            f"at most {_MOST_NAME}"
        )
    path = folder / f"{name}.yaml"
    if path.exists() or path.is_symlink():
        raise InvalidInput(f"name: got {name}, expected one that is not taken: {path} is there")
    return path


def write(asked: Asked, folder: Path = SCENARIOS / OWN) -> Path:
    """Raises: InvalidInput for what makes no valid scenario: nothing is written then. LabBroken."""
    path = require_name(asked.name, folder)
    text = compose(asked)
    parse_scenario(text, name=f"{OWN}/{asked.name}", where=path.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    except OSError as error:
        raise LabBroken(f"{path}: got {error.strerror or error}, expected to write the scenario") from None
    return path


def compose(asked: Asked) -> str:
    """The text of the file. Raises: InvalidInput."""
    problems = list(_wrong(asked))
    if problems:
        raise InvalidInput(problems)
    source = find_scenario(asked.nearest)
    proves = load_scenario(source).proves
    if proves is None or not proves.must:
        raise InvalidInput(
            f"--from: got {scenario_name(source)}, which naive does not violate, expected one that proves itself there"
        )
    said = {"title": _quoted(asked.title), "hypothesis": _quoted(asked.hypothesis)}
    if asked.seed is not None:
        said["seed"] = str(asked.seed)
    lines = list(_changed(source.read_text("utf-8").splitlines(), said))
    head = [
        "# yaml-language-server: $schema=../scenario.schema.json",
        f"# Begun from {scenario_name(source)}. Change load, faults or checks one at a time, and after each:",
        f"#   firedrill validate {OWN}/{asked.name}      every error of the file at once",
        f"#   firedrill selftest {OWN}/{asked.name}      violated on naive as named under proves, held on hardened",
    ]
    return "\n".join([*head, *lines]) + "\n"


def _wrong(asked: Asked) -> Iterator[str]:
    for name, value, most in (("title", asked.title, MOST_TITLE), ("hypothesis", asked.hypothesis, MOST_HYPOTHESIS)):
        if not value.strip() or len(value) > most:
            yield f"{name}: got {len(value.strip())} characters, expected 1 to {most}"
        elif visible(value) != value or "\n" in value:
            yield f"{name}: got a control character, expected one line of text"


def _quoted(text: str) -> str:
    """As a YAML string, which a JSON string is."""
    return json.dumps(text.strip(), ensure_ascii=False)


def _changed(lines: list[str], said: dict[str, str]) -> Iterator[str]:
    """*lines* with the values of top-level keys replaced, without the head's comments and without mutants.

    A mutant is a flaw of the lab's own that is known to be caught by the scenario as it was.
    """
    skipping: str | None = None  # the indent of a key whose further lines are left out
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        if skipping is not None:
            if line.strip() and len(indent) > len(skipping):
                continue
            skipping = None
        if line.startswith("# yaml-language-server"):
            continue
        key = _KEY.match(line.lstrip())
        if key and key[1] == "mutants" and indent:
            skipping = indent
        elif key and not indent and key[1] in said:
            yield f"{key[1]}: {said[key[1]]}"
            skipping = ""
        else:
            yield line
