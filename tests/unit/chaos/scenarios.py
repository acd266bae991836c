"""A small scenario as text, to be bent by the tests, and what a test needs to bend it."""

from __future__ import annotations

from chaos.load import parse_scenario
from chaos.scenario import Scenario

WHERE = "own.yaml"

GOOD = """\
title: Small
drill: 3
hypothesis: It holds.
seed: 7
world: {events: 5, hot_tiers: 1, seats: 150, customers: 200}
blast_radius: [shop_to_gateway, worker]
settle: 20s
load:
  - {phase: calm, for: 8s, arrivals: 12/s, mix: {browse: 8, buy: 2}}
  - {phase: spike, for: 12s, arrivals: 12/s -> 50/s, mix: {browse: 2, buy: 8}}
  - {phase: after, for: 8s, arrivals: 12/s, mix: {browse: 8, buy: 2}}
faults:
  - {inject: latency, on: shop_to_gateway, latency: 300ms, from: spike+2s, for: 6s}
  - {inject: kill, on: worker, when: charge_in_flight, after: spike+3s}
steady_state:
  - {probe: success_ratio, at_least: 99%}
checks:
  - {invariant: no_oversell}
  - {slo: success_ratio, phase: spike, op: buy, at_least: 95%}
  - {recovers_within: 5s}
guardrails:
  - {probe: success_ratio, below: 5%, during: 10s}
proves:
  naive: {must: [no_oversell], may: [recovers_within]}
  hardened: holds
"""


def bent(*replacements: tuple[str, str], text: str = GOOD) -> str:
    """*text* with each old piece replaced; an old piece that isn't there exactly once is a mistake of the test."""
    for old, new in replacements:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    return text


def good() -> Scenario:
    """The scenario above."""
    return parse_scenario(GOOD, name="own/small", where=WHERE)
