from dataclasses import replace
from typing import Any

import msgspec
import pytest

from chaos.checks import InvariantCheck, RecoveryCheck, SloCheck
from chaos.evidence.record import read_record
from chaos.invariants import KINDS as INVARIANTS
from chaos.judge.judge import judge
from chaos.judge.roots import ROOTS
from chaos.model.evidence import EndState, GatewayCall
from chaos.model.faults import ExpectedFault
from chaos.model.journal import EventKind
from chaos.model.loadplan import StoodStill, WorkerReport
from chaos.model.verdict import Verdict
from chaos.probes import KINDS as PROBES
from chaos.probes import Measurement
from tests.unit.chaos.judge.conftest import T0_STEADY_S, T0_UNIX_S, WORKER, use


def oversell(run):
    run.state.tiers = [msgspec.structs.replace(run.state.tiers[0], capacity=5)]


def verdicts(judgement):
    return {f.check: f.verdict for f in judgement.findings}


def test_a_run_in_which_everything_held(run):
    judgement = run.judge()
    assert judgement.verdict is Verdict.HELD, judgement.summary
    assert judgement.summary == "Held: all 4 checks were met, with 1 fault(s) proven and felt."
    assert judgement.operations["spike"]["browse"] == {
        "ok": 80,
        "refused": 0,
        "fail": 0,
        "info": 0,
        "dropped": 0,
        "p50_ms": 20.0,
        "p95_ms": 20.0,
        "p99_ms": 20.0,
    }
    assert [second.offered for second in judgement.timeline] == [10] * 30


def test_a_violated_invariant_decides(run):
    oversell(run)
    judgement = run.judge()
    assert judgement.verdict is Verdict.VIOLATED
    assert judgement.summary == "Violated: no_oversell (60 of 5 seats taken)."


def test_when_an_order_was_final_is_not_the_shops_word_alone(run, found):
    """Its `updated_at` never moved; the gateway took the money 27 s after the last lift."""
    kind: Any = INVARIANTS["accepted_then_settled"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params(within="10s")))
    assert found(run.judge(), "accepted_then_settled").verdict is Verdict.HELD
    times = {"arrived_unix_s": T0_UNIX_S + 44, "answered_unix_s": T0_UNIX_S + 45}
    run.state.gateway_calls = [GatewayCall(order_id="o4", idempotency_key="k4", status=201, **times)]
    assert found(run.judge(), "accepted_then_settled").counterexample.orders == ("o4",)


def test_a_missed_slo_is_violated_with_its_figures(run, found):
    run.change = lambda at_s, op, _: {"outcome": "info", "status": 0} if op == "browse" and 12 <= at_s < 13 else {}
    finding = found(run.judge(), "slo:success_ratio[spike,browse]")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.measured == "90 % over 80 operations"
    assert finding.where == "phase spike"
    assert finding.figures["limit"] == {"word": "at_least", "value": 0.95, "unit": "ratio"}
    assert not finding.exact


def test_an_operation_without_an_answer_misses_a_latency_slo(run, found):
    run.change = lambda at_s, op, _: {"outcome": "info", "status": 0} if op == "browse" and 12 <= at_s < 13 else {}
    finding = found(run.judge(), "slo:latency[spike,browse,p95]")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.measured == "no answer over 80 operations"


def test_too_few_operations_for_an_slo_are_inconclusive(run, found):
    run.checks = [
        replace(
            run.checks[2],
            use=replace(run.checks[2].use, params=run.checks[2].use.params.model_copy(update={"quantile": 0.999})),
        )
    ]
    finding = found(run.judge(), "slo:latency[spike,browse,p99.9]")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "got 80 operations, expected at least 1000 for a p99.9"


def test_without_checks_nothing_is_held(run):
    run.checks = []
    judgement = run.judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "no checks" in judgement.summary


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda run: run.event(EventKind.FAULT_INJECTED).update(proven=False, reason="canary felt nothing"), "canary"),
        (lambda run: run.event(EventKind.FAULT_INJECTED).pop("proven"), "not proven"),
        (
            lambda run: run.events.insert(
                -4, (EventKind.FAULT_MISSING, {"fault": "latency-1", "seen_s": 14.0, "reason": "got none"})
            ),
            "it was gone at 14.0 s, before its lift: got none",
        ),
        (lambda run: run.drop_event(EventKind.FAULT_INJECTED), "never injected"),
        (lambda run: run.drop_event(EventKind.FAULT_LIFTED), "not seen to be lifted"),
        (lambda run: run.event(EventKind.FAULT_LIFTED).update(pristine=False), "left after the lift"),
        (lambda run: run.drop_event(EventKind.EXPOSURE), "nobody counted"),
        (lambda run: run.event(EventKind.EXPOSURE).update(count=0), "0 calls or tasks met it, expected at least 1"),
        (lambda run: run.events.append((EventKind.FAULT_FAILED, {"fault": "latency-1", "reason": "boom"})), "boom"),
    ],
)
def test_a_fault_that_was_not_proven_felt_and_lifted_takes_every_held_finding_with_it(run, found, spoil, reason):
    spoil(run)
    judgement = run.judge()
    fault = found(judgement, "fault:latency-1")
    assert fault.verdict is Verdict.INCONCLUSIVE
    assert reason in fault.reason
    for check in ("no_oversell", "slo:success_ratio[spike,browse]", "recovers_within"):
        assert found(judgement, check).verdict is Verdict.INCONCLUSIVE
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert reason in judgement.summary


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        (
            [(EventKind.STRANGER, {"what": "celery (pid 7)"}), (EventKind.WATCHED, {"problem": ""})],
            "celery (pid 7): what",
        ),
        ([(EventKind.WATCHED, {"problem": "redis: no"})], "nobody can say who else took part: redis: no"),
        ([(EventKind.PREPARED, {"isolation": {"kind": "own user"}})], "nobody looked whether somebody else took part"),
        ([(EventKind.WATCHED, {"problem": ""})], ""),
        ([], None),
    ],
)
def test_a_foreign_client_makes_held_checks_inconclusive(run, found, events, reason):
    run.events[-4:-4] = events
    judgement = run.judge()
    if reason is None:  # of before anybody looked
        assert "self_check:no_strangers" not in {finding.check for finding in judgement.findings}
        return
    finding = found(judgement, "self_check:no_strangers")
    assert finding.reason.startswith(reason)
    assert judgement.verdict is (Verdict.INCONCLUSIVE if reason else Verdict.HELD)


