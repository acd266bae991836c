from dataclasses import replace

import msgspec
import pytest

from chaos.invariants import KINDS as INVARIANTS
from chaos.judge.judge import COMPARES_CLOCKS
from chaos.model.checks import ExpectedFault, InvariantCheck, RecoveryCheck
from chaos.model.evidence import EndState, GatewayCall
from chaos.model.journal import EventKind
from chaos.model.loadplan import WorkerReport
from chaos.model.verdict import Verdict
from tests.unit.chaos.judge.conftest import T0_UNIX_S


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
    kind = INVARIANTS["accepted_then_settled"]
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
        ("no_restart", lambda run: run.event(EventKind.IDENTITY).update(parts={"api": "0", "worker": "2"}), "api"),
        ("no_restart", lambda run: run.event(EventKind.IDENTITY)["parts"].update(redis="9"), "redis"),
        ("no_restart", lambda run: run.event(EventKind.IDENTITY)["parts"].update(code="c0de"), "files changed"),
        ("driver", lambda run: run.driver.update(workers_expected=2), "1 of 2 load workers finished"),
        ("driver", lambda run: run.driver.update(crashed=["KeyError"]), "KeyError"),
        ("driver", lambda run: run.driver.update(ended="stopped"), "'stopped'"),
        (
            "driver",
            lambda run: run.driver.update(workers_expected=2, lost=["worker 1 on b was silent"]),
            "worker 1 on b",
        ),
        ("send_lag", lambda run: run.driver.update(send_lag_p99_s=0.031), "fell behind"),
        ("send_lag", lambda run: run.driver.update(send_lag_p99_s=0.031, workers=two(late_s=0.031)), "worker 1 on b"),
        ("clocks", lambda run: run.driver.update(workers=two(offset_s=0.031)), "worker 1 on b: its clock is off"),
        ("clocks", lambda run: run.driver.update(workers=two(offset_s=-0.021)), "up to 31.0 ms"),
        ("clocks", lambda run: run.driver.update(workers=two(offset_s=None)), "never compared"),
        ("send_lag", lambda run: run.driver.update(send_lag_p99_s=float("nan")), "decode"),
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
    error_s = None if offset_s is None else 0.01
    return [
        WorkerReport(worker=0, host="a", ended="finished", clock_offset_s=0.001, clock_error_s=0.001),
        WorkerReport(
            worker=1, host="b", ended="finished", send_lag_p99_s=late_s, clock_offset_s=offset_s, clock_error_s=error_s
        ),
    ]


def test_with_clocks_that_differ_no_violation_stands_that_compares_them(run, found):
    """Free seats and a refusal: whether somebody else's asks came before it is a matter of their clock."""
    refusal = {"outcome": "fail", "status": 409, "refused": True, "reason": "sold_out"}
    run.change = lambda at_s, op, _: refusal if op == "buy" and at_s < 1 else {}
    kind = INVARIANTS["no_false_refusal"]
    run.checks.append(InvariantCheck(invariant=kind, params=kind.params()))
    assert found(run.judge(), "no_false_refusal").verdict is Verdict.VIOLATED
    run.driver.update(workers=two(offset_s=0.031))
    finding = found(run.judge(), "no_false_refusal")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "its clock is off" in finding.reason
    oversell(run)
    judgement = run.judge()
    assert found(judgement, "no_oversell").verdict is Verdict.VIOLATED, (
        "how many seats there are is no matter of clocks"
    )


def test_invariants_that_compare_clocks_are_there():
    assert INVARIANTS.keys() >= COMPARES_CLOCKS


def test_clocks_are_judged_where_workers_are_elsewhere(run, found):
    run.driver.update(workers=two(offset_s=0.012))
    finding = found(run.judge(), "self_check:clocks")
    assert finding.verdict is Verdict.HELD
    assert finding.expected == "clocks of load workers elsewhere within 30 ms"
    assert finding.figures["clock_bound_ms"] == 22.0
    run.driver.update(workers=[WorkerReport(worker=0, ended="finished")])
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
    run.event(EventKind.RUN_STARTED)
    run.events.insert(1, (EventKind.PREPARED, {"variant": "attempt", "code": "c0de"}))
    for kind, data in run.events:
        if kind is EventKind.IDENTITY and before:
            data["parts"] = {**data["parts"], "code": before}
    assert found(run.judge(), "self_check:no_restart").verdict is verdict


def test_a_part_that_the_scenario_kills_may_restart(run, found):
    run.faults.append(ExpectedFault(id="kill-2", kind="kill", on="worker"))
    run.event(EventKind.IDENTITY).update(parts={"api": "1", "worker": "0"})
    assert found(run.judge(), "self_check:no_restart").verdict is Verdict.HELD


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


@pytest.mark.parametrize("busy", [{"cpu_busy": 0.95}, {"steal": 0.1}, {"api_core": 0.95}], ids=str)
def test_a_saturated_host_is_no_verdict_about_that_phase_but_invariants_count(run, found, busy):
    for sample in run.host[10:13]:
        sample.update(busy)
    judgement = run.judge()
    finding = found(judgement, "slo:success_ratio[spike,browse]")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "3 of 10 s of spike" in finding.reason
    assert finding.measured == "100 % over 80 operations"
    assert found(judgement, "no_oversell").verdict is Verdict.HELD
    assert found(judgement, "steady_state:success_ratio").verdict is Verdict.HELD


def test_a_fifth_of_the_seconds_is_tolerated(run):
    for sample in run.host[10:12]:
        sample.update(cpu_busy=1.0)
    assert run.judge().verdict is Verdict.HELD


def test_a_host_that_nobody_watched_is_no_verdict_either(run, found):
    run.host = run.host[:10]
    finding = found(run.judge(), "slo:success_ratio[spike,browse]")
    assert finding.reason == "the host was watched for 0 of 10 s of spike"


def test_recovery_looks_at_the_host_after_the_lift_only(run, found):
    for sample in run.host[:18]:
        sample.update(cpu_busy=1.0)
    assert found(run.judge(), "recovers_within").verdict is Verdict.HELD
    for sample in run.host[18:21]:
        sample.update(cpu_busy=1.0)
    finding = found(run.judge(), "recovers_within")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "3 of 12 s of the time after the last lift" in finding.reason


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
