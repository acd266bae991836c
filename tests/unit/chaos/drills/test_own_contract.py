"""The learner's contract: what can't be read, and what cheating with it is worth."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from chaos.drills.own_contract import MOST_BYTES, read
from chaos.errors import InvalidInput
from chaos.model.contract_facts import ContractGrade, grade
from chaos.model.openapi import METHODS
from tests.unit.services.shop.test_contract import CONTRACT, served

REFERENCE = CONTRACT.read_text()
HEAD = "openapi: 3.1.0\ninfo: {title: x, version: '1'}\n"
ONE = HEAD + "paths:\n  /a/:\n    get:\n      responses:\n        '200':\n          description: ok\n"


@pytest.fixture(scope="module")
def naive(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The schema that `naive` serves: a draft's, without what is planted."""
    document, _ = served("naive", tmp_path_factory.mktemp("naive"))
    return yaml.safe_dump(document)


def graded(text: str, naive: str) -> ContractGrade:
    return grade(read(text, "own"), read(REFERENCE, "contract.yaml"), read(naive, "served"))


def changed(change: Any) -> str:
    document = yaml.safe_load(REFERENCE)
    change(document)
    return yaml.safe_dump(document)


def test_the_reference_is_worth_everything(naive: str) -> None:
    found = graded(REFERENCE, naive)
    assert (found.recall, found.precision, found.contested_recall) == (1, 1, 1)
    assert (found.wrong, found.missing) == ({}, {})


def test_other_words_for_the_same_are_worth_the_same(naive: str) -> None:
    text = REFERENCE.replace("const: 'true'", "enum: ['true']").replace(
        "{name: id, in: path", "{name: number, in: path"
    )
    text = text.replace("tiers/{id}/", "tiers/{number}/").replace(", pattern: '^[-a-zA-Z0-9_]+$'", "")
    text = text.replace(
        "    Venue:\n      type: object\n", "    Venue:\n      type: object\n      additionalProperties: false\n"
    )
    assert text != REFERENCE
    found = graded(text, naive)
    assert (found.recall, found.precision) == (1, 1), (found.wrong, found.missing)


def test_copying_the_served_schema_does_not_pass(naive: str) -> None:
    found = graded(naive, naive)
    assert found.recall > 0.9  # most of it is right, so this alone would pass
    assert found.contested_recall == 0
    assert not found.reaches(0.7, 0.7)


def test_empty_schemas_everywhere_do_not_pass(naive: str) -> None:
    def emptied(document: dict[str, Any]) -> None:
        document["components"]["schemas"] = {name: {} for name in document["components"]["schemas"]}

    assert not graded(changed(emptied), naive).reaches(0.7, 0.7)


def test_anything_allowed_everywhere_is_worth_less(naive: str) -> None:
    def opened(document: dict[str, Any]) -> None:
        for schema in document["components"]["schemas"].values():
            if schema.get("type") == "object":
                schema["additionalProperties"] = True

    found = graded(changed(opened), naive)
    assert found.precision < 1
    assert any("additionalProperties" in at for at in found.wrong)


def test_left_out_operations_cost_recall(naive: str) -> None:
    def cut(document: dict[str, Any]) -> None:
        document["paths"] = dict(list(document["paths"].items())[:5])

    found = graded(changed(cut), naive)
    assert found.precision == 1
    assert found.recall < 0.7


def test_a_contract_that_documents_the_bug_is_wrong_there(naive: str) -> None:
    def wrong(document: dict[str, Any]) -> None:
        responses = document["paths"]["/api/orders/"]["post"]["responses"]
        responses["201"] = responses.pop("202")
        document["components"]["schemas"]["Order"]["properties"]["amount_cents"] = {"type": "string"}

    found = graded(changed(wrong), naive)
    assert "POST /api/orders/ · 201" in found.wrong
    assert "POST /api/orders/ · 202" in found.missing
    at = "GET /api/orders/{}/ · 200 · body application/json · amount_cents · type"
    assert found.wrong[at] == (["string"], ["integer"])


def test_the_body_of_a_refusal_counts_once() -> None:
    found = read(REFERENCE, "contract.yaml")
    about = [at for at in found if "problem+json" in at]
    assert 10 < len(about) < 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "own: got an empty file, expected an OpenAPI 3.1 document"),
        ("a: [", "own: line 1, column 5: got YAML that can't be read"),
        ("- a\n", "own: got list, expected an OpenAPI 3.1 document"),
        ("hello: world\n", "own: openapi: got None, expected '3.1.0'"),
        ("swagger: '2.0'\npaths: {}\n", "own: openapi: got 'swagger 2.0', expected '3.1.0'"),
        (ONE.replace("3.1.0", "3.0.3"), "own: openapi: got '3.0.3', expected '3.1.0'"),
        (HEAD, "own: paths: got NoneType, expected a mapping of paths"),
        (HEAD + "paths: {}\n", "own: paths: got no operation, expected those that the brief describes"),
        (HEAD + "paths: {a: {}}\n", "own: paths: got 'a', expected a path that begins with /"),
        (HEAD + "paths: {/a/: []}\n", "own: /a/: got list, expected a mapping of methods"),
        (HEAD + "paths: {/a/: {get: []}}\n", "own: GET /a/: got something that can't be read"),
        (
            HEAD + "paths: {/a/: {get: {parameters: [{}]}}}\n",
            "own: GET /a/: got something that can't be read (no 'in')",
        ),
        (ONE + "  /a/: {}\n", "got the key a second time"),
        ("a: &a [*a]\n", "alias"),
        ("x" * (MOST_BYTES + 1), f"own: got {MOST_BYTES + 1} bytes, expected at most {MOST_BYTES}"),
    ],
)
def test_what_is_no_contract(text: str, expected: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text, "own")
    assert any(expected in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("{$ref: 'other.yaml#/A'}", "got the reference 'other.yaml#/A', expected one inside the document"),
        ("{$ref: '#/components/schemas/None'}", "expected one to what is there"),
        ("{$ref: '#/components/schemas/Loop'}", "expected a schema at their end"),
        ("{$ref: '#/components/schemas/Tree'}", "got a schema that contains itself"),
    ],
)
def test_references_that_lead_nowhere(schema: str, expected: str) -> None:
    text = ONE + f"          content: {{application/json: {{schema: {schema}}}}}\n"
    text += "components:\n  schemas:\n    Loop: {$ref: '#/components/schemas/Loop'}\n"
    text += "    Tree: {type: object, properties: {left: {$ref: '#/components/schemas/Tree'}}}\n"
    with pytest.raises(InvalidInput) as caught:
        read(text, "own")
    (problem,) = caught.value.problems
    assert problem.startswith("own: GET /a/ · 200")
    assert expected in problem


def test_the_reference_has_every_operation() -> None:
    document = yaml.safe_load(REFERENCE)
    named = {
        f"{method.upper()} {path}" for path, item in document["paths"].items() for method in METHODS if method in item
    }
    found = {at.partition(" · ")[0] for at in read(REFERENCE, "contract.yaml")} - {"refusals"}
    assert len(found) == len(named) == 14