def test_the_scenarios_own_minimum_of_exposure_counts(run, found):
    run.faults = [replace(run.faults[0], exposed_at_least=10)]
    run.event(EventKind.EXPOSURE).update(at_least=1)
    assert "9 calls or tasks met it, expected at least 10" in found(run.judge(), "fault:latency-1").reason


def test_a_violated_exact_invariant_stands_whatever_the_fault_did(run, found):
    oversell(run)
    run.event(EventKind.FAULT_INJECTED).update(proven=False)
    judgement = run.judge()
    assert found(judgement, "no_oversell").verdict is Verdict.VIOLATED
    assert judgement.verdict is Verdict.VIOLATED


def test_a_missed_slo_under_an_unproven_fault_is_inconclusive_and_keeps_its_figures(run, found):
    run.change = lambda at_s, op, _: {"outcome": "info", "status": 0} if op == "browse" and 12 <= at_s < 13 else {}
    run.event(EventKind.FAULT_INJECTED).update(proven=False)
    finding = found(run.judge(), "slo:success_ratio[spike,browse]")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "it would be violated: 90 %, expected at least 95 %" in finding.reason
    assert finding.measured == "90 % over 80 operations"


# --- the run itself --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "spoil", "reason"),
    [
        ("run_ended", lambda run: run.drop_event(EventKind.RUN_ENDED), "no run_ended"),
        ("run_ended", lambda run: run.drop_event(EventKind.LOAD_ENDED), "no load_ended"),
        ("run_ended", lambda run: run.event(EventKind.LOAD_ENDED).update(ended="stopped"), "'stopped'"),
        ("phases", lambda run: run.event(EventKind.PHASE_STARTED).clear(), "never began: baseline"),
        ("healed", lambda run: run.drop_event(EventKind.HEALED), "nobody healed"),
        ("healed", lambda run: run.event(EventKind.HEALED).update(pristine=False), "not pristine"),
        ("healed", lambda run: run.events.append((EventKind.HEAL_FAILED, {"left": ["toxic"]})), "toxic"),
        ("not_aborted", lambda run: run.events.append((EventKind.ABORTED, {"by": "user", "reason": "^C"})), "user"),
        ("not_aborted", lambda run: run.events.append((EventKind.GUARDRAIL, {"probe": "success_ratio"})), "guardrail"),
        ("not_aborted", lambda run: run.events.append((EventKind.WATCHDOG, {"action": "healed"})), "lease ran out"),
        ("no_restart", lambda run: run.drop_event(EventKind.IDENTITY), "not read"),
        (
            "no_restart",
            lambda run: run.event(EventKind.IDENTITY).update(parts={"api": "0", "worker": "2", "code": "c0de"}),
            "api",
        ),
        ("no_restart", lambda run: run.event(EventKind.IDENTITY)["parts"].update(redis="9"), "redis"),
        ("no_restart", lambda run: run.event(EventKind.IDENTITY)["parts"].update(code="0ther"), "files changed"),
        ("driver", lambda run: run.driver.update(workers_expected=2, workers=two()), "1 of 2 load workers finished"),
        ("driver", lambda run: run.driver.update(crashed=["KeyError"]), "KeyError"),
        ("driver", lambda run: run.driver.update(ended="stopped"), "'stopped'"),
        (
            "driver",
            lambda run: run.driver.update(workers_expected=2, workers=two(), lost=["worker 1 on b was silent"]),
            "worker 1 on b",
        ),
        ("send_lag", lambda run: run.driver.update(send_lag_p99_s=0.031), "fell behind"),
        (
            "send_lag",
            lambda run: run.driver.update(
                workers_expected=2, workers_finished=2, send_lag_p99_s=0.031, workers=two(late_s=0.031)
            ),
            "worker 1 on b",
        ),
        (
            "clocks",
            lambda run: run.driver.update(**crew(offset_s=0.031)),
            "worker 1 on b: its clock is off",
        ),
        (
            "clocks",
            lambda run: run.driver.update(**crew(offset_s=-0.021)),
            "up to 31.0 ms",
        ),
        (
            "clocks",
            lambda run: run.driver.update(**crew(offset_s=None)),
            "never compared",
        ),
        ("driver", lambda run: run.driver.update(send_lag_p99_s=float("nan")), "driver.json: got"),
        ("driver_cpu", lambda run: run.driver.update(cpu_ratio=0.81), "81%"),
        ("no_hidden_resend", lambda run: run.driver.update(no_hidden_resend=False), "sends just once"),
        ("accounts", lambda run: run.driver.update(ok=299), "ok + fail + info + dropped = 299"),
        ("accounts", lambda run: run.driver.update(operations=301), "driver.json says 301, the history 300"),
        ("histograms", lambda run: setattr(run, "histograms", {("spike", "buy", "ok"): 19}), "the history"),
        ("history", lambda run: setattr(run, "history_tail", False), "no end line"),
    ],
)
def test_what_spoils_a_run_makes_it_inconclusive_but_excuses_no_violation(run, found, check, spoil, reason):
    spoil(run)
    judgement = run.judge()
    if reason == "decode":  # JSON has no NaN: the report is unreadable, hence missing
        assert found(judgement, "self_check:driver").reason == "driver.json is missing: the driver died early"
    else:
        finding = found(judgement, f"self_check:{check}")
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert reason in finding.reason
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert found(judgement, "no_oversell").verdict is Verdict.INCONCLUSIVE
    oversell(run)
    assert run.judge().verdict is Verdict.VIOLATED


