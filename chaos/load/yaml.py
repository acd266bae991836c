"""YAML 1.2's idea of plain words, without duplicate keys, and with the line of every path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from chaos.errors import InvalidInput

Path = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """Without YAML 1.1's surprises: `on` is a word, `12:30` is not a number in base 60."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in {"bool", "int", "timestamp"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))


@dataclass(slots=True)
class Document:
    """A parsed file: plain data, and the line (from 1) of every value by its path."""

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """Line of *path*, or of its nearest parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def parse(text: str, where: str) -> Document:
    """Parse one document. Raises: InvalidInput with line and column; every duplicate key at once."""
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        got = " ".join(filter(None, (error.context, error.problem)))
        raise InvalidInput(f"{where}: {place}: got {got}, expected YAML") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{where}: got {error}, expected YAML") from None
    if node is None:
        raise InvalidInput(f"{where}: got an empty file, expected a scenario")
    document = Document(None)
    problems: list[str] = []
    try:
        document.data = _plain(node, (), document, problems, where)
    except (yaml.YAMLError, RecursionError) as error:
        got = "an alias inside what it names" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput(f"{where}: got {got}, expected plain YAML") from None
    if problems:
        raise InvalidInput(problems)
    return document


def _plain(node: yaml.Node, path: Path, document: Document, problems: list[str], where: str) -> Any:
    document.lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            at = f"line {key_node.start_mark.line + 1}, column {key_node.start_mark.column + 1}"
            if key in found:
                problems.append(f"{where}: {dotted((*path, key))}: got the key a second time ({at}), expected it once")
            found[key] = _plain(value_node, (*path, key), document, problems, where)
            document.lines[(*path, key)] = key_node.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, index), document, problems, where) for index, item in enumerate(node.value)]
    return yaml.constructor.SafeConstructor().construct_object(node, deep=True)


def dotted(path: Path) -> str:
    """`('faults', 0, 'on')` as `faults[0].on`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(top)"
