"""Facts of an OpenAPI document: what is the same however it is written, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.model.openapi import NotComparable, facts

PLACE = "GET /things/ · 200 · body application/json"


def document(schema: Any, **components: Any) -> dict[str, Any]:
    response = {"description": "…", "content": {"application/json": {"schema": schema}}}
    return {
        "openapi": "3.1.0",
        "paths": {"/things/": {"get": {"responses": {"200": response}}}},
        "components": {"schemas": components},
    }


THING: dict[str, Any] = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "minimum": 0}}}

BOTH = {**THING, "required": ["x", "id"], "properties": {**THING["properties"], "x": {"type": "null"}}}


def test_all_that_is_promised_has_a_place() -> None:
    assert facts(document({"type": "array", "items": THING})) == {
        "GET /things/ · security": [[]],
        "GET /things/ · 200": "documented",
        f"{PLACE} · type": ["array"],
        f"{PLACE}[] · type": ["object"],
        f"{PLACE}[].id · required": True,
        f"{PLACE}[].id · type": ["integer"],
        f"{PLACE}[].id · minimum": 0,
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"$ref": "#/components/schemas/Thing"}, THING, id="a reference"),
        pytest.param({"allOf": [{"$ref": "#/components/schemas/Thing"}], "readOnly": True}, THING, id="allOf of one"),
        pytest.param({**THING, "description": "prose", "title": "Thing", "example": {}}, THING, id="prose"),
        pytest.param({"type": "string", "nullable": True}, {"type": ["null", "string"]}, id="null in 3.0 and in 3.1"),
        pytest.param({"enum": ["b", "a"]}, {"enum": ["a", "b"]}, id="order of an enum"),
        pytest.param({"allOf": [THING, {"required": ["x"], "properties": {"x": {"type": "null"}}}]}, BOTH, id="allOf"),
    ],
)
def test_the_same_in_other_words(one: Any, other: Any) -> None:
    assert facts(document(one, Thing=THING)) == facts(document(other))


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({**THING, "required": []}, id="optional"),
        pytest.param({**THING, "properties": {"id": {"type": "string"}}}, id="another type"),
        pytest.param({**THING, "properties": {"id": {"type": ["integer", "null"], "minimum": 0}}}, id="null allowed"),
        pytest.param({**THING, "properties": {"id": {"type": "integer"}}}, id="a limit less"),
        pytest.param({**THING, "properties": {}}, id="a field less"),
        pytest.param({**THING, "additionalProperties": True}, id="anything else allowed"),
        pytest.param({}, id="anything"),
        pytest.param(True, id="true"),
    ],
)
def test_not_the_same(changed: Any) -> None:
    assert facts(document(changed)) != facts(document(THING))


def test_security_of_the_document_counts_where_an_operation_has_none() -> None:
    one = document(THING) | {"security": [{"bearer": []}]}
    assert facts(one)["GET /things/ · security"] == [["bearer"]]
    one["paths"]["/things/"]["get"]["security"] = []
    assert facts(one)["GET /things/ · security"] == [[]]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "other.yaml#/Thing"}, "got the reference 'other.yaml#/Thing', expected one inside the document"),
        ({"$ref": "#/components/schemas/Nothing"}, "got the reference '#/components/schemas/Nothing', expected one to"),
        ({"$ref": "#/components/schemas/Circle"}, "got references in a circle"),
        ({"$ref": "#/components/schemas/Tree"}, "got a schema that contains itself"),
        ([], "got list, expected a schema"),
    ],
)
def test_what_can_not_be_followed_is_said(schema: Any, message: str) -> None:
    tree = {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Tree"}}}
    circle = {"$ref": "#/components/schemas/Circle"}
    with pytest.raises(NotComparable) as caught:
        facts(document(schema, Circle=circle, Tree=tree))
    assert message in str(caught.value)
    assert str(caught.value).startswith("GET /things/ · 200")
