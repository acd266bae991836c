"""Whatever is in the file, loading gives a scenario or InvalidInput."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.errors import InvalidInput
from chaos.load import parse_scenario
from chaos.load.yaml import parse
from tests.unit.chaos.scenarios import GOOD, WHERE

PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.binary(max_size=4), st.dates()
)
# Words that mean something somewhere, so that the fuzz gets past the first question.
WORDS = st.sampled_from(
    ["latency", "kill", "down", "shop_to_gateway", "worker", "spike", "spike+2s", "5s", "-5s", "95%", "20/s", "20",
     "12/s -> 50/s", "no_oversell", "success_ratio", "charge_in_flight", "browse", "holds", "calm", "p", "1e999s"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["title", "drill", "seed", "world", "load", "phase", "for", "arrivals", "mix", "faults", "inject", "on", "from",
     "at", "when", "after", "checks", "invariant", "slo", "recovers_within", "op", "at_least", "below", "during",
     "probe", "quantile", "toxicity", "jitter", "proves", "naive", "must", "may", "exposed_at_least", "stream"]
)  # fmt: skip
ANYTHING = st.recursive(
    PLAIN | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
BASE = parse(GOOD, WHERE).data
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def loads_or_complains(text: str) -> None:
    problems = complaints(text)
    assert problems is None or (problems and all(_is_a_sentence(problem) for problem in problems))


def complaints(text: str) -> tuple[str, ...] | None:
    """None for a file that loads."""
    try:
        parse_scenario(text, name="own/fuzz", where=WHERE)
    except InvalidInput as error:
        return error.problems
    return None


def _is_a_sentence(problem: str) -> bool:
    return (
        problem.startswith(f"{WHERE}: ") and "\n" not in problem and len(problem) < 1500
    )  # all names of a kind may be in it


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in *value*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, part in inner for path in paths(part, (*at, key)))]


def replaced(value: Any, at: tuple[Any, ...], by: Any) -> Any:
    """*value* with another part at *at*."""
    if not at:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = replaced(value[at[0]], at[1:], by)
    return copy


@FUZZ
@given(ANYTHING)
def test_any_structure(value: Any) -> None:
    loads_or_complains(yaml.safe_dump(value, allow_unicode=True))


@FUZZ
@given(st.lists(st.tuples(st.sampled_from(paths(BASE)), ANYTHING), min_size=1, max_size=3))
def test_a_good_file_with_parts_replaced(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    data = BASE
    for path, by in changes:
        if path in paths(data):
            data = replaced(data, path, by)
    loads_or_complains(yaml.safe_dump(data, allow_unicode=True))


@FUZZ
@given(st.dictionaries(KEYS | st.sampled_from(list(BASE)), ANYTHING, max_size=5))
def test_a_good_file_with_keys_replaced(keys: dict[str, Any]) -> None:
    loads_or_complains(yaml.safe_dump({**BASE, **keys}, allow_unicode=True))


@FUZZ
@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!?|>#%@`\"' \n\t,0.1~<="), max_size=40))
def test_any_text(text: str) -> None:
    loads_or_complains(text)


@FUZZ
@given(st.integers(0, len(GOOD)), st.integers(0, 30), st.text(max_size=6))
def test_a_good_text_with_a_piece_replaced(at: int, length: int, by: str) -> None:
    loads_or_complains(GOOD[:at] + by + GOOD[at + length :])