def two(*, late_s: float = 0.0, offset_s: float | None = 0.0) -> list[WorkerReport]:
    """A good worker, and one of which something is off."""
    good = msgspec.structs.replace(WORKER, host="a", clock_offset_s=0.001, clock_error_s=0.001)
    error_s = None if offset_s is None else 0.01
    off = msgspec.structs.replace(
        WORKER, worker=1, host="b", send_lag_p99_s=late_s, clock_offset_s=offset_s, clock_error_s=error_s
    )
    return [good, off]


def crew(**off: float | None) -> dict[str, object]:
    """What driver.json says of them."""
    return {"workers_expected": 2, "workers_finished": 2, "workers": two(**off)}


def test_with_clocks_that_differ_no_violation_stands_that_compares_them(run, found):
    """Free seats and a refusal: whether somebody else's asks came before it is a matter of their clock."""
    refusal = {"outcome": "fail", "status": 409, "refused": True, "reason": "sold_out"}
    run.change = lambda at_s, op, _: refusal if op == "buy" and at_s < 1 else {}
    kind = INVARIANTS["no_false_refusal"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    assert found(run.judge(), "no_false_refusal").verdict is Verdict.VIOLATED
    run.driver.update(**crew(offset_s=0.031))
    finding = found(run.judge(), "no_false_refusal")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "its clock is off" in finding.reason
    oversell(run)
    judgement = run.judge()
    assert found(judgement, "no_oversell").verdict is Verdict.VIOLATED, (
        "how many seats there are is no matter of clocks"
    )


def test_clocks_are_judged_where_workers_are_elsewhere(run, found):
    run.driver.update(**crew(offset_s=0.012))
    finding = found(run.judge(), "self_check:clocks")
    assert finding.verdict is Verdict.HELD
    assert finding.expected == "clocks of load workers elsewhere within 30 ms"
    assert finding.figures["clock_bound_ms"] == 22.0
    run.driver.update(workers=[WORKER])
    assert not any(finding.check == "self_check:clocks" for finding in run.judge().findings)


def test_send_lag_may_be_a_tenth_of_the_tightest_latency_limit(run, found):
    run.driver.update(send_lag_p99_s=0.029)
    finding = found(run.judge(), "self_check:send_lag")
    assert finding.verdict is Verdict.HELD
    assert finding.expected == "send lag p99 ≤ 30 ms"


@pytest.mark.parametrize(
    ("before", "verdict"), [("c0de", Verdict.HELD), ("other", Verdict.INCONCLUSIVE), (None, Verdict.INCONCLUSIVE)]
)
def test_what_was_started_is_what_the_run_had(run, found, before, verdict):
    for kind, data in run.events:
        if kind is EventKind.IDENTITY:
            data["parts"] = {"api": "1", **({"code": before} if before else {})}
    assert found(run.judge(), "self_check:no_restart").verdict is verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("kill", Verdict.HELD), ("terminate", Verdict.HELD), ("pause", Verdict.INCONCLUSIVE)],
)
def test_a_part_that_a_fault_restarts_may_restart(run, found, kind, verdict):
    run.faults.append(ExpectedFault(id=f"{kind}-2", kind=kind, on="worker"))
    run.event(EventKind.IDENTITY).update(parts={"api": "1", "worker": "0", "code": "c0de"})
    assert found(run.judge(), "self_check:no_restart").verdict is verdict


def test_a_gap_in_the_journal_is_noticed(run, found):
    folder = run.write()
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    del lines[1]
    run.write = lambda: folder
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    assert "gap before event 2" in found(run.judge(), "self_check:journal").reason


@pytest.mark.parametrize("name", ["journal.jsonl", "state.json", "driver.json", "histograms.json", "host.jsonl"])
@pytest.mark.parametrize("damage", ["missing", "garbage"])
def test_a_file_that_is_missing_or_damaged_is_never_a_pass(run, name, damage):
    folder = run.write()
    run.write = lambda: folder
    (folder / name).unlink()
    if damage == "garbage":
        (folder / name).write_bytes(b'{"x": \xff\n')
    assert run.judge().verdict is Verdict.INCONCLUSIVE


