"""The JSON Schema for editors says the same as the model."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from chaos.errors import InvalidInput
from chaos.load import SCENARIOS, all_scenarios, load_scenario, parse_scenario
from chaos.load.schema import exported_schema
from chaos.load.yaml import parse
from tests.unit.chaos.scenarios import GOOD, WHERE, bent

VALIDATOR = jsonschema.Draft202012Validator(exported_schema())


def refused(text: str) -> list[str]:
    """Where the schema complains about *text*, as it is parsed for the model."""
    return [error.json_path for error in VALIDATOR.iter_errors(parse(text, WHERE).data)]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(exported_schema())


def test_the_exported_file_is_current() -> None:
    path = SCENARIOS / "scenario.schema.json"
    renew = "make it anew: firedrill schema > scenarios/scenario.schema.json"
    assert json.loads(path.read_text()) == exported_schema(), renew


@pytest.mark.parametrize("path", all_scenarios(), ids=lambda path: path.stem)
def test_shipped_scenarios_pass_both(path: Any) -> None:
    load_scenario(path)
    assert refused(path.read_text()) == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        pytest.param("settle: 20s", "settel: 20s", "$", id="unknown key"),
        pytest.param("on: shop_to_gateway", "on: shop_to_gatewy", "$.faults[0]", id="unknown proxy"),
        pytest.param("on: worker", "on: shop_to_cache", "$.faults[1]", id="kill of a proxy"),
        pytest.param("[shop_to_gateway, worker]", "[worker, moon]", "$.blast_radius[1]", id="unknown target"),
        pytest.param("for: 6s", "for: -6s", "$.faults[0]", id="negative duration"),
        pytest.param("settle: 20s", "settle: 20", "$.settle", id="duration without unit"),
        pytest.param("12/s -> 50/s", "20", "$.load[1].arrivals", id="rate without unit"),
        pytest.param("latency: 300ms", "latency: 300ms, toxicity: 7", "$.faults[0]", id="dangerous toxicity"),
        pytest.param("latency: 300ms", "latency: 300ms, stream: sideways", "$.faults[0]", id="stream"),
        pytest.param("from: spike+2s", "from: 2s", "$.faults[0]", id="moment without a phase"),
        pytest.param("inject: latency", "inject: latncy", "$.faults[0]", id="unknown fault"),
        pytest.param("invariant: no_oversell", "invariant: no_oversel", "$.checks[0]", id="unknown invariant"),
        pytest.param("at_least: 95%", "at_least: 95", "$.checks[1]", id="share without sign"),
        pytest.param("buy: 8}", "by: 8}", "$.load[1].mix", id="unknown operation"),
        pytest.param("buy: 8}", "buy: -8}", "$.load[1].mix.buy", id="negative weight"),
        pytest.param("drill: 3", "drill: 7", "$.drill", id="seventh drill"),
        pytest.param("drill: 3", 'drill: "3"', "$.drill", id="quoted number"),
        pytest.param("drill: 3", "drill: true", "$.drill", id="truth value"),
        pytest.param("seats: 150", "seats: 0", "$.world.seats", id="no seats"),
        pytest.param("title: Small", "title: ''", "$.title", id="no title"),
        pytest.param("hardened: holds", "hardened: maybe", "$.proves", id="hardened has to hold"),
        pytest.param("during: 10s", "during: ever", "$.guardrails[0]", id="guardrail"),
    ],
)
def test_both_refuse(old: str, new: str, where: str) -> None:
    text = bent((old, new))
    with pytest.raises(InvalidInput):
        parse_scenario(text, name="own/small", where=WHERE)
    assert refused(text) == [where]


def test_both_refuse_a_file_without_checks() -> None:
    text = GOOD[: GOOD.index("checks:")] + "checks: []\n"
    with pytest.raises(InvalidInput):
        parse_scenario(text, name="own/small", where=WHERE)
    assert refused(text) == ["$.checks"]
    assert refused(GOOD[: GOOD.index("checks:")]) == ["$"]


def test_the_unbent_text_passes_both() -> None:
    assert refused(GOOD) == []
