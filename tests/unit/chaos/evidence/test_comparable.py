"""One rule of what may be compared, and no axis that is aligned in secret."""

from __future__ import annotations

from typing import Any

import pytest

from chaos.evidence.comparable import Axis, axis, problems
from chaos.model.verdict import VerdictDocument
from tests.unit.chaos.documents import document

FELT = {"exposure": 3, "exposed_at_least": 1, "proven": True, "problem": ""}
LATENCY = {"id": "1-latency-x", "kind": "latency", "on": "x", "injected_s": 10.0, "lifted_s": 16.0, **FELT}
KILL = {"id": "2-kill-worker", "kind": "kill", "on": "worker", "injected_s": 12.0, "lifted_s": 12.5, **FELT}


def run(run_id: str, **more: Any) -> VerdictDocument:
    phases = [{"name": "calm", "start_s": 0.0, "end_s": 8.0}, {"name": "rush", "start_s": 8.0, "end_s": 20.0}]
    return document(**{"run_id": run_id, "phases": phases, "faults": [LATENCY, KILL], **more})


def test_two_runs_that_did_the_same_are_comparable() -> None:
    assert problems(run("a"), run("b", variant="hardened")) == []


def test_sections_of_exchanges_take_as_long_as_they_take() -> None:
    """Until now no two exchange runs were comparable: `expected the same phases`."""
    one, two = ([{"name": "reads", "start_s": at_s, "end_s": at_s + 20}] for at_s in (0.19264, 0.222433))
    assert problems(run("a", phases=one, faults=[]), run("b", phases=two, faults=[])) == []
    other = [{"name": "change", "start_s": 0.2, "end_s": 20.0}]
    assert "the same phases" in problems(run("a", phases=one, faults=[]), run("b", phases=other, faults=[]))[0]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scenario": "own/y"}, "scenario: got 'own/x' in a and 'own/y' in b"),
        ({"seed": 8}, "seed: got 7 in a and 8 in b"),
        ({"scale": 0.5}, "scale: got 1.0 in a and 0.5 in b"),
        ({"hypothesis": "It breaks."}, "expected the same hypothesis"),
        ({"phases": [{"name": "calm", "start_s": 0.0, "end_s": 9.0}]}, "expected the same phases"),
        ({"faults": [LATENCY]}, "expected the same faults"),
        ({"faults": [{**LATENCY, "on": "y"}, KILL]}, "expected the same faults"),
        ({"run_id": "a"}, "got a twice"),
    ],
)
def test_runs_that_did_something_else_are_not(more: dict[str, Any], said: str) -> None:
    found = problems(run("a"), run(**{"run_id": "b", **more}))
    assert found
    assert said in found[0]


def test_the_axis_begins_where_the_first_fault_took_effect_in_both() -> None:
    late = run("b", faults=[{**LATENCY, "injected_s": 10.4}, KILL])
    assert axis(run("a"), late) == Axis(zero_s=(10.0, 10.4), fault="latency on x")


def test_a_fault_that_never_took_effect_is_said_and_nothing_is_aligned_to_it() -> None:
    """Its second fault would be second 0 of the one, and the first fault that of the other."""
    missed = run("b", faults=[{**LATENCY, "injected_s": None}, KILL])
    found = axis(run("a"), missed)
    assert (found.zero_s, found.fault) == ((0.0, 0.0), "")
    assert found.cautions[0] == "latency on x never took effect in b."
    assert "from the start of the load" in found.cautions[1]


def test_a_run_without_faults_begins_with_its_load() -> None:
    assert axis(run("a", faults=[]), run("b", faults=[])) == Axis()
