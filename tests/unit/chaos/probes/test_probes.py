import math
from typing import Any

import pytest

from chaos.load.models import guardrail_model, slo_model, steady_model
from chaos.model.history import Operation, Outcome
from chaos.probes import KINDS, Limit, Unit

REQUIRED = {
    "answered_within": {"budget": "200ms"},
    "stale_served": {"max_age": "5s"},
    "status_mix": {"statuses": [200]},
}
RATIO = KINDS["success_ratio"]
LATENCY: Any = KINDS["latency"]  # its parameters are its own


def op(outcome=Outcome.OK, *, took_s=0.1, **more):
    ended = None if outcome in (Outcome.DROPPED, Outcome.INFO) else 1.0 + took_s
    sent = None if outcome is Outcome.DROPPED else 1.5  # late: latency counts from the intended start all the same
    base = {"id": "x", "op": "buy", "phase": "p", "intended": 1.0, "sent": sent, "ended": ended}
    return Operation(outcome=outcome, **{**base, **more})


def test_every_probe_of_the_reference_is_found():
    assert set(KINDS) >= {"success_ratio", "latency"}


def test_answers_and_documented_refusals_over_all_that_was_scheduled():
    ops = [op()] * 6 + [op(Outcome.FAIL, refused=True)] * 3 + [op(Outcome.FAIL, status=500)]
    assert RATIO.measure(ops, RATIO.params()).value == 0.9


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.INFO, Outcome.FAIL])
def test_an_operation_without_an_answer_counts_against_it(outcome):
    assert RATIO.measure([op()] * 9 + [op(outcome)], RATIO.params()).value == 0.9


def test_polls_and_double_clicks_are_not_scheduled():
    assert RATIO.measure([op()] * 10 + [op(Outcome.FAIL, main=False)] * 10, RATIO.params()).value == 1.0


def test_one_operation_of_the_mix_can_be_picked():
    ops = [op()] * 10 + [op(Outcome.FAIL, op="browse")] * 10
    assert RATIO.measure(ops, RATIO.params(op="buy")).value == 1.0
    assert RATIO.measure(ops, RATIO.params()).value == 0.5


def test_nine_operations_are_no_share():
    measurement = RATIO.measure([op()] * 9, RATIO.params())
    assert measurement.value is None
    assert measurement.reason == "got 9 operations, expected at least 10 to speak of a share"


def test_the_nearest_rank_counts_from_the_intended_start():
    ops = [op(took_s=number / 100) for number in range(1, 101)]
    params = LATENCY.params(quantile=0.95)
    assert LATENCY.measure(ops, params).value == pytest.approx(0.95)
    assert LATENCY.measure(reversed(ops), params).value == pytest.approx(0.95)


def test_a_stall_of_two_seconds_in_ten_shows():
    """load.md: for arrivals at a steady rate p90 ≈ 1000 ms and p99 ≈ 1900 ms."""
    ops = [op(took_s=0.002)] * 800 + [op(took_s=2 - number / 100) for number in range(200)]
    assert LATENCY.measure(ops, LATENCY.params(quantile=0.9)).value == pytest.approx(1.0, abs=0.02)
    assert LATENCY.measure(ops, LATENCY.params(quantile=0.99)).value == pytest.approx(1.9, abs=0.02)


@pytest.mark.parametrize("outcome", [Outcome.DROPPED, Outcome.INFO, Outcome.FAIL])
def test_an_operation_without_an_answer_is_infinitely_slow_and_not_left_out(outcome):
    measurement = LATENCY.measure([op()] * 18 + [op(outcome, took_s=0.001)] * 2, LATENCY.params())
    assert measurement.value == math.inf
    assert measurement.figures["unanswered"] == 2
    assert measurement.figures["value_ms"] is None


def test_five_in_a_hundred_without_an_answer_are_what_a_p95_allows():
    assert LATENCY.measure([op()] * 95 + [op(Outcome.INFO)] * 5, LATENCY.params()).value == pytest.approx(0.1)


@pytest.mark.parametrize(("quantile", "needed"), [(0.5, 2), (0.9, 10), (0.95, 20), (0.99, 100), (0.999, 1000)])
def test_a_quantile_needs_an_operation_beyond_it(quantile, needed):
    params = LATENCY.params(quantile=quantile)
    assert LATENCY.measure([op()] * needed, params).value is not None
    measurement = LATENCY.measure([op()] * (needed - 1), params)
    assert measurement.value is None
    assert f"expected at least {needed} " in measurement.reason


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_merging_two_halves_measures_the_whole(kind):
    ops = [op(took_s=n / 50) for n in range(40)] + [op(Outcome.INFO)]
    params = kind.params(**REQUIRED.get(kind.name, {}))
    whole, left, right = (kind.accumulator(params) for _ in range(3))
    for number, one in enumerate(ops):
        whole.add(one)
        (left if number % 3 else right).add(one)
    left.merge(right)
    assert left.measure() == whole.measure()


def test_the_same_probe_is_an_slo_a_steady_state_and_a_guardrail():
    slo = slo_model(RATIO).model_validate({"slo": "success_ratio", "phase": "spike", "op": "buy", "at_least": "95%"})
    steady = steady_model(LATENCY).model_validate({"probe": "latency", "quantile": 0.99, "at_most": "300ms"})
    guard = guardrail_model(RATIO).model_validate({"probe": "success_ratio", "below": "5%", "during": "10s"})
    assert slo.use(RATIO).label == "success_ratio[spike,buy]"
    assert slo.use(RATIO).limit == Limit(word="at_least", value=0.95)
    assert steady.use(LATENCY).label == "latency[p99]"
    assert steady.use(LATENCY).limit == Limit(word="at_most", value=0.3)
    assert guard.use(RATIO).during_s == 10.0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({}, "got no limit, expected one of at_least, at_most"),
        ({"at_least": "1%", "at_most": "2%"}, "got at_least and at_most"),
        ({"below": "5%"}, "Extra inputs"),
        ({"at_least": 95}, "expected a share from 0% to 100%"),
        ({"at_least": "300ms"}, "expected a share from 0% to 100%"),
        ({"at_least": "1%", "quantile": 0.5}, "Extra inputs"),
    ],
)
def test_a_wrong_limit_is_refused(entry, said):
    with pytest.raises(ValueError, match=said):
        slo_model(RATIO).model_validate({"slo": "success_ratio", "phase": "spike", **entry})


@pytest.mark.parametrize("quantile", [0, 1, -0.5, 95, True, "0.95"])
def test_a_quantile_lies_between_0_and_1(quantile):
    with pytest.raises(ValueError, match="quantile"):
        steady_model(LATENCY).model_validate({"probe": "latency", "at_most": "1s", "quantile": quantile})


@pytest.mark.parametrize("word", ["at_least", "at_most", "below", "above"])
def test_no_limit_is_true_of_nan(word):
    assert not Limit(word=word, value=0.5).true_of(math.nan)


def test_limits_include_and_exclude_their_edge():
    assert [Limit(word=w, value=1.0).true_of(1.0) for w in ("at_least", "at_most", "below", "above")] == [
        True,
        True,
        False,
        False,
    ]


def test_units_are_shown():
    assert Unit.RATIO.show(0.912) == "91.2 %"
    assert [Unit.SECONDS.show(value) for value in (0.0412, 2.5, math.inf)] == ["41 ms", "2.50 s", "no answer"]
