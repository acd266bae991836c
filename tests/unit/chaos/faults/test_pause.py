"""`pause`: a group that is stopped, seen by the kernel and felt by whoever asks it."""

from __future__ import annotations

import pytest

from chaos.errors import LabBroken
from chaos.faults import KINDS
from chaos.faults._charges import WITNESS
from tests.unit.chaos.fakes import ROUND_TRIP_S, Outside
from tests.unit.chaos.faults.samples import held_of, injected


def test_a_paused_worker_from_arming_to_the_proof_of_its_end() -> None:
    outside, held = Outside(), held_of("pause")
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    assert proof.read_back == {"pgid": 200, "paused_pids": [201], "running": [], "questions_to_gateway_s": [0.1]}
    assert proof.canary == {"before_s": ROUND_TRIP_S, "during": "ReadTimeout"}
    assert outside.processes.paused == {"worker"}
    kind.lift(held, outside.lab)
    assert outside.processes.paused == set()
    gone = kind.gone(held, outside.lab)
    assert gone.proven
    assert gone.canary == {"after_s": ROUND_TRIP_S}
    kind.lift(held, outside.lab)  # idempotent


def test_a_group_of_which_some_run_on_is_not_proven() -> None:
    outside, held = Outside(), held_of("pause")
    outside.processes.survivors = lambda process, pgid: [pgid, pgid + 1]  # type: ignore[method-assign]
    _, proof = injected(outside, held)
    assert (proof.proven, proof.reason) == (False, "process group 200: got [200] running, expected them paused")


def test_a_pause_without_a_process_is_not_proven() -> None:
    outside, held = Outside(), held_of("pause")
    outside.processes.stopped = lambda process, pgid: []  # type: ignore[method-assign]
    _, proof = injected(outside, held)
    assert (proof.proven, proof.reason) == (
        False,
        "process group 200: got nobody paused, expected the processes of worker",
    )


def test_a_worker_that_answers_all_the_same_is_not_proven() -> None:
    outside, held = Outside(), held_of("pause")
    outside.canary.numb = True
    _, proof = injected(outside, held)
    assert (proof.proven, proof.reason) == (False, "worker answered after 0.001 s, expected no answer")


def test_a_worker_that_was_silent_before_proves_nothing() -> None:
    outside, held = Outside(), held_of("pause")
    outside.canary.dead.add("worker")
    _, proof = injected(outside, held)
    assert (proof.proven, proof.reason) == (
        False,
        "worker gave no answer before the fault (ReadTimeout), so nothing can be compared",
    )


def test_a_paused_worker_is_met_by_the_tasks_that_wait_for_it() -> None:
    outside, held = Outside(), held_of("pause")
    outside.upstream.count, outside.gateway.calls = 5, 3
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab) == (5, "cut")
    assert outside.upstream.asked == [("worker", True)]


def test_a_pause_on_a_trigger_is_met_by_the_charges_that_were_in_flight_only() -> None:
    outside = Outside()
    held = held_of("pause", **{"from": None, "when": "charge_in_flight", "after": "spike"})
    outside.gateway.calls, outside.processes.asked = 0, (999.9,)
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab) == (0, WITNESS)
    assert outside.gateway.asked == [((999.9,), 1000.0)]


def test_a_paused_api_is_met_by_operations_that_wait() -> None:
    outside, held = Outside(), held_of("pause", on="api")
    outside.client.waiting, outside.client.unanswered = 7, 99
    kind, proof = injected(outside, held)
    assert proof.proven, proof.reason
    outside.clock.now += 3.0
    assert kind.exposure(held, outside.lab) == (7, "client's history: operations that waited")
    assert outside.client.asked == [(1000.0, 1003.0)]


def test_a_pause_that_no_task_meets_counts_no_exposure() -> None:
    outside, held = Outside(), held_of("pause")
    outside.upstream.count = outside.gateway.calls = 0
    kind, _ = injected(outside, held)
    assert kind.exposure(held, outside.lab)[0] == 0


def test_a_group_that_stays_paused_is_not_lifted() -> None:
    outside, held = Outside(), held_of("pause")
    outside.processes.unresumable = True
    kind, _ = injected(outside, held)
    kind.lift(held, outside.lab)
    gone = kind.gone(held, outside.lab)
    assert (gone.proven, gone.reason) == (False, "worker: got [201] still paused, expected it to run")


def test_a_process_that_runs_but_does_not_answer_is_not_lifted() -> None:
    outside, held = Outside(), held_of("pause")
    kind, _ = injected(outside, held)
    kind.lift(held, outside.lab)
    outside.canary.dead.add("worker")
    gone = kind.gone(held, outside.lab)
    assert (gone.proven, gone.reason) == (False, "worker gave no answer after it was resumed: ReadTimeout")
    held.beside = ("2-down-shop_to_broker",)  # which keeps the ping away: the kernel's word is what there is
    assert kind.gone(held, outside.lab).proven


def test_a_pause_that_failed_is_lifted_all_the_same() -> None:
    outside, held = Outside(), held_of("pause")
    outside.processes.broken = True
    with pytest.raises(LabBroken):
        injected(outside, held)
    outside.processes.paused.add("worker")  # it landed
    KINDS["pause"].lift(held, outside.lab)
    assert outside.processes.paused == set()
