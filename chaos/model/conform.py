"""Whether an answer is as the contract promises: its status, headers, media type and body. Pure.

The contract is stricter than JSON Schema in two points: an object has only the listed fields, and 1.0 is not an
integer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from chaos.model.deviation import Deviation, Place
from chaos.model.openapi import METHODS

if TYPE_CHECKING:
    from jsonschema import ValidationError

PROBLEM: Final = "application/problem+json"
_FAMILY: Final = {
    "enum": "enum",
    "const": "enum",
    **dict.fromkeys(("type", "format", "pattern"), "type"),
    **dict.fromkeys(("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"), "limit"),
}
_PROSE: Final = frozenset({"title", "description", "example", "examples", "default"})
_REFERS: Final = re.compile(r'"#/components/schemas/([^"/]+)"')


class Contract:
    """What a parsed OpenAPI 3.1 document promises.

    Attributes:
        document: The whole of it.
        operations: `METHOD /path/{parameter}/` → what the document has under it.
        names: `operationId` → `METHOD /path/{parameter}/`.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.operations: dict[str, Mapping[str, Any]] = {
            f"{method.upper()} {path}": item[method]
            for path, item in document["paths"].items()
            for method in METHODS
            if method in item
        }
        self.names = {entry["operationId"]: name for name, entry in self.operations.items() if "operationId" in entry}

    def statuses(self, operation: str) -> frozenset[int]:
        """The documented statuses of *operation*."""
        return frozenset(map(int, self.operations[operation]["responses"]))

    def promised(self, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a test of its own needs: operation → status below 500 → what it promises, and the schemas that use.

        An answer's promise is its media type, the headers that have to be there, and a schema without prose.
        """
        found = {name: dict(self._promised(name)) for name in names}
        used: dict[str, Any] = {}
        left: list[Any] = [found]
        while left:
            for name in _REFERS.findall(json.dumps(left.pop())):
                if name not in used:
                    used[name] = _bare(self._components["schemas"][name])
                    left.append(used[name])
        return found, used

    def _promised(self, operation: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for status, response in self.operations[operation]["responses"].items():
            meant = self.followed(response)
            headers = [name for name, each in meant.get("headers", {}).items() if self.followed(each).get("required")]
            ((media, described),) = meant.get("content", {"": {}}).items()
            if int(status) < 500:
                schema = _bare(_strict(described.get("schema", {})))
                yield int(status), {"media": media, "headers": headers, "schema": schema}

    def deviations(
        self, operation: str, promised: int, *, status: int, headers: Mapping[str, str], body: str
    ) -> Iterator[Deviation]:
        """How an answer differs from the one that was promised for the request.

        Args:
            promised: The documented status that the request should get.
            headers: Of the answer, by lower-case name.
        """
        if status != promised:
            says = f"{promised} is promised, {status} came"
            yield Deviation(operation, Place("status", (), frozenset({promised, status})), "status", says)
        known = status in self.statuses(operation)
        if (not known and status >= 400) or status < 400 <= promised:
            return  # nothing is promised of it, or what it should have refused
        meant = self.followed(self.operations[operation]["responses"][str(status if known else promised)])
        for name, entry in meant.get("headers", {}).items() if known else ():
            yield from self._header(operation, name, self.followed(entry), headers)
        if (content := meant.get("content")) and status != 204:
            yield from self._body(operation, status, content, headers, body)

    def _header(
        self, operation: str, name: str, entry: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Iterator[Deviation]:
        value, where = headers.get(name.lower()), Place("header", (name.lower(),))
        if value is None:
            if entry.get("required"):
                yield Deviation(operation, where, "header", f"{name} is promised, and missing")
        elif entry["schema"].get("type") == "integer" and not re.fullmatch(r"\d+", value):
            yield Deviation(operation, where, "type", f"{name} is promised as a whole number, {value!r} came")

    def _body(
        self, operation: str, status: int, content: Mapping[str, Any], headers: Mapping[str, str], body: str
    ) -> Iterator[Deviation]:
        part, codes = ("error", frozenset({status})) if status >= 400 else ("response", frozenset[int]())
        ((promised, described),) = content.items()
        served = headers.get("content-type", "").partition(";")[0].strip().lower()
        family = "error" if status >= 400 else "type"
        if served != promised:
            says = f"{promised} is promised, {served or 'no type'} came"
            yield Deviation(operation, Place(part, (), codes), family, says)
            return
        try:
            found = json.loads(body)
        except ValueError:
            yield Deviation(operation, Place(part, (), codes), family, "JSON is promised, something else came")
            return
        schema = {**_strict(described["schema"]), "components": self._components}
        from chaos.model.schema_errors import errors  # noqa: PLC0415 - most who know a contract never see an answer

        for error in errors(schema, found):
            for path, kind in _places(error):
                yield Deviation(operation, Place(part, path, codes), kind, error.message[:200])

    @cached_property
    def _components(self) -> dict[str, Any]:
        return {"schemas": _strict(self.document.get("components", {}).get("schemas", {}))}

    def followed(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """What *entry* refers to; itself where it is no reference."""
        while "$ref" in entry:
            found: Any = self.document
            for step in entry["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            entry = found
        return entry


def _strict(node: Any) -> Any:
    """*node* with objects that allow only the listed fields."""
    if isinstance(node, Mapping):
        strict = {key: _strict(value) for key, value in node.items()}
        if isinstance(node.get("properties"), Mapping) and "type" in node:
            strict.setdefault("additionalProperties", False)
        return strict
    return [_strict(value) for value in node] if isinstance(node, list) else node


def _bare(schema: Any) -> Any:
    """*schema* without what decides nothing: prose, examples, defaults."""
    if isinstance(schema, Mapping):
        return {
            key: {name: _bare(each) for name, each in value.items()} if key == "properties" else _bare(value)
            for key, value in schema.items()
            if key not in _PROSE
        }
    return [_bare(value) for value in schema] if isinstance(schema, list) else schema


def _places(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, family) of each deviation; a path has no list indices and no envelope of a page."""
    path = tuple(str(step) for step in error.absolute_path if not isinstance(step, int))
    path = path[1:] if path[:1] == ("results",) and len(path) > 1 else path
    instance: Any = error.instance
    match error.validator:
        case "required":
            listed: Any = error.validator_value  # one error for each missing field
            name = next(name for name in listed if error.message.startswith(repr(name)))
            yield (*path, name), "required"
        case "additionalProperties":
            schema: Any = error.schema
            known = schema.get("properties", {})
            yield from (((*path, name), "extra") for name in instance if name not in known)
        case "type" if instance is None:
            yield path, "null"
        case validator:
            yield path, _FAMILY.get(str(validator), "type")
