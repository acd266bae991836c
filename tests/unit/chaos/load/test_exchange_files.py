"""Scenario files with `exchanges:`: what they mean, and one sentence for each mistake."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from chaos.errors import InvalidInput
from chaos.exchanges import KINDS
from chaos.load import SCENARIOS, parse_scenario
from chaos.load.schema import exported_schema
from chaos.plan import judged, plan
from tests.unit.chaos.scenarios import WHERE, bent

GOOD = """\
title: Reads
drill: 2
hypothesis: It holds.
world: {events: 60, customers: 20}
blast_radius: [shop_to_cache, worker]
exchanges:
  - {section: reads, send: reads, rows: [5, 50]}
  - {section: outage, send: change, within: 2s}
faults:
  - {inject: down, on: shop_to_cache, during: outage}
checks:
  - {invariant: queries_do_not_grow}
  - {invariant: change_becomes_visible}
proves:
  naive: {must: [queries_do_not_grow], may: []}
  hardened: holds
"""
SENT = ", ".join(KINDS)
LOAD = "load:\n  - {phase: calm, for: 8s, arrivals: 12/s, mix: {browse: 1}}\n"
STEADY = "steady_state:\n  - {probe: success_ratio, at_least: 99%}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parse_scenario(text, name="own/small", where=WHERE)
    return [problem.removeprefix(f"{WHERE}: ") for problem in caught.value.problems]


def test_sections_are_in_the_scenario_and_in_what_is_judged() -> None:
    scenario = parse_scenario(GOOD, name="own/small", where=WHERE)
    assert [(section.name, section.source) for section in scenario.exchanges] == [
        ("reads", "reads"),
        ("outage", "change"),
    ]
    assert not scenario.load
    assert [check.id for check in scenario.checks] == ["queries_do_not_grow", "change_becomes_visible"]
    timetable = plan(scenario, seed=3)
    assert (timetable.phases, timetable.faults, timetable.seed) == ((), (), 3)
    assert judged(scenario, timetable).sections == ("reads", "outage")
    assert [fault.id for fault in judged(scenario, timetable).faults] == ["1-down-shop_to_cache"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param(
            "send: reads", "send: raeds",
            f"exchanges[0]: got 'raeds', expected one of {SENT} (did you mean reads?) (line 7)",
            id="unknown source",
        ),
        pytest.param(
            "send: reads, ", "", f"exchanges[0]: got no send, expected one of {SENT} (line 7)", id="no source"
        ),
        pytest.param(
            "rows: [5, 50]", "row: [5, 50]",
            "exchanges[0].row: got an unknown key, expected one of section, ids, send, rows, within"
            " (did you mean rows?) (line 7)",
            id="unknown key of a source",
        ),
        pytest.param(
            "events: 60", "events: 20",
            "exchanges[0].rows: got 50 rows, expected at most as many as the world has events (20) (line 7)",
            id="50 rows of a world of 20",
        ),
        pytest.param(
            "rows: [5, 50]", "rows: [50, 5]",
            "exchanges[0].rows: got [50, 5], expected two numbers, 1 to 100, the second one larger (line 7)",
            id="the wrong way round",
        ),
        pytest.param(
            "section: outage", "section: reads",
            "exchanges: got the section 'reads' 2 times, expected unique names (line 6)",
            id="a section twice",
        ),
        pytest.param(
            "during: outage", "during: outrage",
            "faults[0].during: got 'outrage', expected one of outage, reads (did you mean outage?) (line 10)",
            id="a fault during no section",
        ),
        pytest.param(
            "during: outage", "from: outage+1s, for: 2s",
            "faults[0]: got down at a time of the load, expected during: with a section (reads, outage) (line 10)",
            id="a fault at a time",
        ),
        pytest.param(
            "during: outage", "during: outage, for: 2s",
            "faults[0]: got during: and a time, expected during: alone, or from: with for: (line 10)",
            id="a fault with both",
        ),
        pytest.param(
            "during: outage", "exposed_at_least: 1",
            "faults[0]: got no duration, expected from: with for:, or during: (line 10)",
            id="a fault without any",
        ),
        pytest.param(
            "inject: down, on: shop_to_cache, during: outage", "inject: pause, on: worker, during: reads",
            "faults[0].on: got 'worker', which stands still in reads anyway, expected another target (line 10)",
            id="a fault on who stands still",
        ),
        pytest.param(
            "on: shop_to_cache", "on: shop_to_mail",
            "faults[0].on: got 'shop_to_mail', expected a target inside the blast radius (shop_to_cache, worker)"
            " (line 10)",
            id="outside the blast radius",
        ),
        pytest.param(
            "{invariant: change_becomes_visible}", "{invariant: no_oversell}",
            "checks[1]: got no_oversell, which needs the operation buy, expected a source that performs it (line 13)",
            id="a check of operations that nobody performs",
        ),
        pytest.param(
            "{invariant: change_becomes_visible}", "{invariant: error_shape}",
            "checks[1]: got error_shape, which judges operations of the history, expected a source that performs any"
            " (line 13)",
            id="a check of the history",
        ),
        pytest.param(
            "{invariant: change_becomes_visible}", "{recovers_within: 5s}",
            "checks[1]: got recovers_within, which measures load, expected an invariant: a scenario with exchanges has"
            " no load (line 13)",
            id="recovery",
        ),
        pytest.param(
            "  - {section: outage, send: change, within: 2s}\n", "",
            "checks[1]: got change_becomes_visible, expected a section that sends change (line 12)",
            id="a check without its source",
        ),
        pytest.param("exchanges:\n", f"{LOAD}exchanges:\n",
                     "exchanges: got load as well, expected one of them (line 8)", id="load as well"),
        pytest.param("checks:\n", f"{STEADY}checks:\n",
                     "steady_state: got steady_state, which measures load, expected none in a scenario with exchanges"
                     " (line 11)", id="steady state"),
    ],
)  # fmt: skip
def test_one_mistake_one_sentence(old: str, new: str, sentence: str) -> None:
    text = GOOD.replace(old, new, 1) if old == "send: reads, " else bent((old, new), text=GOOD)
    assert sentence in problems(text)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        pytest.param(
            "  - {section: writes, send: writes}\n",
            "exchanges[2].of: got 'orders', expected an earlier section that sends orders (there is none) (line 9)",
            id="nothing to cancel",
        ),
        pytest.param(
            "  - {section: bought, send: orders}\n  - {section: writes, send: writes, of: outage}\n",
            "exchanges[3].of: got 'outage', expected an earlier section that sends orders (bought) (line 10)",
            id="cancels what is no order",
        ),
        pytest.param(
            "  - {section: bought, send: orders}\n  - {section: again, send: reads, rows: [5, 50]}\n",
            "exchanges[3]: got reads after a section of orders, which changes what it compares, expected it before "
            "(line 10)",
            id="compares what was changed",
        ),
    ],
)
def test_sections_that_change_the_world_come_last_and_have_what_they_need(more: str, sentence: str) -> None:
    assert problems(bent(("faults:\n", f"{more}faults:\n"), text=GOOD)) == [sentence]


def test_ids_of_what_has_no_cases() -> None:
    forced = "  - {section: last, send: interleaved, pair: [buy, buy], ids: [last-1]}\n"
    sentence = "exchanges[2].ids: got ids, expected none: what it sends depends on how it runs (line 9)"
    assert sentence in problems(bent(("faults:\n", f"{forced}faults:\n"), text=GOOD))


def test_neither_load_nor_exchanges() -> None:
    head, _, rest = GOOD.partition("exchanges:\n")
    text = head + rest[rest.index("checks:") :]
    assert "load: got nothing, expected this key, or exchanges (line 1)" in problems(text)


def test_in_a_scenario_with_load() -> None:
    text = (
        GOOD[: GOOD.index("exchanges:")]
        + LOAD
        + STEADY
        + "faults:\n  - {inject: down, on: shop_to_cache, during: calm}\n"
        "checks:\n  - {invariant: queries_do_not_grow}\n"
    )
    assert problems(text) == [
        "faults[0].during: got 'calm' in a scenario with load, expected from: and for: (line 11)",
        "checks[0]: got queries_do_not_grow, which judges exchanges, expected a check of load (line 13)",
    ]


def test_mistakes_are_told_with_those_that_only_the_whole_shows() -> None:
    text = bent(("drill: 2", "drill: 9"), ("events: 60", "events: 20"), text=GOOD)
    found = problems(text)
    assert any(problem.startswith("drill: got 9") for problem in found)
    assert any("got 50 rows" in problem for problem in found)


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("queries/*.yaml")))
def test_what_ships_is_as_the_exported_schema_says(name: str) -> None:
    document = yaml.safe_load((SCENARIOS / "queries" / f"{name}.yaml").read_text())
    schema = json.loads(json.dumps(exported_schema()))
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "load": document["exchanges"]}, schema)
