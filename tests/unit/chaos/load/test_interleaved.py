"""What a scenario may ask of forced interleavings, and what is wrong with what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.errors import InvalidInput
from chaos.exchanges.interleaved import Interleaved
from chaos.load import load_scenario

SCENARIO = """
title: Forced
drill: 3
hypothesis: It holds.
seed: 1
world: {world}
blast_radius: []
exchanges:
  - {{section: s, send: interleaved, pair: {pair}{more}}}
checks:
  - {{invariant: no_oversell}}
  - {{invariant: schedules_were_forced}}
"""
WORLD = "{events: 12, hot_tiers: 12, seats: 2, customers: 40}"


def loaded(tmp_path: Path, *, world: str = WORLD, pair: str = "[buy, buy]", more: str = ", at_most: 8") -> Interleaved:
    file = tmp_path / "forced.yaml"
    file.write_text(SCENARIO.format(world=world, pair=pair, more=more))
    (section,) = load_scenario(file).exchanges
    assert isinstance(section.params, Interleaved)
    return section.params


def test_a_pair_with_its_limits(tmp_path: Path) -> None:
    params = loaded(tmp_path, more=", at_most: 4, preemptions: 2, hold: 0.5")
    assert (params.pair, params.at_most, params.preemptions, params.hold) == (("buy", "buy"), 4, 2, 0.5)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"pair": "[buy, sell]"}, "expected one of [buy, buy], [buy, buy_again]"),
        ({"pair": "buy"}, "expected one of"),
        ({"world": "{events: 5, hot_tiers: 3, seats: 2, customers: 40}"}, "needs 9 hot tiers, expected at most the 3"),
        ({"world": "{events: 12, hot_tiers: 12, seats: 2, customers: 10}"}, "needs 18 customers, expected at most"),
        ({"pair": "[cancel, buy]", "world": "{events: 3, hot_tiers: 1, seats: 2, customers: 40}"}, "needs 9 tiers"),
        ({"pair": "[cancel, cancel]", "world": "{events: 9, hot_tiers: 1, seats: 2, customers: 40}"}, "needs 9 hot"),
        ({"more": ", at_most: 0"}, "at_most"),
        ({"more": ", at_most: 900"}, "at_most"),
        ({"more": ", hold: 3"}, "hold"),
        ({"more": ", preemptions: 3"}, "preemptions"),
        ({"more": ", only: x9"}, "only"),
    ],
)
def test_what_can_not_be_forced_is_refused_in_words(tmp_path: Path, asked: dict[str, str], complaint: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        loaded(tmp_path, **asked)
    assert complaint in str(refused.value)


def test_a_check_needs_a_pair_that_performs_what_it_judges(tmp_path: Path) -> None:
    file = tmp_path / "forced.yaml"
    text = SCENARIO.format(world=WORLD, pair="[refresh, refresh]", more=", at_most: 8")
    file.write_text(text)
    with pytest.raises(InvalidInput, match="got no_oversell, which needs the operation buy"):
        load_scenario(file)
    file.write_text(text.replace("no_oversell", "one_child_per_refresh"))
    standing = {"answers_match_the_world", "no_false_refusal"}
    assert not standing & {check.id for check in load_scenario(file).checks}  # nobody buys or looks
