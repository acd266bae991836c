"""What the bench counts as a fault that was left."""

import pytest

from bench.killed_programs import faults_left
from chaos.errors import LabBroken
from tests.unit.chaos.fakes import Outside


@pytest.fixture
def outside():
    return Outside()


def test_nothing_is_left_of_a_pristine_lab(outside):
    assert faults_left(lambda: outside.lab) == []


def test_stopped_processes_and_switches_of_the_gateway_count(outside):
    outside.processes.pause_group("worker")
    outside.gateway.switch("status", {"ratio": 0.5, "code": 500}, seed=1)
    outside.gate.databases.append("shop_naive")
    assert faults_left(lambda: outside.lab) == [
        "worker: got paused processes",
        "gateway: got the fault status",
        "shop_naive: has the gate of forced interleavings",
    ]


def test_a_lab_that_cannot_be_asked_is_not_pristine():
    def down():
        raise LabBroken("stack: got a stack that is down, expected it up")

    assert faults_left(down) == ["stack: got a stack that is down, expected it up"]
