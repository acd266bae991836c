"""Who takes a message while the worker is dead or stands still is somebody else."""

from __future__ import annotations

import pytest

from chaos.judge.foreign import foreign_worker
from chaos.model.evidence import BrokerMessage, EndState
from chaos.model.verdict import FaultRecord, Verdict

T0 = 1000.0


def fault(kind: str, on: str = "worker", *, lifted_s: float | None = 14.0) -> FaultRecord:
    return FaultRecord(
        id="1", kind=kind, on=on, injected_s=10.0, lifted_s=lifted_s, exposure=1, exposed_at_least=1, proven=True,
        problem="",
    )  # fmt: skip


def taken(at_s: float | None) -> EndState:
    message = BrokerMessage(
        tag="t", task="shop.charge", task_id="i", retries=0, arguments="", queued_unix_s=T0,
        delivered_unix_s=None if at_s is None else T0 + at_s,
    )  # fmt: skip
    return EndState(broker_messages=[message])


@pytest.mark.parametrize(
    ("kind", "at_s", "verdict"),
    [
        ("kill", 10.3, Verdict.INCONCLUSIVE),
        ("kill", 10.1, Verdict.HELD),  # asked for before it died
        ("kill", 11.5, Verdict.HELD),  # a new worker
        ("kill", None, Verdict.HELD),
        ("pause", 13.9, Verdict.INCONCLUSIVE),
        ("pause", 14.1, Verdict.HELD),
    ],
)
def test_a_message_that_was_taken_while_the_worker_was_away(kind: str, at_s: float | None, verdict: Verdict) -> None:
    (finding,) = foreign_worker([fault(kind)], taken(at_s), T0)
    assert finding.verdict is verdict
    assert ("shop.charge at" in finding.reason) is (verdict is Verdict.INCONCLUSIVE)


def test_without_a_record_it_is_unknown() -> None:
    lost = EndState(missing={"broker_messages": "MONITOR: gone"})
    for state, t0 in ((None, T0), (lost, T0), (taken(10.3), None)):
        (finding,) = foreign_worker([fault("kill")], state, t0)
        assert finding.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "other", [fault("kill", "api"), fault("latency", "shop_to_broker"), fault("pause", lifted_s=None)]
)
def test_of_other_faults_nothing_is_asked(other: FaultRecord) -> None:
    assert list(foreign_worker([other], None, None)) == []
