"""The contract in a run's folder, also in one that somebody else made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence.contract import read_contract
from chaos.evidence.files import Unreadable
from chaos.load.contract import reference

DEEP = {f"S{n}": {"allOf": [{"$ref": f"#/components/schemas/S{n + 1}"}] * 9} for n in range(15)} | {"S15": {}}


def one(schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    described = {"description": "ok", "content": {"application/json": {"schema": schema}}}
    return {"paths": {"/a/": {"get": {"operationId": "a", "responses": {"200": described}}}}, **more}


def test_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(reference()))
    assert len(read_contract(tmp_path / "contract.json").names) == 14


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], "expected what belongs there"),
        ({}, "paths"),
        ({"paths": {"/a/": {"get": []}}}, "expected an OpenAPI 3.1 document"),
        (one({"type": "string", "pattern": "(a+)+$"}), "got the pattern '(a+)+$', expected one without groups"),
        (one({"$ref": "#/x"}, x={"$ref": "#/x"}), "got references in a circle"),
        (one({"$ref": "#/components/schemas/S0"}, components={"schemas": DEEP}), "got more than 100000 schemas"),
        (one({"$ref": "http://example.org/"}), "expected one inside the document"),
    ],
)
def test_what_can_not_be_judged_by(tmp_path: Path, document: Any, expected: str) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(document))
    with pytest.raises(Unreadable) as caught:
        read_contract(tmp_path / "contract.json")
    assert expected in str(caught.value)
