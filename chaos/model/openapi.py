"""What an OpenAPI document promises, as a flat list of facts, by which two documents can be compared.

A contract written by hand and a schema made from code say the same thing in many ways: with references or without, in
another order, with `nullable` (3.0) or a type `null` (3.1), with prose or none. Facts don't show these differences.
Text for people (descriptions, examples, names of operations and of components, tags) is no fact, and neither are
`readOnly` and `writeOnly`: their place says whether they belong to a request or an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

Facts: TypeAlias = Mapping[str, object]
"""Place (`GET /api/events/ · 200 · body application/json · results[].id · type`) to what is promised there."""

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LIMITS: Final = (
    *("format", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "default"),
)
MAX_DEPTH: Final = 40
MOST_SCHEMAS: Final = 100_000
"""References to references grow without end."""


class NotComparable(ValueError):
    """The document has something that this module can't follow: `place: got X, expected Y`."""


def facts(document: Mapping[str, Any]) -> dict[str, object]:
    """All that *document*, parsed OpenAPI 3.0 or 3.1, promises about its operations.

    Raises:
        NotComparable: A reference that leads nowhere or out of the document, or a schema that contains itself.
    """
    return dict(_Reader(document).operations())


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document, self._left = document, MOST_SCHEMAS

    def operations(self) -> Iterator[tuple[str, object]]:
        for path, item in (self._document.get("paths") or {}).items():
            for method in METHODS:
                if method in item:
                    yield from self._operation(f"{method.upper()} {path}", item[method], item.get("parameters", ()))

    def _operation(self, name: str, operation: Mapping[str, Any], shared: Any) -> Iterator[tuple[str, object]]:
        security = operation.get("security", self._document.get("security", ()))
        yield f"{name} · security", sorted(sorted(choice) for choice in security) or [[]]  # no authentication
        parameters = [self._resolved(entry, name) for entry in (*shared, *operation.get("parameters", ()))]
        for parameter in parameters:
            place = f"{name} · {parameter['in']} {self._name_of(parameter)}"
            yield f"{place} · required", bool(parameter.get("required", False))
            yield from self._schema(place, parameter.get("schema", {}))
        if "requestBody" in operation:
            body = self._resolved(operation["requestBody"], name)
            yield f"{name} · body · required", bool(body.get("required", False))
            yield from self._content(f"{name} · body", body)
        for status, entry in operation.get("responses", {}).items():
            place = f"{name} · {status}"
            response = self._resolved(entry, place)
            yield place, "documented"
            for name_, held in response.get("headers", {}).items():
                inside, header = f"{place} · header {name_.lower()}", self._resolved(held, place)
                yield f"{inside} · required", bool(header.get("required", False))
                yield from self._schema(inside, header.get("schema", {}))
            yield from self._content(f"{place} · body", response)

    def _content(self, place: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        for media_type, described in holder.get("content", {}).items():
            yield from self._schema(f"{place} {media_type}", described.get("schema", {}))

    def _schema(self, place: str, schema: Any, depth: int = 0) -> Iterator[tuple[str, object]]:
        if depth > MAX_DEPTH:
            raise NotComparable(f"{place}: got a schema that contains itself, expected at most {MAX_DEPTH} levels")
        if isinstance(schema, bool):
            yield f"{place} · allows", "anything" if schema else "nothing"
            return
        schema = self._merged(schema, place)
        types = self._types(schema)
        yield f"{place} · type", types
        if "enum" in schema:
            yield f"{place} · enum", sorted(map(str, schema["enum"]))
        for limit in LIMITS:
            if limit in schema:
                yield f"{place} · {limit}", schema[limit]
        required = schema.get("required", ())
        for name, inner in schema.get("properties", {}).items():
            inside = f"{place} · {name}" if depth == 0 else f"{place}.{name}"
            yield f"{inside} · required", name in required
            yield from self._schema(inside, inner, depth + 1)
        if "items" in schema:
            yield from self._schema(f"{place}[]", schema["items"], depth + 1)
        more = schema.get("additionalProperties")
        if isinstance(more, Mapping):
            yield from self._schema(f"{place}{{}}", more, depth + 1)
        elif more is not None:
            yield f"{place} · additionalProperties", more
        for word in ("oneOf", "anyOf", "not"):
            if word in schema:
                choices = schema[word] if isinstance(schema[word], list) else [schema[word]]
                for number, choice in enumerate(choices):
                    yield from self._schema(f"{place} {word} {number + 1}", choice, depth + 1)

    @staticmethod
    def _types(schema: Mapping[str, Any]) -> list[str]:
        types = schema.get("type", [])
        names = set(types) if isinstance(types, list) else {types}
        if schema.get("nullable"):  # OpenAPI 3.0
            names.add("null")
        return sorted(names)

    def _merged(self, schema: Any, place: str, depth: int = 0) -> dict[str, Any]:
        """*schema* with its reference and `allOf` resolved, and merged with the keys beside them."""
        if not isinstance(schema, Mapping):
            raise NotComparable(f"{place}: got {type(schema).__name__}, expected a schema")
        if depth > MAX_DEPTH:
            raise NotComparable(f"{place}: got references in a circle, expected a schema at their end")
        self._left -= 1
        if self._left < 0:
            raise NotComparable(f"{place}: got more than {MOST_SCHEMAS} schemas, expected fewer")
        merged: dict[str, Any] = {}
        if "$ref" in schema:
            self._add(merged, self._merged(self._followed(schema["$ref"], place), place, depth + 1))
        for part in schema.get("allOf", ()):
            self._add(merged, self._merged(part, place, depth + 1))
        self._add(merged, {key: value for key, value in schema.items() if key not in {"$ref", "allOf"}})
        return merged

    @staticmethod
    def _add(merged: dict[str, Any], more: Mapping[str, Any]) -> None:
        for key, value in more.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged[key] = value

    def _resolved(self, entry: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        seen = 0
        while "$ref" in entry:
            seen += 1
            if seen > MAX_DEPTH:
                raise NotComparable(f"{place}: got references in a circle, expected something at their end")
            entry = self._followed(entry["$ref"], place)
        return entry

    def _followed(self, reference: str, place: str) -> Any:
        if not reference.startswith("#/"):
            raise NotComparable(f"{place}: got the reference {reference!r}, expected one inside the document (#/…)")
        found: Any = self._document
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or key not in found:
                raise NotComparable(f"{place}: got the reference {reference!r}, expected one to what is there")
            found = found[key]
        return found

    @staticmethod
    def _name_of(parameter: Mapping[str, Any]) -> str:
        name = str(parameter["name"])
        return name.lower() if parameter["in"] == "header" else name