def test_an_empty_history_is_never_a_pass(run):
    folder = run.write()
    run.write = lambda: folder
    (folder / "history" / "worker-0.jsonl").unlink()
    judgement = run.judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert not judgement.timeline


# --- witnesses -------------------------------------------------------------------------------------------------------


def test_a_missing_witness_leaves_its_invariant_open_and_spoils_nothing_else(run, found):
    run.state.missing["tickets"] = "no such view"
    judgement = run.judge()
    finding = found(judgement, "no_oversell")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "witness tickets is missing: no such view"
    assert found(judgement, "slo:success_ratio[spike,browse]").verdict is Verdict.HELD


def test_a_world_that_could_not_settle_on_an_ill_stack_is_inconclusive(run, found):
    run.state.settled = run.state.healthy = False
    assert found(run.judge(), "self_check:settled").verdict is Verdict.INCONCLUSIVE


def test_settling_that_was_ended_by_hand_is_no_ground_for_a_promise(run, found):
    run.state.settled, run.state.cut = False, True
    finding = found(run.judge(), "self_check:settled")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "ended by hand" in finding.reason


def test_no_end_state_at_all(run, found):
    run.state = None
    judgement = run.judge()
    assert found(judgement, "witness:state").verdict is Verdict.INCONCLUSIVE
    assert found(judgement, "no_oversell").verdict is Verdict.INCONCLUSIVE


# --- steady state ----------------------------------------------------------------------------------------------------


def test_a_steady_state_not_met_before_any_fault_is_no_ground_for_a_verdict(run, found):
    run.change = lambda at_s, _op, _: {"outcome": "fail", "status": 500} if at_s < 1 else {}
    judgement = run.judge()
    finding = found(judgement, "steady_state:success_ratio")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason == "the steady state was not met before any fault: 90 %, expected at least 99 %"
    assert found(judgement, "no_oversell").verdict is Verdict.INCONCLUSIVE
    assert judgement.verdict is Verdict.INCONCLUSIVE


def test_without_recovers_within_the_steady_state_is_judged_again_after_the_last_lift(run, found):
    run.checks = [check for check in run.checks if not isinstance(check, RecoveryCheck)]
    assert found(run.judge(), "steady_state_after:success_ratio").verdict is Verdict.HELD
    run.change = lambda at_s, _op, _: {"outcome": "fail", "status": 500} if at_s >= 29 else {}
    finding = found(run.judge(), "steady_state_after:success_ratio")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.where == "from 20.0 s on"


def test_a_lift_after_the_start_of_the_last_phase_is_followed_from_itself_on(run, found):
    run.checks = [check for check in run.checks if not isinstance(check, RecoveryCheck)]
    run.event(EventKind.FAULT_LIFTED)["lifted_s"] = 20.4
    assert found(run.judge(), "steady_state_after:success_ratio").verdict is Verdict.HELD
    run.change = lambda at_s, _op, _: {"outcome": "fail", "status": 500} if at_s >= 25 else {}
    finding = found(run.judge(), "steady_state_after:success_ratio")
    assert finding.verdict is Verdict.VIOLATED
    assert finding.where == "from 20.4 s on"
    run.event(EventKind.FAULT_LIFTED)["lifted_s"] = 29.8
    assert found(run.judge(), "steady_state_after:success_ratio").verdict is Verdict.INCONCLUSIVE


def test_recovers_within_already_judges_it(run):
    assert not [check for check in verdicts(run.judge()) if check.startswith("steady_state_after")]


# --- host ------------------------------------------------------------------------------------------------------------


SATURATED = [{"cpu_busy": 0.95}, {"steal": 0.1}, {"api_core": 0.95}]


def fails_in_spike(at_s, _op, _number):
    return {"outcome": "fail", "status": 500} if 10 <= at_s < 20 else {}


@pytest.mark.parametrize("busy", SATURATED, ids=str)
def test_what_was_met_beside_a_busy_neighbour_is_met(run, found, busy):
    """Seen: 100 % of 70 and p95 136 ms of 300 allowed, called inconclusive for the sake of a neighbour."""
    for sample in run.host:
        sample.update(busy)
    judgement = run.judge()
    assert (judgement.verdict, judgement.advice) == (Verdict.HELD, "")
    assert found(judgement, "self_check:host").verdict is Verdict.HELD
    assert found(judgement, "recovers_within").verdict is Verdict.HELD
    assert found(judgement, "steady_state:latency[browse,p95]").verdict is Verdict.HELD


@pytest.mark.parametrize("busy", SATURATED, ids=str)
def test_what_was_missed_beside_a_busy_neighbour_is_no_verdict_about_that_phase(run, found, busy):
    run.change = fails_in_spike
    for sample in run.host[10:13]:
        sample.update(busy)
    judgement = run.judge()
    finding = found(judgement, "slo:success_ratio[spike,browse]")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "3 of 10 s of spike (it would be violated: 0 %" in finding.reason
    assert found(judgement, "no_oversell").verdict is Verdict.HELD
    assert "Free the machine" in judgement.advice
    assert found(judgement, "self_check:host").verdict is Verdict.INCONCLUSIVE
    assert judgement.summary.startswith("Inconclusive: ")
    assert "saturated" in judgement.summary


