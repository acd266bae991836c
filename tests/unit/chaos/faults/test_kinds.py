"""Each kind of fault: inject, prove, count, lift, and show that it is gone; and what must not pass for a proof."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.errors import LabBroken
from chaos.faults import KINDS, FaultKind, Held
from chaos.faults._charges import WITNESS
from chaos.model.faults import FaultParams
from chaos.ports import CanaryReading, ToxicSpec
from tests.unit.chaos.fakes import ROUND_TRIP_S, Outside
from tests.unit.chaos.faults.samples import KEYS


def held_of(kind: FaultKind, **keys: Any) -> Held:
    params: FaultParams = kind.params.model_validate({"inject": kind.name, **keys})
    return Held(id=f"1-{kind.name}", params=params)


def latency(**keys: Any) -> Held:
    return held_of(
        KINDS["latency"],
        **{"on": "shop_to_gateway", "latency": "300ms", "jitter": "50ms", "from": "spike", "for": "6s", **keys},
    )


def down(**keys: Any) -> Held:
    return held_of(KINDS["down"], **{"on": "shop_to_postgres", "from": "spike", "for": "6s", **keys})


def ending(name: str, **keys: Any) -> Held:
    return held_of(KINDS[name], **{"on": "worker", "at": "spike", **keys})


def test_kinds_are_found_by_discovery_and_say_what_they_do() -> None:
    assert sorted(KINDS) == sorted(KEYS)
    assert all(kind.doc.endswith(".") for kind in KINDS.values())


# --- latency ---------------------------------------------------------------------------------------------------------


def test_latency_from_arming_to_gone() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    kind.arm(held, outside.lab)
    assert outside.proxies.dirt == []
    kind.inject(held, outside.lab)
    assert outside.proxies.toxics["shop_to_gateway"] == {
        "1-latency": ToxicSpec(name="1-latency", type="latency", attributes={"latency": 300, "jitter": 50})
    }
    assert held.injected_unix_s == held.effective_unix_s == 1000.0
    proof = kind.prove(held, outside.lab)
    assert proof.proven
    assert proof.reason == ""
    assert proof.read_back == {"name": "1-latency", "attributes": {"latency": 300, "jitter": 50}}
    assert proof.canary == {"before_s": ROUND_TRIP_S, "during_s": ROUND_TRIP_S + 0.3, "least_s": 0.248}
    assert kind.exposure(held, outside.lab) == (5, "passed")
    kind.lift(held, outside.lab)
    assert outside.proxies.dirt == []
    assert kind.gone(held, outside.lab).proven
    kind.lift(held, outside.lab)  # idempotent


def test_latency_that_no_canary_feels_is_not_proven() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    outside.canary.numb = True
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.reason == "the canary took 0.001 s, expected at least 0.248 s"


def test_a_canary_that_was_slow_before_proves_nothing() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    outside.canary.slow_s = 0.4
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.reason == "the canary took 0.401 s before the fault, expected less than 0.248 s"


def test_a_canary_without_an_answer_before_proves_nothing() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    outside.canary.dead.add("shop_to_gateway")
    kind.arm(held, outside.lab)
    outside.canary.dead.clear()
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.reason == (
        "the canary got no answer before the fault (closed without an answer), so nothing can be compared"
    )


def test_a_canary_without_an_answer_during_the_latency_proves_nothing() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.canary.dead.add("shop_to_gateway")
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.reason == "the canary got no answer (closed without an answer), expected one after 0.248 s or more"


def test_jitter_as_large_as_the_latency_still_has_to_be_felt() -> None:
    """300 ms ± 300 ms may be no delay at all, so a canary that feels none proves nothing."""
    outside, kind, held = Outside(), KINDS["latency"], latency(jitter="300ms")
    outside.canary.numb = True
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.canary["least_s"] == 0.148
    assert outside.canary.reads == 3 + 8


def test_toxicity_below_one_is_looked_for_on_many_connections() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency(toxicity="10%")

    class OneInForty:
        reads = 0

        def read(self, proxy: str, *, timeout_s: float) -> CanaryReading:
            self.reads += 1
            return CanaryReading(connected=True, round_trip_s=0.301 if self.reads % 40 == 0 else 0.001)

    outside.canary = OneInForty()  # type: ignore[assignment]
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert kind.prove(held, outside.lab).proven
    assert OneInForty.reads == 0
    assert outside.canary.reads == 40
    assert outside.proxies.toxics["shop_to_gateway"]["1-latency"].toxicity == 0.1


def test_latency_whose_injection_failed_but_landed_is_lifted() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    outside.proxies.broken, outside.proxies.lands = {"add_toxic": 1}, True
    kind.arm(held, outside.lab)
    with pytest.raises(LabBroken):
        kind.inject(held, outside.lab)
    assert outside.proxies.dirt == ["proxy shop_to_gateway: got toxic 1-latency"]
    kind.lift(held, outside.lab)
    assert outside.proxies.dirt == []


def test_latency_is_not_gone_while_the_canary_gets_no_answer() -> None:
    outside, kind, held = Outside(), KINDS["latency"], latency()
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    kind.lift(held, outside.lab)
    outside.canary.dead.add("shop_to_gateway")
    gone = kind.gone(held, outside.lab)
    assert not gone.proven
    assert gone.reason == "after lifting the canary got no answer: closed without an answer"


# --- down ------------------------------------------------------------------------------------------------------------


def test_down_from_arming_to_gone() -> None:
    outside, kind, held = Outside(), KINDS["down"], down()
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert outside.proxies.enabled["shop_to_postgres"] is False
    proof = kind.prove(held, outside.lab)
    assert proof.proven
    assert proof.canary == {"before": "connected", "during": "refused (ConnectionRefusedError)"}
    kind.lift(held, outside.lab)
    assert outside.proxies.dirt == []
    assert kind.gone(held, outside.lab).proven


def test_down_that_the_canary_does_not_feel() -> None:
    outside, kind, held = Outside(), KINDS["down"], down()
    kind.arm(held, outside.lab)
    outside.canary.numb = True
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert (proof.proven, proof.reason) == (False, "the canary could connect, expected a refusal")


def test_down_that_was_down_before() -> None:
    outside, kind, held = Outside(), KINDS["down"], down()
    outside.proxies.enabled["shop_to_postgres"] = False
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert not proof.proven
    assert proof.reason == (
        "the canary was refused before the fault already (ConnectionRefusedError), expected a connection"
    )


@pytest.mark.parametrize(
    ("cut", "unanswered", "expected"),
    [
        (7, 2, (7, "cut")),
        (0, 4, (4, "client's history: operations without an answer")),
        (0, 0, (0, "cut")),
    ],
)
def test_down_is_felt_by_cut_connections_or_by_clients_without_an_answer(
    cut: int, unanswered: int, expected: tuple[int, str]
) -> None:
    outside, kind, held = Outside(), KINDS["down"], down()
    outside.upstream.count, outside.client.unanswered = cut, unanswered
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.clock.now += 6.0
    assert kind.exposure(held, outside.lab) == expected
    assert outside.client.asked == [(1000.0, 1006.0)]


def test_down_is_not_gone_while_its_upstream_does_not_answer() -> None:
    outside, kind, held = Outside(), KINDS["down"], down()
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    kind.lift(held, outside.lab)
    outside.canary.dead.add("shop_to_postgres")
    gone = kind.gone(held, outside.lab)
    assert (gone.proven, gone.reason) == (
        False,
        "after lifting the canary got no answer: closed without an answer",
    )


# --- kill and terminate ----------------------------------------------------------------------------------------------

ENDING = pytest.mark.parametrize("name", ["kill", "terminate"])


@ENDING
def test_an_end_of_a_process_from_arming_to_gone(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.asked = (999.5, 999.9)
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert proof.proven
    questions = {"questions_to_gateway_s": [0.5, 0.1]}
    assert proof.read_back == {"pgid": 200, "signalled_pids": [200, 201], "alive": [], **questions}
    assert kind.exposure(held, outside.lab) == (3, WITNESS)
    assert outside.gateway.asked == [((999.5, 999.9), 1000.0)]
    kind.lift(held, outside.lab)
    gone = kind.gone(held, outside.lab)
    assert gone.proven
    assert gone.read_back == {"pgid": 1001}


@ENDING
def test_an_end_waits_for_a_group_that_dies_slowly(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.survives_looks = 5
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert kind.prove(held, outside.lab).proven
    assert outside.clock.now == pytest.approx(1000.25)


@ENDING
def test_an_end_with_survivors_is_not_proven(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.survives_looks = 10**6
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert (proof.proven, proof.reason) == (
        False,
        f"process group 200: got [201] alive {5 if name == 'kill' else 15} s after the {name}, expected none",
    )


@ENDING
def test_the_end_of_no_process_is_not_proven(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.pids_of_nobody = True
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    proof = kind.prove(held, outside.lab)
    assert (proof.proven, proof.reason) == (
        False,
        f"process group 200: got nobody to {name}, expected the processes of worker",
    )


@ENDING
def test_an_end_without_a_restart_is_never_lifted(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.restart_after_looks = 10**6
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    with pytest.raises(LabBroken, match=rf"^worker: got no new process 20 s after the {name}, expected one$"):
        kind.lift(held, outside.lab)
    assert kind.gone(held, outside.lab).reason == "worker: not running"


@ENDING
def test_the_old_process_is_no_restart(name: str) -> None:
    """supervisord goes on naming the dead process until it has noticed."""
    outside, kind, held = Outside(), KINDS[name], ending(name)
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    outside.processes.groups["worker"] = 200
    with pytest.raises(LabBroken, match="no new process"):
        kind.lift(held, outside.lab)


@ENDING
def test_lifting_an_end_that_never_happened(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.broken = True
    kind.arm(held, outside.lab)
    with pytest.raises(LabBroken):
        kind.inject(held, outside.lab)
    kind.lift(held, outside.lab)
    assert kind.gone(held, outside.lab).proven
    assert outside.processes.killed == outside.processes.terminated == []


@ENDING
def test_a_worker_whose_connections_nobody_could_see_has_no_exposure(name: str) -> None:
    outside, kind, held = Outside(), KINDS[name], ending(name)
    outside.processes.asked = None
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    with pytest.raises(LabBroken, match="worker: got no list of its connections"):
        kind.exposure(held, outside.lab)


def test_a_killed_api_is_felt_by_its_clients_not_by_the_gateway() -> None:
    outside, kind, held = Outside(), KINDS["kill"], ending("kill", on="api")
    outside.client.unanswered = 2
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert kind.exposure(held, outside.lab) == (2, "client's history: operations without an answer")
    assert outside.client.asked == [(999.0, 1001.0)]
    assert outside.gateway.asked == []


def test_whom_a_polite_end_of_the_api_met_was_under_way() -> None:
    outside, kind, held = Outside(), KINDS["terminate"], ending("terminate", on="api")
    outside.client.waiting = 4
    kind.arm(held, outside.lab)
    kind.inject(held, outside.lab)
    assert (outside.processes.terminated, outside.processes.killed) == (["api"], [])
    assert kind.exposure(held, outside.lab) == (4, "client's history: operations under way")
    assert outside.client.asked == [(1000.0, 1000.0)]


@pytest.mark.parametrize(("name", "away"), [("kill", (10.0, 10.6)), ("terminate", None), ("pause", (10.0, 14.0))])
def test_when_a_target_certainly_did_nothing(name: str, away: tuple[float, float] | None) -> None:
    assert KINDS[name].away(10.0, 14.0) == away
