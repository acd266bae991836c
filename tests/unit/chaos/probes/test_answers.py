"""The probes that look at what kind of answer came, and when."""

from typing import Any

import pytest
from pydantic import ValidationError

from chaos.load.models import slo_model
from chaos.model.history import Operation, Outcome
from chaos.probes import KINDS, Unit


def op(status=200, *, took_s=0.1, at_s=1.0, name="browse", **more):
    outcome = Outcome.OK if 200 <= status < 300 else Outcome.FAIL if 400 <= status < 500 else Outcome.INFO
    ended = at_s + took_s if status else None
    base = {"id": "x", "op": name, "phase": "p", "intended": at_s, "sent": at_s + took_s / 2, "ended": ended}
    return Operation(**{**base, "status": status, "outcome": outcome, **more})


def measured(kind, operations, **params):
    return KINDS[kind].measure(operations, KINDS[kind].params(**params))


class TestAnsweredWithin:
    def test_any_answer_counts_an_error_too(self):
        assert measured("answered_within", [op(503), op(409)] * 5, budget="1s").value == 1.0

    def test_counts_from_the_intended_start(self):
        late = measured("answered_within", [op()] * 9 + [op(took_s=1.5)], budget="1s")
        assert (late.value, late.figures["slowest_answer_ms"]) == (0.9, 1500.0)

    @pytest.mark.parametrize("hang", [op(0), op(0, outcome=Outcome.DROPPED), op(0, ended=1.1)])
    def test_a_timeout_a_drop_and_a_reset_are_no_answers(self, hang):
        assert measured("answered_within", [op()] * 9 + [hang], budget="1s").value == 0.9

    def test_few_operations_are_no_share(self):
        few = measured("answered_within", [op()] * 9, budget="1s")
        assert (few.value, few.reason) == (None, "got 9 operations, expected at least 10 to speak of a share")

    def test_two_parts_merge(self):
        kind: Any = KINDS["answered_within"]  # its parameters are its own
        params = kind.params(budget="1s")
        whole, part = KINDS["answered_within"].accumulator(params), KINDS["answered_within"].accumulator(params)
        for _ in range(5):
            whole.add(op())
            part.add(op(took_s=2.0))
        whole.merge(part)
        assert (whole.measure().value, whole.measure().figures["slowest_answer_ms"]) == (0.5, 2000.0)


class TestStatusMix:
    def test_share_of_the_given_statuses(self):
        ops = [op(202)] * 6 + [op(503)] * 3 + [op(500)]
        assert measured("status_mix", ops, statuses=(202, 503)).value == 0.9
        assert measured("status_mix", ops, statuses=(500,)).value == 0.1

    def test_no_answer_is_no_status(self):
        assert measured("status_mix", [op(202)] * 9 + [op(0)], statuses=(202, 503)).value == 0.9

    def test_few_operations_are_no_share(self):
        assert measured("status_mix", [op(202)] * 9, statuses=(202,)).value is None

    def test_a_list_in_the_file_and_a_name_for_the_finding(self):
        model = slo_model(KINDS["status_mix"])
        given = {"slo": "status_mix", "phase": "p", "op": "buy", "statuses": [202, 503], "at_least": "100%"}
        use = model.model_validate(given).use(KINDS["status_mix"])
        assert use.label == "status_mix[p,buy,202+503]"
        with pytest.raises(ValidationError):
            model.model_validate({**given, "statuses": [20]})
        with pytest.raises(ValidationError):
            model.model_validate({**given, "statuses": []})


class TestLiveAvailable:
    def test_only_its_own_operation_counts(self):
        assert measured("live_available", [op(name="live")] * 5 + [op(503)] * 5).value == 1.0

    @pytest.mark.parametrize("bad", [op(503, name="live"), op(0, name="live"), op(name="live", took_s=1.2)])
    def test_an_error_a_hang_and_a_late_answer_count_against_it(self, bad):
        assert measured("live_available", [op(name="live")] * 4 + [bad]).value == 0.8

    def test_four_questions_are_too_few(self):
        assert measured("live_available", [op(name="live")] * 4).value is None


class TestStaleServed:
    def stale(self, age_s=5, **more):
        return op(stale=True, age_s=age_s, **more)

    def test_old_copies_that_say_so(self):
        served = measured("stale_served", [self.stale()] * 8 + [op(age_s=0)] * 2, max_age="10s")
        assert (served.value, served.figures["oldest_copy_s"]) == (0.8, 5)

    @pytest.mark.parametrize(
        "bad", [{"age_s": 11}, {"age_s": None}, {"stale": False}, {"status": 503, "outcome": Outcome.INFO}]
    )
    def test_too_old_without_an_age_without_a_marker_and_an_error_count_as_none(self, bad):
        operations = [self.stale()] * 9 + [self.stale(**bad) if "stale" not in bad else op(age_s=5)]
        assert measured("stale_served", operations, max_age="10s").value == 0.9

    def test_few_reads_are_no_share(self):
        assert measured("stale_served", [self.stale()] * 9, max_age="10s").value is None


class TestThroughput:
    def at_rate(self, per_s, count, status=200):
        return [op(status, at_s=1.0 + n / per_s) for n in range(count)]

    def test_promised_answers_per_second_of_the_offer(self):
        assert measured("throughput", self.at_rate(20, 101)).value == pytest.approx(20)

    def test_quick_refusals_get_nothing_done(self):
        ops = self.at_rate(20, 101)
        for each in ops[::2]:
            each.outcome, each.status = Outcome.INFO, 503
        assert measured("throughput", ops).value == pytest.approx(10, rel=0.02)

    def test_a_documented_refusal_is_an_answer(self):
        ops = self.at_rate(20, 101)
        for each in ops:
            each.outcome, each.refused = Outcome.FAIL, True
        assert measured("throughput", ops).value == pytest.approx(20)

    @pytest.mark.parametrize("ops", [[], [op()] * 50, [op(at_s=1.0 + n) for n in range(9)]])
    def test_too_few_or_too_short_is_no_rate(self, ops):
        assert measured("throughput", ops).value is None

    def test_its_limit_is_a_rate(self):
        kind = KINDS["throughput"]
        given = {"slo": "throughput", "phase": "p", "at_least": "8/s"}
        use = slo_model(kind).model_validate(given).use(kind)
        assert (use.limit.value, use.limit.show(Unit.RATE)) == (8.0, "at least 8/s")