def not_in_time(run, *, queued):
    """An order that is not final, with so many messages that nobody has taken when the promised time is over."""
    kind: Any = INVARIANTS["no_lost_orders"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    run.not_final.add("o4")
    run.state.settled = False
    pending = {"orders": 1, "outbox": 0, "queued": queued, "unacked": 4, "untold": 0}
    run.events.insert(-3, (EventKind.SETTLED, {"settled": False, "healthy": True, "pending": pending}))


def test_orders_that_wait_for_a_busy_machine_are_not_lost(run, found):
    """Seen: hardened, 319 messages in the queue and no CPU left, was told that it had lost eight orders."""
    not_in_time(run, queued=319)
    for sample in run.host[18:]:
        sample.update(cpu_busy=1.0)
    judgement = run.judge()
    finding = found(judgement, "no_lost_orders")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "319 messages still waited for a worker or the relay, and the machine was saturated" in finding.reason
    assert found(judgement, "self_check:settled").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("queued", "busy"), [(319, 0.4), (0, 1.0)], ids=["machine had time", "nothing waits"])
def test_else_an_order_that_is_not_final_in_time_is_lost(run, found, queued, busy):
    not_in_time(run, queued=queued)
    for sample in run.host[18:]:
        sample.update(cpu_busy=busy)
    assert found(run.judge(), "no_lost_orders").verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    ("answer", "busy", "verdict"),
    [
        ({"outcome": "info", "status": 503}, 0.4, Verdict.VIOLATED),
        ({"outcome": "info", "status": 503}, 1.0, Verdict.INCONCLUSIVE),
        ({"outcome": "info", "reason": "timeout"}, 1.0, Verdict.INCONCLUSIVE),
        ({"outcome": "fail", "status": 403}, 1.0, Verdict.VIOLATED),
    ],
    ids=["a shop that serves nobody", "busy", "no answer in time", "a machine without CPU refuses nobody"],
)
def test_who_served_nobody_is_told_from_a_machine_that_could_not(run, found, answer, busy, verdict):
    """Seen: with a load average of 24, 0 of 14 asks accepted in the first phase was called the API's doing."""
    kind: Any = INVARIANTS["served_when_calm"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    run.change = lambda at_s, op, _: answer if op == "buy" and at_s < 10 else {}
    for sample in run.host[:10]:
        sample.update(cpu_busy=busy)
    assert found(run.judge(), "served_when_calm").verdict is verdict


@pytest.mark.parametrize(
    ("busy", "verdict"), [(0.4, Verdict.VIOLATED), (1.0, Verdict.INCONCLUSIVE)], ids=["idle", "busy"]
)
def test_a_share_of_the_whole_run_is_excused_by_each_of_its_phases(run, found, busy, verdict):
    """A rush before the last lift is as much part of it as the time after."""
    kind: Any = INVARIANTS["enough_accepted"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    run.change = lambda at_s, op, _: {"outcome": "info", "status": 503} if op == "buy" and 10 <= at_s < 18 else {}
    for sample in run.host[10:18]:
        sample.update(cpu_busy=busy)
    assert found(run.judge(), "enough_accepted").verdict is verdict


def test_who_served_nobody_until_a_run_was_aborted_is_no_verdict(run, found):
    kind: Any = INVARIANTS["served_when_calm"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    run.change = lambda at_s, op, _: {"outcome": "info", "reason": "timeout"} if op == "buy" else {}
    run.events.insert(-4, (EventKind.ABORTED, {"reason": "load driver: no word", "by": "lab"}))
    assert found(run.judge(), "served_when_calm").verdict is Verdict.INCONCLUSIVE


def test_a_fifth_of_the_seconds_excuses_nothing(run, found):
    run.change = fails_in_spike
    for sample in run.host[10:12]:
        sample.update(cpu_busy=1.0)
    assert found(run.judge(), "slo:success_ratio[spike,browse]").verdict is Verdict.VIOLATED


def test_a_host_without_readings_excuses_as_much_as_a_busy_one(run, found):
    run.host = run.host[:10]
    assert run.judge().verdict is Verdict.HELD
    run.change = fails_in_spike
    finding = found(run.judge(), "slo:success_ratio[spike,browse]")
    assert finding.reason.startswith("the host was watched for 0 of 10 s of spike (it would be violated")


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ({"70": 0.0, "71": 0.5}, "one process of the API did 100% of the work"),
        ({"70": 0.0, "71": 0.5, "72": 0.05}, "one process of the API did 91% of the work"),
        (None, "nobody watched the API's processes"),
        ({"71": 0.0, "72": 0.0}, "nobody watched the API's processes, or they did nothing"),
    ],
    ids=["one", "hardly two", "unread", "idle"],
)
def test_a_run_that_one_api_process_served_could_not_show_what_goes_wrong_between_two(run, found, shares, reason):
    for sample in run.host:
        sample.update(api_processes=shares)
    judgement = run.judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert found(judgement, "self_check:both_processes").reason.startswith(reason)
    assert found(judgement, "no_oversell").verdict is Verdict.INCONCLUSIVE


def test_what_two_api_processes_did_is_on_record(run, found):
    finding = found(run.judge(), "self_check:both_processes")
    assert finding.measured == "56% and 44% of 27.0 CPU seconds"


def test_after_a_kill_others_serve_as_the_two_processes(run, found):
    """Over the whole run, each of four processes did little; before and after the kill it was two who shared."""
    for sample in run.host[15:]:
        sample.update(api_processes={"80": 0.0, "81": 0.2, "82": 0.2})
    assert found(run.judge(), "self_check:both_processes").verdict is Verdict.HELD
    for sample in run.host:
        second = sample["at_s"]
        sample.update(api_processes={"71" if second <= 15 else "81": 0.5})
    assert found(run.judge(), "self_check:both_processes").verdict is Verdict.INCONCLUSIVE


def test_recovery_looks_at_the_host_after_the_lift_only(run, found):
    run.change = lambda at_s, _op, _number: {"outcome": "fail", "status": 500} if at_s >= 18 else {}
    for sample in run.host[:18]:
        sample.update(cpu_busy=1.0)
    assert found(run.judge(), "recovers_within").verdict is Verdict.VIOLATED
    for sample in run.host[18:21]:
        sample.update(cpu_busy=1.0)
    finding = found(run.judge(), "recovers_within")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "3 of 12 s of the time after the last lift" in finding.reason


FAST, OVERLOADED, HANGS = {}, {"outcome": "info", "status": 503}, {"outcome": "info", "status": 0}
KINDS = [
    # probe, limit, its parameters, how operations end; what it says on an idle machine, and beside a busy neighbour
    ("latency", "at_most", 0.3, {}, FAST, "held", "held"),
    ("latency", "at_most", 0.3, {}, {"took_s": 2.0}, "violated", "inconclusive"),
    ("latency", "at_least", 0.3, {}, {"took_s": 2.0}, "held", "inconclusive"),
    ("latency", "at_least", 0.3, {}, FAST, "violated", "violated"),
    ("success_ratio", "at_least", 0.99, {}, FAST, "held", "held"),
    ("success_ratio", "at_least", 0.99, {}, OVERLOADED, "violated", "inconclusive"),
    ("success_ratio", "at_most", 0.1, {}, OVERLOADED, "held", "inconclusive"),
    ("success_ratio", "at_most", 0.1, {}, FAST, "violated", "violated"),
    ("answered_within", "at_least", 1.0, {"budget": "1s"}, FAST, "held", "held"),
    ("answered_within", "at_least", 1.0, {"budget": "1s"}, HANGS, "violated", "inconclusive"),
    ("throughput", "at_least", 5.0, {}, FAST, "held", "held"),
    ("throughput", "at_least", 5.0, {}, HANGS, "violated", "inconclusive"),
    ("throughput", "at_most", 5.0, {}, HANGS, "held", "inconclusive"),
    ("stale_served", "at_least", 0.6, {"max_age": "15s"}, {"stale": True, "age_s": 3}, "held", "held"),
    ("stale_served", "at_least", 0.6, {"max_age": "15s"}, HANGS, "violated", "inconclusive"),
    ("stale_served", "at_most", 0.1, {"max_age": "15s"}, FAST, "held", "held"),
    ("stale_served", "at_most", 0.1, {"max_age": "15s"}, HANGS, "held", "inconclusive"),
    ("stale_served", "at_most", 0.1, {"max_age": "15s"}, {"stale": True, "age_s": 3}, "violated", "inconclusive"),
    ("status_mix", "at_least", 1.0, {"statuses": [202, 409, 503]}, FAST, "held", "held"),
    ("status_mix", "at_least", 1.0, {"statuses": [202, 409, 503]}, HANGS, "violated", "inconclusive"),
    ("status_mix", "at_least", 1.0, {"statuses": [503]}, OVERLOADED, "held", "inconclusive"),
    ("status_mix", "at_least", 1.0, {"statuses": [503]}, HANGS, "violated", "inconclusive"),
    ("status_mix", "at_most", 0.0, {"statuses": [202]}, FAST, "violated", "violated"),
    ("status_mix", "at_most", 0.0, {"statuses": [201]}, OVERLOADED, "held", "inconclusive"),
    ("status_mix", "at_most", 0.0, {"statuses": [500]}, FAST, "held", "held"),
    ("status_mix", "at_most", 0.0, {"statuses": [500]}, HANGS, "held", "inconclusive"),
    ("status_mix", "at_most", 0.0, {"statuses": [503]}, OVERLOADED, "violated", "inconclusive"),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind[0]} {kind[1]} {kind[3]} {kind[4]}")
def test_a_busy_machine_excuses_what_it_may_have_caused_and_nothing_else(run, found, kind):
    probe, word, limit, params, ending, idle, busy = kind
    run.checks = [SloCheck(use=use(probe, word, limit, phase="spike", **params))]
    run.change = lambda at_s, _op, _number: dict(ending) if 10 <= at_s < 20 else {}
    (check,) = (each.id for each in run.checks)
    assert found(run.judge(), check).verdict == idle
    for sample in run.host[10:20]:
        sample.update(cpu_busy=1.0)
    assert found(run.judge(), check).verdict == busy


@pytest.mark.parametrize(("word", "only_worse"), [("at_least", True), ("at_most", False)])
def test_a_process_that_is_alive_says_so_less_often_on_a_busy_machine(word, only_worse):
    """Its operation is in no mix of this run."""
    asked = use("live_available", word, 0.5)
    assert (asked.only_worse, asked.may_be_worse) == (only_worse, only_worse)
    half = Measurement(value=0.5, samples=10)
    assert asked.met_anyway(half) is only_worse
    assert not asked.met_anyway(Measurement(value=None, samples=1))


def test_there_is_a_row_for_every_probe():
    assert {kind[0] for kind in KINDS} | {"live_available"} == PROBES.keys()


# --- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by_s", "said"), [(-4.0, "−4.0 s"), (30.0, "+30.0 s"), (-0.045, "−45 ms")])
def test_a_wall_clock_that_was_set_is_named_and_decides_nothing(run, found, by_s, said):
    run.set_clock(12.0, by_s)
    judgement = run.judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.summary == f"Inconclusive: the wall clock stepped by {said} at 12.0 s."
    assert "nothing sets this machine's clock" in judgement.advice
    assert found(judgement, "recovers_within").verdict is Verdict.INCONCLUSIVE


def test_a_clock_that_was_set_back_again_was_set(run):
    run.set_clock(12.0, -4.0)
    run.set_clock(14.0, 4.0)
    assert run.judge().summary == (
        "Inconclusive: the wall clock stepped by −4.0 s at 12.0 s; the wall clock stepped by +4.0 s at 14.0 s."
    )


def test_a_clock_that_creeps_is_noticed_when_it_is_out_of_bounds(run, found):
    for number, reading in enumerate(run.clocks):
        reading["unix_s"] += number * 0.001
    finding = found(run.judge(), "self_check:wall_clock")
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_clock_that_was_set_before_the_schedule_was_made_is_seen_too(run):
    """Tokens were issued by then."""
    for reading in run.clocks[:4]:
        reading["unix_s"] += 4.0
    assert "stepped by" in run.judge().summary


def test_a_nap_of_the_machine_is_no_step_of_its_clock(run):
    for reading in run.clocks[20:]:
        reading["slept_s"] += 30.0
        reading["unix_s"] += 30.0
    judgement = run.judge()
    assert judgement.summary == "Inconclusive: the machine slept for 30.0 s, until 10.0 s."
    assert "awake" in judgement.advice


def test_a_runner_that_stood_still_is_named(run):
    run.clocks = [reading for reading in run.clocks if not 8.5 < reading["steady_s"] - T0_STEADY_S < 12.5]
    judgement = run.judge()
    assert judgement.summary == "Inconclusive: the runner stood still for 5.0 s, until 13.0 s."
    assert "who stopped the runner" in judgement.advice


def test_a_reading_that_is_a_little_late_is_a_busy_machine(run):
    run.clocks = [reading for reading in run.clocks if reading["steady_s"] != T0_STEADY_S + 9]
    assert run.judge().verdict is Verdict.HELD


def test_a_load_driver_that_stood_still_is_not_called_slow(run):
    worker = msgspec.structs.replace(WORKER, stood_still=[StoodStill(until_s=13.2, for_s=4.1)])
    run.driver.update(workers=[worker], send_lag_p99_s=3.9)
    judgement = run.judge()
    assert judgement.summary == "Inconclusive: the load driver stood still for 4.1 s, until 13.2 s."
    assert "arrivals" not in judgement.advice


@pytest.mark.parametrize("left", [slice(0, 0), slice(0, 20), slice(15, None)], ids=["none", "no end", "no start"])
def test_unwatched_clocks_are_not_taken_as_steady(run, found, left):
    run.clocks = run.clocks[left]
    judgement = run.judge()
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert found(judgement, "self_check:clocks_watched").verdict is Verdict.INCONCLUSIVE


def test_what_is_violated_whatever_time_it_was_stands_beside_a_clock_that_was_set(run, found):
    oversell(run)
    run.set_clock(12.0, -4.0)
    judgement = run.judge()
    assert judgement.verdict is Verdict.VIOLATED
    assert found(judgement, "no_oversell").verdict is Verdict.VIOLATED


def test_what_rests_on_the_time_is_nothing_beside_a_clock_that_was_set(run, found):
    refusal = {"outcome": "fail", "status": 409, "refused": True, "reason": "sold_out"}
    run.change = lambda at_s, op, _: refusal if op == "buy" and at_s < 1 else {}
    kind = INVARIANTS["no_false_refusal"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    assert found(run.judge(), "no_false_refusal").verdict is Verdict.VIOLATED
    run.set_clock(12.0, 30.0)
    assert found(run.judge(), "no_false_refusal").verdict is Verdict.INCONCLUSIVE


# --- roots -----------------------------------------------------------------------------------------------------------


def abort(run, by, reason="got SIGINT"):
    run.events.append((EventKind.ABORTED, {"by": by, "reason": reason}))


def test_a_run_that_was_stopped_by_hand_says_so_and_says_nothing_of_arrivals(run, found):
    abort(run, "user")
    run.event(EventKind.LOAD_ENDED)["ended"] = "stopped"
    run.driver.update(ended="stopped", send_lag_p99_s=2.0, cpu_ratio=0.9)
    run.event(EventKind.FAULT_INJECTED)["proven"] = False
    judgement = run.judge()
    assert (judgement.aborted, judgement.summary) == ("user", "Inconclusive: aborted by user: got SIGINT.")
    assert judgement.advice == "Let the next run end by itself."
    assert not [f.reason for f in judgement.findings if "arrivals" in f.reason]


def test_a_check_that_can_t_tell_by_itself_names_the_root_first(run, found):
    abort(run, "user")
    run.change = lambda at_s, _op, _number: {"outcome": "dropped"} if at_s >= 10 else {}
    run.checks.append(SloCheck(use=use("latency", "at_most", 0.3, phase="spike", op="pay")))
    finding = found(run.judge(), "slo:latency[spike,pay,p95]")
    assert finding.reason == "aborted by user: got SIGINT (besides: got 0 operations, expected at least 20 for a p95)"


def test_roots_explain_in_the_order_of_the_table(run):
    """Each mishap is added to those before it, and takes the headline from them."""
    mishaps = [
        (lambda: run.events.remove(next(e for e in run.events if e[0] is EventKind.HEALED)), "nobody healed"),
        (lambda: run.driver.update(send_lag_p99_s=1.0), "the driver fell behind"),
        (lambda: run.event(EventKind.FAULT_INJECTED).update(proven=False), "fault latency-1"),
        (lambda: run.driver.update(workers_finished=0), "0 of 1 load workers finished"),
        (lambda: abort(run, "driver", "it died"), "aborted by driver: it died"),
        (lambda: run.clocks.__delitem__(slice(18, 22)), "the runner stood still"),
        (lambda: run.set_clock(12.0, 30.0), "the wall clock stepped by +30.0 s"),
    ]
    advice = set()
    for happens, said in mishaps:
        happens()
        judgement = run.judge()
        assert judgement.summary.startswith(f"Inconclusive: {said}")
        advice.add(judgement.advice)
    assert len(advice) >= len(mishaps) - 1, "a driver that died is the same root twice"


def test_every_root_has_its_own_row_and_advice():
    assert all(root.advice and root.checks for root in ROOTS)
    assert ROOTS[-1].checks == ("self_check:",), "whatever has no row of its own"


# --- checks that crash -----------------------------------------------------------------------------------------------


class Broken:
    def __init__(self, where):
        self.where, self.fed = where, 0

    def feed(self, op):
        self.fed += 1
        if self.where == "feed":
            raise KeyError(op.id)

    def finish(self, context):
        raise ZeroDivisionError(context.t0_unix_s)


@pytest.mark.parametrize(("where", "said"), [("feed", "crashed at operation 0-4"), ("finish", "ZeroDivisionError")])
def test_a_check_that_crashes_is_unknown_and_the_others_go_on(run, found, where, said):
    broken = Broken(where)
    kind = replace(INVARIANTS["sells_out"], reducer=lambda _: broken)
    run.checks.insert(0, InvariantCheck(invariant=kind, params=kind.params()))
    judgement = run.judge()
    finding = found(judgement, "sells_out")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert said in finding.reason
    assert broken.fed == (1 if where == "feed" else 60)
    assert found(judgement, "no_oversell").verdict is Verdict.HELD
    assert judgement.operations["spike"]["buy"]["ok"] == 20


def test_a_probe_that_crashes_is_unknown_too(run, found):
    slo = run.checks[1]

    class Silent:
        def add(self, op):
            pass

        def measure(self):
            raise ZeroDivisionError

    run.checks[1] = replace(slo, use=replace(slo.use, probe=replace(slo.use.probe, accumulator=lambda _: Silent())))
    finding = found(run.judge(), "slo:success_ratio[spike,browse]")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "ZeroDivisionError" in finding.reason


def test_judging_twice_gives_the_same(run):
    assert run.judge() == run.judge()


def test_an_empty_world_is_not_held(run, found):
    run.state = EndState(settled=True, healthy=True)
    assert found(run.judge(), "no_oversell").verdict is Verdict.INCONCLUSIVE


def test_a_dead_run_s_summary_names_the_death_and_not_one_of_the_gaps_that_it_left(run, found):
    run.drop_event(EventKind.FAULT_LIFTED)
    run.drop_event(EventKind.HEALED)
    run.events.append((EventKind.ABORTED, {"by": "lab", "reason": "the runner died before the end of the run"}))
    judgement = run.judge()
    assert judgement.summary == "Inconclusive: aborted by lab: the runner died before the end of the run."
    assert found(judgement, "no_oversell").reason == "aborted by lab: the runner died before the end of the run"


@pytest.mark.parametrize("content", [None, "{", '{"tiers": []}'])
def test_without_the_seeded_world_capacity_is_not_known(run, found, content):
    """Who would say so else is the accused."""
    folder = run.write()
    world = folder / "world.json"
    world.unlink() if content is None else world.write_text(content)
    finding = found(judge(run.scenario, read_record(folder)), "no_oversell")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.reason.startswith("witness world is missing")


@pytest.mark.parametrize(
    ("spoil", "stands"),
    [
        (lambda run: abort(run, "user", "got SIGINT"), True),
        (lambda run: run.drop_event(EventKind.FAULT_INJECTED), True),
        (lambda run: run.drop_event(EventKind.RUN_ENDED), True),
        (lambda run: run.drop_event(EventKind.IDENTITY), False),
        (lambda run: setattr(run, "history_tail", False), False),
        (lambda run: run.set_clock(15.0, 20.0), False),
        (lambda run: setattr(run, "state", None), False),
    ],
)
def test_what_was_clean_until_it_could_not_be_told_is_said(run, found, spoil, stands):
    """Of exact invariants, where the run only ended early or otherwise than planned: what it recorded is right."""
    measured = found(run.judge(), "no_oversell").measured
    spoil(run)
    judgement = run.judge()
    finding = found(judgement, "no_oversell")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.so_far == (measured if stands else "")
    assert [f.check for f in judgement.findings if f.so_far and not f.exact] == []


def test_what_is_decided_says_nothing_of_so_far(run):
    assert not any(finding.so_far for finding in run.judge().findings)
