"""Each kind of fault on the real stack, through the engine's own adapters: proven, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.lab import Adapters, connect
from chaos.config import Stack, read_stack
from chaos.faults import KINDS, FaultKind, Held
from chaos.heal import deviations, heal
from chaos.model.faults import InstantFault
from chaos.ports import Lab

pytestmark = [pytest.mark.stack, pytest.mark.extended, pytest.mark.timeout(300)]

CHECKOUT = Path(__file__).resolve().parents[2]
TOXICS: dict[str, dict[str, Any]] = {
    "down": {},
    "latency": {"latency": "120ms"},
    "bandwidth": {"rate": "20KB/s"},
    "slow_close": {"delay": "300ms"},
    "timeout": {},
    "reset_peer": {"timeout": "200ms"},
    "slicer": {"average_size": 64, "delay": "2ms"},
    "limit_data": {"bytes": 250},
}
CASES = [
    (kind, {"on": proxy, **keys})
    for kind, keys in TOXICS.items()
    for proxy in ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway", "shop_to_mail")
]
CASES += [(kind, {**keys, "stream": "upstream"}) for kind, keys in CASES if kind != "down"]
CASES += [
    ("status", {"on": "gateway", "code": 502, "share": "20%"}),
    ("charge_then_drop", {"on": "gateway", "share": "20%"}),
    ("pause", {"on": "api"}),
    ("pause", {"on": "worker"}),
]


@pytest.fixture(scope="module")
def adapters(stack: Any) -> Adapters:
    book = read_stack(stack.stack_file)
    assert isinstance(book, Stack)
    return connect(book, "hardened")


@pytest.fixture
def lab(adapters: Adapters) -> Lab:
    return adapters.lab


def held_of(kind: str, keys: dict[str, Any]) -> tuple[FaultKind, Held]:
    found = KINDS[kind]
    when = {"at": "spike"} if issubclass(found.params, InstantFault) else {"from": "spike", "for": "20s"}
    params = found.params.model_validate({"inject": kind, **when, **keys})
    return found, Held(id=f"1-{kind}-{params.on}", params=params)


@pytest.mark.parametrize(("kind", "keys"), CASES, ids=lambda value: value if isinstance(value, str) else value["on"])
def test_proven_and_gone(lab: Lab, kind: str, keys: dict[str, Any]) -> None:
    fault, held = held_of(kind, keys)
    try:
        fault.arm(held, lab)
        fault.inject(held, lab)
        proof = fault.prove(held, lab)
        dirty = deviations(lab)
        count, witness = fault.exposure(held, lab)
    finally:
        fault.lift(held, lab)
    gone = fault.gone(held, lab)
    assert proof.proven, (proof.reason, proof.canary)
    assert dirty, "nobody would have found it"
    assert count >= 0
    assert witness
    assert gone.proven, gone.reason
    assert deviations(lab) == []


def test_every_kind_is_here() -> None:
    ending = {kind.name for kind in KINDS.values() if kind.restarts}  # a run kills; the test below asks politely
    assert {kind for kind, _ in CASES} | ending == set(KINDS)


@pytest.mark.parametrize("on", ["api", "worker"])
def test_a_process_that_was_asked_to_end_is_gone_and_comes_back(lab: Lab, on: str) -> None:
    fault, held = held_of("terminate", {"on": on})
    fault.arm(held, lab)
    try:
        fault.inject(held, lab)
        proof = fault.prove(held, lab)
    finally:
        fault.lift(held, lab)
    gone = fault.gone(held, lab)
    assert proof.proven, proof.reason
    assert len(proof.read_back["signalled_pids"]) > 1, "a master and its children"
    assert gone.proven, gone.reason
    assert gone.read_back["pgid"] not in {None, proof.read_back["pgid"]}
    give_up = time.monotonic() + 60
    while lab.canary.process(on, timeout_s=5.0).round_trip_s is None:  # it is started, and not yet listening
        assert time.monotonic() < give_up, on
        time.sleep(0.2)
    assert deviations(lab) == []


def test_canaries_leave_no_error_behind(adapters: Adapters) -> None:
    adapters.postgres.mark_log()
    mails = adapters.world.mails()
    for proxy in ("shop_to_postgres", "shop_to_gateway", "shop_to_mail"):
        for size in (1, 8000):
            assert adapters.lab.canary.echo(proxy, size, timeout_s=10.0, finish=True).whole
    adapters.lab.gateway.canary(timeout_s=10.0)
    assert adapters.postgres.errors() == []
    assert not any(charge.order_id == "canary" for charge in adapters.world.charges())
    assert not any(call.order_id == "canary" for call in adapters.world.gateway_calls())
    assert adapters.world.mails() == mails


def test_a_worker_that_is_on_its_way_back_answers_as_soon_as_it_is_there(lab: Lab) -> None:
    """A ping reaches those who listen at that moment; a worker without its broker does not."""
    fault, held = held_of("down", {"on": "shop_to_broker"})
    fault.arm(held, lab)
    fault.inject(held, lab)
    with ThreadPoolExecutor(1) as asking:
        try:
            assert lab.canary.process("worker", timeout_s=2.0).round_trip_s is None
            asked = asking.submit(lab.canary.process, "worker", timeout_s=60.0)
            time.sleep(1.0)
            assert not asked.done()
        finally:
            fault.lift(held, lab)
        assert asked.result().round_trip_s is not None
    assert fault.gone(held, lab).proven


def test_healing_lifts_what_all_kinds_leave(lab: Lab) -> None:
    """As the agent does in the place of a runner that died: nothing is known but the lab itself."""
    for kind, on in (
        ("down", "shop_to_cache"),
        ("timeout", "shop_to_broker"),
        ("reset_peer", "shop_to_postgres"),
        ("status", "gateway"),
        ("charge_then_drop", "gateway"),
        ("pause", "worker"),
        ("pause", "api"),
    ):
        fault, held = held_of(kind, {"on": on} | TOXICS.get(kind, {}))
        fault.inject(held, lab)
    found, left = heal(lab, patience_s=20.0)
    assert left == []
    assert len(found) == 7, found
    assert deviations(lab) == []
    for process in ("api", "worker"):
        assert lab.canary.process(process, timeout_s=60.0).round_trip_s is not None
    assert heal(lab, patience_s=1.0) == ([], [])


@pytest.mark.parametrize("kind", ["status", "pause", "gate"])
def test_the_agent_lifts_what_a_dead_runner_leaves(lab: Lab, stack: Any, tmp_path: Path, kind: str) -> None:
    """A process takes the lease, injects, and is killed: within the lease (5 s) the lab is pristine again."""
    on = {"status": "gateway", "pause": "worker", "gate": ""}[kind]
    script = tmp_path / "runner.py"
    script.write_text(LEASE + (GATE if kind == "gate" else RUNNER))
    runner = subprocess.Popen(
        [sys.executable, str(script), kind, on],
        cwd=CHECKOUT,
        env={**stack.environment, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == "injected\n"
    assert deviations(lab)
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    give_up = time.monotonic() + 30
    while left := deviations(lab):
        assert time.monotonic() < give_up, left
        time.sleep(0.1)


LEASE = """
import sys
from chaos.adapters.gate import Gate
from chaos.adapters.lab import connect
from chaos.config import LEASE_S, evidence_dir, read_stack
from chaos.faults import KINDS
from chaos.faults import Held

kind, on = sys.argv[1:]
stack = read_stack()
adapters = connect(stack, "hardened")
folder = evidence_dir() / f"dead-{kind}"
folder.mkdir(parents=True, exist_ok=True)
adapters.lease.renew(run_id=folder.name, folder=folder, ttl_s=LEASE_S)
"""
GATE = """
gate = Gate(stack.postgres, adapters.postgres.database)
gate.install()
gate.hold("somebody", [2])
print("injected", flush=True)
sys.stdin.read()
"""
RUNNER = """
fault = KINDS[kind]
held = Held(id="1", params=fault.params.model_validate({"inject": kind, "on": on, "from": "spike", "for": "9s"}))
fault.inject(held, adapters.lab)
print("injected", flush=True)
sys.stdin.read()
"""
