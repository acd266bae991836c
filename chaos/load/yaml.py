"""Parses YAML with YAML 1.2's plain words, refuses duplicate keys, and keeps the line of every path.

libyaml reads a file eight times as fast as Python, and `firedrill list` reads forty. What it refuses is read
by PyYAML's own parser: that one's errors say what was found.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from chaos.errors import InvalidInput

Path = tuple[str | int, ...]

# A scenario has a few hundred values. The limit stops aliases of aliases, which grow exponentially.
MAX_VALUES = 20_000
# No value needs longer numbers, and converting a million digits takes minutes.
MAX_DIGITS = 30


class _Words(Resolver):
    """Unlike YAML 1.1: `on` is a word, `12:30` is not a number in base 60, `1e3` is a number."""


_OURS = {"bool", "int", "float", "timestamp"}
_FLOAT = (
    r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"
    r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
)
_Words.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rsplit(":", 1)[-1] not in _OURS]
    for first, resolvers in Resolver.yaml_implicit_resolvers.items()
}
_Words.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Words.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
_Words.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_FLOAT), list("-+.0123456789"))


class _Loader(_Words, yaml.SafeLoader):
    """All of it in Python."""


def _by_libyaml() -> type[Composer] | None:
    """A loader with the parser of libyaml; None where PyYAML was built without it."""
    if not yaml.__with_libyaml__:
        return None
    from yaml._yaml import CParser  # noqa: PLC0415 - not everybody has it

    class Loader(Composer, CParser, _Words):
        """libyaml's own nodes would end the process on `[` a hundred thousand times: Python's raise RecursionError."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            _Words.__init__(self)

    return Loader


_FASTER: Any = _by_libyaml()


def _composed(text: str) -> yaml.Node | None:
    if _FASTER is not None:
        with suppress(yaml.YAMLError, UnicodeEncodeError):
            return yaml.compose(text, _FASTER)
    return yaml.compose(text, _Loader)


@dataclass(slots=True)
class Document:
    """A parsed file.

    Attributes:
        data: Plain data: dictionaries with text as keys, lists, text, numbers, booleans, None.
        lines: The line (from 1) of every value by its path.
        problems: Path and complaint for each problem of YAML that can still be read.
    """

    data: Any
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[tuple[Path, str]] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """Line of *path*, or of its nearest parent."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def parse(text: str, where: str, expected: str = "a scenario") -> Document:
    """Parse one document; *expected* is what errors say was expected.

    Raises:
        InvalidInput: With line and column, for text that is not YAML.
    """
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        got = ", ".join(filter(None, (error.context, error.problem)))
        raise InvalidInput(f"{where}: {place}: got YAML that can't be read: {got}") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{where}: got {' '.join(str(error).split())}, expected YAML") from None
    except RecursionError:
        raise InvalidInput(f"{where}: got lists or mappings nested without end, expected {expected}") from None
    if node is None:
        raise InvalidInput(f"{where}: got an empty file, expected {expected}")
    document = Document(None)
    try:
        document.data = _Plain(document, where, expected).value(node, (), ())
    except RecursionError:
        raise InvalidInput(f"{where}: got lists or mappings nested without end, expected {expected}") from None
    return document


class _Plain:
    """Turns nodes into plain data, and notes lines and problems."""

    def __init__(self, document: Document, where: str, expected: str) -> None:
        self._document, self._where, self._expected, self._left = document, where, expected, MAX_VALUES

    def value(self, node: yaml.Node, path: Path, inside: tuple[yaml.Node, ...]) -> Any:
        """The data of *node*; *inside* are the nodes around it."""
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        self._left -= 1
        if self._left < 0:
            raise InvalidInput(f"{self._where}: got more than {MAX_VALUES} values, expected {self._expected}")
        if any(node is outer for outer in inside):
            return self._problem(path, "got an alias inside what it names, expected plain YAML")
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path, (*inside, node))
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(item, (*path, index), (*inside, node)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return self._tag(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path, inside: tuple[yaml.Node, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            at = f"line {mark.line + 1}, column {mark.column + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(path, f"got a list or a mapping as a key ({at}), expected a word")
                continue
            key = str(key_node.value)
            if key in found:
                self._problem((*path, key), f"got the key a second time ({at}), expected it once")
                continue
            self._document.lines[(*path, key)] = mark.line + 1
            found[key] = self.value(value_node, (*path, key), inside)
        return found

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = str(node.value)
        match node.tag.rsplit(":", 1)[-1] if node.tag.startswith("tag:yaml.org,2002:") else "":
            case "str":
                return text
            case "null":
                return None
            case "bool" if text in ("true", "false"):
                return text == "true"
            case "int" if re.fullmatch(r"[-+]?[0-9]+", text):
                if len(text) > MAX_DIGITS:
                    return self._problem(path, f"got a number of {len(text)} digits, expected at most {MAX_DIGITS}")
                return int(text)
            case "float" if re.match(_FLOAT, text):
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return self._tag(node, path)

    def _tag(self, node: yaml.Node, path: Path) -> None:
        return self._problem(path, f"got the tag {node.tag!r}, expected plain YAML")

    def _problem(self, path: Path, said: str) -> None:
        self._document.problems.append((path, said))


def dotted(path: Path) -> str:
    """`('faults', 0, 'on')` as `faults[0].on`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{word(part)}" if text else word(part)
    return text or "(top)"


def word(key: str) -> str:
    """A key for a sentence: quoted and shortened unless it is a plain word."""
    return key if re.fullmatch(r"[\w:/+-]{1,60}", key) else repr(key if len(key) <= 60 else f"{key[:57]}…")
