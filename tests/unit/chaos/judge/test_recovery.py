import pytest

from chaos.checks import RecoveryCheck
from chaos.judge.recovery import Recovery
from chaos.model.history import Operation, Outcome
from chaos.model.verdict import Verdict
from chaos.probes import KINDS, Limit, ProbeUse

LIFTED_S = 10.25


def use(probe, word, value, **params):
    kind = KINDS[probe]
    return ProbeUse(probe=kind, params=kind.params(**params), limit=Limit(word=word, value=value))


RATIO = use("success_ratio", "at_least", 0.99)
LATENCY = use("latency", "at_most", 0.3)


def recovery(bad, *, within_s=5.0, steady_state=(RATIO,), lifted_s=LIFTED_S, end_s=30.0, rate=12):
    """Operations from second 0 to the end; *bad* says at which times they fail."""
    checked = Recovery(RecoveryCheck(within_s=within_s), steady_state, lifted_s, end_s)
    for number in range(int(end_s * rate)):
        at_s = number / rate
        outcome = Outcome.INFO if bad(at_s) else Outcome.OK
        ended = None if outcome is Outcome.INFO else at_s + 0.02
        checked.feed(
            Operation(id=str(number), op="browse", phase="p", intended=at_s, sent=at_s, ended=ended, outcome=outcome)
        )
    return checked.finish()


def test_well_from_the_lift_on_is_recovery_in_no_time():
    finding = recovery(lambda at_s: at_s < LIFTED_S)
    assert (finding.verdict, finding.measured) == (Verdict.HELD, "0 s")


@pytest.mark.parametrize(("last_bad_s", "measured"), [(11.0, "1 s"), (13.0, "3 s"), (15.1, "5 s")])
def test_recovery_is_put_behind_the_last_bad_operation(last_bad_s, measured):
    finding = recovery(lambda at_s: at_s <= last_bad_s)
    assert (finding.verdict, finding.measured) == (Verdict.HELD, measured)


def test_later_than_promised_is_violated():
    finding = recovery(lambda at_s: at_s <= 15.5)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.measured == "6 s"
    assert "5 s after the lift still success_ratio" in finding.reason
    assert finding.kind == "recovery"
    assert not finding.exact


def test_well_for_a_while_and_then_ill_again_is_no_recovery():
    finding = recovery(lambda at_s: at_s <= 11 or 20 <= at_s < 20.5)
    assert finding.verdict is Verdict.VIOLATED
    assert finding.measured == "11 s"


def test_ill_until_the_load_ends():
    finding = recovery(lambda at_s: at_s > 5)
    assert (finding.verdict, finding.measured) == (Verdict.VIOLATED, "not recovered")


def test_no_operation_at_the_very_end_is_left_out():
    """Ten arrivals before the end fill no window of their own with a p95; they belong to the last one."""
    finding = recovery(lambda at_s: at_s >= 29.2, steady_state=(LATENCY,))
    assert finding.verdict is Verdict.VIOLATED


def test_a_p95_over_a_thin_second_is_not_its_slowest_request():
    """At 12 arrivals a second one window holds two seconds; one slow operation in 24 is what a p95 allows."""
    assert recovery(lambda at_s: at_s == 17.0, steady_state=(LATENCY,)).measured == "0 s"


def test_windows_grow_until_every_probe_has_its_minimum():
    finding = recovery(lambda at_s: at_s <= 12.0, steady_state=(RATIO, LATENCY), rate=2)
    assert finding.verdict is Verdict.HELD


def test_every_probe_of_the_steady_state_has_to_be_met():
    finding = recovery(lambda at_s: at_s <= 17.0, steady_state=(LATENCY, RATIO))
    assert "success_ratio" in finding.reason
    assert "latency[p95] no answer" in finding.reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"lifted_s": None}, "no fault was lifted"),
        ({"lifted_s": 25.0}, "the load ended 5.0 s after the last lift: too soon for 5 s"),
        ({"steady_state": ()}, "no steady state to come back to"),
        ({"rate": 0.2}, "too few operations after the last lift"),
        ({"rate": 1, "within_s": 15.0, "bad": lambda _: True}, "too few operations later than"),
    ],
    ids=["nothing lifted", "lifted late", "no steady state", "few operations", "few after the promise"],
)
def test_too_little_to_tell_is_inconclusive(given, reason):
    finding = recovery(given.pop("bad", lambda _: False), **given)
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert reason in finding.reason


def test_a_load_too_thin_and_too_long_is_not_judged_for_ever():
    """Six hours whose rare operations come in the end: every window would reach to them."""
    rare = use("success_ratio", "at_least", 0.99, op="buy")
    checked = Recovery(RecoveryCheck(within_s=5.0), (RATIO, rare), 0.0, 21_600.0)
    for at_s in range(21_600):
        op = "buy" if at_s > 21_500 else "browse"
        ok = Operation(id=str(at_s), op=op, phase="p", intended=at_s, sent=at_s, ended=at_s, outcome=Outcome.OK)
        checked.feed(ok)
    finding = checked.finish()
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "too long, with too few operations" in finding.reason
